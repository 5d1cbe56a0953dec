"""What the protocol of a benchmark does otherwise than `scan`: other frames, other crops, another way to pool.

A `Scanner` is given one; it goes the same way through the same rooms, so that a number by another protocol differs from
a user's in nothing but what is listed here. `SCAN` is what users get, to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dfdetect.errors import UsageError, unknown_name
from dfdetect.faces.align import CropRule
from dfdetect.faces.extract import FACE_CHOICES
from dfdetect.media.sampling import numbered_indices, scan_indices
from dfdetect.scoring import POOLERS, Pooling

InputKind = Literal["file", "frames", "crops"]  # one file; a folder of whole frames; a crop, or a folder of them


@dataclass(frozen=True, slots=True)
class ScanPolicy:
    """numbered_frames: so many frames by even steps of their number; None: by time, as `scan` does.

    crop: how a face is cut; None: as the model's spec says. face_choice: which faces of a frame are looked at, one of
    `faces.extract.FACE_CHOICES`. pooling: one of `scoring.POOLERS`. mirror: short tracks are scored mirrored too.
    UsageError for a name that is not there, or less than 1 frame.
    """

    numbered_frames: int | None = None
    crop: CropRule | None = None
    face_choice: str = "all"
    pooling: Pooling = "tracks"
    mirror: bool = True

    def __post_init__(self) -> None:
        if self.face_choice not in FACE_CHOICES:
            raise unknown_name("face choice", self.face_choice, FACE_CHOICES)
        if self.pooling not in POOLERS:
            raise unknown_name("pooling", self.pooling, POOLERS)
        if self.numbered_frames is not None and self.numbered_frames < 1:
            raise UsageError(f"numbered_frames: expected at least 1; got {self.numbered_frames}")

    def indices(self, times_s: NDArray[np.float64] | Sequence[float], *, at_least: int, at_most: int) -> list[int]:
        """The frames that are looked at. at_least, at_most: of `scan`."""
        if self.numbered_frames is not None:
            return numbered_indices(len(times_s), self.numbered_frames)
        return scan_indices(times_s, at_least=at_least, at_most=at_most)


SCAN = ScanPolicy()
