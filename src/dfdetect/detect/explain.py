"""Where a network takes a face for pasted, or where it read its evidence: the map of one crop, drawn over it.

mask    share of each cell that is taken for pasted, 0..1, by a head that learnt where the fakes of training were pasted
cam     each cell's share of the logit, into which the last map is averaged (class activation map; Zhou et al. 2016,
        arXiv:1512.04150): it shows where the network looked, not what was manipulated
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from dfdetect.values import Float32Array, UInt8Array

FloatArray = NDArray[np.float64]

CAPTIONS = {
    "mask": "Where the network takes the face for pasted (orange, strongest from a half on): an estimate, no outline.",
    "cam": "Where the network read its evidence (orange towards manipulated, blue against), not what was changed.",
}
MASK_FULL_SCALE = 0.5  # a cell that is more likely pasted than not is drawn strongest
_TOWARDS_RGB = np.array([255, 128, 0], np.float32)  # orange and blue stay apart for colour-blind eyes
_AGAINST_RGB = np.array([0, 96, 255], np.float32)
_STRONGEST_OPACITY = 0.6  # the face must stay visible below


def place_map(cams: Float32Array, share: float, shape: tuple[int, int]) -> Float32Array:
    """CAMs of a square -> maps of the larger square around it, with the same mean, and zero outside.

    The value of a cell is spread evenly over its area, so what a network said of the logit neither grows nor shrinks.

    Args:
        cams: (N, h, w). share: side of their square as a part of the larger one's, 0 < share <= 1. shape: cells (H, W)
            of the result.
    """
    rows, columns = (_overlap(n_in, n_out, share) for n_in, n_out in zip(cams.shape[1:], shape, strict=True))
    return np.asarray(np.einsum("yh,nhw,xw->nyx", rows, cams, columns), np.float32)


def _overlap(n_in: int, n_out: int, share: float) -> FloatArray:
    """(n_out, n_in): how much of an input cell falls to each output cell, scaled so that means are kept."""
    edges_in = 0.5 + share * (np.arange(n_in + 1) / n_in - 0.5)
    edges_out = np.arange(n_out + 1) / n_out
    left = np.maximum(edges_out[:-1, None], edges_in[None, :-1])
    right = np.minimum(edges_out[1:, None], edges_in[None, 1:])
    part_of_cell = np.maximum(right - left, 0) / np.diff(edges_in)[None, :]
    return np.asarray(part_of_cell * n_out / n_in, np.float64)


def full_scale(kind: str | None, cams: Iterable[Float32Array | None]) -> float | None:
    """|value| to be drawn strongest in all these maps, so that they compare: of CAMs the largest there is."""
    if kind == "mask":
        return MASK_FULL_SCALE
    return max((float(np.abs(cam).max()) for cam in cams if cam is not None), default=None)


def heatmap_overlay(crop: UInt8Array, cam: Float32Array, *, full_scale: float | None = None) -> UInt8Array:
    """Draw a map over its crop: orange where a cell speaks for "manipulated", blue where against.

    Args:
        crop: (S, S, 3) uint8 RGB, the picture that was scored.
        cam: (h, w) signed shares of the logit, or shares pasted.
        full_scale: |value| drawn strongest; give one for all frames of a file to compare them. None: this map's own
            largest.

    Returns:
        (S, S, 3) uint8 RGB.

    Raises:
        ValueError: not a picture and a map of these shapes.
    """
    if crop.ndim != 3 or crop.shape[2] != 3 or crop.dtype != np.uint8 or cam.ndim != 2 or 0 in cam.shape:
        raise ValueError(f"expected an (S, S, 3) uint8 crop and an (h, w) CAM; got {crop.shape} and {cam.shape}")
    height, width = crop.shape[:2]
    strongest = float(np.abs(cam).max()) if full_scale is None else full_scale
    values = cv2.resize(cam.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    values = np.clip(values / max(strongest, 1e-12), -1.0, 1.0)[..., None]  # (S, S, 1)
    colour = np.where(values > 0, _TOWARDS_RGB, _AGAINST_RGB)
    opacity = _STRONGEST_OPACITY * np.abs(values)
    return np.asarray(np.rint((1 - opacity) * crop + opacity * colour), np.uint8)
