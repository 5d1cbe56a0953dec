"""Where the network read its evidence: the CAM of one crop, drawn over it.

The last map of the network is averaged into the logit, so each cell's value is exactly its share of the logit (class
activation map; Zhou et al. 2016, arXiv:1512.04150). It shows where the network looked, not what was manipulated.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from dfdetect.values import Float32Array, UInt8Array

FloatArray = NDArray[np.float64]

CAPTION = "Where the network read its evidence (orange towards manipulated, blue against): no map of what was changed."
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


def heatmap_overlay(crop: UInt8Array, cam: Float32Array, *, full_scale: float | None = None) -> UInt8Array:
    """Draw a CAM over its crop: orange where a cell spoke for "manipulated", blue where against.

    Args:
        crop: (S, S, 3) uint8 RGB, the picture that was scored.
        cam: (h, w) signed shares of the logit.
        full_scale: |value| drawn strongest; give one for all frames of a file to compare them. None: this CAM's own
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
