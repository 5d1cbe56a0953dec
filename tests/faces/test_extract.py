"""Extraction: crops carry the right picture and track, memory is flat, the decoding thread ends with the caller."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from dfdetect.errors import ErrorCode, MediaError
from dfdetect.faces import extract
from dfdetect.faces.extract import MAX_FACES, QUEUE_FRAMES, FaceStream, extract_faces
from dfdetect.values import FaceDetections, Frame
from fake_faces import BoxMesh, FakeReader, SquareDetector, plain_quality, scene

CORRUPT = MediaError(ErrorCode.CORRUPT_DATA, "cut short")


@pytest.fixture(autouse=True)
def _plain_quality(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "measure", plain_quality)


def run(reader: FakeReader, *, mesh: BoxMesh | None = None, detector: object = None, **options: object):
    return extract_faces(
        reader,
        range(len(reader.times_s)),
        detector=detector or SquareDetector(),
        mesh=mesh or BoxMesh(),
        margin=0.0,
        size_px=32,
        **options,
    )


def decode_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "dfdetect-decode"]


def test_two_people_are_two_tracks_with_their_own_pictures() -> None:
    frames = [scene((50 + 5 * i, 100, 80, 200), (400, 120 + 3 * i, 90, 60)) for i in range(8)]
    done: list[int] = []
    found = run(FakeReader(frames), on_progress=done.append)
    assert (found.frames_read, found.frames_with_face, done) == (8, 8, list(range(1, 9)))
    assert len(found.tracks) == 2
    assert len(found.crops) == 16
    for track_id in (1, 2):
        grays = {int(crop.image.mean()) for crop in found.crops if crop.track_id == track_id}
        assert len(grays) == 1
    assert {crop.image.shape for crop in found.crops} == {(32, 32, 3)}
    assert set(found.timing_s) == {"decode", "faces"}


def test_crop_maps_back_to_its_box() -> None:
    found = run(FakeReader([scene((50, 100, 80, 200))]))
    crop = found.crops[0]
    corners = np.array([[0, 0, 1], [32, 32, 1]], np.float32) @ crop.to_frame.T
    np.testing.assert_allclose(corners, [[50, 100], [130, 180]], atol=1e-3)
    np.testing.assert_allclose(crop.box_xyxy, [50, 100, 130, 180])


@pytest.mark.parametrize(("presence", "has_mesh"), [(0.9, True), (0.5, True), (0.49, False)])
def test_the_detectors_box_stands_in_where_the_mesh_fails(presence: float, has_mesh: bool) -> None:
    class HalfMesh(BoxMesh):
        def fit(self, image: np.ndarray, detections: FaceDetections):
            fit = super().fit(image, detections)
            centre = fit.points.mean(axis=1, keepdims=True)
            return type(fit)(centre + 0.5 * (fit.points - centre), fit.presence)

    crop = run(FakeReader([scene((50, 100, 80, 200))]), mesh=HalfMesh(presence)).crops[0]
    assert (crop.mesh is not None) is has_mesh
    assert crop.box_xyxy[2] - crop.box_xyxy[0] == pytest.approx(40 if has_mesh else 80)


def test_a_mesh_that_slid_off_the_face_is_not_believed() -> None:
    class LostMesh(BoxMesh):
        def fit(self, image: np.ndarray, detections: FaceDetections):
            fit = super().fit(image, detections)
            return type(fit)(fit.points + np.float32(500), fit.presence)

    crop = run(FakeReader([scene((50, 100, 80, 200))]), mesh=LostMesh()).crops[0]
    assert crop.mesh is None
    np.testing.assert_allclose(crop.box_xyxy, [50, 100, 130, 180])


def test_boxes_outside_the_frame_and_slivers_are_left_out() -> None:
    class Wild:
        def detect(self, image: np.ndarray) -> FaceDetections:
            boxes = np.array([[-90, 0, -10, 80], [10, 10, 10.2, 60], [600, 300, 660, 370]], np.float32)
            return FaceDetections(boxes, np.full(3, 0.9, np.float32), np.zeros((3, 5, 2), np.float32))

    found = run(FakeReader([scene()]), detector=Wild())
    assert [crop.box_xyxy.tolist() for crop in found.crops] == [[600, 300, 660, 370]]


def test_a_crowd_is_cut_to_the_largest_faces() -> None:
    boxes = [(12 * i, 12 * j, 8 + (i == 0), 100) for i in range(10) for j in range(10)]
    found = run(FakeReader([scene(*boxes)]))
    assert len(found.crops) == MAX_FACES
    assert sum(crop.quality.face_px > 8 for crop in found.crops) == 10


def test_tracks_end_at_the_readers_cuts() -> None:
    reader = FakeReader([scene((50, 100, 80, 200))] * 10, cuts_s=(1.25,))
    found = run(reader)
    assert found.cuts_s == (1.25,)
    assert [len(track.members) for track in found.tracks] == [5, 5]


def test_no_face_is_an_empty_extraction() -> None:
    found = run(FakeReader([scene()] * 3))
    assert (found.crops, found.tracks, found.frames_read, found.frames_with_face) == ((), (), 3, 0)


@pytest.mark.parametrize("position", [0, 3, 6])
@pytest.mark.parametrize("error", [CORRUPT, RuntimeError("bug"), MemoryError()])
def test_errors_of_decoding_come_out_in_the_caller(position: int, error: BaseException) -> None:
    reader = FakeReader([scene((50, 100, 80, 200))] * 6, fails_at={position: error})
    with pytest.raises(type(error)):
        run(reader)
    assert reader.closed
    assert decode_threads() == []


def test_stopping_early_ends_the_decoding_thread() -> None:
    """A thread that waits for ever on a full queue keeps the file open and the process alive."""
    reader = FakeReader([scene((50, 100, 80, 200))] * 50)
    stream = iter(FaceStream(reader, range(50), detector=SquareDetector(), mesh=BoxMesh(), margin=0.0, size_px=32))
    next(stream)
    stream.close()
    assert reader.closed
    assert decode_threads() == []
    assert reader.given <= 1 + QUEUE_FRAMES + 1


def test_an_error_of_the_detector_ends_the_decoding_thread() -> None:
    class Broken:
        def detect(self, image: np.ndarray) -> FaceDetections:
            raise RuntimeError("broken")

    reader = FakeReader([scene()] * 50)
    with pytest.raises(RuntimeError, match="broken"):
        run(reader, detector=Broken())
    assert reader.closed
    assert decode_threads() == []


def test_frames_are_dropped_at_once() -> None:
    """A list of decoded frames is 6 MB a frame at 1080p: a ten-minute clip would need gigabytes."""
    alive: list[weakref.ref[object]] = []
    most = 0

    class Tracked(np.ndarray):
        pass

    class Reader(FakeReader):
        def frames(self, indices: Sequence[int], *, find_cuts: bool = True) -> Iterator[Frame]:
            nonlocal most
            for index in indices:
                image = scene((50, 100, 80, 200)).view(Tracked)
                alive.append(weakref.ref(image))
                most = max(most, sum(ref() is not None for ref in alive))
                yield Frame(image, index, float(self.times_s[index]))
                del image

    run(Reader([scene()] * 60))
    # The queue, the one at each end of it, and the one that the generator still holds.
    assert most <= QUEUE_FRAMES + 4
