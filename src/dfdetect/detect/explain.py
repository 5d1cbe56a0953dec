"""Where the network read its evidence: the CAM of one crop, drawn over it.

The last map of the network is averaged into the logit, so each cell's value is exactly its share of the logit (class
activation map; Zhou et al. 2016, arXiv:1512.04150). It shows where the network looked, not what was manipulated.
"""

from __future__ import annotations

import cv2
import numpy as np

from dfdetect.values import Float32Array, UInt8Array

CAPTION = "Where the network read its evidence (orange towards manipulated, blue against): no map of what was changed."
_TOWARDS_RGB = np.array([255, 128, 0], np.float32)  # orange and blue stay apart for colour-blind eyes
_AGAINST_RGB = np.array([0, 96, 255], np.float32)
_STRONGEST_OPACITY = 0.6  # the face must stay visible below


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
