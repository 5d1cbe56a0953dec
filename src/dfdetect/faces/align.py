"""The one room that cuts faces: a square picture and its map back to the frame, by one of two policies.

    crop_face     box and margin: upright, as filmed; how training and `scan` cut
    crop_points   five points laid on a template: turned upright, as DeepfakeBench cuts; only its protocol asks for it
    crop_whole    a picture that is a crop already

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


@dataclass(frozen=True, slots=True)
class BoxMargin:
    """Another margin than the model's, around the mesh's box.

    detected: around the detector's box. stretched: margin is of each side of the box by itself, what reaches outside
    the frame is cut off, and the oblong is stretched to a square, as Self-Blended Images does.
    """

    margin: float
    detected: bool = False
    stretched: bool = False


@dataclass(frozen=True, slots=True)
class FivePoints:
    """Five points on TEMPLATE_112, seen from `scale` times further, at size_px; then resized for the model."""

    scale: float = 1.3
    size_px: int = 256


CropRule = BoxMargin | FivePoints

# Where eyes, nose tip and mouth corners lie in a 112 px picture, pixel centres at whole numbers: the template of
# ArcFace (Deng et al. 2018, arXiv 1801.07698), with the 8 px that its 112 px version adds to the left.
TEMPLATE_112 = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float32
)


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


def crop_points(image: UInt8Array, points_xy: Float32Array, *, rule: FivePoints, size_px: int) -> Crop:
    """Turn, scale and shift the frame so that five points lie nearest to the template; black where the frame ends.

    points_xy: (5, 2) frame px: left eye, right eye, nose tip, left and right mouth corner; left is the picture's.
    As DeepfakeBench cuts (Yan et al. 2023, arXiv 2307.01426): bilinear to rule.size_px, cubic from there to size_px.
    """
    side = rule.size_px
    # The template fills 1 / scale of the picture, around the same middle. 0.5: its centres as edges, for our maps.
    onto = TEMPLATE_112 * (side / 112)
    onto = (onto + side * (rule.scale - 1) / 2) / rule.scale + 0.5
    move = similarity(points_xy.astype(np.float32), onto)
    picture = np.asarray(cv2.warpAffine(image, of_centres(move), (side, side), flags=cv2.INTER_LINEAR), np.uint8)
    if side != size_px:
        picture = np.asarray(cv2.resize(picture, (size_px, size_px), interpolation=cv2.INTER_CUBIC), np.uint8)
    to_frame = np.asarray(cv2.invertAffineTransform(move), np.float32)
    to_frame[:, :2] *= side / size_px
    return Crop(picture, to_frame)


def crop_stretched(image: UInt8Array, box_xyxy: Float32Array, *, margin: float, size_px: int) -> Crop:
    """Cut box and margin (a fraction of each side) as far as the frame reaches, stretched to a square, bilinear.

    As Self-Blended Images cuts for its tests (Shiohara & Yamasaki 2022, arXiv 2204.08376). ValueError: no pixel inside.
    """
    height, width = image.shape[:2]
    left, top, right, bottom = (float(v) for v in box_xyxy)
    more_x, more_y = margin * (right - left), margin * (bottom - top)
    x0, y0 = max(0, int(left - more_x)), max(0, int(top - more_y))
    x1, y1 = min(width, int(right + more_x) + 1), min(height, int(bottom + more_y) + 1)
    if x0 >= x1 or y0 >= y1:
        raise ValueError(f"a crop of {box_xyxy} lies outside the {width}x{height} frame")
    picture = cv2.resize(image[y0:y1, x0:x1], (size_px, size_px), interpolation=cv2.INTER_LINEAR)
    to_frame = np.array([[(x1 - x0) / size_px, 0, x0], [0, (y1 - y0) / size_px, y0]], np.float32)
    return Crop(np.asarray(picture, np.uint8), to_frame)


def crop_whole(image: UInt8Array, *, size_px: int) -> Crop:
    """A picture that is a face crop already, as it is: stretched to the square that the model takes."""
    height, width = image.shape[:2]
    if height == width:
        picture = resize_square(image, size_px)
    else:
        how = cv2.INTER_AREA if min(height, width) > size_px else cv2.INTER_CUBIC
        picture = np.asarray(cv2.resize(image, (size_px, size_px), interpolation=how), np.uint8)
    return Crop(picture, np.array([[width / size_px, 0, 0], [0, height / size_px, 0]], np.float32))


def similarity(points: Float32Array, onto: Float32Array) -> Float32Array:
    """(2, 3): turn, one scale and shift that bring points (N, 2) nearest to `onto` (Umeyama 1991)."""
    mean, mean_onto = points.mean(axis=0), onto.mean(axis=0)
    p = (points - mean).astype(np.float64)
    q = (onto - mean_onto).astype(np.float64)
    spread = max(float(np.square(p).sum()), 1e-9)
    cos = float((p * q).sum()) / spread
    sin = float((p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]).sum()) / spread
    turn = np.array([[cos, -sin], [sin, cos]])
    return np.column_stack([turn, mean_onto - turn @ mean]).astype(np.float32)


def of_centres(move: Float32Array) -> Float32Array:
    """The same (2, 3) move for OpenCV, which counts from pixel centres."""
    shifted = move.astype(np.float32).copy()
    shifted[:, 2] += shifted[:, :2] @ np.array([0.5, 0.5], np.float32) - 0.5
    return shifted
