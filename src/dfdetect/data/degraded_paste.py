"""Family F3, degraded pastes: the face alone went through a tool that lost or invented detail.

Chains of resizing (each step its own filters), several rounds of JPEG on shifted grids, or strong sharpening, applied
to a copy of the face and pasted back in place. In a part of the pairs it is the surroundings (and the real) that went
through it, and the face that stayed: so that "degraded" does not mean "fake", only "not alike".
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from dfdetect.data.blend import Blended, BlendOptions, blend, draw_mask_name, draw_ratio, soft_mask, until_visible
from dfdetect.data.changes import sharpen
from dfdetect.values import Float32Array, UInt8Array

_P_SURROUNDINGS = 0.3
_DOWN = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_NEAREST)
_UP = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4, cv2.INTER_NEAREST)


def degraded_paste(
    image: UInt8Array, mesh: Float32Array, rng: np.random.Generator, options: BlendOptions | None = None
) -> Blended:
    """A pair whose face and surroundings differ in the detail they lost. Raises BlendInvisible as `self_blend`."""
    chosen = options or BlendOptions()
    return until_visible(lambda: _one_try(image, mesh, rng, chosen), chosen, image.shape[:2])


def _one_try(image: UInt8Array, mesh: Float32Array, rng: np.random.Generator, options: BlendOptions) -> Blended:
    name = draw_mask_name(rng, options)
    kind = str(rng.choice(list(DEGRADATIONS), p=[0.5, 0.25, 0.25]))
    degraded = DEGRADATIONS[kind](image, float(np.ptp(mesh[:, 0])), rng)
    source, target = (image, degraded) if rng.random() < _P_SURROUNDINGS else (degraded, image)
    mask = soft_mask(image.shape, mesh, name, rng) * max(0.75, draw_ratio(name, rng, options))
    return Blended(target, blend(source, target, mask), mask, name)


def resize_chain(image: UInt8Array, face_px: float, rng: np.random.Generator) -> UInt8Array:
    """Down to a face of 40-128 px and up again, in up to three steps with filters of their own."""
    height, width = image.shape[:2]
    least = float(np.exp(rng.uniform(np.log(40), np.log(128)))) / face_px
    out = image
    scales = [min(0.8, least), *rng.uniform(min(0.8, least), 1.1, int(rng.integers(0, 3)))]
    for scale in scales:
        size = (max(8, round(width * scale)), max(8, round(height * scale)))
        how = _DOWN if size[0] < out.shape[1] else _UP
        out = np.asarray(cv2.resize(out, size, interpolation=int(rng.choice(how))), np.uint8)
    return np.asarray(cv2.resize(out, (width, height), interpolation=int(rng.choice(_UP[:3]))), np.uint8)


def jpeg_cycles(image: UInt8Array, face_px: float, rng: np.random.Generator) -> UInt8Array:
    """Two to four JPEG generations, each on a grid shifted against the one before."""
    from dfdetect.media.roundtrip import jpeg_round_trip

    out = image
    for _ in range(int(rng.integers(2, 5))):
        x, y = (int(v) for v in rng.integers(0, 8, 2))
        rolled = cv2.copyMakeBorder(out, y, 0, x, 0, cv2.BORDER_REPLICATE)
        sampling = str(rng.choice(["420", "444"]))
        out = jpeg_round_trip(np.asarray(rolled, np.uint8), int(rng.integers(25, 75)), subsampling=sampling)[y:, x:]
    return np.ascontiguousarray(out)


def oversharpen(image: UInt8Array, face_px: float, rng: np.random.Generator) -> UInt8Array:
    """An unsharp mask stronger than a camera's, sometimes after a small blur (enhancers do both)."""
    out = image
    if rng.random() < 0.5:
        out = np.asarray(cv2.GaussianBlur(out, (0, 0), float(rng.uniform(0.6, 1.4))), np.uint8)
    return sharpen(out, float(rng.uniform(0.8, 2.5)), radius_px=float(rng.uniform(0.8, 2.5)))


DEGRADATIONS: dict[str, Callable[[UInt8Array, float, np.random.Generator], UInt8Array]] = {
    "resize_chain": resize_chain,
    "jpeg_cycles": jpeg_cycles,
    "oversharpen": oversharpen,
}
