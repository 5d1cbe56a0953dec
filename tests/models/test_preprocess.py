"""Pixels -> network input, the one way for training and every backend."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfdetect.models.preprocess import to_input
from dfdetect.models.spec import ModelSpec, NetworkIO

IMAGENET = ModelSpec("net", 5, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


@given(st.integers(0, 2**32))
def test_every_pixel_by_the_formula(seed: int) -> None:
    crops = np.random.default_rng(seed).integers(0, 256, (2, 5, 5, 3), dtype=np.uint8)
    found = to_input(crops, IMAGENET)
    assert found.shape == (2, 3, 5, 5)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    for channel in range(3):
        expected = (crops[..., channel] / 255 - IMAGENET.mean[channel]) / IMAGENET.std[channel]
        assert np.allclose(found[:, channel], expected, atol=1e-5)


def test_black_and_white_are_the_ends() -> None:
    spec = ModelSpec("net", 2)
    assert np.allclose(to_input(np.zeros((1, 2, 2, 3), np.uint8), spec), -1)
    assert np.allclose(to_input(np.full((1, 2, 2, 3), 255, np.uint8), spec), 1)


def test_no_crop_is_an_empty_batch() -> None:
    assert to_input(np.zeros((0, 4, 4, 3), np.uint8), ModelSpec("net", 4)).shape == (0, 3, 4, 4)


@pytest.mark.parametrize(
    "crops",
    [np.zeros((4, 4, 3), np.uint8), np.zeros((1, 3, 4, 4), np.uint8), np.zeros((1, 4, 4, 3), np.float32)],
)
def test_another_layout_is_refused(crops: np.ndarray) -> None:
    """Floats in 0..1 were divided by 255 once more: every face was black to the network."""
    with pytest.raises(ValueError, match=r"expected \(N, S, S, 3\) uint8 crops; got"):
        to_input(crops, ModelSpec("net", 4))


def test_others_want_other_layouts_and_orders() -> None:
    """A network that was fed blue for red still answered, and worse."""
    crops = np.random.default_rng(4).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    spec = ModelSpec("net", 8, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6))
    ours = to_input(crops, spec)
    swapped = to_input(crops, replace(spec, network=NetworkIO(channel_order="BGR")))
    last = to_input(crops, replace(spec, network=NetworkIO(layout="NHWC")))
    both = to_input(crops, replace(spec, network=NetworkIO("NHWC", "BGR")))
    assert np.array_equal(swapped, ours[:, ::-1])
    assert np.array_equal(last, ours.transpose(0, 2, 3, 1))
    assert np.array_equal(both, last[..., ::-1])
    assert all(found.flags.c_contiguous for found in (ours, swapped, last, both))
