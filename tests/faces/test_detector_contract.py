"""What holds for every face detector in the dict, whatever is inside."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from dfdetect.data.drawn_faces import draw_face, draw_scene
from dfdetect.errors import UsageError
from dfdetect.faces.detector import FACE_DETECTORS, FaceDetector, make_detector

NAMES = sorted(FACE_DETECTORS)


@pytest.fixture(scope="module", params=NAMES)
def detector(request: pytest.FixtureRequest) -> FaceDetector:
    return make_detector(request.param)


def test_unknown_name_lists_the_options() -> None:
    with pytest.raises(UsageError, match="unknown face detector 'haar'; the options are: mtcnn, yunet"):
        make_detector("haar")


def test_default_is_one_of_the_options() -> None:
    assert inspect.signature(make_detector).parameters["name"].default in FACE_DETECTORS


@pytest.mark.parametrize(
    "size_hw", [(1, 1), (1, 700), (700, 1), (2, 3), (11, 11), (12, 12), (19, 20), (20, 20), (33, 1300), (257, 255)]
)
def test_any_size_without_a_face_gives_an_empty_result(detector: FaceDetector, size_hw: tuple[int, int]) -> None:
    """A frame smaller than the first network's field, or a strip, once stopped cascades with an empty list."""
    for picture in (np.zeros((*size_hw, 3), np.uint8), np.full((*size_hw, 3), 255, np.uint8)):
        found = detector.detect(picture)
        assert len(found) == 0
        assert found.boxes_xyxy.shape == (0, 4)
        assert found.landmarks.shape == (0, 5, 2)


@pytest.mark.parametrize(
    ("picture", "came"),
    [
        (np.zeros((40, 40), np.uint8), r"\(40, 40\) uint8"),
        (np.zeros((40, 40, 4), np.uint8), r"\(40, 40, 4\) uint8"),
        (np.zeros((40, 40, 3), np.float32), r"\(40, 40, 3\) float32"),
        (np.zeros((0, 40, 3), np.uint8), r"\(0, 40, 3\) uint8"),
    ],
)
def test_what_is_no_rgb_picture_is_refused_by_name(detector: FaceDetector, picture: np.ndarray, came: str) -> None:
    with pytest.raises(ValueError, match=came):
        detector.detect(picture)


@pytest.mark.parametrize("n_faces", [0, 1, 2, 3])
def test_finds_the_people_of_a_scene_and_says_where(detector: FaceDetector, n_faces: int) -> None:
    scene = draw_scene(np.random.default_rng(n_faces), n_faces=n_faces)
    found = detector.detect(scene.image)
    assert len(found) == n_faces
    assert found.boxes_xyxy.dtype == found.score.dtype == found.landmarks.dtype == np.float32
    assert ((found.score >= 0) & (found.score <= 1)).all()
    assert (np.diff(found.score) <= 0).all(), "best score first"
    for box, landmarks in zip(scene.boxes_xyxy, scene.landmarks, strict=True):
        width_px = box[2] - box[0]
        nearest = np.abs(found.boxes_xyxy - box).max(axis=1).argmin()
        assert np.abs(found.boxes_xyxy[nearest] - box).max() < 0.25 * width_px
        assert np.abs(found.landmarks[nearest] - landmarks).max() < 0.15 * width_px


def test_landmarks_run_from_the_left_of_the_picture(detector: FaceDetector) -> None:
    """Detectors name eyes by the subject or by the picture; mixed up, every mask and every mesh is mirrored."""
    found = detector.detect(draw_face(np.random.default_rng(1)))
    left_eye, right_eye, nose, left_mouth, right_mouth = found.landmarks[0]
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


def test_the_picture_and_the_next_answer_stay_as_they_are(detector: FaceDetector) -> None:
    """A detector that keeps its input size or its buffers between frames answers for the frame before."""
    large, small = draw_face(np.random.default_rng(2), 400), draw_face(np.random.default_rng(3), 150)
    before = large.copy()
    first = detector.detect(large)
    detector.detect(small)
    again = detector.detect(large)
    assert np.array_equal(large, before)
    assert np.array_equal(first.boxes_xyxy, again.boxes_xyxy)
    assert np.array_equal(first.score, again.score)


def test_not_contiguous_pictures_are_read_right(detector: FaceDetector) -> None:
    """A crop or a mirrored view has strides of its own, which a C library may read as garbage."""
    wide = draw_scene(np.random.default_rng(4), n_faces=2).image
    for view in (wide[:, 20:-20], wide[:, ::-1], wide[::1, :, ::-1][:, :, ::-1]):
        found, expected = detector.detect(view), detector.detect(np.ascontiguousarray(view))
        assert len(found) == 2
        assert np.array_equal(found.boxes_xyxy, expected.boxes_xyxy)
