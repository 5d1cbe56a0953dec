"""Parts of the face painted over (after Seferbekov's entry to the DFDC, 2020): no single feature may decide.

Both pictures of a pair lose the same part. What would hide most of the manipulation is left alone: a fake without its
fake is a wrong label.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dfdetect.data.masks import draw_mask
from dfdetect.values import Float32Array, UInt8Array

CUT_OUTS = ("eye_band", "nose", "mouth", "lower_half", "left_half", "right_half")
_LEAST_LEFT = 0.5  # of the mask


def cut_out(
    pictures: Sequence[UInt8Array], mask: Float32Array, mesh: Float32Array, rng: np.random.Generator
) -> tuple[list[UInt8Array], Float32Array]:
    """Paint one part over in all pictures, (S, S, 3) uint8 RGB each, and take it out of the mask (S, S).

    mesh: (468, 2 or 3) pixels of the pictures. Left as they are where less than half of the mask would stay; a mask of
    zeros keeps nothing from being painted over.
    """
    part = draw_mask(mesh, str(rng.choice(CUT_OUTS)), shape=pictures[0].shape[:2]) > 0
    fill = _fill(pictures[0], rng)
    if float(mask[~part].sum()) < _LEAST_LEFT * float(mask.sum()):
        return list(pictures), mask
    painted = [np.where(part[..., None], fill, picture) for picture in pictures]
    return painted, np.where(part, np.float32(0), mask)


def _fill(picture: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Black, the picture's mean colour, any colour, or noise: (S, S, 3) uint8 or something that broadcasts to it."""
    kind = str(rng.choice(["black", "mean", "colour", "noise"]))
    if kind == "noise":
        return rng.integers(0, 256, picture.shape, np.uint8)
    if kind == "mean":
        return np.asarray(picture.mean(axis=(0, 1)), np.uint8)
    return np.zeros(3, np.uint8) if kind == "black" else rng.integers(0, 256, 3, np.uint8)
