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

from safetensors.torch import load_file, save_file  # noqa: E402

from dfdetect.data.drawn_faces import draw_face  # noqa: E402
from dfdetect.data.shards import write_shards  # noqa: E402
from dfdetect.detect.detector import Scanner  # noqa: E402
from dfdetect.detect.onnx_backend import OnnxBackend  # noqa: E402
from dfdetect.errors import DataError, UsageError  # noqa: E402
from dfdetect.export import bundle as module  # noqa: E402
from dfdetect.export.bundle import Exported, export_run, sources_of  # noqa: E402
from dfdetect.export.onnx import OPSET, load_run  # noqa: E402
from dfdetect.export.parity import BOUNDS, Parity  # noqa: E402
from dfdetect.media.roundtrip import encode_png  # noqa: E402
from dfdetect.models.bundle import find_bundle, load_bundle  # noqa: E402
from dfdetect.models.trained_on import keys_of  # noqa: E402
from dfdetect.train.recipe import load_recipe  # noqa: E402
from dfdetect.train.run import Machine, train  # noqa: E402
from dfdetect.values import Verdict  # noqa: E402
from face_pictures import plain_records  # noqa: E402
from tiny_bundle import make_tiny_bundle  # noqa: E402
from tiny_run import tiny_records, tiny_run, tiny_shards  # noqa: E402


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    out = tmp_path_factory.mktemp("bundles") / "mine"
    return export_run(tiny_run(), tiny_shards(), out, name="mine", version="0.1", licence="Apache-2.0", crops=13)


