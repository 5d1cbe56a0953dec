"""Where the network's square lies on a face, drawn once a pair: flip, turn, shear, zoom, margin, shift.

All of it is one transform of the loose picture, applied before the fake is made: so both pictures of a pair share it,
the mask needs none of its own, and the traces of a blend are not smoothed by a later rotation.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from dfdetect.data.affine import warp
from dfdetect.data.augment import AugmentOptions
from dfdetect.faces.align import cut_square, square_around
from dfdetect.faces.mesh import mesh_box_xyxy
from dfdetect.faces.mesh_points import MIRROR_468
from dfdetect.values import Float32Array, UInt8Array

ROOM_PX = 16  # around the crop: codecs' 8-px grids start somewhere in it
_TOO_LARGE = 1.5  # a crop larger than so many times the network's input is shrunk before anything else is done


@dataclass(frozen=True, slots=True)
class FramedFace:
    """A face on the canvas where its pair is made.

    image: (W, W, 3) uint8 RGB. mesh: (468, 2) float32 pixels of it, numbered as on an unmirrored face.
    square: (left, top, side) of what the network will see, ROOM_PX inside the canvas.
    """

    image: UInt8Array
    mesh: Float32Array
    square: tuple[int, int, int]

    def mesh_in_crop(self, size_px: int) -> Float32Array:
        """(468, 2) float32 pixels of the crop when it is size_px wide."""
        left, top, side = self.square
        return np.asarray((self.mesh - np.array([left, top], np.float32)) * np.float32(size_px / side), np.float32)


def frame_face(
    picture: UInt8Array,
    mesh: Float32Array,
    rng: np.random.Generator,
    options: AugmentOptions,
    *,
    size_px: int | None = None,
) -> FramedFace:
    """Loose picture (H, W, 3) and mesh (468, 2 or 3) in its pixels -> the canvas.

    Any (N, 2 or 3) points whose tight box is the face's do in place of the mesh: then only the square is of use.

    size_px: the network's input; None keeps the native size whatever it is. Without a turn, shear or zoom no pixel
    is resampled here.
    """
    points = mesh[:, :2]
    if size_px is not None:
        picture, points = _not_too_large(picture, points, size_px)
    linear, flip = _draw_linear(rng, options)
    centre = points.mean(axis=0)
    turned = (points - centre) @ linear.T + centre
    left, top, side = _draw_square(turned, rng, options)
    origin = np.array([left - ROOM_PX, top - ROOM_PX], np.float32)
    wide = side + 2 * ROOM_PX
    if np.array_equal(np.abs(linear), np.eye(2)):
        canvas = _cut(picture, centre, left - ROOM_PX, top - ROOM_PX, wide, flip=flip)
        if flip:  # mirrored about a whole pixel, so that none is resampled
            turned[:, 0] += 2 * (round(2 * float(centre[0])) / 2 - float(centre[0]))
    else:
        move = np.column_stack([linear, centre - linear @ centre - origin]).astype(np.float32)
        canvas = warp(picture, move, (wide, wide))
    found = (turned - origin).astype(np.float32)
    if flip and len(found) == len(MIRROR_468):
        found = found[list(MIRROR_468)]
    return FramedFace(np.ascontiguousarray(canvas), found, (ROOM_PX, ROOM_PX, side))


def _draw_linear(rng: np.random.Generator, options: AugmentOptions) -> tuple[Float32Array, bool]:
    """(2, 2) float32 of flip, turn, shear and zoom, and whether it flips."""
    flip = bool(rng.random() < options.p_flip)
    linear = np.diag([-1.0 if flip else 1.0, 1.0])
    if rng.random() < options.p_turn:
        angle = np.deg2rad(rng.normal(0, options.max_rotation_deg / 2))
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        linear = turn @ linear
    if rng.random() < options.p_shear:
        shear = np.eye(2)
        shear[0, 1], shear[1, 0] = np.tan(np.deg2rad(rng.uniform(-1, 1, 2) * options.max_shear_deg))
        linear = shear @ linear
    if rng.random() < options.p_stretch:  # one side against the other; the crop follows the face, so its size is none
        linear = np.diag([1 + rng.uniform(-1, 1) * options.max_stretch, 1.0]) @ linear
    return linear.astype(np.float32), flip


def _draw_square(points: Float32Array, rng: np.random.Generator, options: AugmentOptions) -> tuple[int, int, int]:
    """(left, top, side): the mesh's box with a random margin (the zoom of this crop) and a small shift."""
    margin = rng.uniform(options.min_margin, options.max_margin)
    left, top, side = square_around(mesh_box_xyxy(points), margin=margin)
    shift = np.rint(rng.uniform(-options.max_off_centre, options.max_off_centre, 2) * side).astype(int)
    return left + int(shift[0]), top + int(shift[1]), side


def _cut(picture: UInt8Array, centre: Float32Array, left: int, top: int, wide: int, *, flip: bool) -> UInt8Array:
    if not flip:
        return cut_square(picture, left, top, wide)
    # A column x lies at 2 c - x in the mirrored picture, c being the mirror's place in half pixels.
    across = round(2 * float(centre[0]))
    return np.ascontiguousarray(cut_square(picture, across - left - wide, top, wide)[:, ::-1])


def _not_too_large(picture: UInt8Array, points: Float32Array, size_px: int) -> tuple[UInt8Array, Float32Array]:
    box = mesh_box_xyxy(points)
    side = float(max(box[2] - box[0], box[3] - box[1])) * 1.25
    scale = _TOO_LARGE * size_px / side
    if scale >= 0.8:
        return picture, points
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    return small, points * np.array([size[0] / picture.shape[1], size[1] / picture.shape[0]], np.float32)
