"""Family F5 (optional), moved features: the person's own mouth or eyes pulled into another expression, nothing pasted.

A few smooth bumps push the picture around the lips, the lids or the brows; there is no blending border and no second
picture, only the resampling and the stretched skin that re-enactment leaves. The held-out re-enactment fakes of the
evaluation use another operator (a spline through all landmarks, smoothed over time) and share no code with this.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from dfdetect.data.blend import Blended, BlendOptions, until_visible
from dfdetect.faces.mesh import LEFT_BROW, LEFT_EYE, LIPS_INNER, LIPS_OUTER, RIGHT_BROW, RIGHT_EYE
from dfdetect.values import Float32Array, UInt8Array

Bump = tuple[Float32Array, Float32Array, float]  # centre xy, push xy, radius: all in pixels


def moved_features(
    image: UInt8Array, mesh: Float32Array, rng: np.random.Generator, options: BlendOptions | None = None
) -> Blended:
    """A pair whose fake has another mouth or other eyes. mask: where pixels moved by more than a hundredth of the
    largest push, 1 where most. Raises BlendInvisible as `self_blend`."""
    chosen = options or BlendOptions()

    def one_try() -> Blended:
        name = str(rng.choice(list(MOVES), p=[0.6, 0.4]))
        shift = _field(image.shape, MOVES[name](mesh[:, :2], rng))
        length = np.hypot(shift[0], shift[1])
        mask = np.clip(length / max(float(length.max()), 1e-6), 0, 1).astype(np.float32)
        mask[mask < 0.01] = 0.0
        grid_y, grid_x = np.mgrid[0 : image.shape[0], 0 : image.shape[1]].astype(np.float32)
        how = int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC]))
        moved = cv2.remap(image, grid_x - shift[0], grid_y - shift[1], how, borderMode=cv2.BORDER_REPLICATE)
        fake = np.where((mask > 0)[..., None], moved, image)
        return Blended(image, np.asarray(fake, np.uint8), mask, name)

    return until_visible(one_try, chosen, image.shape[:2])


def _field(shape: tuple[int, ...], bumps: list[Bump]) -> Float32Array:
    """(2, H, W) pixels that each place is pushed by, drawn at a quarter of the size."""
    height, width = shape[:2]
    small = np.zeros((2, -(-height // 4), -(-width // 4)), np.float32)
    y, x = np.mgrid[0 : small.shape[1], 0 : small.shape[2]].astype(np.float32) * 4 + 1.5
    for centre, push, radius in bumps:
        near = np.exp(-(np.square(x - centre[0]) + np.square(y - centre[1])) / (2 * radius**2))
        small += push[:, None, None] * near
    return np.stack([cv2.resize(layer, (width, height), interpolation=cv2.INTER_LINEAR) for layer in small])


def _mouth(points: Float32Array, rng: np.random.Generator) -> list[Bump]:
    """Open or close the lips, pull the corners up, down or apart."""
    outer, inner = points[list(LIPS_OUTER)], points[list(LIPS_INNER)]
    across = outer[10] - outer[0]  # from the left corner to the right one
    wide = float(np.hypot(*across))
    along = across / max(wide, 1e-6)
    down = np.array([-along[1], along[0]], np.float32)
    openness = float(rng.uniform(0.05, 0.16)) * wide * (1 if rng.random() < 0.7 else -0.6)
    corner = down * rng.uniform(-0.1, 0.1) * wide
    apart = along * rng.uniform(-0.08, 0.08) * wide
    return [
        (outer[15] + 0.1 * wide * down, down * openness, 0.3 * wide),
        (inner[5], -down * openness * 0.35, 0.22 * wide),
        (outer[0], corner - apart, 0.18 * wide),
        (outer[10], corner + apart, 0.18 * wide),
    ]


def _eyes(points: Float32Array, rng: np.random.Generator) -> list[Bump]:
    """Open or narrow the lids, raise or lower the brows; both sides nearly alike."""
    lid, brow = rng.uniform(-0.1, 0.1), rng.uniform(-0.18, 0.18)
    bumps: list[Bump] = []
    for eye, arch in ((LEFT_EYE, LEFT_BROW), (RIGHT_EYE, RIGHT_BROW)):
        ring = points[list(eye)]
        wide = float(np.hypot(*(ring[8] - ring[0])))
        up = points[list(arch)].mean(axis=0) - ring.mean(axis=0)
        up = up / max(float(np.hypot(*up)), 1e-6)
        own = rng.uniform(0.7, 1.3)
        bumps += [
            (ring[4], up * lid * own * wide, 0.22 * wide),
            (ring[12], -up * lid * 0.6 * own * wide, 0.22 * wide),
            (points[list(arch)].mean(axis=0), up * brow * own * wide, 0.4 * wide),
        ]
    return bumps


MOVES: dict[str, Callable[[Float32Array, np.random.Generator], list[Bump]]] = {
    "moved_mouth": _mouth,
    "moved_eyes": _eyes,
}
