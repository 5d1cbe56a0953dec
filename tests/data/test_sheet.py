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
    stacks = [[Tile(pictures[2 * n], (f"real {n}",)), Tile(pictures[2 * n + 1], (f"fake {n}",))] for n in range(5)]
    page = captioned_sheet([("first", stacks[:4]), ("second", stacks[4:])], columns=3)
    tile = 40 + 14 + 6
    rows = 36 + 2 * (2 * tile) + 36 + 2 * tile
    assert page.shape == (rows, 120, 3)
    assert np.array_equal(page[36:76, 40:80], pictures[2])
    assert np.array_equal(page[36 + tile : 76 + tile, 40:80], pictures[3])
    assert np.array_equal(page[36 + 2 * tile : 76 + 2 * tile, :40], pictures[6])
    assert (page[36 + 2 * tile : 36 + 4 * tile, 40:] == 255).all()
    assert (page[:36] < 128).any()  # the title
    assert (page[76:90, :40] < 128).any()  # a caption


def test_a_mask_is_shown_grey() -> None:
    mask = np.array([[0, 0.5], [1, 0.25]], np.float32)
    assert mask_tile(mask)[..., 1].tolist() == [[0, 128], [255, 64]]


def test_captions_are_there_and_fit() -> None:
    gray = np.full((50, 30, 3), 128, np.uint8)
    mask = np.zeros((50, 30), np.uint8)
    mask[10:40, 5:25] = 255
    long = "한국어/" + "x" * 200
    fake, real = Tile(gray, ("FAKE Deepfakes c23", long), True, mask), Tile(gray, ("real", "a"))
    page = captioned_sheet([("", [[fake], [real]])], columns=2, tile_px=160)
    assert page.shape == (160 + 2 * 14 + 6, 2 * 160, 3)
    left, right = page[:, :160], page[:, 160:]
    first = left[160:175].reshape(-1, 3).astype(int)
    assert ((first[:, 0] - first[:, 1]) > 80).any(), "a fake is named in red"
    assert not ((right[160:175, :, 0].astype(int) - right[160:175, :, 1]) > 80).any()
    assert (left[176:190] < 100).any(), "the name is written"
    assert (page[:, 158:160] == 255).all(), "and stays in its tile"
    yellow = (left[:160, :, 0] > 200) & (left[:160, :, 2] < 120)
    assert yellow.any(), "the mask's edge is drawn"


def test_no_tiles_are_an_empty_page() -> None:
    assert captioned_sheet([], columns=3).min() == 255
    assert contact_sheet([]).min() == 255
