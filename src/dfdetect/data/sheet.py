"""Contact sheets: many small pictures on one page, to look at what was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from dfdetect.values import Float32Array, UInt8Array

_LINE_PX, _TITLE_PX = 14, 36  # heights of the lines
_FONT_PX, _TITLE_FONT_PX = 11, 18
_EDGE_PX = 2  # white around a fitted picture
_BELOW_PX = 6  # and below its caption
_BLACK, _RED, _YELLOW = (20, 20, 20), (190, 0, 0), (255, 220, 0)


def contact_sheet(pictures: Sequence[UInt8Array], *, columns: int = 12, tile_px: int = 128) -> UInt8Array:
    """Pictures in rows, each resized to a square of tile_px; white where the last row ends. (H, W, 3) uint8 RGB."""
    rows = max(1, -(-len(pictures) // columns))
    page = _white(rows * tile_px, columns * tile_px)
    for number, picture in enumerate(pictures):
        top, left = number // columns * tile_px, number % columns * tile_px
        small = cv2.resize(picture, (tile_px, tile_px), interpolation=cv2.INTER_AREA)
        page[top : top + tile_px, left : left + tile_px] = small
    return page


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture of a sheet. picture: (H, W, 3) uint8 RGB. lines: the caption, cut where it is too wide.

    is_fake: the first line in red. mask: (H, W) uint8, its edge is drawn; None draws nothing.
    """

    picture: UInt8Array
    lines: tuple[str, ...]
    is_fake: bool = False
    mask: UInt8Array | None = None


Stack = Sequence[Tile]  # tiles that stand under one another


def captioned_sheet(
    sections: Sequence[tuple[str, Sequence[Stack]]], *, columns: int, tile_px: int | None = None
) -> UInt8Array:
    """Sections of a title ("" has none) and stacks, `columns` of them side by side. (H, W, 3) uint8 RGB on white.

    tile_px: every picture is fitted into a square of this side. None: pictures keep their size, so that the page shows
    the very pixels; all are squares of one size.
    """
    tiles = [tile for _, stacks in sections for stack in stacks for tile in stack]
    if not tiles:
        return _white(tile_px or 1, tile_px or 1)
    side = tile_px or tiles[0].picture.shape[0]
    height = side + _LINE_PX * max(len(tile.lines) for tile in tiles) + _BELOW_PX
    parts: list[UInt8Array] = []
    for title, stacks in sections:
        if title:
            strip = _white(_TITLE_PX, columns * side)
            _write(strip, title, 4, _TITLE_PX - 12, _BLACK, _TITLE_FONT_PX)
            parts.append(strip)
        for start in range(0, len(stacks), columns):
            row = stacks[start : start + columns]
            page = _white(height * max(len(stack) for stack in row), columns * side)
            for place, stack in enumerate(row):
                for level, tile in enumerate(stack):
                    cell = page[level * height : (level + 1) * height, place * side : (place + 1) * side]
                    _draw(cell, tile, side, fits=tile_px is not None)
            parts.append(page)
    return np.vstack(parts)


def mask_tile(mask: Float32Array) -> UInt8Array:
    """A mask (S, S) float32 0..1 as a grey picture."""
    return np.repeat(np.rint(mask * 255).astype(np.uint8)[..., None], 3, axis=2)


def _white(height: int, width: int) -> UInt8Array:
    return np.full((height, width, 3), 255, np.uint8)


def _draw(cell: UInt8Array, tile: Tile, side: int, *, fits: bool) -> None:
    edge = _EDGE_PX if fits else 0
    picture = tile.picture
    height, width = picture.shape[:2]
    if fits:
        scale = (side - 2 * edge) / max(height, width)
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
        picture = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    shown = cell[edge : edge + height, edge : edge + width]
    shown[:] = picture
    if tile.mask is not None:
        mask = cv2.resize(tile.mask, (width, height), interpolation=cv2.INTER_NEAREST)
        edges, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        marked = np.ascontiguousarray(shown)
        cv2.drawContours(marked, edges, -1, _YELLOW, 1)
        shown[:] = marked
    for row, line in enumerate(tile.lines):
        colour = _RED if tile.is_fake and row == 0 else _BLACK
        _write(cell, line, 3, side + _LINE_PX * (row + 1) - 2, colour, _FONT_PX, keep_end=row > 0)


def _write(
    page: UInt8Array,
    text: str,
    left: int,
    baseline: int,
    colour: tuple[int, int, int],
    font_px: int,
    *,
    keep_end: bool = False,
) -> None:
    """A line, or with an ellipsis as much of it as there is room for: of names the end, where they differ."""
    font = cv2.FontFace("sans")  # the one font of OpenCV that has more than ASCII
    room_px = page.shape[1] - 2 * left
    shown = text
    while len(shown) > 1 and cv2.getTextSize((4000, 100), shown, (0, 50), font, font_px)[2] > room_px:
        text = text[1:] if keep_end else text[:-1]
        shown = f"…{text}" if keep_end else f"{text}…"
    drawn = np.ascontiguousarray(page)
    cv2.putText(drawn, shown, (left, baseline), colour, font, font_px)
    page[:] = drawn
