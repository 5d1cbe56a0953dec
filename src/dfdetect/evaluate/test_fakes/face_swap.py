"""T1: the operators of FaceForensics++'s FaceSwap (after M. Kowalski; Roessler et al. 2019, arXiv:1901.08971).

Another's face is bent onto the 68 landmarks, its colours are shifted by the mean of each channel, and it fades in over
a fifth of the face from the hull's edge. A Delaunay mesh stands for the 3D model that the original fits.
"""

from __future__ import annotations

import cv2
import numpy as np

from dfdetect.evaluate.test_fakes.face import Face, Fake, finished
from dfdetect.evaluate.test_fakes.mesh_warp import warp_onto
from dfdetect.values import Float32Array

_FEATHER = 0.2  # of the hull's longer side


def face_swap(target: Face, donor: Face, rng: np.random.Generator) -> Fake:
    """The donor's face on the target. FakeRefused where their heads are turned too differently."""
    warped, covered = warp_onto(donor, target)
    inside = covered.astype(np.uint8)
    shift = np.array(cv2.mean(target.image, inside)[:3]) - np.array(cv2.mean(warped, inside)[:3])
    coloured = np.clip(warped + shift.astype(np.float32), 0, 255)
    mask = np.where(covered, _depth(target.points, covered.shape), 0).astype(np.float32)
    mixed = target.image + mask[..., None] * (coloured - target.image)
    return finished(target.image, np.rint(mixed).astype(np.uint8), mask)


def _depth(points: Float32Array, shape: tuple[int, int]) -> Float32Array:
    """(H, W): 0 at the edge of the points' hull and outside, rising to 1 a feather's width inside."""
    hull = cv2.convexHull(points)[:, 0].astype(np.float32)
    reach_px = _FEATHER * float(np.ptp(hull, axis=0).max())
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32) + np.float32(0.5)
    depth = np.full(shape, np.inf, np.float32)
    middle = hull.mean(axis=0)
    for start, end in zip(hull, np.roll(hull, -1, axis=0), strict=True):
        across = np.array([start[1] - end[1], end[0] - start[0]], np.float32)
        across /= max(float(np.hypot(*across)), 1e-6)
        across *= np.sign((middle - start) @ across)
        depth = np.minimum(depth, (x - start[0]) * across[0] + (y - start[1]) * across[1])
    return np.asarray(np.clip(depth / max(reach_px, 1e-6), 0, 1), np.float32)
