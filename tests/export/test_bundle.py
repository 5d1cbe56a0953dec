"""A run folder -> a bundle that loads, says the same as PyTorch, and decides nothing before it is calibrated."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from dfdetect.data.drawn_faces import draw_face  # noqa: E402
from dfdetect.data.shards import write_shards  # noqa: E402
from dfdetect.detect.detector import Scanner  # noqa: E402
from dfdetect.errors import DataError, UsageError  # noqa: E402
from dfdetect.export import bundle as module  # noqa: E402
from dfdetect.export.bundle import PARITY_TOLERANCE, export_run, sources_of  # noqa: E402
from dfdetect.export.onnx import load_run  # noqa: E402
from dfdetect.export.parity import Parity, compare  # noqa: E402
from dfdetect.media.roundtrip import encode_png  # noqa: E402
from dfdetect.models.bundle import load_bundle  # noqa: E402
from dfdetect.train.recipe import load_recipe  # noqa: E402
from dfdetect.train.run import Machine, train  # noqa: E402
from dfdetect.values import Verdict  # noqa: E402
from face_pictures import plain_records  # noqa: E402
from tiny_run import tiny_records, tiny_run, tiny_shards  # noqa: E402


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Parity]:
    out = tmp_path_factory.mktemp("bundles") / "mine"
    return out, export_run(tiny_run(), tiny_shards(), out, name="mine", version="0.1", licence="Apache-2.0", crops=13)


def test_onnx_says_what_pytorch_says(exported: tuple[Path, Parity]) -> None:
    parity = exported[1]
    assert parity.n == 13
    assert parity.max_logit_difference <= PARITY_TOLERANCE
    assert parity.max_cam_difference <= PARITY_TOLERANCE


def test_the_bundle_loads_and_says_what_it_is(exported: tuple[Path, Parity]) -> None:
    bundle = load_bundle(exported[0])
    assert (bundle.manifest.name, bundle.manifest.version) == ("mine", "0.1")
    assert bundle.manifest.weights_licence == "Apache-2.0"
    assert bundle.manifest.experimental
    assert bundle.networks[0].spec.architecture == "tf_efficientnet_lite0"
    assert bundle.networks[0].spec.input_size_px == 64
    assert "Not calibrated yet" in bundle.card
    (source,) = bundle.manifest.sources
    assert (source.name, source.licence, source.used_for) == ("drawn", "Apache-2.0", "training, 8 real photos")


def test_before_calibration_everything_is_inconclusive(exported: tuple[Path, Parity], tmp_path: Path) -> None:
    """A fresh export with bounds at 0.5 accused half of all photos."""
    path = tmp_path / "face.png"
    path.write_bytes(encode_png(draw_face(np.random.default_rng(1), 240)))
    found = Scanner(exported[0], threads=1).scan(path)
    assert found.status == "ok"
    assert found.verdict is Verdict.INCONCLUSIVE


def test_a_difference_over_the_tolerance_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exported file that scored 0.4 lower was shipped, because nobody compared."""
    monkeypatch.setattr(module, "compare", lambda *_: Parity(4, 2 * PARITY_TOLERANCE, 0.0))
    monkeypatch.setattr(module, "to_onnx", lambda *_: b"")
    with pytest.raises(
        DataError, match=r"differs from PyTorch by 2.00e-03 of a logit on 4 crops; at most 0.001 is allowed"
    ):
        export_run(tiny_run(), tiny_shards(), tmp_path / "out", name="x", version="1", licence="none", crops=4)
    assert not (tmp_path / "out").exists()


def test_the_comparison_sees_other_weights(exported: tuple[Path, Parity]) -> None:
    net, spec = load_run(tiny_run())
    with torch.no_grad():
        net.head.bias += 0.01
    crops = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    found = compare(net, (exported[0] / "model.onnx").read_bytes(), spec, crops)
    assert found.max_logit_difference == pytest.approx(0.01, abs=1e-3)
    assert not found.within(PARITY_TOLERANCE)
    assert Parity(1, 0.0, 0.5).within(0.4) is False


