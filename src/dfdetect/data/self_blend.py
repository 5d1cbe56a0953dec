"""Self-blended images: a fake made from one real face (Shiohara & Yamasaki 2022, arXiv:2204.08376), written from
the paper's description.

A face is changed a little in colour or sharpness, shifted a little, and blended back onto itself through a soft mask:
what is left are exactly the traces that any face swap leaves (a blending boundary, two colour and sharpness
statistics, misplaced features), and nothing else. So a detector trained on it needs nobody's deepfakes.

    >>> pair = self_blend(image, mesh, rng)                              # doctest: +SKIP
    >>> pair.real, pair.fake, pair.mask                                  # doctest: +SKIP

Rules, each kept by a test (docs/self_blending.md): real and fake are identical outside the mask; the fake differs
visibly inside it; the mask is float; one seed gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from dfdetect.data.masks import REGION_MASKS, WHOLE_FACE_MASKS, draw_mask, elastic, soften
from dfdetect.values import Float32Array, UInt8Array


@dataclass(frozen=True, slots=True)
class BlendOptions:
    """How self-blended fakes are drawn. Probabilities 0..1, colour steps in 8-bit levels."""

    p_region: float = 0.25  # eyes, mouth, nose or half face instead of a whole-face mask
    max_shift_x: float = 0.03  # of the face width
    max_shift_y: float = 0.015  # of the face height
    max_zoom: float = 0.05
    colour_step: int = 20
    ratios: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0, 1.0, 1.0)
    min_region_ratio: float = 0.5
    min_difference: float = 1.5  # grey levels, mean inside the mask: below it the fake is invisible
    tries: int = 8


@dataclass(frozen=True, slots=True)
class SelfBlend:
    """A pair of one size: real and fake (H, W, 3) uint8 RGB, mask (H, W) float32 0..1 (share of the pasted face)."""

    real: UInt8Array
    fake: UInt8Array
    mask: Float32Array
    mask_name: str


class BlendInvisible(ValueError):  # noqa: N818 - says what happened
    """No visible fake came out after the allowed number of tries."""


def self_blend(
    image: UInt8Array, mesh: Float32Array, rng: np.random.Generator, options: BlendOptions | None = None
) -> SelfBlend:
    """Make a real/fake pair from one real face.

    image: (H, W, 3) uint8 RGB, a loose crop. mesh: (468, 2 or 3) float32 pixels of that crop.
    Pure: one rng state gives the same bytes. Raises BlendInvisible when no try changes the face visibly.
    """
    options = options or BlendOptions()
    for _ in range(options.tries):
        pair = _one_try(image, mesh, rng, options)
        if visible_difference(pair) >= options.min_difference:
            return pair
    raise BlendInvisible(
        f"{options.tries} blends of a {image.shape[1]}x{image.shape[0]} face all differ by less than "
        f"{options.min_difference} grey levels; leave this picture out"
    )


def visible_difference(pair: SelfBlend) -> float:
    """Mean absolute difference of real and fake in grey levels, over the pixels where the mask is not 0."""
    weight = float(pair.mask.sum())
    if weight <= 0:
        return 0.0
    difference = cv2.absdiff(pair.real, pair.fake).mean(axis=2)
    return float((difference * (pair.mask > 0)).sum() / max(1, int((pair.mask > 0).sum())))


def _one_try(image: UInt8Array, mesh: Float32Array, rng: np.random.Generator, options: BlendOptions) -> SelfBlend:
    region = rng.random() < options.p_region
    name = str(rng.choice(list(REGION_MASKS if region else WHOLE_FACE_MASKS)))
    changed = change_source(image, rng, options)
    source, target = (changed, image) if rng.random() < 0.5 else (image, changed)
    mask = _soft_mask(image.shape[:2], mesh, name, rng)
    source, mask = _misplace(source, mask, mesh, rng, options)
    ratio = float(rng.choice(options.ratios))
    mask = mask * (max(ratio, options.min_region_ratio) if region else ratio)
    return SelfBlend(real=target, fake=blend(source, target, mask), mask=mask, mask_name=name)


def blend(source: UInt8Array, target: UInt8Array, mask: Float32Array) -> UInt8Array:
    """mask * source + (1 - mask) * target; bit-identical to the target where the mask is 0."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    out = target.copy()
    if len(rows) == 0:
        return out
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    alpha = mask[box][..., None]
    behind = target[box].astype(np.float32)
    out[box] = np.rint(behind + alpha * (source[box].astype(np.float32) - behind)).astype(np.uint8)
    return out


