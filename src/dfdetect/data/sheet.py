"""Contact sheets: many small pictures on one page, to look at what was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from dfdetect.values import Float32Array, UInt8Array

_CAPTION_PX, _TITLE_PX = 16, 36  # heights of the lines


def contact_sheet(pictures: Sequence[UInt8Array], *, columns: int = 12, tile_px: int = 128) -> UInt8Array:
    """Pictures in rows, each resized to a square of tile_px; white where the last row ends. (H, W, 3) uint8 RGB."""
    rows = max(1, -(-len(pictures) // columns))
    page = np.full((rows * tile_px, columns * tile_px, 3), 255, np.uint8)
    for number, picture in enumerate(pictures):
        top, left = number // columns * tile_px, number % columns * tile_px
        small = cv2.resize(picture, (tile_px, tile_px), interpolation=cv2.INTER_AREA)
        page[top : top + tile_px, left : left + tile_px] = small
    return page


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture (S, S, 3) uint8 RGB and the line under it."""

    picture: UInt8Array
    caption: str


def captioned_sheet(sections: Sequence[tuple[str, Sequence[Sequence[Tile]]]], *, columns: int) -> UInt8Array:
    """Sections of a title and stacks: a stack's tiles stand under one another, `columns` stacks stand side by side.

    Tiles keep their size, so that the page shows the very pixels; all are of one size. (H, W, 3) uint8 RGB.
    """
    side = sections[0][1][0][0].picture.shape[0]
    parts: list[UInt8Array] = []
    for title, stacks in sections:
        parts.append(_line(title, columns * side, _TITLE_PX, 0.8))
        for start in range(0, len(stacks), columns):
            row = [np.vstack([_with_caption(tile) for tile in stack]) for stack in stacks[start : start + columns]]
            height = max(stack.shape[0] for stack in row)
            page = np.full((height, columns * side, 3), 255, np.uint8)
            for place, stack in enumerate(row):
                page[: stack.shape[0], place * side : (place + 1) * side] = stack
            parts.append(page)
    return np.vstack(parts)


def mask_tile(mask: Float32Array) -> UInt8Array:
    """A mask (S, S) float32 0..1 as a grey picture."""
    return np.repeat(np.rint(mask * 255).astype(np.uint8)[..., None], 3, axis=2)


def _with_caption(tile: Tile) -> UInt8Array:
    return np.vstack([tile.picture, _line(tile.caption, tile.picture.shape[1], _CAPTION_PX, 0.36)])


def _line(text: str, width: int, height: int, scale: float) -> UInt8Array:
    strip = np.full((height, width, 3), 255, np.uint8)
    where = (2, height - max(3, height // 4))
    cv2.putText(strip, text, where, cv2.FONT_HERSHEY_SIMPLEX, scale, (0, 0, 0), 1, cv2.LINE_AA)
    return strip
