"""What the two decoders (image, video) have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dfdetect.values import MediaInfo, UInt8Array


@dataclass(frozen=True, slots=True)
class Picture:
    """One decoded frame whose pixels are converted only on demand; most frames are looked at as thumbnails only.

    rgb() -> (H, W, 3) uint8 upright RGB. thumbnail_bgr() -> (h, w, 3) uint8, for the cut finder, not turned upright.
    """

    index: int
    rgb: Callable[[], UInt8Array]
    thumbnail_bgr: Callable[[], UInt8Array]


class Pictures(Protocol):
    """One opened file: what it is, when its frames are shown, and the frames."""

    info: MediaInfo
    times_s: NDArray[np.float64]

    def pictures(self) -> Iterator[Picture]:
        """Every frame that decodes, in order. Raises `corrupt_data` at the end when too few did."""
        ...

    def close(self) -> None: ...
