"""Family F1, self-blended images: a fake made from one real face (Shiohara & Yamasaki 2022, arXiv:2204.08376), written
from the paper's description.

A face is changed a little in colour or sharpness, shifted a little, and blended back onto itself through a soft
mask: what is left are exactly the traces that any face swap leaves (a blending boundary, two colour and sharpness
statistics, misplaced features), and nothing else. So a detector trained on it needs nobody's deepfakes.

    >>> pair = self_blend(image, mesh, rng)                              # doctest: +SKIP
    >>> pair.real, pair.fake, pair.mask                                  # doctest: +SKIP
"""

from __future__ import annotations

import cv2
import numpy as np

from dfdetect.data.blend import (
    Blended,
    BlendOptions,
    blend,
    draw_mask_name,
    draw_ratio,
    misplace,
    soft_mask,
    until_visible,
)
from dfdetect.data.changes import brightness_contrast, sharpen, shift_hsv, shift_rgb, shrink_and_grow
from dfdetect.values import Float32Array, UInt8Array


def self_blend(
    image: UInt8Array, mesh: Float32Array, rng: np.random.Generator, options: BlendOptions | None = None
) -> Blended:
    """Make a real/fake pair from one real face.

    image: (H, W, 3) uint8 RGB, a loose crop. mesh: (468, 2 or 3) float32 pixels of that crop.
    Pure: one rng state gives the same bytes. Raises BlendInvisible when no try changes the face visibly.
    """
    chosen = options or BlendOptions()
    return until_visible(lambda: _one_try(image, mesh, rng, chosen), chosen, image.shape[:2])


def _one_try(image: UInt8Array, mesh: Float32Array, rng: np.random.Generator, options: BlendOptions) -> Blended:
    name = draw_mask_name(rng, options)
    changed = change_source(image, rng, options)
    source, target = (changed, image) if rng.random() < 0.5 else (image, changed)
    mask = soft_mask(image.shape, mesh, name, rng)
    source, mask = misplace(source, mask, mesh, rng, options)
    mask = mask * draw_ratio(name, rng, options)
    return Blended(real=target, fake=blend(source, target, mask), mask=mask, mask_name=name)


def change_source(image: UInt8Array, rng: np.random.Generator, options: BlendOptions) -> UInt8Array:
    """Colour change, then one of: shrink and grow back, sharpen, blur, JPEG. (H, W, 3) uint8 RGB in and out.

    Hue, saturation and value really move: the published +-0.3 is in 8-bit units and does nothing.
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
        out = sharpen(out, float(rng.uniform(0.3, 1.2)))
    elif kind == "blur":
        out = np.asarray(cv2.GaussianBlur(out, (0, 0), float(rng.uniform(0.4, 1.5))), np.uint8)
    elif kind == "jpeg":
        from dfdetect.media.roundtrip import jpeg_round_trip

        out = jpeg_round_trip(out, int(rng.integers(30, 90)))
    return out
