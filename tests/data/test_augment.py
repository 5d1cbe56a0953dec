"""One history for both pictures of a pair; boxes that follow flips and turns; crops that stay sensible."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.data.augment import AugmentOptions, cut_mask, same_history
from dfdetect.faces.align import square_around
from dfdetect.faces.mesh import mesh_box_xyxy
from dfdetect.values import Float32Array
from face_pictures import astronaut_face, plain_mesh, plain_picture

OPTIONS = AugmentOptions()
NOTHING = AugmentOptions(p_colour=0, p_video=0, p_photo_jpeg=0, p_webp=0, p_shrink=0, p_blur=0, p_noise=0, p_gray=0)

seeds = st.integers(0, 2**63 - 1)


def square_of(mesh: Float32Array) -> tuple[int, int, int]:
    return square_around(mesh_box_xyxy(mesh), margin=0.1)


@pytest.mark.parametrize("p_video", [0.0, 1.0])
@given(seed=seeds)
@settings(max_examples=12, deadline=None)
def test_two_equal_pictures_get_one_history(p_video: float, seed: int) -> None:
    """Drawing quality or noise once a picture makes the fake tellable by its history."""
    picture, mesh = astronaut_face()
    rng = np.random.default_rng(seed)
    options = replace(OPTIONS, p_video=p_video)
    first, second = same_history([picture, picture.copy()], square_of(mesh), 96, rng, options)
    assert np.array_equal(first, second)
    assert first.shape == (96, 96, 3)
    assert first.dtype == np.uint8


def test_histories_differ_from_pair_to_pair() -> None:
    picture, mesh = astronaut_face()
    square = square_of(mesh)
    rng = np.random.default_rng(1)
    drawn = {same_history([picture], square, 64, rng, OPTIONS)[0].tobytes() for _ in range(12)}
    assert len(drawn) == 12


@pytest.mark.parametrize("size_px", [64, 96])
def test_no_history_is_a_plain_crop(size_px: int) -> None:
    picture, mesh = astronaut_face()
    left, top, side = square = square_of(mesh)
    (crop,) = same_history([picture], square, side, np.random.default_rng(0), NOTHING)
    assert np.array_equal(crop, picture[top : top + side, left : left + side])
    (small,) = same_history([picture], square, size_px, np.random.default_rng(0), NOTHING)
    assert small.shape == (size_px, size_px, 3)


def test_a_small_picture_survives_the_worst_history() -> None:
    """Faces near the least size come out of a video history at a few dozen pixels, and not as an error."""
    picture, mesh = plain_picture(96), plain_mesh(96)
    worst = replace(
        OPTIONS, p_video=1.0, p_video_twice=1.0, video_face_px=(8, 9), video_crf=(50, 51), p_motion_blur=1, p_noise=1,
        p_blur=1, p_colour=1, p_gray=1,
    )  # fmt: skip
    rng = np.random.default_rng(3)
    (crop,) = same_history([picture], square_of(mesh), 64, rng, worst)
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


def test_a_mask_is_cut_and_resized_like_its_picture() -> None:
    """A mask head that learns a shifted border learns nothing."""
    mask = np.zeros((80, 80), np.float32)
    mask[30:50, 20:44] = 0.75
    for size_px in (60, 30, 120):
        picture = np.repeat(np.rint(mask * 200).astype(np.uint8)[..., None], 3, axis=2)
        (crop,) = same_history([picture], (10, 14, 60), size_px, np.random.default_rng(0), NOTHING)
        cut = cut_mask(mask, (10, 14, 60), size_px)
        assert cut.shape == (size_px, size_px)
        assert cut.dtype == np.float32
        assert np.abs(cut * 200 - crop[..., 0]).mean() < 2
