"""Where a pseudo-fake is pasted: face masks drawn from the 468-point mesh.

Every mask is (H, W) float32 in 0..1. A float mask matters: the uint8 mask of the published self-blending code rounds
back to 0/1 after its first blur, and then the erosion step erodes nothing (docs/self_blending.md).
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from dfdetect.errors import unknown_name
from dfdetect.faces.mesh import FACE_OVAL, IBUG_68, LEFT_BROW, LEFT_EYE, LIPS_OUTER, NOSE, RIGHT_BROW, RIGHT_EYE
from dfdetect.values import Float32Array

# Rows of the 68-point layout (Sagonas et al. 2013): jaw 0-16, brows 17-26, nose 27-35, eyes 36-47, mouth 48-67.
_JAW, _BROWS, _NOSE, _EYES, _MOUTH = range(17), range(17, 27), range(27, 36), range(36, 48), range(48, 68)

Parts = list[Float32Array]  # convex parts whose union is the mask, each (K, 2)


def _ibug(mesh: Float32Array, *rows: range) -> Float32Array:
    index = [IBUG_68[row] for group in rows for row in group]
    return mesh[index, :2]


def _oval(mesh: Float32Array) -> Parts:
    return [mesh[list(FACE_OVAL), :2]]


def _below_forehead(mesh: Float32Array) -> Parts:
    return [_ibug(mesh, range(68))]


def _three_hulls(mesh: Float32Array) -> Parts:
    return [_ibug(mesh, _JAW, _MOUTH), _ibug(mesh, _NOSE), _ibug(mesh, _BROWS, _EYES)]


def _components(mesh: Float32Array, *, brow_raise: float = 0.0) -> Parts:
    p = _ibug(mesh, range(68)).copy()
    gap = p[36:48].mean(axis=0) - p[17:27].mean(axis=0)
    p[17:27] -= brow_raise * gap
    rows = [
        [*range(9), 48, 31],  # jaw and cheek at the left of the picture
        [*range(8, 17), 54, 35],
        [48, *range(54, 60), *range(4, 13)],  # chin
        [0, 1, 17, *range(36, 42), 31],
        [16, 15, 26, *range(42, 48), 35],
        [17, 18, 19, 20, 21, *range(36, 42), 27],
        [22, 23, 24, 25, 26, *range(42, 48), 27],
        [*range(27, 36), 39, 42, 48, 54],
        [*range(48, 68), 31, 35],
    ]
    return [p[row] for row in rows]


def _raised_components(mesh: Float32Array) -> Parts:
    return _components(mesh, brow_raise=0.5)


def _grown(points: Float32Array, factor_x: float, factor_y: float) -> Float32Array:
    centre = points.mean(axis=0)
    return np.asarray(centre + (points - centre) * [factor_x, factor_y], np.float32)


def _eyes(mesh: Float32Array) -> Parts:
    left = mesh[[*LEFT_EYE, *LEFT_BROW], :2]
    right = mesh[[*RIGHT_EYE, *RIGHT_BROW], :2]
    return [_grown(left, 1.25, 1.3), _grown(right, 1.25, 1.3)]


def _eye_band(mesh: Float32Array) -> Parts:
    return [_grown(mesh[[*LEFT_EYE, *LEFT_BROW, *RIGHT_EYE, *RIGHT_BROW], :2], 1.1, 1.3)]


def _mouth(mesh: Float32Array) -> Parts:
    return [_grown(mesh[list(LIPS_OUTER), :2], 1.35, 1.7)]


def _nose(mesh: Float32Array) -> Parts:
    return [_grown(mesh[list(NOSE), :2], 1.25, 1.1)]


def _inner_face(mesh: Float32Array) -> Parts:
    rows = [*LEFT_EYE, *LEFT_BROW, *RIGHT_EYE, *RIGHT_BROW, *LIPS_OUTER, *NOSE]
    return [mesh[rows, :2]]


def _lower_half(mesh: Float32Array) -> Parts:
    oval = mesh[list(FACE_OVAL), :2]
    bridge = mesh[list(NOSE), :2].mean(axis=0)
    return [oval[(oval - bridge) @ _down(mesh) > 0]]


def _half(mesh: Float32Array, side: float) -> Parts:
    oval = mesh[list(FACE_OVAL), :2]
    nose = mesh[list(NOSE), :2].mean(axis=0)
    down = _down(mesh)
    across = np.array([-down[1], down[0]], np.float32)  # towards the left of the picture of an upright face
    return [oval[(oval - nose) @ across * side > 0]]


def _left_half(mesh: Float32Array) -> Parts:
    return _half(mesh, 1.0)


def _right_half(mesh: Float32Array) -> Parts:
    return _half(mesh, -1.0)


def _mouth_and_chin(mesh: Float32Array) -> Parts:
    return [np.concatenate([_ibug(mesh, range(5, 12)), _grown(mesh[list(LIPS_OUTER), :2], 1.2, 1.3)])]


def _down(mesh: Float32Array) -> Float32Array:
    eyes = mesh[[*LEFT_EYE, *RIGHT_EYE], :2].mean(axis=0)
    return np.asarray(mesh[list(LIPS_OUTER), :2].mean(axis=0) - eyes, np.float32)


# The hulls of self-blending (Shiohara & Yamasaki 2022, arXiv:2204.08376; the part hulls after Li et al. 2020,
# arXiv:1912.13458) and the region masks that eye and mouth edits need.
WHOLE_FACE_MASKS: dict[str, Callable[[Float32Array], Parts]] = {
    "oval": _oval,
    "below_forehead": _below_forehead,
    "three_hulls": _three_hulls,
    "components": _components,
    "raised_components": _raised_components,
    "inner_face": _inner_face,
}
REGION_MASKS: dict[str, Callable[[Float32Array], Parts]] = {
    "eyes": _eyes,
    "eye_band": _eye_band,
    "mouth": _mouth,
    "nose": _nose,
    "mouth_and_chin": _mouth_and_chin,
    "lower_half": _lower_half,
    "left_half": _left_half,
    "right_half": _right_half,
}


def draw_mask(mesh: Float32Array, name: str, *, shape: tuple[int, int], scale: float = 1.0) -> Float32Array:
    """Hard mask of a named kind.

    mesh: (468, 2 or 3) in picture pixels; shape: (H, W) of the mask drawn at `scale` of the picture.
    Returns (H, W) float32 holding 0 and 1.
    """
    masks = WHOLE_FACE_MASKS | REGION_MASKS
    if name not in masks:
        raise unknown_name("mask", name, masks)
    mask = np.zeros(shape, np.float32)
    for part in masks[name](mesh):
        if len(part) >= 3:
            hull = cv2.convexHull(np.rint(part * (scale * 16)).astype(np.int32))
            cv2.fillConvexPoly(mask, hull, 1.0, lineType=cv2.LINE_8, shift=4)
    return mask


def elastic(mask: Float32Array, rng: np.random.Generator, *, amplitude_px: float, smooth_px: float) -> Float32Array:
    """Bend a mask by a smooth random field whose standard deviation is amplitude_px (Simard et al. 2003)."""
    height, width = mask.shape
    step = max(1, int(smooth_px))
    coarse = rng.standard_normal((2, height // step + 3, width // step + 3)).astype(np.float32) * amplitude_px
    field = [cv2.resize(layer, (width, height), interpolation=cv2.INTER_CUBIC) for layer in coarse]
    grid_y, grid_x = np.mgrid[0:height, 0:width].astype(np.float32)
    return np.asarray(cv2.remap(mask, grid_x + field[0], grid_y + field[1], cv2.INTER_LINEAR), np.float32)


def soften(mask: Float32Array, rng: np.random.Generator) -> Float32Array:
    """Hard mask -> eroded, feathered mask in 0..1: blur, keep the core, blur again wider.

    The core is "at least 1 - 1e-4", with a tolerance: exact equality keeps nothing or everything by rounding.
    Kernel sizes are those of a 192-256 px mask in the paper, drawn relative to the mask's size here.
    """
    if not mask.any():
        return mask  # else everything would be "at least the maximum", and the whole picture the fake
    unit = mask.shape[0] / 224.0
    first = _blur(mask, int(rng.integers(2, 13)) * unit)
    core = (first >= first.max() * (1 - 1e-4)).astype(np.float32)
    if core.sum() < 0.1 * mask.sum():  # a thin region has no core at this radius: keep its own shape
        core = mask
    second = _blur(core, int(rng.integers(2, 13)) * unit)
    peak = float(second.max())
    return np.asarray(second / peak if peak > 0 else second, np.float32)


def _blur(mask: Float32Array, radius_px: float) -> Float32Array:
    size = 2 * max(1, round(radius_px)) + 1
    return np.asarray(cv2.GaussianBlur(mask, (size, size), radius_px / 1.5 + 0.5), np.float32)
