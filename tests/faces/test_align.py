"""The one crop function: where a crop lies in the frame, at the edges too."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.faces.align import (
    TEMPLATE_112,
    FivePoints,
    crop_face,
    crop_points,
    crop_stretched,
    crop_whole,
    cut_square,
    resize_square,
    similarity,
    square_around,
)
from dfdetect.values import Float32Array, UInt8Array

WIDTH, HEIGHT = 120, 90
FRAME = np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)

margins = st.floats(0, 0.6)


@st.composite
def boxes(draw: st.DrawFn) -> Float32Array:
    """Face boxes whose middle lies in the frame; they may reach out of it."""
    width, height = draw(st.floats(2, 100)), draw(st.floats(2, 100))
    x, y = draw(st.floats(1, WIDTH - 1)), draw(st.floats(1, HEIGHT - 1))
    return np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2], np.float32)


@given(boxes(), margins)
def test_the_square_is_centred_and_holds_box_and_margin(box: Float32Array, margin: float) -> None:
    left, top, side = square_around(box, margin=margin)
    longer = max(box[2] - box[0], box[3] - box[1])
    assert side == pytest.approx(longer * (1 + 2 * margin), abs=0.51)
    assert left + side / 2 == pytest.approx((box[0] + box[2]) / 2, abs=0.51)
    assert top + side / 2 == pytest.approx((box[1] + box[3]) / 2, abs=0.51)


@settings(deadline=None)
@given(boxes(), margins, st.integers(1, 96))
def test_crop_corners_map_to_the_squares_corners(box: Float32Array, margin: float, size_px: int) -> None:
    left, top, side = square_around(box, margin=margin)
    crop = crop_face(FRAME, box, margin=margin, size_px=size_px)
    assert crop.image.shape == (size_px, size_px, 3)
    assert crop.image.dtype == np.uint8
    corners = np.array([[0, 0, 1], [size_px, 0, 1], [0, size_px, 1], [size_px, size_px, 1]], np.float32)
    expected = [(left, top), (left + side, top), (left, top + side), (left + side, top + side)]
    assert np.allclose(corners @ crop.to_frame.T, expected, atol=1e-3)


@given(st.integers(0, 80), st.integers(0, 50), st.integers(2, 40))
def test_a_whole_square_at_native_size_is_the_frames_own_pixels(left: int, top: int, side: int) -> None:
    """Nothing is resampled twice: the first shards were blurred by half a pixel."""
    box = np.array([left, top, left + side, top + side], np.float32)
    crop = crop_face(FRAME, box, margin=0, size_px=side)
    assert np.array_equal(crop.image, FRAME[top : top + side, left : left + side])
    assert np.array_equal(crop.to_frame, [[1, 0, left], [0, 1, top]])


@settings(deadline=None)
@given(st.integers(0, 80), st.integers(0, 50), st.integers(2, 40), st.sampled_from([2, 3, 4]))
def test_a_frame_twice_as_large_gives_the_same_crop(left: int, top: int, side: int, factor: int) -> None:
    large: UInt8Array = FRAME.repeat(factor, axis=0).repeat(factor, axis=1)
    box = np.array([left, top, left + side, top + side], np.float32)
    small = crop_face(FRAME, box, margin=0, size_px=side)
    scaled = crop_face(large, box * factor, margin=0, size_px=side)
    assert np.abs(small.image.astype(int) - scaled.image.astype(int)).max() <= 1
    assert np.allclose(scaled.to_frame, small.to_frame * factor)


@pytest.mark.parametrize(
    ("left", "top", "inside"),
    [(-10, 20, np.s_[:, 10:]), (20, -10, np.s_[10:, :]), (100, 20, np.s_[:, :20]), (20, 70, np.s_[:20, :])],
)
def test_outside_the_frame_its_edge_goes_on(left: int, top: int, inside: tuple[slice, slice]) -> None:
    cut = cut_square(FRAME, left, top, 30)
    assert cut.shape == (30, 30, 3)
    rows = np.clip(np.arange(top, top + 30), 0, HEIGHT - 1)
    columns = np.clip(np.arange(left, left + 30), 0, WIDTH - 1)
    assert np.array_equal(cut, FRAME[rows][:, columns])
    assert cut[inside].size > 0


@pytest.mark.parametrize(("left", "top"), [(-30, 0), (0, -30), (WIDTH, 0), (0, HEIGHT), (500, 500)])
def test_a_crop_wholly_outside_is_an_error(left: int, top: int) -> None:
    with pytest.raises(ValueError, match="outside the 120x90 frame"):
        cut_square(FRAME, left, top, 30)


@pytest.mark.parametrize("box", [(10, 10, 10, 20), (10, 10, 20, 10), (20, 10, 10, 20), (np.nan, 0, 5, 5)])
def test_a_box_without_area_is_an_error(box: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="right > left and bottom > top"):
        square_around(np.array(box, np.float32), margin=0.1)


def test_shrinking_averages() -> None:
    """Sampling single pixels of a large face aliases: a sharp studio photo then looks like a forgery's ringing."""
    checks: UInt8Array = np.indices((64, 64)).sum(axis=0)[..., None].repeat(3, axis=2).astype(np.uint8) % 2 * 254
    assert (resize_square(checks, 16) == 127).all()
    assert np.array_equal(resize_square(checks, 64), checks)


