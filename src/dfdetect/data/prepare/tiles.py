"""Face tiles with captions and the edge of their mask, for the sheets of `prepare`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from dfdetect.values import UInt8Array

_LINE_PX = 14
_BLACK, _RED = (20, 20, 20), (190, 0, 0)


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture of a sheet. picture: (H, W, 3) uint8 RGB. lines: the caption, cut where it is too wide.

    mask: (H, W) uint8, its edge is drawn; None draws nothing. is_fake: the first line in red.
    """

    picture: UInt8Array
    lines: tuple[str, ...]
    is_fake: bool = False
    mask: UInt8Array | None = None


def captioned_sheet(tiles: Sequence[Tile], *, columns: int = 8, tile_px: int = 160) -> UInt8Array:
    """Tiles in rows, each picture fitted into a square of tile_px above its caption. (H, W, 3) uint8 RGB on white."""
    columns = min(columns, max(1, len(tiles)))
    height = tile_px + _LINE_PX * max((len(tile.lines) for tile in tiles), default=0) + 6
    rows = max(1, -(-len(tiles) // columns))
    page = np.full((rows * height, columns * tile_px, 3), 255, np.uint8)
    for number, tile in enumerate(tiles):
        top, left = number // columns * height, number % columns * tile_px
        _draw(page[top : top + height, left : left + tile_px], tile, tile_px)
    return page


def _draw(cell: UInt8Array, tile: Tile, tile_px: int) -> None:
    height, width = tile.picture.shape[:2]
    scale = (tile_px - 4) / max(height, width)
    size_wh = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(tile.picture, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
    if tile.mask is not None:
        mask = cv2.resize(tile.mask, size_wh, interpolation=cv2.INTER_NEAREST)
        edges, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(small, edges, -1, (255, 220, 0), 1)
    cell[2 : 2 + size_wh[1], 2 : 2 + size_wh[0]] = small
    font = cv2.FontFace("sans")  # the one font of OpenCV that has more than ASCII
    for row, line in enumerate(tile.lines):
        colour = _RED if tile.is_fake and row == 0 else _BLACK
        shown = _fitted(line, font, tile_px - 6, keep_end=row > 0)
        cv2.putText(cell, shown, (3, tile_px + _LINE_PX * (row + 1) - 2), colour, font, 11)


def _fitted(text: str, font: cv2.FontFace, width_px: int, *, keep_end: bool) -> str:
    """The text, or with an ellipsis as much of it as there is room for: of names the end, where they differ."""
    shown = text
    while len(shown) > 1 and cv2.getTextSize((4000, 100), shown, (0, 50), font, 11)[2] > width_px:
        text = text[1:] if keep_end else text[:-1]
        shown = f"…{text}" if keep_end else f"{text}…"
    return shown