def _soft_mask(shape: tuple[int, ...], mesh: Float32Array, name: str, rng: np.random.Generator) -> Float32Array:
    """Soft float mask of the picture's size, drawn at about 224 px and enlarged (it is smooth anyway)."""
    height, width = shape[:2]
    scale = min(1.0, 224.0 / max(height, width))
    small = (round(height * scale), round(width * scale))
    face_px = float(np.ptp(mesh[:, 0])) * scale
    hard = draw_mask(mesh, name, shape=small, scale=scale)
    bent = elastic(hard, rng, amplitude_px=face_px * rng.uniform(0.002, 0.02), smooth_px=face_px * 0.12)
    soft = soften(bent, rng)
    large = cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)
    large[large < 1 / 512] = 0.0  # less than half a grey level at full contrast: not part of the fake
    return np.asarray(large, np.float32)


def _misplace(
    source: UInt8Array, mask: Float32Array, mesh: Float32Array, rng: np.random.Generator, options: BlendOptions
) -> tuple[UInt8Array, Float32Array]:
    """Shift and zoom source and mask together by a few percent of the face, about the face's centre."""
    low, high = mesh[:, :2].min(axis=0), mesh[:, :2].max(axis=0)
    size, centre = high - low, (low + high) / 2
    zoom = rng.uniform(1 - options.max_zoom, 1 / (1 - options.max_zoom))
    shift_x = rng.uniform(-options.max_shift_x, options.max_shift_x) * size[0]
    shift_y = rng.uniform(-options.max_shift_y, options.max_shift_y) * size[1]
    move = np.array(
        [
            [zoom, 0, centre[0] * (1 - zoom) + shift_x],
            [0, zoom, centre[1] * (1 - zoom) + shift_y],
        ],
        np.float32,
    )
    height, width = mask.shape
    moved = cv2.warpAffine(source, move, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    moved_mask = cv2.warpAffine(mask, move, (width, height), flags=cv2.INTER_LINEAR)
    return np.asarray(moved, np.uint8), np.asarray(moved_mask, np.float32)


def change_source(image: UInt8Array, rng: np.random.Generator, options: BlendOptions) -> UInt8Array:
    """Colour change, then one of: shrink and grow back, sharpen, blur, JPEG. (H, W, 3) uint8 RGB in and out.

    Hue, saturation and value move by real 8-bit steps: the published +-0.3 is in 8-bit units and does nothing.
    """
    out = image
    if rng.random() < 0.3:
        out = shift_rgb(out, rng, options.colour_step)
    if rng.random() < 0.5:
        out = shift_hsv(out, rng)
    out = brightness_contrast(out, rng, 0.1)
    kind = rng.choice(["shrink", "sharpen", "blur", "jpeg", "none"], p=[0.4, 0.25, 0.1, 0.15, 0.1])
    if kind == "shrink":
        out = shrink_and_grow(out, float(rng.uniform(1.5, 4.0)), rng)
    elif kind == "sharpen":
        amount = float(rng.uniform(0.3, 1.2))
        soft = cv2.GaussianBlur(out, (0, 0), 1.0)
        out = np.asarray(cv2.addWeighted(out, 1 + amount, soft, -amount, 0), np.uint8)
    elif kind == "blur":
        out = np.asarray(cv2.GaussianBlur(out, (0, 0), float(rng.uniform(0.4, 1.5))), np.uint8)
    elif kind == "jpeg":
        from dfdetect.media.roundtrip import jpeg_round_trip

        out = jpeg_round_trip(out, int(rng.integers(30, 90)))
    return out


def shift_rgb(image: UInt8Array, rng: np.random.Generator, step: int) -> UInt8Array:
    """Add up to +-step levels to each channel."""
    levels = np.arange(256, dtype=np.int16)[:, None] + rng.integers(-step, step + 1, 3)
    return np.asarray(cv2.LUT(image, np.clip(levels, 0, 255).astype(np.uint8)[None]), np.uint8)


def shift_hsv(
    image: UInt8Array, rng: np.random.Generator, *, hue: int = 6, saturation: int = 25, value: int = 25
) -> UInt8Array:
    """Move hue by up to +-hue (of 180), saturation and value by up to the given 8-bit levels."""
    steps = [rng.integers(-limit, limit + 1) for limit in (hue, saturation, value)]
    base = np.arange(256, dtype=np.int16)
    table = np.stack(
        [(base + steps[0]) % 180, np.clip(base + steps[1], 0, 255), np.clip(base + steps[2], 0, 255)], axis=1
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