@pytest.mark.parametrize(("size_px", "expected"), [(10, 10), (40, 40), (100, 40)])
def test_a_small_crop_may_stay_at_its_native_size(size_px: int, expected: int) -> None:
    box = np.array([30, 20, 70, 60], np.float32)
    crop = crop_face(FRAME, box, margin=0.0, size_px=size_px, enlarge=False)
    assert crop.image.shape == (expected, expected, 3)
    assert np.allclose(crop.to_frame @ [expected, expected, 1], (70, 60))


# ---- five points, as DeepfakeBench cuts ----


@settings(deadline=None)
@given(
    st.floats(-3.1, 3.1),
    st.floats(0.3, 3),
    st.floats(20, 100),
    st.floats(20, 70),
    st.sampled_from([64, 224, 256]),
    st.floats(1, 2),
)
def test_points_that_fit_the_template_lie_on_it(
    turn: float, scale: float, x: float, y: float, size_px: int, further: float
) -> None:
    """to_frame leads from the template's place in the crop to the point of the frame, edges to edges."""
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    points = (TEMPLATE_112 - 56) @ np.array([[cos, sin], [-sin, cos]]) + (x, y)
    crop = crop_points(FRAME, np.float32(points), rule=FivePoints(further), size_px=size_px)
    assert crop.image.shape == (size_px, size_px, 3)
    # In a picture of 256 px whose middle 1 / further is the template: pixel centres, so half a pixel more as edges.
    there = ((TEMPLATE_112 * 256 / 112 - 128) / further + 128 + 0.5) * size_px / 256
    found = np.column_stack([there, np.ones(5)]) @ crop.to_frame.T
    assert np.allclose(found, points, atol=0.02 * scale + 0.02)


def test_the_five_point_crop_is_the_usual_one(rng: np.random.Generator) -> None:
    """Against scikit-image's estimate of the same move, warped by pixel centres as the benchmark does."""
    transform = pytest.importorskip("skimage.transform")
    import cv2

    points = np.float32([[40, 35], [75, 38], [58, 55], [44, 70], [72, 72]]) + rng.normal(0, 2, (5, 2))
    onto = TEMPLATE_112 * (256 / 112)
    onto = (onto + 256 * 0.3 / 2) / 1.3
    found = transform.SimilarityTransform.from_estimate(points - 0.5, onto)  # our edges as centres
    expected = cv2.warpAffine(FRAME, found.params[:2], (256, 256), flags=cv2.INTER_LINEAR)
    crop = crop_points(FRAME, np.float32(points), rule=FivePoints(), size_px=256)
    assert float(np.mean(np.abs(crop.image.astype(int) - expected))) < 0.2
    smaller = crop_points(FRAME, np.float32(points), rule=FivePoints(), size_px=128)
    resized = cv2.resize(expected, (128, 128), interpolation=cv2.INTER_CUBIC)
    assert float(np.mean(np.abs(smaller.image.astype(int) - resized))) < 0.2


def test_similarity_of_one_point_only_shifts() -> None:
    move = similarity(np.zeros((5, 2), np.float32), TEMPLATE_112)
    assert np.all(np.isfinite(move))


# ---- whole and stretched ----


def test_a_whole_picture_is_stretched_and_maps_back() -> None:
    crop = crop_whole(FRAME, size_px=60)
    assert crop.image.shape == (60, 60, 3)
    assert np.allclose(crop.to_frame @ [60, 60, 1], [WIDTH, HEIGHT])
    square = crop_whole(FRAME[:50, :50], size_px=50)
    assert np.array_equal(square.image, FRAME[:50, :50])


@settings(deadline=None)
@given(boxes(), st.floats(0, 0.5))
def test_a_stretched_crop_covers_box_and_margin_inside_the_frame(box: Float32Array, margin: float) -> None:
    crop = crop_stretched(FRAME, box, margin=margin, size_px=40)
    (x0, y0), (x1, y1) = crop.to_frame @ [0, 0, 1], crop.to_frame @ [40, 40, 1]
    width, height = box[2] - box[0], box[3] - box[1]
    assert x0 == pytest.approx(max(0, box[0] - margin * width), abs=1.01)
    assert y0 == pytest.approx(max(0, box[1] - margin * height), abs=1.01)
    assert x1 == pytest.approx(min(WIDTH, box[2] + margin * width), abs=1.01)
    assert y1 == pytest.approx(min(HEIGHT, box[3] + margin * height), abs=1.01)


def test_a_stretched_crop_outside_the_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="outside the"):
        crop_stretched(FRAME, np.float32([200, 10, 240, 50]), margin=0.1, size_px=20)
