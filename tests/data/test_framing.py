"""The network's square on a face: boxes and meshes that follow flips and turns, native pixels where nothing turns."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.data.augment import AugmentOptions
from dfdetect.data.framing import ROOM_PX, frame_face
from dfdetect.faces.mesh import mesh_box_xyxy
from dfdetect.faces.mesh_points import LEFT_EYE, RIGHT_EYE
from dfdetect.values import UInt8Array
from face_pictures import plain_mesh, plain_picture

OPTIONS = AugmentOptions()
STILL = replace(OPTIONS, p_flip=0, p_turn=0, p_shear=0, p_stretch=0)

seeds = st.integers(0, 2**63 - 1)


def is_in(page: UInt8Array, part: UInt8Array) -> bool:
    """Whether the page holds these very pixels."""
    page = np.ascontiguousarray(page)
    _, _, (left, top), _ = cv2.minMaxLoc(cv2.matchTemplate(page, part, cv2.TM_SQDIFF))
    return np.array_equal(page[top : top + part.shape[0], left : left + part.shape[1]], part)


@given(seeds)
@settings(max_examples=60, deadline=None)
def test_the_crop_holds_the_face_with_a_bounded_margin(seed: int) -> None:
    mesh = plain_mesh(200)
    found = frame_face(plain_picture(200), mesh, np.random.default_rng(seed), STILL)
    box = mesh_box_xyxy(found.mesh)
    left, top, side = found.square
    longer = max(box[2] - box[0], box[3] - box[1])
    assert longer * (1 + 2 * OPTIONS.min_margin) - 1 <= side <= longer * (1 + 2 * OPTIONS.max_margin) + 1
    shift_x = left + side / 2 - (box[0] + box[2]) / 2
    shift_y = top + side / 2 - (box[1] + box[3]) / 2
    assert max(abs(shift_x), abs(shift_y)) <= OPTIONS.max_off_centre * side + 1.5
    assert found.image.shape == (side + 2 * ROOM_PX, side + 2 * ROOM_PX, 3)
    assert (left, top) == (ROOM_PX, ROOM_PX)


@given(seeds)
@settings(max_examples=40, deadline=None)
def test_without_turns_the_canvas_is_native_pixels(seed: int) -> None:
    """Resampling is a trace too: no crop is resampled before its one resize."""
    picture, mesh = plain_picture(200), plain_mesh(200)
    found = frame_face(picture, mesh, np.random.default_rng(seed), replace(STILL, p_flip=0.5))
    side = found.square[2]
    crop = found.image[ROOM_PX : ROOM_PX + side, ROOM_PX : ROOM_PX + side]
    assert is_in(picture, crop) or is_in(picture[:, ::-1], crop)


@given(seeds, st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_mesh_and_picture_move_together(seed: int, p_flip: float) -> None:
    """The mesh of the unflipped picture once cut half of a mirrored face off."""
    size_px = 240
    mesh = plain_mesh(size_px) + np.float32([17, -9, 0])
    picture = np.zeros((size_px, size_px, 3), np.uint8)
    for x, y in mesh[:, :2]:
        column, row = int(x), int(y)
        picture[row - 2 : row + 3, column - 2 : column + 3] = 255
    options = replace(OPTIONS, p_flip=p_flip, p_turn=0.7, p_shear=0.7, p_stretch=0.7)
    found = frame_face(picture, mesh, np.random.default_rng(seed), options)
    rows, columns = np.nonzero(found.image[..., 0] > 127)
    marked = np.array([columns.min() + 2.5, rows.min() + 2.5, columns.max() - 1.5, rows.max() - 1.5])
    assert np.abs(marked - mesh_box_xyxy(found.mesh)).max() < 2.5
    eyes = [found.mesh[list(ring), 0].mean() for ring in (LEFT_EYE, RIGHT_EYE)]
    assert eyes[0] < eyes[1]  # left stays left in a mirrored picture: the numbering is that of an unmirrored face


def test_a_flip_mirrors_the_picture_and_keeps_the_mesh_on_it() -> None:
    picture, mesh = plain_picture(160), plain_mesh(160)
    plain = frame_face(picture, mesh, np.random.default_rng(0), STILL)
    flipped = frame_face(picture, mesh, np.random.default_rng(0), replace(STILL, p_flip=1.0))
    wide = plain.image.shape[1]
    assert np.abs(np.sort(wide - flipped.mesh[:, 0]) - np.sort(plain.mesh[:, 0])).max() < 25  # shifts differ
    assert is_in(picture[:, ::-1], flipped.image[40:100, 40:100].copy())


@pytest.mark.parametrize(("size_px", "expected"), [(None, 318), (256, 318), (64, 96)])
def test_a_face_much_larger_than_the_input_is_shrunk_first(size_px: int | None, expected: int) -> None:
    picture, mesh = plain_picture(480), plain_mesh(480)
    options = replace(STILL, min_margin=0.125, max_margin=0.125, max_off_centre=0)
    found = frame_face(picture, mesh, np.random.default_rng(0), options, size_px=size_px)
    assert found.square[2] == pytest.approx(expected, abs=2)
    box = mesh_box_xyxy(found.mesh)
    assert max(box[2] - box[0], box[3] - box[1]) * 1.25 == pytest.approx(expected, abs=2)


def test_a_face_at_the_pictures_edge_gets_a_whole_canvas() -> None:
    picture, mesh = plain_picture(160), plain_mesh(160)
    found = frame_face(picture[30:130, 30:130], mesh - np.float32([30, 30, 0]), np.random.default_rng(1), OPTIONS)
    assert found.image.shape[0] == found.image.shape[1] == found.square[2] + 2 * ROOM_PX
