"""A self-blended pair the straightforward way, for comparison: everything at full size and in float.

Written from the paper's description (Shiohara & Yamasaki 2022, arXiv:2204.08376) and the usual building blocks: mask
and elastic field at the picture's size, blurs with kernels of up to 25 px on a mask of 192-256 px, blending in float32,
then for both pictures colour, JPEG and the resize to the network. Not tuned to be slow: it is what one writes first.
"""

from __future__ import annotations

import cv2
import numpy as np

SIDE_PX = 400  # of the loose face, as in the measured version of the recipe
Picture = np.ndarray


def self_blended_pair(picture: Picture, points: np.ndarray, rng: np.random.Generator, size_px: int) -> list[Picture]:
    """Real and fake (size_px, size_px, 3) uint8 RGB of a loose face (H, W, 3) and the (N, 2) points of its hull."""
    scale = SIDE_PX / picture.shape[0]
    picture = cv2.resize(picture, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    source = _source_transform(picture, rng)
    mask = np.zeros((SIDE_PX, SIDE_PX), np.float32)
    cv2.fillConvexPoly(mask, cv2.convexHull((points * scale).astype(np.int32)), 1.0)
    source, mask = _affine(source, mask, rng)
    mask = _soft(_elastic(mask, rng), rng) * rng.choice([0.25, 0.5, 0.75, 1, 1, 1])
    share = mask[..., None]
    fake = np.clip(share * source.astype(np.float32) + (1 - share) * picture.astype(np.float32), 0, 255)
    seed = int(rng.integers(2**31))
    return [_post(p, np.random.default_rng(seed), size_px) for p in (picture, np.rint(fake).astype(np.uint8))]


def _source_transform(picture: Picture, rng: np.random.Generator) -> Picture:
    out = picture.astype(np.float32) + rng.uniform(-20, 20, 3)
    hsv = cv2.cvtColor(np.clip(out, 0, 255).astype(np.uint8), cv2.COLOR_RGB2HSV).astype(np.float32)
    hsv += rng.uniform(-10, 10, 3)
    out = cv2.cvtColor(np.clip(hsv, 0, [179, 255, 255]).astype(np.uint8), cv2.COLOR_HSV2RGB).astype(np.float32)
    out = np.clip(out * rng.uniform(0.9, 1.1) + rng.uniform(-25, 25), 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        side = SIDE_PX // int(rng.choice([2, 4]))
        small = cv2.resize(out, (side, side), interpolation=cv2.INTER_NEAREST)
        return cv2.resize(small, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR)
    return cv2.addWeighted(out, 1.5, cv2.GaussianBlur(out, (0, 0), 1.0), -0.5, 0)


def _affine(source: Picture, mask: Picture, rng: np.random.Generator) -> tuple[Picture, Picture]:
    zoom = rng.uniform(0.95, 1.05)
    move = np.array([[zoom, 0, rng.uniform(-6, 6)], [0, zoom, rng.uniform(-3, 3)]], np.float32)
    return tuple(cv2.warpAffine(p, move, (SIDE_PX, SIDE_PX)) for p in (source, mask))  # type: ignore[return-value]


def _elastic(mask: Picture, rng: np.random.Generator) -> Picture:
    field = [cv2.GaussianBlur(rng.uniform(-1, 1, mask.shape).astype(np.float32), (0, 0), 7) * 50 for _ in range(2)]
    y, x = np.mgrid[0:SIDE_PX, 0:SIDE_PX].astype(np.float32)
    return cv2.remap(mask, x + field[0], y + field[1], cv2.INTER_LINEAR)


def _soft(mask: Picture, rng: np.random.Generator) -> Picture:
    side = int(rng.integers(192, 257))
    small = cv2.resize(mask, (side, side))
    kernels = rng.choice(np.arange(5, 26, 2), 2)
    blurred = cv2.GaussianBlur(small, (int(kernels[0]), int(kernels[0])), 0)
    core = np.where(blurred / max(blurred.max(), 1e-6) < 1 - 1e-4, 0, blurred).astype(np.float32)
    soft = cv2.GaussianBlur(core, (int(kernels[1]), int(kernels[1])), float(rng.uniform(5, 45)))
    return cv2.resize(soft / max(soft.max(), 1e-6), (SIDE_PX, SIDE_PX))


def _post(picture: Picture, rng: np.random.Generator, size_px: int) -> Picture:
    out = picture.astype(np.float32) + rng.uniform(-20, 20, 3)
    out = np.clip(out * rng.uniform(0.7, 1.3) + rng.uniform(-30, 30), 0, 255).astype(np.uint8)
    _, data = cv2.imencode(".jpg", out[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 100))])
    out = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]
    low, high = int(0.15 * SIDE_PX), int(0.85 * SIDE_PX)
    return cv2.resize(np.ascontiguousarray(out[low:high, low:high]), (size_px, size_px))
