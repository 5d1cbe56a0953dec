"""What every test fake takes and gives, and how a donor's face is brought to the target's size."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from dfdetect.errors import DataError
from dfdetect.faces.mesh import IBUG_68, LIPS_INNER, yaw_pitch_roll_deg
from dfdetect.values import Float32Array, UInt8Array

LEAST_CHANGE = 1.5  # grey levels, the mean inside the mask: less is invisible, and its label would be wrong


class FakeRefused(DataError):  # noqa: N818 - says what happened
    """These two faces give no usable fake; another donor may."""


@dataclass(frozen=True, slots=True)
class Face:
    """One face in its picture. image: (H, W, 3) uint8 RGB. mesh: (468, 3) float32 pixels of it."""

    image: UInt8Array
    mesh: Float32Array

    @property
    def points(self) -> Float32Array:
        """(68, 2) float32 pixels, in iBUG order."""
        return np.asarray(self.mesh[list(IBUG_68), :2], np.float32)

    @property
    def width_px(self) -> float:
        return float(np.ptp(self.mesh[:, 0]))

    @property
    def pose_deg(self) -> tuple[float, float, float]:
        """Yaw, pitch, roll."""
        return yaw_pitch_roll_deg(self.mesh)

    @property
    def mouth_open(self) -> float:
        """Gap between the lips as a part of the face's width."""
        upper, lower = self.mesh[LIPS_INNER[5], :2], self.mesh[LIPS_INNER[15], :2]
        return float(np.hypot(*(upper - lower))) / max(self.width_px, 1.0)


@dataclass(frozen=True, slots=True)
class Fake:
    """A fake and where it is one. image: (H, W, 3) uint8 RGB; equal to the target's wherever mask is 0.

    mask: (H, W) float32 0..1, the share of the manipulated picture.
    """

    image: UInt8Array
    mask: Float32Array


def at_size_of(donor: Face, target: Face) -> Face:
    """The donor, averaged down where its face is much larger, so that a warp skips no pixels."""
    scale = target.width_px / max(donor.width_px, 1.0)
    if scale > 0.7:
        return donor
    height, width = donor.image.shape[:2]
    size_wh = max(8, round(width * scale)), max(8, round(height * scale))
    image = cv2.resize(donor.image, size_wh, interpolation=cv2.INTER_AREA)
    factor = np.array([size_wh[0] / width, size_wh[1] / height, scale], np.float32)
    return Face(np.asarray(image, np.uint8), donor.mesh * factor)


def finished(target: UInt8Array, image: UInt8Array, mask: Float32Array) -> Fake:
    """The fake with the target's own pixels where the mask is 0. FakeRefused where nothing can be seen of it."""
    whole = np.where((mask > 0)[..., None], image, target)
    inside = mask > 0.5
    change = np.abs(whole[inside].astype(np.float32) - target[inside]).mean() if inside.any() else 0.0
    if change < LEAST_CHANGE:
        raise FakeRefused(f"the fake differs by {change:.1f} grey levels; at least {LEAST_CHANGE} can be seen")
    return Fake(np.asarray(whole, np.uint8), np.asarray(mask, np.float32))
