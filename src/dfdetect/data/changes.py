"""Small changes of a picture's colour and sharpness: what a forger's tools, a camera or a website do to it.

Each takes and returns (H, W, 3) uint8 RGB; randomness enters as `rng`.
"""

from __future__ import annotations

import cv2
import numpy as np

from dfdetect.values import Float32Array, UInt8Array


def shift_rgb(image: UInt8Array, rng: np.random.Generator, step: int) -> UInt8Array:
    """Add up to +-step levels to each channel."""
    levels = np.arange(256, dtype=np.int16)[:, None] + rng.integers(-step, step + 1, 3)
    return np.asarray(cv2.LUT(image, np.clip(levels, 0, 255).astype(np.uint8)[None]), np.uint8)


def shift_hsv(
    image: UInt8Array, rng: np.random.Generator, *, hue: int = 6, saturation: float = 0.35, value: int = 25
) -> UInt8Array:
    """Turn hue by up to +-hue (of 180), scale saturation by 1 +- saturation, move value by up to +-value levels.

    Saturation is scaled and not moved by a step: a step gives every grey pixel a tint, and a black-and-white
    photograph becomes a red one.
    """
    turn, lift = (int(rng.integers(-limit, limit + 1)) for limit in (hue, value))
    factor = 1 + rng.uniform(-saturation, saturation)
    base = np.arange(256)
    table = np.stack(
        [(base + turn) % 180, np.clip(np.rint(base * factor), 0, 255), np.clip(base + lift, 0, 255)], axis=1
    ).astype(np.uint8)
    moved = cv2.LUT(cv2.cvtColor(image, cv2.COLOR_RGB2HSV), table[None])
    return np.asarray(cv2.cvtColor(moved, cv2.COLOR_HSV2RGB), np.uint8)


def brightness_contrast(image: UInt8Array, rng: np.random.Generator, limit: float) -> UInt8Array:
    """Contrast by a factor in 1 +- limit, brightness by +- limit of the range."""
    factor, offset = 1 + rng.uniform(-limit, limit), 255 * rng.uniform(-limit, limit)
    table = np.clip(np.arange(256) * factor + offset, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table), np.uint8)


def shrink_and_grow(image: UInt8Array, factor: float, rng: np.random.Generator) -> UInt8Array:
    """Lose detail as a low-resolution generator does: down by `factor`, back up to the same size."""
    height, width = image.shape[:2]
    down = int(rng.choice([cv2.INTER_NEAREST, cv2.INTER_AREA, cv2.INTER_LINEAR]))
    up = int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC]))
    small = cv2.resize(image, (max(8, round(width / factor)), max(8, round(height / factor))), interpolation=down)
    return np.asarray(cv2.resize(small, (width, height), interpolation=up), np.uint8)


def sharpen(image: UInt8Array, amount: float, *, radius_px: float = 1.0) -> UInt8Array:
    """Unsharp mask: add `amount` times the difference to the blurred picture."""
    soft = cv2.GaussianBlur(image, (0, 0), radius_px)
    return np.asarray(cv2.addWeighted(image, 1 + amount, soft, -amount, 0), np.uint8)


def match_histogram(source: UInt8Array, target: UInt8Array, inside: np.ndarray, strength: float = 1.0) -> UInt8Array:
    """Give the source's channels the distribution of the target's, both counted where `inside` is True.

    strength: 0 leaves the source, 1 matches fully. The curves are smooth, and no steeper than 2 nor flatter than 0.4:
    an exact match of a dim channel to a bright one tears its noise into spots of green and pink.
    """
    area = inside.astype(np.uint8)
    levels = np.arange(256, dtype=np.float32)
    table = np.zeros((1, 256, 3), np.uint8)
    for channel in range(3):
        below = [_ranks(picture, channel, area) for picture in (source, target)]
        curve = np.interp(below[0], below[1], levels)
        slope = np.where((below[0] > 0.005) & (below[0] < 0.995), np.gradient(curve), 1.0)  # nothing is there: as it is
        slope = cv2.GaussianBlur(slope[None].astype(np.float32), (0, 0), 6, borderType=cv2.BORDER_REPLICATE)[0]
        bounded = np.cumsum(np.clip(slope, 0.4, 2.0))
        middle = int(np.searchsorted(below[0], 0.5))
        matched = bounded - bounded[middle] + curve[middle]
        table[0, :, channel] = np.clip(np.rint(levels + strength * (matched - levels)), 0, 255)
    return np.asarray(cv2.LUT(source, table), np.uint8)


def _ranks(picture: UInt8Array, channel: int, area: UInt8Array) -> Float32Array:
    """(256,) share of the pixels at or below each level, strictly rising."""
    counts = cv2.calcHist([picture], [channel], area, [256], [0, 256]).ravel() + 1e-3
    rising = np.cumsum(counts, dtype=np.float64)
    return np.asarray(rising / rising[-1], np.float32)
