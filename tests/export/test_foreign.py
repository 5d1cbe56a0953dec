"""Somebody else's network: stated, checked, wrapped, marked as theirs; refused where it would have to be guessed."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")

from dfdetect.detect.detector import Scanner
from dfdetect.errors import ModelUnusable, UsageError
from dfdetect.export.foreign import Statement, import_onnx
from dfdetect.faces import extract
from dfdetect.media.roundtrip import encode_png
from dfdetect.models.bundle import load_bundle
from dfdetect.models.spec import NetworkIO
from fake_faces import BoxMesh, SquareDetector, plain_quality, scene
from foreign_onnx import GAIN, foreign_onnx
from tiny_bundle import make_tiny_bundle, tiny_calibration
from tiny_ensemble import make_tiny_ensemble

PLAIN = Statement(
    name="theirs",
    version="2",
    input_size_px=32,
    margin=0.2,
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    pixel_range="0-1",
    io=NetworkIO(),
    source="a paper",
    licence="MIT",
)


def stated(**changes: object) -> Statement:
    io = {
        name: value for name, value in changes.items() if name in ("layout", "channel_order", "output", "output_name")
    }
    rest = {name: value for name, value in changes.items() if name not in io}
    return replace(PLAIN, io=NetworkIO(**io), **rest)  # type: ignore[arg-type]


@pytest.fixture
def face(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A picture whose face is redder than blue, so that colours in the wrong order change the sign."""
    monkeypatch.setattr(extract, "measure", plain_quality)
    image = scene((200, 100, 120, 0))
    image[100:220, 200:320] = (180, 120, 60)
    path = tmp_path / "face.png"
    path.write_bytes(encode_png(image))
    return path


def logit_of(bundle: Path, face: Path) -> float:
    scanner = Scanner(bundle, detector=SquareDetector(), mesh=BoxMesh(), threads=1)
    found = scanner.scan(face)
    assert found.error is None, found.error
    assert found.verdict == "inconclusive"
    (score,) = found.tracks[0].scores
    assert score.cam is None
    return score.logit


def imported(tmp_path: Path, data: bytes, statement: Statement, name: str = "theirs") -> Path:
    (tmp_path / f"{name}.onnx").write_bytes(data)
    import_onnx(tmp_path / f"{name}.onnx", tmp_path / name, statement)
    return tmp_path / name


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({}, {}),
        ({"batch": 1}, {}),
        ({"shape": ("n", 3, "h", "w")}, {}),
        ({"layout": "NHWC"}, {"layout": "NHWC"}),
        ({"order": "BGR"}, {"channel_order": "BGR"}),
        ({"layout": "NHWC", "order": "BGR"}, {"layout": "NHWC", "channel_order": "BGR"}),
        ({"form": "probability"}, {"output": "probability:fake=high"}),
        ({"form": "two-logits"}, {"output": "class-logits:fake=1"}),
        ({"form": "two-probabilities"}, {"output": "class-probabilities:fake=1"}),
        ({"more_outputs": True}, {"output_name": "y"}),
        ({}, {"mean": (127.5,) * 3, "std": (127.5,) * 3, "pixel_range": "0-255"}),
    ],
    ids=str,
)
def test_the_same_network_in_every_form_scores_the_same(tmp_path: Path, face: Path, made: dict, said: dict) -> None:
    found = logit_of(imported(tmp_path, foreign_onnx(**made), stated(**said)), face)
    red_minus_blue = (180 - 60) / 255 * 2 / 1.4**2  # the face is 1 / 1.4 of the crop's side; green has neither
    assert found == pytest.approx(GAIN * red_minus_blue, abs=0.08)


def test_reversed_outputs_turn_round(tmp_path: Path, face: Path) -> None:
    high = logit_of(imported(tmp_path, foreign_onnx(), stated(), "a"), face)
    low = logit_of(imported(tmp_path, foreign_onnx(), stated(output="logit:fake=low"), "b"), face)
    other = logit_of(imported(tmp_path, foreign_onnx("two-logits"), stated(output="class-logits:fake=0"), "c"), face)
    assert low == pytest.approx(-high, abs=1e-5)
    assert other == pytest.approx(-high, abs=1e-5)


