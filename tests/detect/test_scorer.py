"""Ensembles score: each network its own cut, members through their own calibration, one map that adds up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfdetect.calibration import Calibration
from dfdetect.detect import detector as scanning
from dfdetect.detect.backend import make_backend
from dfdetect.detect.detector import Scanner
from dfdetect.detect.explain import place_map
from dfdetect.detect.onnx_backend import OnnxBackend
from dfdetect.detect.scorer import Scorer
from dfdetect.errors import UsageError
from dfdetect.faces import extract
from dfdetect.media.roundtrip import encode_png
from dfdetect.models.bundle import load_bundle
from dfdetect.values import ScanResult
from fake_faces import BoxMesh, FakeReader, SquareDetector, plain_quality, scene
from tiny_bundle import make_tiny_bundle, tiny_calibration, tiny_onnx
from tiny_ensemble import make_tiny_ensemble


@pytest.fixture(autouse=True)
def _plain_quality(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "measure", plain_quality)


def scaled(scale: float, offset: float) -> Calibration:
    return replace(tiny_calibration(), scale=scale, offset=offset)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return make_tiny_bundle(tmp_path / "small", name="small", gain=6.0, calibration=scaled(0.7, -0.3))


@pytest.fixture
def large(tmp_path: Path) -> Path:
    return make_tiny_bundle(
        tmp_path / "large",
        name="large",
        gain=3.0,
        bias=0.5,
        size_px=96,
        cam_side=6,
        margin=0.5,
        calibration=scaled(1.5, 0.2),
    )


def scanner_of(model: Path, detector: SquareDetector | None = None) -> Scanner:
    return Scanner(model, detector=detector or SquareDetector(), mesh=BoxMesh(), threads=1)


def scan_clip(scanner: Scanner, frames: Sequence[np.ndarray], monkeypatch: pytest.MonkeyPatch) -> ScanResult:
    monkeypatch.setattr(scanning, "open_media", lambda path: FakeReader(frames))
    return scanner.scan("fake.mp4")


CLIP = [scene((50, 100, 100, 100 + 5 * i), *([(400, 100, 100, 60)] if i < 3 else [])) for i in range(20)]


@pytest.mark.parametrize("times", [1, 2, 3])
def test_an_ensemble_of_one_or_of_twins_scores_as_that_one(
    small: Path, tmp_path: Path, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Short tracks, which are scored mirrored too, and long ones."""
    both = make_tiny_ensemble(tmp_path / "both", [small] * times, calibration=scaled(1.0, 0.0))
    alone, together = (scan_clip(scanner_of(model), CLIP, monkeypatch) for model in (small, both))
    assert len(alone.tracks) == 2
    assert together.probability == pytest.approx(alone.probability, abs=1e-12)
    assert together.interval == pytest.approx(alone.interval, abs=1e-12)
    assert (together.verdict, together.thresholds) == (alone.verdict, alone.thresholds)
    for one, other in zip(alone.tracks, together.tracks, strict=True):
        assert (one.verdict, one.reasons) == (other.verdict, other.reasons)
        for a, b in zip(one.scores, other.scores, strict=True):
            assert a.p_manipulated == pytest.approx(b.p_manipulated, abs=1e-12)
            assert b.logit == pytest.approx(0.7 * a.logit - 0.3, abs=1e-12)
            assert a.cam is not None
            np.testing.assert_allclose(b.cam, np.float32(0.7) * a.cam, rtol=1e-6)
    assert all(np.array_equal(together.evidence[key], picture) for key, picture in alone.evidence.items())


def test_the_score_is_the_mean_of_calibrated_logits_of_each_members_own_cut(
    small: Path, large: Path, tmp_path: Path
) -> None:
    path = tmp_path / "face.png"
    path.write_bytes(encode_png(scene((200, 100, 120, 220))))
    both = make_tiny_ensemble(tmp_path / "both", [small, large], calibration=scaled(0.8, 0.1))
    logits = [scanner_of(model).scan(path).tracks[0].scores[0].logit for model in (small, large)]
    assert abs(logits[0] - logits[1]) > 1
    found = scanner_of(both).scan(path)
    (score,) = found.tracks[0].scores
    mean = (0.7 * logits[0] - 0.3 + 1.5 * logits[1] + 0.2) / 2
    assert score.logit == pytest.approx(mean, abs=1e-9)
    assert found.probability == pytest.approx(1 / (1 + np.exp(-(0.8 * mean + 0.1))), abs=1e-9)
    assert score.cam is not None
    bias = (-0.3 + 1.5 * 0.5 + 0.2) / 2
    assert float(score.cam.mean()) + bias == pytest.approx(score.logit, abs=1e-5)
    (shown,) = found.evidence.values()
    assert shown.shape == (96, 96, 3), "the widest cut is shown, for the map lies over it"
    assert score.cam.shape == (13, 13)  # 8 cells on 1.25 of the box are 12.8 on 2.0 of it


def test_masks_of_members_keep_their_values_and_no_scale_of_the_logit(tmp_path: Path) -> None:
    path = tmp_path / "face.png"
    path.write_bytes(encode_png(scene((200, 100, 120, 220))))
    one = make_tiny_bundle(tmp_path / "one", with_mask=True, calibration=scaled(0.7, -0.3))
    wide = make_tiny_bundle(tmp_path / "wide", with_mask=True, margin=0.5, size_px=96, calibration=scaled(1.5, 0.2))
    both = make_tiny_ensemble(tmp_path / "both", [one, wide], calibration=scaled(0.8, 0.1))
    alone, beside = scanner_of(one).scan(path), scanner_of(both).scan(path)
    assert (alone.model and alone.model.heatmap, beside.model and beside.model.heatmap) == ("mask", "mask")
    (mask,), (mean,) = ([score.cam for score in found.tracks[0].scores] for found in (alone, beside))
    assert mask is not None
    assert mean is not None
    assert 0 < float(mask.min()) <= float(mask.max()) < 1
    assert 0 < float(mean.min()) <= float(mean.max()) < 1  # a value that grew with the square would pass 1
    own = scanner_of(wide).scan(path).tracks[0].scores[0].cam
    assert own is not None
    assert float(mean[6, 6]) == pytest.approx((float(mask[4, 4]) + float(own[4, 4])) / 2, abs=0.1)


