"""The parts of the cascade that can be checked by hand: resizing, squares."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.data.drawn_faces import draw_face
from dfdetect.faces import mtcnn
from dfdetect.faces.mtcnn import Mtcnn


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 30), st.integers(1, 30), st.integers(0, 2**31))
def test_area_resize_is_the_mean_under_each_output_pixel(h: int, w: int, out_h: int, out_w: int, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (h + 3, w + 2, 3), dtype=np.uint8)
    box = np.array([1, 2, 1 + w, 2 + h])
    got = mtcnn._area_resize(mtcnn._integral(image), box, (out_h, out_w))
    part = image[2 : 2 + h, 1 : 1 + w].astype(np.float64)
    for row in range(out_h):
        for column in range(out_w):
            y = slice(row * h // out_h, -(-(row + 1) * h // out_h))
            x = slice(column * w // out_w, -(-(column + 1) * w // out_w))
            assert np.allclose(got[row, column], part[y, x].mean(axis=(0, 1)), atol=1e-3)


def test_sums_of_a_very_large_picture_do_not_overflow() -> None:
    """Above 8.4 megapixels of white the sums leave 32 bits, and means turned negative."""
    white = np.broadcast_to(np.uint8(255), (2, 4_300_000, 3))
    integral = mtcnn._integral(np.ascontiguousarray(white))
    assert integral[-1, -1, 0] == 255 * 2 * 4_300_000
    assert (mtcnn._area_resize(integral, np.array([0, 0, 4_300_000, 2]), (1, 3)) == 255).all()


@settings(max_examples=50, deadline=None)
@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(1, 99), st.floats(1, 99))
def test_squares_keep_the_centre_and_the_longer_side(x: float, y: float, w: float, h: float) -> None:
    left, top, right, bottom = mtcnn._squared(np.array([[x, y, x + w, y + h]], np.float32))[0]
    assert right - left == pytest.approx(max(w, h), abs=1e-3)
    assert bottom - top == pytest.approx(max(w, h), abs=1e-3)
    assert (left + right) / 2 == pytest.approx(x + w / 2, abs=1e-3)
    assert (top + bottom) / 2 == pytest.approx(y + h / 2, abs=1e-3)


@pytest.mark.parametrize("options", [{"min_face_px": 11}, {"pyramid_factor": 1.0}, {"pyramid_factor": 0.0}])
def test_impossible_settings_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected min_face_px >= 12 and pyramid_factor inside"):
        Mtcnn(**options)  # type: ignore[arg-type]


def test_a_picture_smaller_than_the_smallest_face_holds_none() -> None:
    face = draw_face(np.random.default_rng(8), 100)
    assert len(Mtcnn(min_face_px=20).detect(face)) == 1
    assert len(Mtcnn(min_face_px=101).detect(face)) == 0


def test_a_face_cut_by_the_border_gives_a_box_that_reaches_outside() -> None:
    cut = draw_face(np.random.default_rng(9), 256)[:, 90:]
    found = Mtcnn().detect(cut)
    assert len(found) == 1
    assert found.boxes_xyxy[0, 0] < 0


def test_boxes_are_in_pixels_of_the_frame_also_where_it_was_shrunk_first() -> None:
    """A 50-megapixel photograph took gigabytes; shrunk, its boxes must still be those of the photograph."""
    large = np.kron(draw_face(np.random.default_rng(10), 200), np.ones((4, 4, 1), np.uint8))
    whole, shrunk = Mtcnn().detect(large), Mtcnn(long_side_px=200).detect(large)
    assert len(whole) == len(shrunk) == 1
    assert np.abs(whole.boxes_xyxy - shrunk.boxes_xyxy).max() < 40
    assert np.abs(whole.landmarks - shrunk.landmarks).max() < 40