def test_mean_and_std_are_in_the_networks_own_order(tmp_path: Path, face: Path) -> None:
    rgb = logit_of(imported(tmp_path, foreign_onnx(), stated(mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6)), "a"), face)
    theirs = stated(channel_order="BGR", mean=(0.3, 0.2, 0.1), std=(0.6, 0.5, 0.4))
    bgr = logit_of(imported(tmp_path, foreign_onnx(order="BGR"), theirs, "b"), face)
    assert bgr == pytest.approx(rgb, abs=1e-4)
    assert load_bundle(tmp_path / "b").networks[0].spec.mean == pytest.approx((0.1, 0.2, 0.3))


def test_the_bundle_is_marked_as_theirs(tmp_path: Path) -> None:
    bundle = load_bundle(imported(tmp_path, foreign_onnx(), stated()))
    assert "**Not ours, not measured by us.**" in bundle.card
    assert "a paper" in bundle.card
    assert bundle.manifest.imported_from == "a paper"
    assert bundle.manifest.weights_licence == "MIT"
    assert bundle.manifest.experimental
    assert bundle.manifest.export is None
    assert not bundle.calibration.is_measured
    assert bundle.heatmap is None
    assert [(s.name, s.licence) for s in bundle.manifest.sources] == [("a paper", "MIT")]


def test_an_imported_network_takes_part_in_an_ensemble_once_it_is_calibrated(tmp_path: Path, face: Path) -> None:
    from dfdetect.models.bundle import seal
    from dfdetect.models.calibration_file import calibration_to_json

    theirs = imported(tmp_path, foreign_onnx(), stated())
    alone = logit_of(theirs, face)
    ours = make_tiny_bundle(tmp_path / "ours")
    with pytest.raises(UsageError, match="not calibrated"):
        make_tiny_ensemble(tmp_path / "both", [ours, theirs])
    (theirs / "calibration.json").write_text(calibration_to_json(tiny_calibration()))
    seal(theirs)
    own = Scanner(ours, detector=SquareDetector(), mesh=BoxMesh(), threads=1).scan(face).tracks[0].scores[0].logit
    both = make_tiny_ensemble(tmp_path / "both", [ours, theirs])
    assert logit_of(both, face) == pytest.approx((alone + own) / 2, abs=1e-5)


# ---- what is refused ----