@pytest.fixture
def known_onnx(exported: Exported, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch's exporter takes seconds; the tiny run's file was made once."""
    monkeypatch.setattr(module, "to_onnx", lambda *_: exported.bundle.networks[0].model)


def test_onnx_says_what_pytorch_says(exported: Exported) -> None:
    parity = exported.parity
    assert parity.n == 13
    assert parity.within(BOUNDS["fp32"])
    assert max(parity.logit, parity.cam) <= 1e-3
    assert parity.probability <= 0.25 * parity.logit + 1e-9
    assert parity.flips == 0


def test_the_manifest_says_how_it_was_exported(exported: Exported) -> None:
    facts = load_bundle(exported.bundle.folder).manifest.export
    assert facts is not None
    assert (facts.precision, facts.opset, facts.parity_crops, facts.layers) == ("fp32", OPSET, 13, "all")
    assert facts.parity_probability == exported.parity.probability
    assert facts.parity_logit == exported.parity.logit


@pytest.mark.usefixtures("known_onnx")
@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_smaller_types_take_and_give_float32_and_hold_their_bound(precision: str, tmp_path: Path) -> None:
    """A network that hardly trained scores everything alike, so it may be rounded as far as it goes."""
    import onnxruntime

    said: list[str] = []
    found = export_run(
        tiny_run(),
        tiny_shards(),
        tmp_path / "small",
        name="small",
        version="1",
        licence="none",
        precision=precision,
        crops=8,
        say=said.append,
    )
    assert found.parity.within(BOUNDS[precision])
    assert f"{precision}, last 46 of 46, 100% of the weights: P differs by at most" in said[0]
    facts = found.bundle.manifest.export
    assert facts is not None
    assert (facts.precision, facts.probability) == (precision, "sigmoid of the logit")
    assert found.bundle.model_bytes < 13.7e6 * {"fp16": 0.55, "int8": 0.35}[precision]
    session = onnxruntime.InferenceSession(found.bundle.networks[0].model, providers=["CPUExecutionProvider"])
    assert [one.type for one in (*session.get_inputs(), *session.get_outputs())] == ["tensor(float)"] * 4
    assert found.bundle.heatmap == "mask"


def test_an_unknown_precision_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown precision 'int4'; the options are: fp16, fp32, int8"):
        export_tiny(tmp_path / "out", precision="int4")


@pytest.mark.usefixtures("known_onnx")
def test_held_to_the_probability_of_a_calibrated_bundle(exported: Exported, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not calibrated"):
        export_tiny(tmp_path / "out", precision="fp16", calibrated=exported.bundle)
    calibrated = load_bundle(make_tiny_bundle(tmp_path / "tiny"))
    found = export_tiny(tmp_path / "out", precision="fp16", calibrated=calibrated)
    facts = found.bundle.manifest.export
    assert facts is not None
    assert facts.probability == "as tiny 1.0 is calibrated"


def export_tiny(out: Path, **options: object) -> Exported:
    return export_run(tiny_run(), tiny_shards(), out, name="x", version="1", licence="none", crops=4, **options)  # type: ignore[arg-type]


def test_the_bundle_loads_and_says_what_it_is(exported: Exported) -> None:
    bundle = load_bundle(exported.bundle.folder)
    assert (bundle.manifest.name, bundle.manifest.version) == ("mine", "0.1")
    assert bundle.manifest.weights_licence == "Apache-2.0"
    assert bundle.manifest.experimental
    assert bundle.networks[0].spec.architecture == "tf_efficientnet_lite0"
    assert bundle.networks[0].spec.input_size_px == 64
    assert "Not calibrated yet" in bundle.card
    (source,) = bundle.manifest.sources
    assert (source.name, source.licence, source.used_for) == ("drawn", "Apache-2.0", "training, 8 real photos")


def test_the_bundle_knows_whom_it_learned_from_and_names_nobody(exported: Exported) -> None:
    """A model was evaluated on the people that it had learned from, and nothing could tell."""
    record = exported.bundle.manifest.trained_on
    assert record is not None
    assert (record.faces, record.left_out) == (8, 0)
    assert record.key_set
    trained, others = tiny_records()[:8], tiny_records()[8:]
    assert record.key_set == frozenset[str]().union(*(keys_of(one) for one in trained))
    assert not any(record.key_set & set(keys_of(one)) for one in others)
    text = exported.bundle.manifest.to_json()
    assert not any(name and name in text for one in trained for _, name in keys_of(one).values())


def test_before_calibration_everything_is_inconclusive(exported: Exported, tmp_path: Path) -> None:
    """A fresh export with bounds at 0.5 accused half of all photos."""
    path = tmp_path / "face.png"
    path.write_bytes(encode_png(draw_face(np.random.default_rng(1), 240)))
    found = Scanner(exported.bundle.folder, threads=1).scan(path)
    assert found.status == "ok"
    assert found.verdict is Verdict.INCONCLUSIVE


def test_a_difference_over_the_bound_writes_nothing_and_names_the_worst_crop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exported file that scored 0.4 lower was shipped, because nobody compared."""
    parity = Parity(4, 0.0005, 2e-3, 0.0, worst=3, p_expected=0.7, p_found=0.7005, flips=0)
    monkeypatch.setattr(module, "compare", lambda *_, **__: parity)
    monkeypatch.setattr(module, "to_onnx", lambda *_: b"")
    with pytest.raises(
        DataError,
        match=r"no bundle was written: crop 3 of 4 scores 0.7005 where the trained network scores 0.7000: .* of a "
        r"logit: 2.00e-03.*At most 0.001 of the probability \(sigmoid of the logit\) and 0.001 of a logit is allowed",
    ):
        export_tiny(tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("known_onnx")
def test_the_network_that_was_made_smaller_is_checked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Layers are chosen on some crops; whether the result holds is asked of others."""
    good = Parity(4, 0.0, 0.0, 0.0, worst=0, p_expected=0.5, p_found=0.5, flips=0)
    bad = replace(good, probability=0.03, worst=2, p_expected=0.4, p_found=0.43)
    answers = iter([good, bad])
    monkeypatch.setattr(module, "compare", lambda *_, **__: next(answers))
    with pytest.raises(DataError, match=r"int8: no bundle was written: crop 2 of 4 scores 0\.4300"):
        export_tiny(tmp_path / "out", precision="int8")
    assert not (tmp_path / "out").exists()


def test_batches_of_any_size(exported: Exported) -> None:
    """A batch size frozen into the file broke tracks of one crop."""
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(exported.bundle.networks[0].model, providers=["CPUExecutionProvider"])
    for n in (1, 2, 5):
        logit, cam, mask = session.run(["logit", "cam", "mask"], {"images": np.zeros((n, 3, 64, 64), np.float32)})
        assert logit.shape == (n,)
        assert cam.shape == mask.shape == (n, 2, 2)


def test_the_file_names_no_folder_of_this_computer(exported: Exported) -> None:
    """PyTorch writes its stack into every node: shipped weights named the folders of the machine that exported them."""
    for model in (exported.bundle.networks[0].model, load_bundle(find_bundle("default")).networks[0].model):
        assert b"site-packages" not in model
        assert b"stack_trace" not in model


def test_the_mask_is_that_of_the_run(exported: Exported) -> None:
    trained = load_run(tiny_run())
    assert trained.mask_head is not None
    images = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (3, 3, 64, 64)).astype(np.float32))
    with torch.no_grad():
        wanted = torch.sigmoid(trained.mask_head(trained.net.look(images).maps))[:, 0].numpy()
    (network,) = exported.bundle.networks
    _, mask = OnnxBackend(network.model, network.spec, maps="mask").logits_and_maps(images.numpy())
    np.testing.assert_allclose(mask, wanted, atol=1e-5)
    assert exported.bundle.heatmap == "mask"


def test_weights_without_a_mask_head_are_exported_without(tmp_path: Path) -> None:
    """Runs of earlier versions kept the network alone."""
    run = tmp_path / "run"
    shutil.copytree(tiny_run(), run, ignore=shutil.ignore_patterns("checkpoints"))
    state = load_file(run / "weights.safetensors")
    save_file({name: value for name, value in state.items() if "mask_head" not in name}, run / "weights.safetensors")
    found = export_run(run, tiny_shards(), tmp_path / "out", name="x", version="1", licence="none", crops=4)
    assert found.bundle.heatmap == "cam"


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


@pytest.mark.usefixtures("known_onnx")
def test_only_what_trained_is_a_source(tmp_path: Path) -> None:
    """Fakes of the list, and people of the validation, were named as training photos."""
    fake = replace(plain_records(1)[0], label=1, source="elsewhere")
    write_shards(tmp_path / "faces", [*tiny_records(), fake], about={})
    found = export_run(tiny_run(), tmp_path / "faces", tmp_path / "out", name="x", version="1", licence="none", crops=2)
    assert [(s.name, s.used_for) for s in found.bundle.manifest.sources] == [("drawn", "training, 8 real photos")]


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
        for first, split in ((0, "train"), (100, "val"))
        for number, record in enumerate(plain_records(4, first=first))
    ]
    write_shards(tmp_path / "faces", rows, about={})
    small = ["model.pretrained=false", "model.architecture=test_efficientnet", "model.input_size_px=64"]
    small += ["loop.epochs=1", "loop.images_per_epoch=8", "loop.images_per_batch=8", "loop.metric=val_auc"]
    recipe = load_recipe("s2-efficientnet-b0", small)
    run = train(recipe, tmp_path / "faces", tmp_path / "run", machine=Machine(workers=0, threads=1, quiet=True))
    parity = export_run(run, tmp_path / "faces", tmp_path / "b", name="s2", version="1", licence="none", crops=6).parity
    assert parity.n == 6
    bundle = load_bundle(tmp_path / "b")
    (source,) = bundle.manifest.sources
    assert source.used_for == "training, 2 real photos and 2 fakes"
    picture = tmp_path / "face.png"
    picture.write_bytes(encode_png(draw_face(np.random.default_rng(1), 240)))
    found = Scanner(tmp_path / "b", threads=1).scan(picture)
    assert found.status == "ok"
    assert found.verdict is Verdict.INCONCLUSIVE
