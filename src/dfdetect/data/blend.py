"""The one way a pseudo-fake is put together: source and target, a soft mask, and what counts as visible.

Every family (`data.fakes`) ends here: fake = mask * source + (1 - mask) * target. Rules, each kept by a contract test
over all families (docs/self_blending.md): real and fake are identical outside the mask; the fake differs visibly inside
it; the mask is float; one seed gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from dfdetect.data.masks import REGION_MASKS, WHOLE_FACE_MASKS, draw_mask, elastic, soften
from dfdetect.values import Float32Array, UInt8Array


@dataclass(frozen=True, slots=True)
class BlendOptions:
    """How pseudo-fakes are drawn. Probabilities 0..1, colour steps in 8-bit levels."""

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
class FacePicture:
    """A real face to make a fake of. image: (H, W, 3) uint8 RGB. mesh: (468, 2 or 3) float32 pixels of it.

    person: target_id, so that a donor is somebody else; "" where unknown. record: its place among the records.
    """

    image: UInt8Array
    mesh: Float32Array
    person: str = ""
    record: int = -1


@dataclass(frozen=True, slots=True)
class Blended:
    """A pair of one size: real and fake (H, W, 3) uint8 RGB, mask (H, W) float32 0..1 (share of the pasted face)."""

    real: UInt8Array
    fake: UInt8Array
    mask: Float32Array
    mask_name: str


class BlendInvisible(ValueError):  # noqa: N818 - says what happened
    """No visible fake came out after the allowed number of tries."""


def until_visible(one_try: Callable[[], Blended], options: BlendOptions, size: tuple[int, int]) -> Blended:
    """Draw until the fake differs visibly from the real. Raises BlendInvisible when `tries` are used up."""
    for _ in range(options.tries):
        pair = one_try()
        if visible_difference(pair) >= options.min_difference:
            return pair
    raise BlendInvisible(
        f"{options.tries} blends of a {size[1]}x{size[0]} face all differ by less than "
        f"{options.min_difference} grey levels; leave this picture out"
    )


def visible_difference(pair: Blended) -> float:
    """Mean absolute difference of real and fake in grey levels, over the pixels where the mask is not 0."""
    box = _box_of(pair.mask)
    if box is None:
        return 0.0
    inside = (pair.mask[box] > 0).astype(np.uint8)
    return float(np.mean(cv2.mean(cv2.absdiff(pair.real[box], pair.fake[box]), inside)[:3]))


def _box_of(mask: Float32Array) -> tuple[slice, slice] | None:
    left, top, width, height = cv2.boundingRect((mask > 0).view(np.uint8))
    return (slice(top, top + height), slice(left, left + width)) if width else None


def blend(source: UInt8Array, target: UInt8Array, mask: Float32Array) -> UInt8Array:
    """mask * source + (1 - mask) * target; bit-identical to the target where the mask is 0."""
    out = target.copy()
    box = _box_of(mask)
    if box is not None:
        behind = np.ascontiguousarray(target[box])
        share = np.ascontiguousarray(mask[box])
        out[box] = cv2.blendLinear(np.ascontiguousarray(source[box]), behind, share, 1 - share)
    return out


def draw_mask_name(rng: np.random.Generator, options: BlendOptions) -> str:
    """A region mask as often as `p_region` says, else a whole-face mask; each of its kind equally often."""
    masks = REGION_MASKS if rng.random() < options.p_region else WHOLE_FACE_MASKS
    return str(rng.choice(list(masks)))


def draw_ratio(name: str, rng: np.random.Generator, options: BlendOptions) -> float:
    """How much of the source shows at the mask's core; regions are never fainter than `min_region_ratio`."""
    ratio = float(rng.choice(options.ratios))
    return max(ratio, options.min_region_ratio) if name in REGION_MASKS else ratio


def soft_mask(shape: tuple[int, ...], mesh: Float32Array, name: str, rng: np.random.Generator) -> Float32Array:
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


def misplace(
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
