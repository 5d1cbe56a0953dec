"""The one rule for turning a video frame upright: eight ways, a quarter turn and a mirror at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfdetect.values import UInt8Array


@dataclass(frozen=True, slots=True)
class QuarterTurns:
    """Swap the axes first, then mirror left-right, then mirror top-bottom."""

    swaps_axes: bool = False
    mirrors_x: bool = False
    mirrors_y: bool = False
    clockwise_deg: int = 0  # the turn alone, without the mirror: 0, 90, 180 or 270

    @classmethod
    def from_display_matrix(cls, matrix: NDArray[np.int32]) -> QuarterTurns:
        """matrix: (9,) int32 as in ISO/IEC 14496-12 (track header): a b u / c d v / x y w, with
        shown x = a x + c y, shown y = b x + d y, y down. A slanted turn is rounded to the next quarter.
        """
        a, b, _, c, d = (float(value) for value in matrix[:5])
        clockwise_deg = round(math.degrees(math.atan2(b, a)) / 90) * 90 % 360
        if abs(b) > abs(a):
            return cls(True, c < 0, b < 0, clockwise_deg)
        return cls(False, a < 0, d < 0, clockwise_deg)

    def apply(self, image: UInt8Array) -> UInt8Array:
        """(H, W, 3) as stored -> upright, contiguous."""
        if self.swaps_axes:
            image = image.transpose(1, 0, 2)
        if self.mirrors_x:
            image = image[:, ::-1]
        if self.mirrors_y:
            image = image[::-1]
        return np.ascontiguousarray(image)
