"""A protocol's overrides go through the same rooms, and without one nothing changes."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from dfdetect.calibration import sigmoid
from dfdetect.detect import detector as scanning
from dfdetect.detect.detector import Scanner
from dfdetect.detect.policy import SCAN, ScanPolicy
from dfdetect.errors import UsageError
from dfdetect.faces import extract
from dfdetect.faces.align import BoxMargin, FivePoints
from dfdetect.media.roundtrip import encode_png
from dfdetect.values import ScanResult, Verdict
from face_pictures import astronaut_face
from fake_faces import BoxMesh, FakeReader, SquareDetector, plain_quality, scene
from tiny_bundle import make_tiny_bundle

BRIGHT, DARK = 250, 40


@pytest.fixture(autouse=True)
def _plain_quality(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "measure", plain_quality)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("models") / "tiny")


def scan_frames(
    bundle: Path, frames: Sequence[np.ndarray], policy: ScanPolicy, monkeypatch: pytest.MonkeyPatch
) -> ScanResult:
    monkeypatch.setattr(scanning, "open_media", lambda path: FakeReader(frames))
    scanner = Scanner(bundle, detector=SquareDetector(), mesh=BoxMesh(), threads=1, policy=policy)
    found = scanner.scan("fake.mp4")
    assert found.error is None, found.error
    return found


def logits_of(result: ScanResult) -> list[float]:
    return [score.logit for track in result.tracks for score in track.scores]


TWO_FACES = [scene((40 + i, 100, 100, DARK), (400, 140, 60, BRIGHT)) for i in range(10)]


def test_without_a_policy_nothing_changes(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = scan_frames(bundle, TWO_FACES, SCAN, monkeypatch)
    again = scan_frames(bundle, TWO_FACES, ScanPolicy(), monkeypatch)
    assert (plain.tracks, plain.probability, plain.interval) == (again.tracks, again.probability, again.interval)


def test_frames_by_number_and_the_largest_face_of_each(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = ScanPolicy(numbered_frames=4, face_choice="largest", pooling="frames", mirror=False)
    found = scan_frames(bundle, TWO_FACES, policy, monkeypatch)
    (track,) = found.tracks
    assert [score.frame_index for score in track.scores] == [0, 3, 6, 9]
    assert {score.box_xyxy[2] - score.box_xyxy[0] for score in track.scores} == {100.0}
    assert found.verdict is Verdict.NO_MANIPULATION_FOUND


def test_the_mean_of_the_highest_face_of_each_frame(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [scene((40, 100, 100, DARK), (400, 140, 90, BRIGHT if i % 2 else DARK)) for i in range(6)]
    policy = ScanPolicy(numbered_frames=6, face_choice="half_of_largest", pooling="frames", mirror=False)
    found = scan_frames(bundle, frames, policy, monkeypatch)
    (track,) = found.tracks
    assert len(track.scores) == 6
    high = [score.logit for score in track.scores][1::2]
    assert min(high) > max(logits_of(found)[0::2])
    assert found.probability == pytest.approx(float(np.mean(sigmoid(np.array(logits_of(found))))))
    assert set(found.evidence) == {(1, i) for i in range(6)}


def test_a_face_of_less_than_half_the_area_is_left_out(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [scene((40, 100, 100, DARK), (400, 140, 70, BRIGHT))] * 3
    policy = ScanPolicy(numbered_frames=3, face_choice="half_of_largest", pooling="frames", mirror=False)
    assert max(logits_of(scan_frames(bundle, frames, policy, monkeypatch))) < 0


def test_a_wider_margin_sees_more_of_the_frame(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The background is darker than the face, so a wider cut scores lower."""
    frames = [scene((200, 100, 100, BRIGHT))] * 8
    scores = [
        scan_frames(bundle, frames, ScanPolicy(crop=crop), monkeypatch).probability
        for crop in (
            BoxMargin(0.0),
            None,
            BoxMargin(0.125),
            BoxMargin(0.125, detected=True, stretched=True),
            BoxMargin(0.5),
        )
    ]
    none, own, same, stretched, wide = (score or 0.0 for score in scores)
    assert none > own > wide
    assert same == own
    assert stretched == pytest.approx(own, abs=0.02)


def test_five_points_leave_out_a_face_without_a_mesh(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "open_media", lambda path: FakeReader([scene((200, 100, 100, BRIGHT))] * 3))
    for presence, verdict in ((0.0, Verdict.NOT_APPLICABLE), (1.0, None)):
        policy = ScanPolicy(crop=FivePoints(), pooling="frames", mirror=False)
        scanner = Scanner(bundle, detector=SquareDetector(), mesh=BoxMesh(presence), threads=1, policy=policy)
        found = scanner.scan("fake.mp4")
        assert found.error is None
        assert (found.verdict is verdict) or verdict is None
        assert bool(found.tracks) == (presence == 1.0)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"face_choice": "nearest"}, "the options are: all, half_of_largest, largest"),
        ({"pooling": "median"}, "the options are: frames, tracks"),
        ({"numbered_frames": 0}, "at least 1"),
    ],
)
def test_what_there_is_not(change: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        ScanPolicy(**change)  # type: ignore[arg-type]


# ---- folders and crops, with the real detector and mesh ----


def test_a_folder_of_frames_is_one_clip(bundle: Path, tmp_path: Path) -> None:
    picture = astronaut_face()[0]
    for n in range(6):
        (tmp_path / f"frame_{n:03d}.png").write_bytes(encode_png(picture))
    scanner = Scanner(bundle, threads=1)
    found = scanner.scan(tmp_path, kind="frames")
    (tmp_path / "one.png").write_bytes(encode_png(picture))
    still = scanner.scan(tmp_path / "one.png")
    assert found.error is None
    assert found.input.sha256 is None
    assert (found.media.info.kind, found.media.frames_read) == ("video", 6)  # type: ignore[union-attr]
    assert [s.box_xyxy for s in found.tracks[0].scores] == [still.tracks[0].scores[0].box_xyxy] * 6


def test_crops_are_used_whole(bundle: Path, tmp_path: Path) -> None:
    """A second detection inside a crop cut it again, to eyes and mouth."""
    picture = astronaut_face()[0][:, :200]
    (tmp_path / "crops").mkdir()
    for n in range(6):
        (tmp_path / "crops" / f"{n}.png").write_bytes(encode_png(picture))
    shutil.copy(tmp_path / "crops" / "0.png", tmp_path / "crop.png")
    scanner = Scanner(bundle, threads=1)
    folder, single = (scanner.scan(tmp_path / name, kind="crops") for name in ("crops", "crop.png"))
    assert folder.error is None
    assert single.error is None
    expected = 4 * (picture.mean() / 255 * 2 - 1)
    assert logits_of(single)[0] == pytest.approx(expected, abs=0.1)
    assert len(folder.tracks) == 1
    assert len(logits_of(folder)) == 6
    gray = np.full((90, 90, 3), 200, np.uint8)
    (tmp_path / "wall.png").write_bytes(encode_png(gray))
    assert scanner.scan(tmp_path / "wall.png", kind="crops").probability is not None


def test_a_folder_that_is_none_is_a_record(bundle: Path, tmp_path: Path) -> None:
    scanner = Scanner(bundle, threads=1)
    for path, code in ((tmp_path / "none", "io_error"), (tmp_path, "no_frame")):
        found = scanner.scan(path, kind="frames")
        assert found.error is not None
        assert found.error.code == code