def test_a_member_without_a_mask_leaves_the_evidence_map(tmp_path: Path) -> None:
    one = make_tiny_bundle(tmp_path / "one", with_mask=True)
    other = make_tiny_bundle(tmp_path / "other", bias=0.5)
    assert scanner_of(make_tiny_ensemble(tmp_path / "both", [one, other])).bundle.heatmap == "cam"


def test_faces_are_found_once_for_all_members(
    small: Path, large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = make_tiny_ensemble(tmp_path / "both", [small, large, small])
    calls = []

    class Counting(SquareDetector):
        def detect(self, image: np.ndarray):
            calls.append(1)
            return super().detect(image)

    found = scan_clip(scanner_of(both, Counting()), CLIP, monkeypatch)
    assert len(calls) == found.media.frames_read == 20  # type: ignore[union-attr]


def test_score_crops_scores_as_a_scan_does(
    small: Path, large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanner = scanner_of(make_tiny_ensemble(tmp_path / "both", [small, large]))
    found = scan_clip(scanner, CLIP, monkeypatch)
    shown, *others = scanner.bundle.views
    crops = extract.extract_faces(
        FakeReader(CLIP),
        range(20),
        detector=SquareDetector(),
        mesh=BoxMesh(),
        margin=shown.margin,
        size_px=shown.size_px,
        more_views=others,
    ).crops
    expected = {(s.track_id, s.frame_index): s.logit for track in found.tracks for s in track.scores}
    for crop, logit in zip(crops, scanner.score_crops(crops), strict=True):
        assert float(logit) == pytest.approx(expected[crop.track_id, crop.frame_index], abs=1e-5)
    with pytest.raises(UsageError, match=r"cut to \[96, 64\] px, as `bundle.views` lists; got \[96\]"):
        scanner.score_crops([replace(crops[0], views=())])


def test_a_member_without_a_map_leaves_none_for_the_whole(small: Path, tmp_path: Path) -> None:
    """A map of one member of two would pass for the evidence of both."""
    blind = make_tiny_bundle(tmp_path / "blind", with_cam=False)
    path = tmp_path / "face.png"
    path.write_bytes(encode_png(scene((200, 100, 120, 220))))
    scanner = scanner_of(make_tiny_ensemble(tmp_path / "both", [small, blind]))
    assert scanner.bundle.heatmap is None
    assert scanner.scan(path).tracks[0].scores[0].cam is None


def test_one_backend_object_cannot_run_several_networks(small: Path, large: Path, tmp_path: Path) -> None:
    both = make_tiny_ensemble(tmp_path / "both", [small, large])
    with pytest.raises(UsageError, match="an ensemble of 2 takes a name"):
        Scanner(both, detector=SquareDetector(), mesh=BoxMesh(), backend=OnnxBackend(tiny_onnx()))
    Scanner(small, detector=SquareDetector(), mesh=BoxMesh(), backend=OnnxBackend(tiny_onnx()))


def test_before_it_is_calibrated_an_ensemble_decides_nothing(small: Path, large: Path, tmp_path: Path) -> None:
    scanner = scanner_of(make_tiny_ensemble(tmp_path / "both", [small, large]))
    for gray in (0, 128, 255):
        path = tmp_path / f"{gray}.png"
        path.write_bytes(encode_png(scene((200, 100, 120, gray))))
        assert scanner.scan(path).verdict == "inconclusive"


def test_a_scorer_wants_a_backend_for_each_network(small: Path, large: Path, tmp_path: Path) -> None:
    bundle = load_bundle(make_tiny_ensemble(tmp_path / "both", [small, large]))
    with pytest.raises(ValueError, match="zip"):
        Scorer(bundle, [make_backend(bundle.networks[0])])


# ---- maps ----

sides = st.integers(1, 9)


@given(sides, sides, sides, st.floats(0.05, 1.0), st.integers(0, 2**32 - 1))
def test_a_placed_map_keeps_its_mean(h: int, w: int, out: int, share: float, seed: int) -> None:
    cams = np.random.default_rng(seed).normal(size=(2, h, w)).astype(np.float32)
    placed = place_map(cams, share, (out, out))
    assert placed.shape == (2, out, out)
    np.testing.assert_allclose(placed.mean(axis=(1, 2)), cams.mean(axis=(1, 2)), atol=1e-4)


def test_a_map_placed_over_its_own_square_is_itself() -> None:
    cams = np.random.default_rng(0).normal(size=(3, 7, 7)).astype(np.float32)
    np.testing.assert_array_equal(place_map(cams, 1.0, (7, 7)), cams)


def test_a_map_lies_where_its_cut_was() -> None:
    cam = np.zeros((1, 2, 2), np.float32)
    cam[0, 0, 1] = 1.0  # top right
    placed = place_map(cam, 0.5, (4, 4))[0]
    expected = np.zeros((4, 4), np.float32)
    expected[1, 2] = 4.0
    np.testing.assert_allclose(placed, expected, atol=1e-6)
    assert np.array_equal(place_map(cam[:, :, ::-1], 0.5, (4, 4))[0], placed[:, ::-1])
