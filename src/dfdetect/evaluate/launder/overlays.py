"""What people put over a face: text, a logo, an emoji, a border, a sticker. Each covers a tenth of the face's box."""

from __future__ import annotations

import math

import cv2
import numpy as np

from dfdetect.evaluate.launder.shot import Shot
from dfdetect.values import Float32Array, UInt8Array

SHARE = 0.10  # of the face's box
_WORDS = ("BREAKING NEWS", "WATCH THIS", "SHARE NOW", "EXCLUSIVE")


def text(shot: Shot, rng: np.random.Generator) -> Shot:
    """A line of white letters on black across the face, over the chin or the forehead."""
    left, top, width, height = _box(shot)
    tall = max(6, round(SHARE * height))
    at_y = top + round(height * (0.86 if rng.random() < 0.7 else 0.04))
    strip = np.zeros((tall, max(8, width), 3), np.uint8)
    word = str(rng.choice(_WORDS))
    (w, h), _ = cv2.getTextSize(word, cv2.FONT_HERSHEY_DUPLEX, 1.0, 2)
    scale = min(0.9 * strip.shape[1] / w, 0.6 * tall / h)
    where = round((strip.shape[1] - w * scale) / 2), round((tall + h * scale) / 2)
    cv2.putText(strip, word, where, cv2.FONT_HERSHEY_DUPLEX, scale, (255, 255, 255), 1 + int(scale > 0.8), cv2.LINE_AA)
    return shot.each(lambda image: _laid(image, strip, np.full(strip.shape[:2], 0.9, np.float32), left, at_y))


def logo(shot: Shot, rng: np.random.Generator) -> Shot:
    """A half transparent ring with a bar, as stations and apps set it, over a corner of the face."""
    size = _square_side(shot)
    picture = np.zeros((size, size, 3), np.uint8)
    picture[:] = rng.integers(0, 256, 3)
    alpha = np.zeros((size, size), np.float32)
    middle, thick = (size // 2, size // 2), max(1, size // 8)
    cv2.circle(alpha, middle, size // 2 - thick, 0.6, thick, cv2.LINE_AA)
    cv2.rectangle(alpha, (size // 4, size // 2 - thick // 2), (3 * size // 4, size // 2 + thick // 2), 0.6, -1)
    left, top, width, height = _box(shot)
    x = left if rng.random() < 0.5 else left + width - size
    return shot.each(lambda image: _laid(image, picture, alpha, x, top + round(0.05 * height)))


def emoji(shot: Shot, rng: np.random.Generator) -> Shot:
    """A yellow smiling disc on a cheek or the forehead."""
    size = round(_square_side(shot) * (4 / np.pi) ** 0.5)
    picture = np.zeros((size, size, 3), np.uint8)
    picture[:] = (255, 204, 51)
    alpha = np.zeros((size, size), np.float32)
    middle, radius = (size // 2, size // 2), size // 2
    cv2.circle(alpha, middle, radius - 1, 1.0, -1, cv2.LINE_AA)
    ink = (60, 40, 10)
    for side in (-1, 1):
        eye = middle[0] + side * radius // 3, middle[1] - radius // 4
        cv2.circle(picture, eye, max(1, size // 14), ink, -1)
    cv2.ellipse(picture, middle, (radius // 2, radius // 2), 0, 20, 160, ink, max(1, size // 16), cv2.LINE_AA)
    x, y = _place(shot, rng, size)
    return shot.each(lambda image: _laid(image, picture, alpha, x, y))


def sticker(shot: Shot, rng: np.random.Generator) -> Shot:
    """An opaque patterned square with a white rim."""
    size = _square_side(shot)
    cells = np.asarray(rng.integers(0, 256, (4, 4, 3)), np.uint8)
    picture = np.asarray(cv2.resize(cells, (size, size), interpolation=cv2.INTER_NEAREST), np.uint8)
    rim = max(1, size // 12)
    cv2.rectangle(picture, (0, 0), (size - 1, size - 1), (255, 255, 255), 2 * rim)
    x, y = _place(shot, rng, size)
    return shot.each(lambda image: _laid(image, picture, np.ones((size, size), np.float32), x, y))


def border(shot: Shot, rng: np.random.Generator) -> Shot:
    """Bars around the picture, a tenth of each side: in black, white or a blurred copy of the picture."""
    kind = str(rng.choice(["black", "white", "blurred"]))
    height, width = shot.frames[0].shape[:2]
    x, y = round(width * SHARE), round(height * SHARE)
    move = np.array([[1, 0, x], [0, 1, y]], np.float32)

    def change(image: UInt8Array) -> UInt8Array:
        if kind == "blurred":
            small = cv2.GaussianBlur(cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA), (0, 0), 3.0)
            framed = cv2.resize(small, (width + 2 * x, height + 2 * y), interpolation=cv2.INTER_LINEAR)
        else:
            framed = np.full((height + 2 * y, width + 2 * x, 3), 255 * (kind == "white"), np.uint8)
        framed[y : y + height, x : x + width] = image
        return np.asarray(framed, np.uint8)

    return shot.each(change, move=move)


def _box(shot: Shot) -> tuple[int, int, int, int]:
    """(left, top, width, height) of the face."""
    left, top, right, bottom = (round(float(v)) for v in shot.face_xyxy)
    return left, top, max(8, right - left), max(8, bottom - top)


def _square_side(shot: Shot) -> int:
    _, _, width, height = _box(shot)
    return max(4, round(math.sqrt(SHARE * width * height)))


def _place(shot: Shot, rng: np.random.Generator, size: int) -> tuple[int, int]:
    """Where a thing of this size lies on the face: on a cheek, or on the forehead."""
    left, top, width, height = _box(shot)
    u, v = [(0.25, 0.6), (0.75, 0.6), (0.5, 0.12)][int(rng.integers(3))]
    return round(left + u * width - size / 2), round(top + v * height - size / 2)


def _laid(image: UInt8Array, picture: UInt8Array, alpha: Float32Array, left: int, top: int) -> UInt8Array:
    """The picture over the image at this place; what lies outside is cut."""
    height, width = image.shape[:2]
    y0, y1 = max(top, 0), min(top + picture.shape[0], height)
    x0, x1 = max(left, 0), min(left + picture.shape[1], width)
    if y0 >= y1 or x0 >= x1:
        return image
    out = image.copy()
    share = alpha[y0 - top : y1 - top, x0 - left : x1 - left, None]
    over = picture[y0 - top : y1 - top, x0 - left : x1 - left]
    out[y0:y1, x0:x1] = np.rint((1 - share) * image[y0:y1, x0:x1] + share * over)
    return out
