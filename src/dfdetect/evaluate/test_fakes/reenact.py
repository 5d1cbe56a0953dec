"""T5: the own mouth, eyes and brows moved like another's, nothing pasted (re-enactment by landmarks).

A thin-plate spline (Duchon 1977; Bookstein 1989) through all landmarks carries the picture along: lips, lids and brows
go where the driver's are, outline and nose stay. No border, no second picture: a detector of blending is expected to be
near chance on it, and that is worth publishing.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from dfdetect.evaluate.test_fakes.face import Face, Fake, FakeRefused, finished
from dfdetect.faces.mesh import (
    FACE_OVAL,
    LEFT_BROW,
    LEFT_EYE,
    LIPS_INNER,
    LIPS_OUTER,
    NOSE,
    RIGHT_BROW,
    RIGHT_EYE,
)
from dfdetect.values import Float32Array

_STILL = (*FACE_OVAL, *NOSE)
# How far each part follows the driver, and how far its middle may: a raised mouth is another head, no expression.
_PARTS = (
    ((*LIPS_OUTER, *LIPS_INNER), 0.8, 0.3),
    (LEFT_EYE, 0.8, 0.2),
    (RIGHT_EYE, 0.8, 0.2),
    (LEFT_BROW, 0.7, 0.6),
    (RIGHT_BROW, 0.7, 0.6),
)
_MOST = 0.07  # of the face's width that a point moves
_LEAST = 0.012
_CLOSED = 0.02  # gap between the lips, as a part of the face's width
_STEP_PX = 6  # the spline is computed on a grid of about 1/40 of a face, and enlarged
_RINGS = (1.15, 1.4)  # the face's outline, enlarged: beyond the last one nothing moves
_FULL = 0.01  # of the face's width: a pixel that moved so far is wholly part of the fake


def reenact(target: Face, driver: Face, rng: np.random.Generator) -> Fake:
    """The target with the driver's expression. mask: 1 where a pixel moved by a hundredth of the face's width or more.

    FakeRefused where both have the same expression.
    """
    push = _pushes(target, driver)
    moving = [row for rows, _, _ in _PARTS for row in rows]
    if float(np.hypot(*push.T).max()) < _LEAST * target.width_px:
        raise FakeRefused("the driver has nearly the same expression as the target")
    points = target.mesh[:, :2].astype(np.float64)
    outline = points[list(FACE_OVAL)]
    rings = [outline.mean(axis=0) + factor * (outline - outline.mean(axis=0)) for factor in _RINGS]
    controls = np.concatenate([points[moving] + push, points[list(_STILL)], *rings])
    back = np.concatenate([-push, np.zeros((len(controls) - len(push), 2))])
    field = _field(controls, back, rings[-1].min(axis=0), rings[-1].max(axis=0), target.image.shape[:2])
    y, x = np.mgrid[0 : field.shape[0], 0 : field.shape[1]].astype(np.float32)
    moved = cv2.remap(
        target.image, x + field[..., 0], y + field[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    far = np.hypot(field[..., 0], field[..., 1]) / (_FULL * target.width_px)
    mask = np.where(far < 0.1, 0, np.clip(far, 0, 1)).astype(np.float32)
    return finished(target.image, np.asarray(moved, np.uint8), mask)


def _pushes(target: Face, driver: Face) -> NDArray[np.float64]:
    """(K, 2) pixels that each moving point goes."""
    own, others = target.mesh[:, :2].astype(np.float64), driver.mesh.astype(np.float64)
    rows = np.column_stack([others[list(_STILL)], np.ones(len(_STILL))])  # a camera that may stand elsewhere
    solved, _, _, _ = np.linalg.lstsq(rows, own[list(_STILL)], rcond=None)
    laid_over = np.column_stack([others, np.ones(len(others))]) @ solved
    pushes = []
    for part, follows, middle_follows in _PARTS:
        push = laid_over[list(part)] - own[list(part)]
        middle = push.mean(axis=0)
        pushes.append(follows * (push - middle + middle_follows * middle))
    if target.mouth_open < _CLOSED:
        _keep_closed(pushes[0])
    push = np.concatenate(pushes)
    most = _MOST * target.width_px
    longest = float(np.hypot(*push.T).max())
    return np.asarray(push * min(1.0, most / max(longest, 1e-9)), np.float64)


def _keep_closed(push: NDArray[np.float64]) -> None:
    """No gap between closed lips, in place: there are no teeth behind them, only lips that would be drawn out."""
    outer, inner = push[: len(LIPS_OUTER)], push[len(LIPS_OUTER) :]  # both rings: corner, upper 9, corner, lower 9
    half_gap = 0.5 * (inner[:10:-1] - inner[1:10])
    for ring in (outer, inner):
        ring[1:10] += half_gap
        ring[:10:-1] -= half_gap


def _field(
    controls: NDArray[np.float64],
    values: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    shape: tuple[int, int],
) -> Float32Array:
    """(H, W, 2) pixels: where each pixel comes from, less where it is; 0 outside the box low..high."""
    from scipy.interpolate import RBFInterpolator

    spline = RBFInterpolator(controls, values, kernel="thin_plate_spline", smoothing=0.1)
    size = np.ceil(high - low).astype(int)
    cells = np.maximum(size // _STEP_PX, 8)
    x, y = (low[a] + (np.arange(cells[a]) + 0.5) * size[a] / cells[a] for a in (0, 1))
    coarse = spline(np.stack(np.meshgrid(x, y), axis=2).reshape(-1, 2)).reshape(cells[1], cells[0], 2)
    fine = cv2.resize(coarse.astype(np.float32), (int(size[0]), int(size[1])), interpolation=cv2.INTER_CUBIC)
    fine *= np.minimum(1, 8 * np.outer(_rise(int(size[1])), _rise(int(size[0]))))[..., None]
    field = np.zeros((*shape, 2), np.float32)
    left, top = np.rint(low).astype(int)
    y0, y1 = max(top, 0), min(top + size[1], shape[0])
    x0, x1 = max(left, 0), min(left + size[0], shape[1])
    if y1 > y0 and x1 > x0:
        field[y0:y1, x0:x1] = fine[y0 - top : y1 - top, x0 - left : x1 - left]
    return field


def _rise(n: int) -> Float32Array:
    """(n,): 0 at both ends, 1 in the middle."""
    return np.sin(np.pi * (np.arange(n, dtype=np.float32) + 0.5) / n)
