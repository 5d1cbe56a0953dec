"""One history for both pictures of a pair; boxes that follow flips and turns; crops that stay sensible."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.data.augment import AugmentOptions, face_square, rotate, same_history
from dfdetect.faces.mesh import mesh_box_xyxy
from face_pictures import astronaut_face, plain_mesh, plain_picture

OPTIONS = AugmentOptions()
NOTHING = AugmentOptions(
    p_flip=0, max_rotation_deg=0, max_off_centre=0, p_colour=0, p_video=0, p_photo_jpeg=0, p_webp=0, p_shrink=0,
    p_blur=0, p_noise=0, p_gray=0,
)  # fmt: skip

seeds = st.integers(0, 2**63 - 1)


@pytest.mark.parametrize("p_video", [0.0, 1.0])
@given(seed=seeds)
@settings(max_examples=12, deadline=None)
def test_two_equal_pictures_get_one_history(p_video: float, seed: int) -> None:
    """Drawing quality or noise once a picture makes the fake tellable by its history."""
    picture, mesh = astronaut_face()
    rng = np.random.default_rng(seed)
    options = replace(OPTIONS, p_video=p_video)
    first, second = same_history([picture, picture.copy()], face_square(mesh, rng, options), 96, rng, options)
    assert np.array_equal(first, second)
    assert first.shape == (96, 96, 3)
    assert first.dtype == np.uint8


def test_histories_differ_from_pair_to_pair() -> None:
    picture, mesh = astronaut_face()
    square = face_square(mesh, np.random.default_rng(0), OPTIONS)
    rng = np.random.default_rng(1)
    drawn = {same_history([picture], square, 64, rng, OPTIONS)[0].tobytes() for _ in range(12)}
    assert len(drawn) == 12


@pytest.mark.parametrize("size_px", [64, 96])
def test_no_history_is_a_plain_crop(size_px: int) -> None:
    picture, mesh = astronaut_face()
    left, top, side = square = face_square(mesh, np.random.default_rng(0), NOTHING)
    (crop,) = same_history([picture], square, side, np.random.default_rng(0), NOTHING)
    assert np.array_equal(crop, picture[top : top + side, left : left + side])
    (small,) = same_history([picture], square, size_px, np.random.default_rng(0), NOTHING)
    assert small.shape == (size_px, size_px, 3)


@given(seeds)
@settings(max_examples=60, deadline=None)
def test_the_crop_holds_the_face_with_a_bounded_margin(seed: int) -> None:
    mesh = plain_mesh(200)
    box = mesh_box_xyxy(mesh)
    left, top, side = face_square(mesh, np.random.default_rng(seed), OPTIONS)
    longer = max(box[2] - box[0], box[3] - box[1])
    assert longer * (1 + 2 * OPTIONS.min_margin) - 1 <= side <= longer * (1 + 2 * OPTIONS.max_margin) + 1
    shift_x = left + side / 2 - (box[0] + box[2]) / 2
    shift_y = top + side / 2 - (box[1] + box[3]) / 2
    assert max(abs(shift_x), abs(shift_y)) <= OPTIONS.max_off_centre * side + 1.5
    # The loose crops of the shards have 0.45 of margin: no training crop may need more than that.
    assert left >= 0
    assert top >= 0
    assert left + side <= 200
    assert top + side <= 200


@given(seeds, st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_the_box_follows_the_flip_and_the_turn(seed: int, p_flip: float) -> None:
    """The mesh of the unflipped picture once cut half of a mirrored face off."""
    size_px = 160
    mesh = plain_mesh(size_px) + np.float32([17, -9, 0])
    picture = np.zeros((size_px, size_px, 3), np.uint8)
    for x, y in mesh[:, :2]:
        picture[round(float(y)) - 2 : round(float(y)) + 3, round(float(x)) - 2 : round(float(x)) + 3] = 255
    (turned, again), points = rotate(
        [picture, picture], mesh, np.random.default_rng(seed), replace(OPTIONS, p_flip=p_flip)
    )
    assert np.array_equal(turned, again)
    rows, columns = np.nonzero(turned[..., 0] > 127)
    marked = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    assert np.abs(marked - mesh_box_xyxy(points)).max() < 5


def test_a_flip_mirrors_about_the_pictures_middle() -> None:
    picture, mesh = plain_picture(160), plain_mesh(160)
    options = replace(NOTHING, p_flip=1.0)
    (flipped,), points = rotate([picture], mesh, np.random.default_rng(0), options)
    assert np.array_equal(flipped, picture[:, ::-1])
    assert np.allclose(points[:, 0], 160 - mesh[:, 0])
    assert np.allclose(points[:, 1], mesh[:, 1])
    (same,), still = rotate([picture], mesh, np.random.default_rng(0), NOTHING)
    assert np.array_equal(same, picture)
    assert np.array_equal(still, mesh[:, :2])


def test_a_small_picture_survives_the_worst_history() -> None:
    """Faces near the least size come out of a video history at a few dozen pixels, and not as an error."""
    picture, mesh = plain_picture(96), plain_mesh(96)
    worst = replace(
        OPTIONS, p_video=1.0, p_video_twice=1.0, video_face_px=(8, 9), video_crf=(50, 51), p_motion_blur=1, p_noise=1,
        p_blur=1, p_colour=1, p_gray=1,
    )  # fmt: skip
    rng = np.random.default_rng(3)
    (crop,) = same_history([picture], face_square(mesh, rng, worst), 64, rng, worst)
    assert crop.shape == (64, 64, 3)


def test_without_a_video_history_no_video_library_is_loaded() -> None:
    """Photo-only recipes must train where PyAV cannot be installed."""
    code = (
        "import sys; import numpy as np; from dfdetect.data.augment import AugmentOptions, same_history;"
        "picture = np.full((96, 96, 3), 90, np.uint8); rng = np.random.default_rng(0);"
        "[same_history([picture], (10, 10, 70), 64, rng, AugmentOptions(p_video=0)) for _ in range(20)];"
        "print('av' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]
