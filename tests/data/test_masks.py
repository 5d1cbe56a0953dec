"""Face masks: where they lie, and that softening really erodes and feathers."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.data.masks import REGION_MASKS, WHOLE_FACE_MASKS, draw_mask, elastic, soften
from dfdetect.errors import UsageError
from dfdetect.faces.mesh import mesh_box_xyxy
from dfdetect.values import Float32Array
from face_pictures import plain_mesh

SIDE = 224
MESH = plain_mesh(SIDE)
ALL_MASKS = sorted(WHOLE_FACE_MASKS | REGION_MASKS)

seeds = st.integers(0, 2**32)


def hard(name: str) -> Float32Array:
    return draw_mask(MESH, name, shape=(SIDE, SIDE))


@pytest.mark.parametrize("name", ALL_MASKS)
def test_a_mask_is_part_of_the_face(name: str) -> None:
    mask = hard(name)
    assert mask.dtype == np.float32
    assert set(np.unique(mask)) == {0.0, 1.0}
    left, top, right, bottom = mesh_box_xyxy(MESH)
    rows, columns = np.nonzero(mask)
    reach = 0.12 * (right - left)  # grown regions and raised brows reach a little over the points
    assert left - reach <= columns.min()
    assert columns.max() <= right + reach
    assert top - reach <= rows.min()
    assert rows.max() <= bottom + reach
    share = mask.sum() / ((right - left) * (bottom - top))
    assert (0.35 if name in WHOLE_FACE_MASKS else 0.02) < share < 0.95


@pytest.mark.parametrize("name", ALL_MASKS)
def test_a_mask_at_half_scale_is_the_mask_halved(name: str) -> None:
    small = draw_mask(MESH, name, shape=(SIDE // 2, SIDE // 2), scale=0.5)
    halved = cv2.resize(hard(name), (SIDE // 2, SIDE // 2), interpolation=cv2.INTER_AREA)
    assert np.abs(small - halved).sum() < 0.12 * halved.sum() + 40


def test_regions_are_smaller_than_the_face_and_differ() -> None:
    oval = hard("oval").sum()
    assert all(hard(name).sum() < 0.75 * oval for name in REGION_MASKS)
    drawn = {hard(name).tobytes() for name in ALL_MASKS}
    assert len(drawn) == len(ALL_MASKS)


def test_an_unknown_mask_lists_the_options() -> None:
    with pytest.raises(UsageError, match=r"unknown mask 'chin'; the options are: .*below_forehead.*oval"):
        hard("chin")


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_a_bend_of_no_size_changes_nothing(seed: int) -> None:
    mask = hard("oval")
    assert np.array_equal(elastic(mask, np.random.default_rng(seed), amplitude_px=0, smooth_px=10), mask)


@given(seeds, st.floats(0.5, 4))
@settings(max_examples=20, deadline=None)
def test_a_bend_moves_the_outline_by_about_its_amplitude(seed: int, amplitude_px: float) -> None:
    mask = hard("oval")
    bent = elastic(mask, np.random.default_rng(seed), amplitude_px=amplitude_px, smooth_px=12)
    assert bent.min() >= 0
    assert bent.max() <= 1
    from_outline = cv2.distanceTransform((mask > 0).astype(np.uint8), cv2.DIST_L2, 3)
    from_outline += cv2.distanceTransform((mask == 0).astype(np.uint8), cv2.DIST_L2, 3)
    assert from_outline[np.abs(bent - mask) > 0.5].max(initial=0) < 6 * amplitude_px + 2


@pytest.mark.parametrize("name", ALL_MASKS)
@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_a_soft_mask_is_feathered_and_inside_0_to_1(name: str, seed: int) -> None:
    soft = soften(hard(name), np.random.default_rng(seed))
    assert soft.dtype == np.float32
    assert soft.min() >= 0
    assert soft.max() == 1
    assert len(np.unique(np.round(soft, 3))) > 50
    steps = np.abs(np.diff(soft, axis=1)).max()
    assert steps < 0.5  # a hard edge would be a cue that no forger leaves


@given(seeds)
@settings(max_examples=40, deadline=None)
def test_softening_really_erodes(seed: int) -> None:
    """With a uint8 mask the first blur rounds back to 0/1, the erosion keeps everything, and the blend's border never
    leaves the landmarks: the published code, where its hull library is missing."""
    mask = hard("oval")
    soft = soften(mask, np.random.default_rng(seed))
    outline = (soft >= 0.5).sum() / mask.sum()  # the second blur is symmetric about the eroded outline
    assert 0.35 < outline < 0.98
    as_uint8 = cv2.GaussianBlur(mask.astype(np.uint8), (15, 15), 5)
    assert set(np.unique(as_uint8)) == {0, 1}  # the accident itself, on today's OpenCV


def test_erosion_varies_and_takes_about_a_fifth_on_average() -> None:
    mask = hard("oval")
    kept = [(soften(mask, np.random.default_rng(seed)) >= 0.5).sum() / mask.sum() for seed in range(60)]
    assert 0.65 < np.mean(kept) < 0.92
    assert np.std(kept) > 0.03


def test_a_thin_region_keeps_its_shape() -> None:
    """A core that erodes away would leave a fake that differs nowhere."""
    thin = np.zeros((SIDE, SIDE), np.float32)
    thin[100:104, 60:160] = 1
    for seed in range(10):
        soft = soften(thin, np.random.default_rng(seed))
        assert soft.max() == 1
        assert soft[102, 110] > 0.9


def test_nothing_stays_nothing() -> None:
    """An empty mask was all core: the whole picture became the fake."""
    assert not soften(np.zeros((64, 64), np.float32), np.random.default_rng(0)).any()
