"""Heatmaps: the sign is a colour, nothing is drawn where there is no evidence."""

from __future__ import annotations

import numpy as np
import pytest

from dfdetect.detect.explain import MASK_FULL_SCALE, full_scale, heatmap_overlay

GRAY = np.full((64, 64, 3), 128, np.uint8)


def test_sides_of_the_sign_differ_in_colour() -> None:
    cam = np.zeros((4, 4), np.float32)
    cam[:, 0], cam[:, 3] = 2.0, -2.0
    drawn = heatmap_overlay(GRAY, cam).astype(int)
    towards, against = drawn[32, 2], drawn[32, 61]
    assert towards[0] > towards[2]
    assert against[2] > against[0]
    assert np.abs(drawn[32, 32] - 128).max() <= 2
    assert drawn.shape == GRAY.shape


@pytest.mark.parametrize("cam", [np.zeros((7, 7), np.float32), np.full((1, 1), 1e-30, np.float32)])
def test_no_evidence_leaves_the_picture(cam: np.ndarray) -> None:
    assert np.array_equal(heatmap_overlay(GRAY, cam), GRAY)


def test_a_common_scale_makes_weak_frames_pale() -> None:
    cam = np.full((7, 7), 0.5, np.float32)
    alone, beside = heatmap_overlay(GRAY, cam), heatmap_overlay(GRAY, cam, full_scale=5.0)
    assert np.abs(beside.astype(int) - 128).max() < np.abs(alone.astype(int) - 128).max() / 3


def test_shares_pasted_have_a_scale_of_their_own() -> None:
    """A real face and a fake must not look alike because each was drawn to its own maximum."""
    weak, strong = np.full((7, 7), 0.02, np.float32), np.full((7, 7), 0.8, np.float32)
    assert full_scale("mask", [weak]) == full_scale("mask", [weak, strong]) == MASK_FULL_SCALE
    assert full_scale("cam", [weak, None, -strong]) == pytest.approx(0.8)
    assert full_scale("cam", [None]) is None
    pale = heatmap_overlay(GRAY, weak, full_scale=MASK_FULL_SCALE).astype(int)
    assert np.abs(pale - 128).max() < 5


@pytest.mark.parametrize(
    ("crop", "cam"),
    [
        (GRAY[..., 0], np.zeros((7, 7))),
        (GRAY.astype(np.float32), np.zeros((7, 7))),
        (GRAY, np.zeros((1, 7, 7))),
        (GRAY, np.zeros((0, 7))),
    ],
)
def test_wrong_shapes_are_refused(crop: np.ndarray, cam: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected"):
        heatmap_overlay(crop, cam)
