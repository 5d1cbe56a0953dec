"""T2: another's face bent onto the 68 landmarks and cloned into the picture by its gradients (Perez et al. 2003)."""

from __future__ import annotations

import cv2
import numpy as np

from dfdetect.evaluate.test_fakes.face import Face, Fake, FakeRefused, finished
from dfdetect.evaluate.test_fakes.mesh_warp import warp_onto

_ERODED = 0.03  # of the face's width: the donor's outline stays out
_P_MIXED = 0.3  # else only the donor's gradients count; mixed: the stronger of both


def poisson_swap(target: Face, donor: Face, rng: np.random.Generator) -> Fake:
    """The donor's face on the target. FakeRefused where the heads differ too much or the face leaves the picture."""
    warped, covered = warp_onto(donor, target)
    inside = covered.astype(np.uint8)
    inside[[0, 1, -2, -1]] = 0  # the equation needs known pixels around the patch
    inside[:, [0, 1, -2, -1]] = 0
    size = 2 * max(1, round(_ERODED * target.width_px)) + 1
    inside = np.asarray(cv2.erode(inside, np.ones((size, size), np.uint8)), np.uint8)
    left, top, width, height = cv2.boundingRect(inside)
    if min(width, height) < 8:
        raise FakeRefused("too little of the face lies inside the picture")
    how = cv2.MIXED_CLONE if rng.random() < _P_MIXED else cv2.NORMAL_CLONE
    centre = left + width // 2, top + height // 2
    cloned = cv2.seamlessClone(warped, target.image, 255 * inside, centre, how)
    return finished(target.image, np.asarray(cloned, np.uint8), inside.astype(np.float32))
