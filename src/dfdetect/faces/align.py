"""The one crop function: a face box and a margin in, a square picture and its map back to the frame out.

Geometry (docs/geometry.md): x right, y down; pixel edges at integers, so a box (0, 0, W, H) is the whole frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from dfdetect.values import Float32Array, UInt8Array


@dataclass(frozen=True, slots=True)
class Crop:
    """image: (S, S, 3) uint8 RGB. to_frame: (2, 3) float32, crop pixel edges -> frame pixel edges."""

    image: UInt8Array
    to_frame: Float32Array


@dataclass(frozen=True, slots=True)
class CropView:
    """How a face is cut: margin on each side of its box, as a fraction of the longer side, and the side in pixels."""

    margin: float
    size_px: int


def square_around(box_xyxy: Float32Array, *, margin: float) -> tuple[int, int, int]:
    """The square that a crop covers: (left, top, side) in whole frame pixels.

    Its side is the longer side of the box plus `margin` (a fraction of that side) at each end; its centre is the
    box's. Whole pixels, so that nothing is resampled twice. May reach outside the frame.
    """
    left, top, right, bottom = (float(v) for v in box_xyxy)
    if not (right > left and bottom > top):
        raise ValueError(f"a face box needs right > left and bottom > top; got {box_xyxy}")
    side = max(1, round(max(right - left, bottom - top) * (1 + 2 * margin)))
    return round((left + right - side) / 2), round((top + bottom - side) / 2), side


def cut_square(image: UInt8Array, left: int, top: int, side: int) -> UInt8Array:
    """(side, side, 3) pixels of the frame at native size; the frame's edge is repeated where it ends."""
    height, width = image.shape[:2]
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
    if x0 >= x1 or y0 >= y1:
        raise ValueError(f"a crop at ({left}, {top}) of {side} px lies outside the {width}x{height} frame")
    inside = image[y0:y1, x0:x1]
    if inside.shape[:2] == (side, side):
        return inside
    borders = (y0 - top, top + side - y1, x0 - left, left + side - x1)
    return np.asarray(cv2.copyMakeBorder(inside, *borders, cv2.BORDER_REPLICATE), np.uint8)


def resize_square(image: UInt8Array, size_px: int) -> UInt8Array:
    """Square picture -> (size_px, size_px, 3): averaging when it shrinks (no aliasing), cubic when it grows."""
    if image.shape[0] == size_px:
        return np.ascontiguousarray(image)
    how = cv2.INTER_AREA if image.shape[0] > size_px else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (size_px, size_px), interpolation=how), np.uint8)


def crop_face(image: UInt8Array, box_xyxy: Float32Array, *, margin: float, size_px: int, enlarge: bool = True) -> Crop:
    """Cut the square around a face box, resized to size_px. Training and scanning both call this.

    enlarge: False keeps a square of fewer pixels at its native size.
    """
    left, top, side = square_around(box_xyxy, margin=margin)
    if not enlarge:
        size_px = min(side, size_px)
    scale = side / size_px
    to_frame = np.array([[scale, 0, left], [0, scale, top]], np.float32)
    return Crop(resize_square(cut_square(image, left, top, side), size_px), to_frame)
