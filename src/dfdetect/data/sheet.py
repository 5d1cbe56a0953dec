"""Contact sheets: many small pictures on one page, to look at what was made."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from dfdetect.data.pairs import PairMaker
from dfdetect.values import UInt8Array


def contact_sheet(pictures: Sequence[UInt8Array], *, columns: int = 12, tile_px: int = 128) -> UInt8Array:
    """Pictures in rows, each resized to a square of tile_px; white where the last row ends. (H, W, 3) uint8 RGB."""
    rows = max(1, -(-len(pictures) // columns))
    page = np.full((rows * tile_px, columns * tile_px, 3), 255, np.uint8)
    for number, picture in enumerate(pictures):
        top, left = number // columns * tile_px, number % columns * tile_px
        small = cv2.resize(picture, (tile_px, tile_px), interpolation=cv2.INTER_AREA)
        page[top : top + tile_px, left : left + tile_px] = small
    return page


def pair_sheet(maker: PairMaker, *, size_px: int, pairs: int = 36, columns: int = 12) -> UInt8Array:
    """What the network will really see: each real crop above its fake."""
    made = [maker.make(number, size_px=size_px) for number in range(pairs)]
    stacked = [np.vstack([pair.real, pair.fake]) for pair in made]
    rows = [np.hstack(stacked[start : start + columns]) for start in range(0, pairs, columns)]
    return np.vstack([row for row in rows if row.shape == rows[0].shape])
