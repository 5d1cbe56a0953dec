"""Drawn faces must be faces to the detectors, and drawn fakes must be local."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.data.drawn_faces import draw_clip, draw_face, draw_scene, local_fake
from dfdetect.faces.detector import FACE_DETECTORS, make_detector


@pytest.mark.parametrize("name", sorted(FACE_DETECTORS))
def test_found_by_every_detector(name: str) -> None:
    detector = make_detector(name)
    faces_found = [len(detector.detect(draw_face(np.random.default_rng(seed), 160))) for seed in range(100)]
    assert faces_found.count(1) >= 95


@pytest.mark.parametrize("name", sorted(FACE_DETECTORS))
def test_backgrounds_are_no_faces(name: str) -> None:
    detector = make_detector(name)
    scenes = [draw_scene(np.random.default_rng(seed), n_faces=0) for seed in range(20)]
    assert sum(len(detector.detect(scene.image)) for scene in scenes) == 0


def test_one_seed_is_one_picture() -> None:
    first, again = (draw_scene(np.random.default_rng(3), n_faces=2) for _ in range(2))
    other = draw_scene(np.random.default_rng(4), n_faces=2)
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.boxes_xyxy, again.boxes_xyxy)
    assert not np.array_equal(first.image, other.image)


@pytest.mark.parametrize("n_faces", [0, 1, 3])
def test_shapes(n_faces: int) -> None:
    scene = draw_scene(np.random.default_rng(1), (320, 200), n_faces=n_faces)
    assert scene.image.shape == (200, 320, 3)
    assert scene.image.dtype == np.uint8
    assert scene.boxes_xyxy.shape == (n_faces, 4)
    assert scene.landmarks.shape == (n_faces, 5, 2)
    for box, landmarks in zip(scene.boxes_xyxy, scene.landmarks, strict=True):
        assert (landmarks > box[:2]).all()
        assert (landmarks < box[2:]).all()


def test_a_picture_too_small_for_a_face_is_refused() -> None:
    with pytest.raises(ValueError, match="expected size_px >= 32, got 31"):
        draw_face(np.random.default_rng(0), 31)


def test_a_clip_shows_the_same_people_moving_a_little() -> None:
    clip = draw_clip(np.random.default_rng(2), 12, (320, 180), n_faces=2)
    assert len(clip) == 12
    for before, after in itertools.pairwise(clip):
        width_px = (before.boxes_xyxy[:, 2] - before.boxes_xyxy[:, 0]).min()
        assert 0 < np.abs(after.boxes_xyxy - before.boxes_xyxy).max() < 0.1 * width_px
        # The top corners show the background alone, which must not move; only the grain may.
        change = after.image[:8, :8].astype(int) - before.image[:8, :8].astype(int)
        assert np.abs(change).mean() < 6


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.3, 1.5))
def test_a_fake_differs_inside_the_face_only(seed: int, strength: float) -> None:
    """A detector learns any trace outside the face, and then calls every clip of one camera fake."""
    scene = draw_scene(np.random.default_rng(seed), (240, 160))
    fake, mask = local_fake(scene.image, scene.boxes_xyxy[0], np.random.default_rng(seed), strength=strength)
    left, top, right, bottom = scene.boxes_xyxy[0].astype(int)
    inside = np.zeros(mask.shape, bool)
    inside[max(0, top) : bottom + 1, max(0, left) : right + 1] = True
    assert not mask[~inside].any()
    assert np.array_equal(fake[mask == 0], scene.image[mask == 0])
    assert np.abs(fake.astype(int) - scene.image.astype(int))[mask > 0.5].mean() > 1.5
    assert mask.max() <= 1
    assert fake.dtype == np.uint8


@pytest.mark.parametrize("box", [(-50, 10, -1, 60), (300, 10, 400, 60), (10, 10, 10, 40)])
def test_a_box_outside_the_picture_is_refused(box: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="expected a box inside 240 x 160 px"):
        local_fake(np.zeros((160, 240, 3), np.uint8), np.array(box, np.float32), np.random.default_rng(0))
