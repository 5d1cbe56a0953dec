"""T3: another's face, aligned by one affine map, with Reinhard's colours, joined in a Laplacian pyramid.

Colours: Reinhard et al. 2001 (means and spreads in LAB). Joining: Burt & Adelson 1983, five levels: fine detail changes
hands over a few pixels, light and shade over the whole face. Faces below about 190 px get fewer levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dfdetect.evaluate.test_fakes.face import Face, Fake, FakeRefused, at_size_of, finished
from dfdetect.faces.mesh import FACE_OVAL
from dfdetect.values import Float32Array, UInt8Array

LEVELS = 5
_PX_A_LEVEL = 6  # the coarsest pixel is at most a sixth of the face: fewer levels for a small one
_ELLIPSE = 0.88  # of the one through the face's outline
_REACH = 3  # coarsest pixels around the face that are blended too
_SPREAD = (0.6, 1.6)  # of the donor's contrast: more would make noise of a flat face


def pyramid_swap(target: Face, donor: Face, rng: np.random.Generator) -> Fake:
    """The donor's face on the target. FakeRefused where its landmarks give no alignment or it leaves the picture."""
    height, width = target.image.shape[:2]
    donor = at_size_of(donor, target)
    move = _affine(donor.points[17:], target.points[17:])  # without the jaw
    moved = cv2.warpAffine(donor.image, move, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    hard = np.zeros((height, width), np.float32)
    (x, y), axes, angle = cv2.fitEllipse(target.mesh[list(FACE_OVAL), :2].astype(np.float32))
    cv2.ellipse(hard, ((x - 0.5, y - 0.5), (axes[0] * _ELLIPSE, axes[1] * _ELLIPSE), angle), 1.0, -1)
    left, top, w, h = cv2.boundingRect((hard > 0).astype(np.uint8))
    if min(w, h) < 8:
        raise FakeRefused("too little of the face lies inside the picture")
    coloured = _reinhard(np.asarray(moved, np.uint8), target.image, (hard > 0).astype(np.uint8))
    levels = min(max(int(np.log2(w / _PX_A_LEVEL)), 1), LEVELS)
    around = _REACH * 2**levels
    box = left - around, top - around, _padded(w, levels), _padded(h, levels)
    weights = _gaussians(_cut(hard, box), levels)
    # The same sum with white on black says what share of a pixel is the donor's.
    own, others = (_laplacians(_cut(picture, box), levels) for picture in (target.image, coloured))
    black, white = (_laplacians(np.full_like(weights[0], value), levels) for value in (0, 1))
    share = _joined(black, white, weights)
    mixed = target.image.copy()
    mask = np.zeros((height, width), np.float32)
    _paste(mixed, np.rint(np.clip(_joined(own, others, weights), 0, 255)), box)
    _paste(mask, np.where(share < 1 / 256, 0, np.clip(share, 0, 1)), box)
    return finished(target.image, mixed, mask)


def _affine(points: Float32Array, onto: Float32Array) -> Float32Array:
    """(2, 3) least squares in pixel centres."""
    rows = np.column_stack([points - 0.5, np.ones(len(points))]).astype(np.float64)
    solved, _, rank, _ = np.linalg.lstsq(rows, onto.astype(np.float64) - 0.5, rcond=None)
    if rank < 3 or np.linalg.det(solved[:2]) <= 0.05:
        raise FakeRefused("the donor's landmarks give no alignment onto the target's")
    return np.asarray(solved.T, np.float32)


def _reinhard(picture: UInt8Array, like: UInt8Array, inside: UInt8Array) -> UInt8Array:
    """Means and spreads of L, a and b inside the mask made those of the other picture."""
    labs = [cv2.cvtColor(p.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) for p in (picture, like)]
    (mean, spread), (mean_like, spread_like) = (cv2.meanStdDev(lab, mask=inside) for lab in labs)
    gain = np.clip(spread_like / np.maximum(spread, 1e-3), *_SPREAD)
    moved = (labs[0] - mean[:, 0]) * gain[:, 0] + mean_like[:, 0]
    return np.asarray(np.rint(np.clip(cv2.cvtColor(moved.astype(np.float32), cv2.COLOR_LAB2RGB), 0, 1) * 255), np.uint8)


def _padded(side: int, levels: int) -> int:
    """A side with room around, of whole pixels of the coarsest level."""
    step = 1 << levels
    return (-(-side // step) + 2 * _REACH) * step


def _gaussians(picture: Float32Array, levels: int) -> list[Float32Array]:
    out = [picture]
    for _ in range(levels):
        out.append(np.asarray(cv2.pyrDown(out[-1]), np.float32))
    return out


def _laplacians(picture: NDArray[Any], levels: int) -> list[Float32Array]:
    smooth = _gaussians(picture.astype(np.float32), levels)
    fine = [a - cv2.pyrUp(b, dstsize=a.shape[1::-1]) for a, b in pairwise(smooth)]
    return [*fine, smooth[-1]]


def _joined(
    own: Sequence[Float32Array], others: Sequence[Float32Array], weights: Sequence[Float32Array]
) -> Float32Array:
    out: Float32Array | None = None
    for a, b, weight in zip(reversed(own), reversed(others), reversed(weights), strict=True):
        level = a + (weight[..., None] if a.ndim == 3 else weight) * (b - a)
        out = level if out is None else level + cv2.pyrUp(out, dstsize=level.shape[1::-1])
    assert out is not None
    return out


def _cut(picture: NDArray[Any], box: tuple[int, int, int, int]) -> NDArray[Any]:
    """The box's pixels; the picture is mirrored where it ends."""
    left, top, width, height = box
    rows = _reflected(np.arange(top, top + height), picture.shape[0])
    columns = _reflected(np.arange(left, left + width), picture.shape[1])
    return picture[rows[:, None], columns]


def _reflected(places: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Whole numbers folded into 0..n-1 at both ends."""
    period = max(2 * n - 2, 1)
    turned = np.abs(places) % period
    return np.asarray(np.minimum(turned, period - turned), np.int64)


def _paste(picture: NDArray[Any], patch: Float32Array, box: tuple[int, int, int, int]) -> None:
    left, top, width, height = box
    y0, y1 = max(top, 0), min(top + height, picture.shape[0])
    x0, x1 = max(left, 0), min(left + width, picture.shape[1])
    picture[y0:y1, x0:x1] = patch[y0 - top : y1 - top, x0 - left : x1 - left]
