"""What the two decoders (image, video) have in common."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
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

    def pictures(self, wanted: Collection[int] | None = None) -> Iterator[Picture]:
        """The frames that decode, in order. Raises `corrupt_data` at the end when too few did.

        wanted: frames that must be among them; of the others those may be missing that cost time and that no other
        frame is predicted from. None: all of them.
        """
        ...

    def close(self) -> None: ...
