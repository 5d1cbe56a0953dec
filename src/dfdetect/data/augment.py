"""What happens to a picture between the camera and us, drawn once and applied alike to the real and the fake of a pair.

A pair that differs in anything but the blend teaches the difference: re-encoding only the fake lets a classifier that
sees nothing of the face reach AUC 0.94 (docs/self_blending.md). So a history is drawn first, as numbers, and then
applied to both pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from dfdetect.data.changes import brightness_contrast, shift_hsv, shift_rgb
from dfdetect.faces.align import cut_square, resize_square
from dfdetect.media.roundtrip import h264_round_trip, jpeg_round_trip, webp_round_trip
from dfdetect.values import Float32Array, UInt8Array


@dataclass(frozen=True, slots=True)
class AugmentOptions:
    """Probabilities 0..1; sizes in pixels of the face box's longer side; qualities on the codec's own scale.

    max_rotation_deg: two standard deviations of the turn (normal), so that 1 in 20 turns further.
    """

    p_flip: float = 0.5
    p_turn: float = 0.6
    max_rotation_deg: float = 10.0
    p_shear: float = 0.1
    max_shear_deg: float = 4.0
    p_stretch: float = 0.1
    max_stretch: float = 0.06  # width against height
    min_margin: float = 0.05
    max_margin: float = 0.22
    max_off_centre: float = 0.04  # of the crop's side
    p_colour: float = 0.4
    p_video: float = 0.5
    video_face_px: tuple[int, int] = (72, 260)
    video_crf: tuple[int, int] = (18, 38)
    p_video_twice: float = 0.15
    p_motion_blur: float = 0.15
    p_photo_jpeg: float = 0.6
    jpeg_quality: tuple[int, int] = (30, 100)
    p_webp: float = 0.1
    p_shrink: float = 0.35
    max_shrink: float = 3.0
    p_blur: float = 0.15
    p_noise: float = 0.15
    p_gray: float = 0.02


def same_history(
    pictures: list[UInt8Array],
    square: tuple[int, int, int],
    size_px: int,
    rng: np.random.Generator,
    options: AugmentOptions,
) -> list[UInt8Array]:
    """Pictures -> crops (size_px, size_px, 3), each with the same colour change, codec and size history.

    square: (left, top, side) of the crop in the pictures.
    """
    seed = int(rng.integers(2**63))
    return [_history(picture, square, size_px, np.random.default_rng(seed), options) for picture in pictures]


def _history(
    picture: UInt8Array, square: tuple[int, int, int], size_px: int, rng: np.random.Generator, options: AugmentOptions
) -> UInt8Array:
    left, top, side = square
    # The codec's 8-px grid must not start at the crop's corner every time: encode a little more, then cut.
    extra_x, extra_y = (int(v) for v in rng.integers(0, 17, 2))
    wide = cut_square(picture, left - extra_x, top - extra_y, side + 16)
    wide = _colour(wide, rng, options)
    video = rng.random() < options.p_video
    wide = _video(wide, side, rng, options) if video else _photo(wide, rng, options)
    scale = wide.shape[0] / (side + 16)
    cut = cut_square(wide, round(extra_x * scale), round(extra_y * scale), max(8, round(side * scale)))
    return resize_square(cut, size_px)


def _colour(image: UInt8Array, rng: np.random.Generator, options: AugmentOptions) -> UInt8Array:
    if rng.random() < options.p_colour / 2:
        image = shift_rgb(image, rng, 20)
    if rng.random() < options.p_colour:
        image = shift_hsv(image, rng)
    if rng.random() < options.p_colour:
        image = brightness_contrast(image, rng, 0.25)
    if rng.random() < options.p_gray:
        image = np.asarray(cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8)
    return image


def _photo(image: UInt8Array, rng: np.random.Generator, options: AugmentOptions) -> UInt8Array:
    """The life of a photograph: shrunk, softened or noisy, then JPEG (sometimes WebP)."""
    if rng.random() < options.p_shrink:
        image = _shrink(image, float(rng.uniform(1.0, options.max_shrink)))
    image = _blur_or_noise(image, rng, options)
    if rng.random() < options.p_photo_jpeg:
        low, high = options.jpeg_quality
        image = jpeg_round_trip(image, int(rng.integers(low, high)), subsampling=str(rng.choice(["420", "444"])))
    elif rng.random() < options.p_webp:
        image = webp_round_trip(image, int(rng.integers(40, 95)))
    return image


def _video(image: UInt8Array, side: int, rng: np.random.Generator, options: AugmentOptions) -> UInt8Array:
    """The life of a video frame: a small face, moving, through H.264 once or twice; the last of three frames."""
    low, high = options.video_face_px
    target = float(np.exp(rng.uniform(np.log(low), np.log(high)))) * 1.25  # the crop is about 1.25 faces wide
    factor = min(1.0, target / side)
    if factor < 1:
        image = _shrink(image, 1 / factor)
    image = _blur_or_noise(image, rng, options)
    if rng.random() < options.p_motion_blur:
        image = _motion_blur(image, rng)
    for _ in range(2 if rng.random() < options.p_video_twice else 1):
        step = rng.normal(0, 0.7, 2).astype(np.float32)
        clip = [_moved(image, step * back) for back in (2, 1, 0)]
        crf = int(rng.integers(options.video_crf[0], options.video_crf[1] + 1))
        image = h264_round_trip(clip, crf=crf)[-1]
    return image


def cut_mask(mask: Float32Array, square: tuple[int, int, int], size_px: int) -> Float32Array:
    """The mask (H, W) of a pair in the same square, (size_px, size_px) float32 0..1."""
    left, top, side = square
    cut = mask[top : top + side, left : left + side]
    how = cv2.INTER_AREA if side > size_px else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(cut, (size_px, size_px), interpolation=how), np.float32)


def _shrink(image: UInt8Array, factor: float) -> UInt8Array:
    size = max(24, round(image.shape[0] / factor))
    return np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def _blur_or_noise(image: UInt8Array, rng: np.random.Generator, options: AugmentOptions) -> UInt8Array:
    if rng.random() < options.p_blur:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.5))), np.uint8)
    if rng.random() < options.p_noise:
        noise = rng.standard_normal(image.shape, np.float32) * float(rng.uniform(1, 6))
        image = np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)
    return image


def _motion_blur(image: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    length = int(rng.integers(3, 8))
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1.0 / length
    angle = float(rng.uniform(0, 180))
    turn = cv2.getRotationMatrix2D(((length - 1) / 2, (length - 1) / 2), angle, 1.0)
    kernel = np.asarray(cv2.warpAffine(kernel, turn, (length, length)), np.float32)
    return np.asarray(cv2.filter2D(image, -1, kernel / max(float(kernel.sum()), 1e-6)), np.uint8)


def _moved(image: UInt8Array, step_xy: Float32Array) -> UInt8Array:
    move = np.array([[1, 0, step_xy[0]], [0, 1, step_xy[1]]], np.float32)
    size = (image.shape[1], image.shape[0])
    return np.asarray(cv2.warpAffine(image, move, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)
