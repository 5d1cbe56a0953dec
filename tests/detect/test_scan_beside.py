"""Several examiners of one file: the same faces for all, each its own answer, and nobody's failure is another's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from dfdetect.calibration import uncalibrated
from dfdetect.detect import detector as scanning
from dfdetect.detect.backend import make_backend
from dfdetect.detect.crop_scores import MIRROR_BELOW
from dfdetect.detect.detector import Scanner
from dfdetect.detect.examination import DEBUG_ENV
from dfdetect.detect.examiner import Examiner
from dfdetect.errors import ErrorCode, MediaError
from dfdetect.faces import extract
from dfdetect.faces.align import CropView
from dfdetect.models.bundle import load_bundle
from dfdetect.values import ModelInfo, ScanResult
from fake_faces import BoxMesh, FakeReader, SquareDetector, plain_quality, scene
from tiny_bundle import make_tiny_bundle


class Recorder:
    """A scorer that keeps the pictures it was given: logit = mean red / 255. fails_at: number of a face that breaks."""

    def __init__(self, views: Sequence[CropView], fails_at: int | None = None, error: Exception | None = None) -> None:
        self.views, self.bytes_per_face = tuple(views), 1
        self.seen: list[tuple[np.ndarray, ...]] = []
        self._fails_at, self._error = fails_at, error or MediaError(ErrorCode.TIMEOUT, "too slow", stage="score")

    def __call__(self, faces: Sequence[tuple[np.ndarray, ...]]) -> tuple[np.ndarray, None]:
        self.seen += faces
        if self._fails_at is not None and len(self.seen) > self._fails_at:
            raise self._error
        return np.array([face[0][..., 0].mean() / 255 for face in faces], np.float64), None

    def examiner(self, name: str = "theirs") -> Examiner:
        return Examiner(ModelInfo(name, "1", "0" * 64), self, uncalibrated())


@pytest.fixture(autouse=True)
def _plain_quality(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "measure", plain_quality)


@pytest.fixture
def scanner(tmp_path: Path) -> Scanner:
    return Scanner(make_tiny_bundle(tmp_path / "tiny"), detector=SquareDetector(), mesh=BoxMesh(), threads=1)


def beside(
    scanner: Scanner, monkeypatch: pytest.MonkeyPatch, others: Sequence[Examiner], *, frames: int = 20, **fails: object
) -> tuple[ScanResult, ...]:
    pictures = [scene((200, 100, 120, 150 + i)) for i in range(frames)]
    monkeypatch.setattr(scanning, "open_media", lambda path: FakeReader(pictures, **fails))  # type: ignore[arg-type]
    return scanner.scan_beside("clip.mp4", others)


def test_the_own_answer_is_that_of_a_scan(scanner: Scanner, monkeypatch: pytest.MonkeyPatch) -> None:
    (alone,) = beside(scanner, monkeypatch, [])
    own, _ = beside(scanner, monkeypatch, [Recorder([CropView(0.3, 32)]).examiner()])
    assert (own.verdict, own.probability, own.interval) == (alone.verdict, alone.probability, alone.interval)
    assert [s.logit for s in own.tracks[0].scores] == [s.logit for s in alone.tracks[0].scores]
    assert own.evidence.keys() == alone.evidence.keys()


def test_a_bundle_beside_answers_as_it_does_alone(
    scanner: Scanner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a comparison in one run would not be what each of them gives its users."""
    folder = make_tiny_bundle(tmp_path / "second", name="second", gain=9.0, margin=0.5, size_px=32)
    bundle = load_bundle(folder)
    other = Examiner.of_bundle(bundle, [make_backend(bundle.networks[0], threads=1)])
    _, found = beside(scanner, monkeypatch, [other])
    alone = Scanner(folder, detector=SquareDetector(), mesh=BoxMesh(), threads=1).scan("clip.mp4")
    assert found.probability == pytest.approx(alone.probability)
    assert found.verdict is alone.verdict
    assert found.model == alone.model
    assert found.model is not None
    assert found.model.name == "second"


@pytest.mark.parametrize("frames", [MIRROR_BELOW - 1, MIRROR_BELOW])
def test_others_see_the_same_faces_cut_as_they_want(
    scanner: Scanner, monkeypatch: pytest.MonkeyPatch, frames: int
) -> None:
    same, wide = Recorder(scanner.bundle.views), Recorder([CropView(0.5, 48), scanner.bundle.views[0]])
    own, first, second = beside(scanner, monkeypatch, [same.examiner(), wide.examiner()], frames=frames)
    mirrored = frames if frames < MIRROR_BELOW else 0
    assert len(same.seen) == len(wide.seen) == frames + mirrored
    assert {face[0].shape for face in same.seen} == {(64, 64, 3)}
    assert {tuple(cut.shape[0] for cut in face) for face in wide.seen} == {(48, 64)}
    for a, b in zip(same.seen, wide.seen, strict=True):
        np.testing.assert_array_equal(a[0], b[1])
    boxes = [[(s.frame_index, s.box_xyxy) for s in found.tracks[0].scores] for found in (own, first, second)]
    assert boxes[0] == boxes[1] == boxes[2]


@pytest.mark.parametrize("fails_at", [0, 10, 19])
def test_who_fails_has_an_error_record_and_no_number(
    scanner: Scanner, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    broken, sound = Recorder(scanner.bundle.views, fails_at), Recorder(scanner.bundle.views)
    own, failed, other = beside(scanner, monkeypatch, [broken.examiner("broken"), sound.examiner("sound")])
    assert own.status == other.status == "ok"
    assert failed.status == "error"
    assert failed.error is not None
    assert (failed.error.code, failed.error.message) == ("timeout", "too slow")
    assert failed.probability is None
    assert failed.model is not None
    assert failed.model.name == "broken"
    assert len(broken.seen) <= fails_at + 8, "a scorer that failed on a file is not asked again about it"


def test_an_unexpected_error_is_a_record_too_and_debug_raises_it(
    scanner: Scanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Recorder(scanner.bundle.views, 0, RuntimeError("their bug")).examiner()
    _, failed = beside(scanner, monkeypatch, [other])
    assert failed.error is not None
    assert failed.error.code == ErrorCode.INTERNAL
    assert "their bug" in failed.error.message
    monkeypatch.setenv(DEBUG_ENV, "1")
    with pytest.raises(RuntimeError, match="their bug"):
        beside(scanner, monkeypatch, [Recorder(scanner.bundle.views, 0, RuntimeError("their bug")).examiner()])


def test_a_file_that_breaks_is_one_error_for_all(scanner: Scanner, monkeypatch: pytest.MonkeyPatch) -> None:
    error = MediaError(ErrorCode.CORRUPT_DATA, "torn", stage="decode")
    found = beside(scanner, monkeypatch, [Recorder(scanner.bundle.views).examiner()], fails_at={5: error})
    assert [result.error.code for result in found if result.error] == ["corrupt_data"] * 2
    assert [result.model.name for result in found if result.model] == ["tiny", "theirs"]
