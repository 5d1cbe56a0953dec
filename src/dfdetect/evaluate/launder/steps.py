"""One change of a shot each. A step draws what it draws from `rng`, which belongs to the file and not to its label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np

from dfdetect.evaluate.launder.shot import Shot
from dfdetect.media.roundtrip import (
    avif_round_trip,
    decode_clip,
    encode_clip,
    jpeg_round_trip,
    webp_round_trip,
)
from dfdetect.values import UInt8Array

Step = Callable[[Shot, np.random.Generator], Shot]


def jpeg(shot: Shot, rng: np.random.Generator, *, quality: int) -> Shot:
    """Baseline JPEG, 4:2:0."""
    return shot.each(lambda image: jpeg_round_trip(image, quality))


def webp(shot: Shot, rng: np.random.Generator, *, quality: int) -> Shot:
    return shot.each(lambda image: webp_round_trip(image, quality))


def avif(shot: Shot, rng: np.random.Generator, *, quality: int) -> Shot:
    return shot.each(lambda image: avif_round_trip(image, quality))


def video(
    shot: Shot, rng: np.random.Generator, *, codec: str, crf: int | None = None, bit_rate_bps: int | None = None
) -> Shot:
    """A video codec of `media.roundtrip.CLIP_CODECS` there and back."""
    assert shot.fps is not None
    shot = _even(shot)
    data = encode_clip(shot.frames, fps=shot.fps or Fraction(25), codec=codec, crf=crf, bit_rate_bps=bit_rate_bps)
    return replace(shot, frames=tuple(decode_clip(data)))


def half_the_frames(shot: Shot, rng: np.random.Generator) -> Shot:
    """Every second frame, at half the rate."""
    assert shot.fps is not None
    return replace(shot, frames=shot.frames[::2], fps=shot.fps / 2)


def down_and_up(shot: Shot, rng: np.random.Generator, *, factor: float) -> Shot:
    """Averaged down, bilinear up again: the size stays."""
    height, width = shot.frames[0].shape[:2]
    small = max(2, round(width * factor)), max(2, round(height * factor))

    def change(image: UInt8Array) -> UInt8Array:
        reduced = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(reduced, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)

    return shot.each(change)


def fitted(shot: Shot, rng: np.random.Generator, *, long_side_px: int) -> Shot:
    """Averaged down so that the longer side is at most this; a smaller picture stays."""
    height, width = shot.frames[0].shape[:2]
    return _scaled(shot, min(1.0, long_side_px / max(height, width)))


def shown_on_screen(shot: Shot, rng: np.random.Generator) -> Shot:
    """Resampled to a size that a screen happens to show it at, 0.6-1.4 times its own."""
    return _scaled(shot, float(rng.uniform(0.6, 1.4)))


def _scaled(shot: Shot, scale: float) -> Shot:
    height, width = shot.frames[0].shape[:2]
    size_wh = 2 * max(1, round(width * scale / 2)), 2 * max(1, round(height * scale / 2))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    move = np.array([[size_wh[0] / width, 0, 0], [0, size_wh[1] / height, 0]], np.float32)
    return shot.each(lambda image: np.asarray(cv2.resize(image, size_wh, interpolation=how), np.uint8), move=move)


def blur(shot: Shot, rng: np.random.Generator, *, kernel_px: int) -> Shot:
    """Gaussian, sigma a sixth of the kernel."""
    size = kernel_px, kernel_px
    return shot.each(lambda image: np.asarray(cv2.GaussianBlur(image, size, kernel_px / 6), np.uint8))


def noise(shot: Shot, rng: np.random.Generator, *, variance: float) -> Shot:
    """White Gaussian noise, another one in every frame. variance: of values 0..1."""
    spread = 255 * variance**0.5

    def change(image: UInt8Array) -> UInt8Array:
        grain = rng.standard_normal(image.shape, np.float32) * np.float32(spread)
        return np.asarray(np.clip(np.rint(image + grain), 0, 255), np.uint8)

    return shot.each(change)


def gamma(shot: Shot, rng: np.random.Generator, *, exponent: float) -> Shot:
    """Values 0..1 raised to a power: above 1 is darker."""
    table = np.rint(255 * (np.arange(256) / 255) ** exponent).astype(np.uint8)
    return shot.each(lambda image: np.asarray(cv2.LUT(image, table), np.uint8))


def saturation(shot: Shot, rng: np.random.Generator, *, factor: float) -> Shot:
    """Colour around its gray, by a factor; 0 is gray."""

    def change(image: UInt8Array) -> UInt8Array:
        luma = (image @ np.array([0.299, 0.587, 0.114], np.float32))[..., None]
        return np.asarray(np.clip(np.rint(luma + factor * (image - luma)), 0, 255), np.uint8)

    return shot.each(change)


def low_light(shot: Shot, rng: np.random.Generator) -> Shot:
    """A quarter of the light, read noise, and the camera's gain that brings half of it back."""

    def change(image: UInt8Array) -> UInt8Array:
        light = 0.25 * (image.astype(np.float32) / 255) ** 2.2
        grain = rng.standard_normal(image.shape, np.float32)
        seen = np.clip(2.0 * (light + grain * np.sqrt(light / 800 + 2e-6)), 0, 1)
        return np.asarray(np.rint(255 * seen ** (1 / 2.2)), np.uint8)

    return shot.each(change)


def crop_borders(shot: Shot, rng: np.random.Generator, *, share: float) -> Shot:
    """So much of width and height cut away, half at each end."""
    height, width = shot.frames[0].shape[:2]
    left, top = round(width * share / 2), round(height * share / 2)
    move = np.array([[1, 0, -left], [0, 1, -top]], np.float32)

    def change(image: UInt8Array) -> UInt8Array:
        return np.ascontiguousarray(image[top : height - top, left : width - left])

    return shot.each(change, move=move)


def mirror(shot: Shot, rng: np.random.Generator) -> Shot:
    move = np.array([[-1, 0, shot.frames[0].shape[1]], [0, 1, 0]], np.float32)
    return shot.each(lambda image: np.ascontiguousarray(image[:, ::-1]), move=move)


def rotate(shot: Shot, rng: np.random.Generator, *, degrees: float) -> Shot:
    """About the middle, clockwise or not by chance; the picture's edge is mirrored into the corners."""
    height, width = shot.frames[0].shape[:2]
    angle = degrees * float(rng.choice([-1, 1]))
    move = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0)

    def change(image: UInt8Array) -> UInt8Array:
        turned = cv2.warpAffine(image, move, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
        return np.asarray(turned, np.uint8)

    return shot.each(change, move=np.asarray(move, np.float32))


def gray(shot: Shot, rng: np.random.Generator) -> Shot:
    return saturation(shot, rng, factor=0.0)


def messenger(shot: Shot, rng: np.random.Generator) -> Shot:
    """What a messenger makes of it: a still at most 1600 px and JPEG 70; a clip at most 640 px and about 1 Mbit/s."""
    if not shot.is_clip:
        return jpeg(fitted(shot, rng, long_side_px=1600), rng, quality=70)
    return video(fitted(shot, rng, long_side_px=640), rng, codec="h264", bit_rate_bps=1_000_000)


def _even(shot: Shot) -> Shot:
    """Without the last row or column of an odd size: video codecs halve the colours' resolution."""
    height, width = (side // 2 * 2 for side in shot.frames[0].shape[:2])
    if shot.frames[0].shape[:2] == (height, width):
        return shot
    return shot.each(lambda image: np.ascontiguousarray(image[:height, :width]))
