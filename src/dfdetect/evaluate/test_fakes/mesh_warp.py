"""A donor's face bent onto the target's landmarks, triangle by triangle (piecewise affine over a Delaunay mesh)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from dfdetect.evaluate.test_fakes.face import Face, FakeRefused, at_size_of
from dfdetect.values import UInt8Array

_MOST_FOLDED = 0.04  # of the mesh's area


def warp_onto(donor: Face, target: Face) -> tuple[UInt8Array, NDArray[np.bool_]]:
    """(the donor's face in the target's place (H, W, 3) uint8 RGB, where it has pixels (H, W) bool).

    FakeRefused where the heads are turned so differently that a part of the mesh would be seen from behind.
    """
    donor = at_size_of(donor, target)
    onto, source = target.points.astype(np.float64), donor.points.astype(np.float64)
    triangles = _triangles(onto)
    area, area_in_donor = _signed_areas(onto[triangles]), _signed_areas(source[triangles])
    folded = area * area_in_donor <= 0
    if np.abs(area[folded]).sum() > _MOST_FOLDED * np.abs(area).sum():
        raise FakeRefused("the donor's head is turned too differently; give more people, or more pictures of them")
    height, width = target.image.shape[:2]
    number = _which_triangle(onto[triangles], height, width)
    affine = _affines(onto[triangles], source[triangles])  # (T, 2, 3), target pixels -> donor pixels
    rows, columns = np.nonzero(number >= 0)
    centres = np.stack([columns + 0.5, rows + 0.5, np.ones(len(rows))], axis=1)
    where = np.einsum("nij,nj->ni", affine[number[rows, columns]], centres) - 0.5  # OpenCV counts from pixel centres
    maps = np.full((2, height, width), -1e4, np.float32)
    maps[:, rows, columns] = where.T
    warped = cv2.remap(donor.image, maps[0], maps[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.uint8), number >= 0


def _triangles(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """(T, 3) rows of points."""
    from scipy.spatial import Delaunay, QhullError

    try:
        return np.asarray(Delaunay(points).simplices, np.int64)
    except QhullError as error:
        raise FakeRefused("the landmarks of the target lie on a line") from error


def _signed_areas(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T,) of corners (T, 3, 2)."""
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.asarray(0.5 * (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]), np.float64)


def _affines(corners: NDArray[np.float64], onto: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, 2, 3) that move corners (T, 3, 2) onto others."""
    ones = np.ones((*corners.shape[:2], 1))
    square = np.concatenate([corners, ones], axis=2) + 1e-9 * np.eye(3)
    return np.asarray(np.linalg.solve(square, onto).transpose(0, 2, 1), np.float64)


def _which_triangle(corners: NDArray[np.float64], height: int, width: int) -> NDArray[np.int32]:
    """(H, W): number of the triangle that covers a pixel, -1 for none."""
    number = np.full((height, width), -1, np.int32)
    for row in np.argsort(-np.abs(_signed_areas(corners))):  # small ones last, or a neighbour's edge would eat them
        drawn = np.rint((corners[row] - 0.5) * 16).astype(np.int32)
        cv2.fillConvexPoly(number, drawn, int(row), lineType=cv2.LINE_8, shift=4)
    return number