@pytest.mark.parametrize(
    ("made", "said", "error", "match"),
    [
        ({"layout": "NHWC"}, {}, ModelUnusable, r"expected an input \(B, 3, S, S\) with S = 32"),
        ({}, {"layout": "NHWC"}, ModelUnusable, r"expected an input \(B, S, S, 3\)"),
        ({}, {"input_size_px": 64}, ModelUnusable, "with S = 64"),
        ({"batch": 4}, {}, ModelUnusable, "B free or 1"),
        ({"shape": ("n", 1, 32, 32)}, {}, ModelUnusable, "cannot load it"),
        ({"shape": ("n", 3, 32)}, {}, ModelUnusable, "cannot load it"),
        ({"input_type": 2}, {}, ModelUnusable, "expected one float32 input.*uint8"),
        ({"more_outputs": True}, {}, UsageError, "has the outputs y, means; state which one"),
        ({}, {"output_name": "score"}, ModelUnusable, "expected an output 'score'; found y"),
        ({}, {"output": "probability:fake=high"}, ModelUnusable, "stated to give probability, but gave"),
        ({}, {"output": "class-logits:fake=1"}, ModelUnusable, "with class 1"),
        ({"form": "two-logits"}, {}, ModelUnusable, "expected 6 finite logits"),
        ({"form": "two-logits"}, {"output": "class-probabilities:fake=1"}, ModelUnusable, "are these class-logits"),
        ({"form": "constant"}, {}, ModelUnusable, "to 6 different pictures; is it the right output"),
        ({"form": "neighbours"}, {}, ModelUnusable, "changes by .* with its neighbours"),
        ({}, {"pixel_range": "-1-1"}, UsageError, "unknown pixel range '-1-1'; the options are: 0-1, 0-255"),
        ({}, {"std": (0.5, 0.0, 0.5)}, UsageError, "three finite numbers as std"),
        ({}, {"mean": (float("nan"), 0.0, 0.0)}, UsageError, "three finite numbers as mean"),
        ({}, {"margin": 9.0}, UsageError, "margin in 0..4"),
        ({}, {"input_size_px": 0}, UsageError, "input_size_px in 1..4096"),
        ({}, {"source": " "}, UsageError, "state where the network is from"),
        ({}, {"licence": ""}, UsageError, "licence"),
        ({}, {"version": ""}, UsageError, "needs a name, a version and a licence"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_and_nothing_is_left(
    tmp_path: Path, made: dict, said: dict, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        imported(tmp_path, foreign_onnx(**made), stated(**said))
    assert not (tmp_path / "theirs").exists()


@pytest.mark.parametrize(
    ("output", "layout", "channel_order"),
    [
        ("prob", "NCHW", "RGB"),
        ("logit", "NCHW", "RGB"),
        ("logit:fake=high", "HWC", "RGB"),
        ("logit:fake=high", "NCHW", ""),
    ],
)
def test_what_is_not_stated_in_full_is_not_guessed(output: str, layout: str, channel_order: str) -> None:
    with pytest.raises(UsageError, match="expected"):
        NetworkIO(layout, channel_order, output)


def test_files_that_are_no_single_safe_network_are_refused(tmp_path: Path) -> None:
    import onnx

    theirs = onnx.load_from_string(foreign_onnx())
    onnx.save(theirs, tmp_path / "split.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    theirs = onnx.load_from_string(foreign_onnx())
    theirs.graph.node[0].domain = "their.ops"
    (tmp_path / "custom.onnx").write_bytes(theirs.SerializeToString())
    (tmp_path / "pickle.onnx").write_bytes(pickle.dumps([1, 2]))
    (tmp_path / "zip.onnx").write_bytes(b"PK\x03\x04" + b"\0" * 60)
    (tmp_path / "junk.onnx").write_bytes(b"not a network")
    (tmp_path / "cut.onnx").write_bytes(foreign_onnx()[:-80])
    (tmp_path / "model.pth").write_bytes(b"PK\x03\x04")
    with (tmp_path / "huge.onnx").open("wb") as file:
        file.truncate(3 * 2**30)
    for name, match in (
        ("split.onnx", "its weights lie in other files"),
        ("custom.onnx", "operators that need a library of their own: their.ops::Cast"),
        ("pickle.onnx", "can run code"),
        ("zip.onnx", "can run code"),
        ("junk.onnx", "expected an ONNX model"),
        ("cut.onnx", "expected an ONNX model|cannot load"),
        ("model.pth", r"expected an \.onnx file; a checkpoint .* can run code"),
        ("huge.onnx", "expected at most 2,147,483,647 bytes"),
        ("none.onnx", "No such file"),
    ):
        with pytest.raises((ModelUnusable, UsageError), match=match):
            import_onnx(tmp_path / name, tmp_path / "out", stated())
        assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    theirs = imported(tmp_path, foreign_onnx(), stated())
    with pytest.raises(UsageError, match="already holds something"):
        import_onnx(tmp_path / "theirs.onnx", theirs, stated())


def test_logits_that_look_like_probabilities_are_remarked(tmp_path: Path) -> None:
    (tmp_path / "p.onnx").write_bytes(foreign_onnx("probability"))
    notes = import_onnx(tmp_path / "p.onnx", tmp_path / "p", stated()).notes
    assert "are these probabilities" in notes[0]
    (tmp_path / "x.onnx").write_bytes(foreign_onnx())
    assert import_onnx(tmp_path / "x.onnx", tmp_path / "x", stated()).notes == ()


def test_a_network_that_fails_while_it_runs_is_model_unusable(tmp_path: Path, face: Path) -> None:
    """Its answer in a scan is an error record, and in an import a refusal; never a traceback of the runtime."""
    import onnx

    theirs = onnx.load_from_string(foreign_onnx(shape=("n", 3, "h", "w")))
    shape = onnx.numpy_helper.from_array(np.array([1, 3], np.int64), "fixed")
    theirs.graph.initializer.append(shape)
    theirs.graph.node.insert(2, onnx.helper.make_node("Reshape", ["means", "fixed"], ["one"]))
    theirs.graph.node[3].input[0] = "one"
    with pytest.raises(ModelUnusable, match="ONNX Runtime cannot run it"):
        imported(tmp_path, theirs.SerializeToString(), stated())
