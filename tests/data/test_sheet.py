"""Contact sheets: every picture where it belongs, at its own pixels."""

from __future__ import annotations

import numpy as np

from dfdetect.data.sheet import Tile, captioned_sheet, contact_sheet, mask_tile


def test_a_contact_sheet_is_white_where_pictures_end() -> None:
    pictures = [np.full((20, 20, 3), 10 * number, np.uint8) for number in range(5)]
    sheet = contact_sheet(pictures, columns=3, tile_px=8)
    assert sheet.shape == (16, 24, 3)
    assert (sheet[8:, 8:16] == 40).all()
    assert (sheet[8:, 16:] == 255).all()


def test_a_captioned_sheet_shows_the_very_pixels_in_sections() -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (40, 40, 3), np.uint8) for _ in range(10)]
    stacks = [[Tile(pictures[2 * n], f"real {n}"), Tile(pictures[2 * n + 1], f"fake {n}")] for n in range(5)]
    page = captioned_sheet([("first", stacks[:4]), ("second", stacks[4:])], columns=3)
    rows = 36 + 2 * (2 * 56) + 36 + 2 * 56
    assert page.shape == (rows, 120, 3)
    assert np.array_equal(page[36:76, 40:80], pictures[2])
    assert np.array_equal(page[92:132, 40:80], pictures[3])
    assert np.array_equal(page[36 + 112 : 36 + 112 + 40, :40], pictures[6])
    assert (page[36 + 112 : 36 + 224, 40:] == 255).all()
    assert (page[:36] < 128).any()  # the title
    assert (page[76:92, :40] < 128).any()  # a caption


def test_a_mask_is_shown_grey() -> None:
    mask = np.array([[0, 0.5], [1, 0.25]], np.float32)
    assert mask_tile(mask)[..., 1].tolist() == [[0, 128], [255, 64]]
