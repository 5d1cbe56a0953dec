"""Bundles: what loads is exactly what was sealed, and nothing that can run code or mean the opposite."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from dfdetect.errors import ErrorCode, ModelUnusable
from dfdetect.models.bundle import MODELS_ENV, find_bundle, list_bundles, load_bundle, seal
from dfdetect.models.calibration_file import calibration_from_json, calibration_to_json
from dfdetect.models.manifest import MANIFEST
from tiny_bundle import make_tiny_bundle, tiny_calibration


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return make_tiny_bundle(tmp_path / "tiny")


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def flip_a_byte(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)


def test_what_was_written_is_what_loads(bundle: Path) -> None:
    found = load_bundle(bundle)
    assert found.info.name == "tiny"
    assert found.networks[0].model == (bundle / "model.onnx").read_bytes()
    assert found.calibration == tiny_calibration()
    assert found.networks[0].spec.input_size_px == 64
    assert found.manifest.weights_licence == "Apache-2.0"
    assert load_bundle(bundle).sha256 == found.sha256


@pytest.mark.parametrize("name", ["model.onnx", "spec.json", "calibration.json", "card.md"])
def test_one_altered_bit_is_refused_with_both_hashes(bundle: Path, name: str) -> None:
    expected = load_bundle(bundle).manifest.files[name]
    flip_a_byte(bundle, name)
    with pytest.raises(ModelUnusable, match=f"{name}.*expected SHA-256 {expected}, found [0-9a-f]{{64}}") as caught:
        load_bundle(bundle)
    assert caught.value.code is ErrorCode.MODEL_UNUSABLE


@pytest.mark.parametrize("name", ["model.onnx", "spec.json", "calibration.json", "card.md", MANIFEST])
def test_a_missing_file_is_named(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    with pytest.raises(ModelUnusable, match=name):
        load_bundle(bundle)


class _Bomb:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return (exec, ("raise SystemExit('the pickle ran')",))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("model.pt", b"anything"),
        ("weights.PTH", b"anything"),
        ("model.pkl", pickle.dumps(_Bomb())),
        ("model.onnx", pickle.dumps(_Bomb())),  # a pickle by another name
        ("model.onnx", b"PK\x03\x04" + b"\0" * 60),  # what torch.save writes
    ],
)
def test_a_pickle_is_refused_and_never_opened(bundle: Path, name: str, data: bytes) -> None:
    (bundle / name).write_bytes(data)
    with pytest.raises(ModelUnusable, match="can run code"):
        load_bundle(bundle)
    with pytest.raises(ModelUnusable, match="can run code"):
        seal(bundle)


def test_weights_in_another_file_are_refused(bundle: Path) -> None:
    """ONNX Runtime reads external data beside the working directory even for a model given as bytes: the hash of
    model.onnx would be right and the weights anybody's."""
    onnx = pytest.importorskip("onnx")
    model = onnx.load(bundle / "model.onnx")
    outside = bundle.parent / "outside"
    outside.mkdir()
    onnx.save(model, outside / "model.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    assert (outside / "w.bin").exists()
    (bundle / "model.onnx").write_bytes((outside / "model.onnx").read_bytes())
    with pytest.raises(ModelUnusable, match="in other files"):
        seal(bundle)


def test_a_file_too_many_is_refused_but_hidden_ones_are_not(bundle: Path) -> None:
    (bundle / ".DS_Store").write_bytes(b"x")
    load_bundle(bundle)
    (bundle / "model.onnx.data").write_bytes(b"x")
    with pytest.raises(ModelUnusable, match=r"model\.onnx\.data"):
        load_bundle(bundle)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"label_polarity": "0 = manipulated"}, "label_polarity '1 = manipulated'; found '0 = manipulated'"),
        ({"schema": "dfdetect.bundle/9"}, "schema"),
        ({"colour": "red"}, "colour"),
        ({"weights_licence": ""}, "weights_licence"),
        ({"experimental": "no"}, "experimental"),
        ({"files": {"model.onnx": "00"}}, "expected hashes of"),
        ({"files": {"../../etc/passwd": "00"}}, "expected hashes of"),
    ],
)
def test_a_wrong_manifest_is_refused(bundle: Path, changes: dict[str, object], match: str) -> None:
    edit(bundle / MANIFEST, **changes)
    with pytest.raises(ModelUnusable, match=match):
        load_bundle(bundle)


@pytest.mark.parametrize("text", ["", "{", "[]", "\xff", "null"])
def test_a_manifest_that_is_not_json_is_refused(bundle: Path, text: str) -> None:
    (bundle / MANIFEST).write_bytes(text.encode("latin-1"))
    with pytest.raises(ModelUnusable, match=r"manifest\.json"):
        load_bundle(bundle)


def test_a_reversed_spec_is_refused(bundle: Path) -> None:
    edit(bundle / "spec.json", positive="real")
    with pytest.raises(ModelUnusable, match="manipulated"):
        seal(bundle)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda c: c.update(scale=-1.0), "scale"),
        (lambda c: c.update(scale=float("nan")), "calibration.json"),
        (lambda c: c.update(temperature=2), "temperature"),
        (lambda c: c.update(thresholds={}), "at least one kind"),
        (lambda c: c["thresholds"].update(audio=c["thresholds"]["image"]), "audio"),
        (lambda c: c["thresholds"]["image"]["1"].update(likely_manipulated=0.1), "lower bound is above"),
        (lambda c: c["thresholds"]["image"]["1"].update(likely_manipulated=1.1), "likely_manipulated"),
    ],
)
def test_a_wrong_calibration_is_refused(change: Callable[[dict], None], match: str) -> None:
    content = json.loads(calibration_to_json(tiny_calibration()))
    change(content)
    with pytest.raises(ModelUnusable, match=match):
        calibration_from_json(json.dumps(content))


def test_seal_takes_edited_files_and_changes(bundle: Path) -> None:
    before = load_bundle(bundle).sha256
    (bundle / "card.md").write_text("# better\n")
    found = seal(bundle, version="1.1", experimental=False)
    assert found.card == "# better\n"
    assert (found.info.version, found.manifest.experimental) == ("1.1", False)
    assert found.sha256 != before


def test_find_by_name_and_by_folder(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODELS_ENV, str(bundle.parent))
    assert list_bundles()["tiny"] == bundle
    assert find_bundle("tiny") == bundle
    assert find_bundle(bundle) == bundle
    with pytest.raises(ModelUnusable, match=r"one of: .*tiny"):
        find_bundle("nothing")
    with pytest.raises(ModelUnusable, match="found a file"):
        find_bundle(bundle / "card.md")
    with pytest.raises(ModelUnusable, match=r"manifest\.json"):
        load_bundle(find_bundle(bundle.parent))