def test_batches_of_any_size(exported: tuple[Path, Parity]) -> None:
    """A batch size frozen into the file broke tracks of one crop."""
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(str(exported[0] / "model.onnx"), providers=["CPUExecutionProvider"])
    for n in (1, 2, 5):
        logit, cam = session.run(["logit", "cam"], {"images": np.zeros((n, 3, 64, 64), np.float32)})
        assert logit.shape == (n,)
        assert cam.shape == (n, 2, 2)


@pytest.mark.parametrize("missing", ["recipe.json", "weights.safetensors"])
def test_half_a_run_is_named(tmp_path: Path, missing: str) -> None:
    shutil.copytree(tiny_run(), tmp_path / "run", ignore=shutil.ignore_patterns(missing, "last.ckpt"))
    with pytest.raises(UsageError, match=rf"is no run folder: {missing} is missing; make one with `dfdetect train`"):
        load_run(tmp_path / "run")


def test_every_source_is_named_once_with_its_number() -> None:
    other = replace(plain_records(1)[0], source="", licence="")
    found = [(s.name, s.licence, s.used_for) for s in sources_of([*plain_records(3), other])]
    assert found == [
        ("unnamed", "not stated", "training, 1 real photos"),
        ("drawn", "Apache-2.0", "training, 3 real photos"),
    ]


def test_only_what_trained_is_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fakes of the list, and people of the validation, were named as training photos."""
    fake = replace(plain_records(1)[0], label=1, source="elsewhere")
    write_shards(tmp_path / "faces", [*tiny_records(), fake], about={})
    written = {}
    monkeypatch.setattr(module, "to_onnx", lambda *_: b"")
    monkeypatch.setattr(module, "compare", lambda *_: Parity(2, 0.0, 0.0))
    monkeypatch.setattr(module, "write_bundle", lambda _, **given: written.update(given))
    export_run(tiny_run(), tmp_path / "faces", tmp_path / "out", name="x", version="1", licence="none", crops=2)
    assert [(s.name, s.used_for) for s in written["sources"]] == [("drawn", "training, 8 real photos")]


@pytest.mark.parametrize(
    ("start", "named"),
    [("random", []), ("timm/x", ["timm/x"]), ("old.safetensors", ["old.safetensors"])],
)
def test_what_the_weights_began_with_is_named(tmp_path: Path, start: str, named: list[str]) -> None:
    (tmp_path / "recipe.json").write_text(json.dumps({"start_from": start, "start_licence": "MIT"}))
    found = [source.name.split()[0] for source in module._start(tmp_path)]
    assert found == named


def test_a_network_without_a_map_trained_on_real_fakes_scans(tmp_path: Path) -> None:
    """The published heads of one project have no map; its bundle asked for one and could not be written."""
    rows = [
        replace(record, split=split, label=number % 2, video_id=f"{split}{number}", target_id=f"{split}{number}")
        for split in ("train", "val")
        for number, record in enumerate(plain_records(4))
    ]
    write_shards(tmp_path / "faces", rows, about={})
    small = ["model.pretrained=false", "model.architecture=test_efficientnet", "model.input_size_px=64"]
    small += ["loop.epochs=1", "loop.images_per_epoch=8", "loop.images_per_batch=8", "loop.metric=val_auc"]
    recipe = load_recipe("s2-efficientnet-b0", small)
    run = train(recipe, tmp_path / "faces", tmp_path / "run", machine=Machine(workers=0, threads=1, quiet=True))
    parity = export_run(run, tmp_path / "faces", tmp_path / "b", name="s2", version="1", licence="none", crops=6)
    assert parity.n == 6
    bundle = load_bundle(tmp_path / "b")
    (source,) = bundle.manifest.sources
    assert source.used_for == "training, 2 real photos and 2 fakes"
    picture = tmp_path / "face.png"
    picture.write_bytes(encode_png(draw_face(np.random.default_rng(1), 240)))
    found = Scanner(tmp_path / "b", threads=1).scan(picture)
    assert found.status == "ok"
    assert found.verdict is Verdict.INCONCLUSIVE
