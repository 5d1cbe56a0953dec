"""Affine moves of pictures and points: (2, 3) float32, pixel edges -> pixel edges (docs/geometry.md)."""

from __future__ import annotations

import cv2
import numpy as np

from dfdetect.values import Float32Array, UInt8Array

_SHRINKS = 0.6  # below this scale a bilinear warp would skip pixels: average first


def similarity(points: Float32Array, onto: Float32Array) -> Float32Array:
    """(2, 3): turn, one scale and shift that bring points (N, 2) nearest to `onto` (Umeyama 1991)."""
    mean, mean_onto = points.mean(axis=0), onto.mean(axis=0)
    p = (points - mean).astype(np.float64)
    q = (onto - mean_onto).astype(np.float64)
    spread = max(float(np.square(p).sum()), 1e-9)
    cos = float((p * q).sum()) / spread
    sin = float((p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]).sum()) / spread
    turn = np.array([[cos, -sin], [sin, cos]])
    return np.column_stack([turn, mean_onto - turn @ mean]).astype(np.float32)


def moved(points: Float32Array, move: Float32Array) -> Float32Array:
    """(N, 2) points through a move."""
    return np.asarray(points @ move[:, :2].T + move[:, 2], np.float32)


def inverse(move: Float32Array) -> Float32Array:
    """The move back."""
    return np.asarray(cv2.invertAffineTransform(move), np.float32)


def of_centres(move: Float32Array) -> Float32Array:
    """The same move for OpenCV, which counts from pixel centres."""
    shifted = move.astype(np.float32).copy()
    shifted[:, 2] += shifted[:, :2] @ np.array([0.5, 0.5], np.float32) - 0.5
    return shifted


def warp(
    picture: UInt8Array, move: Float32Array, size_wh: tuple[int, int], *, border: int = cv2.BORDER_REFLECT_101
) -> UInt8Array:
    """The picture (H, W, 3) through a move, on a canvas of size_wh; averaged where it shrinks, else bilinear."""
    scale = float(np.sqrt(abs(np.linalg.det(move[:, :2].astype(np.float64)))))
    if scale < _SHRINKS:
        height, width = picture.shape[:2]
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        move = move.copy()
        move[:, :2] *= np.array([width / size[0], height / size[1]], np.float32)
    out = cv2.warpAffine(picture, of_centres(move), size_wh, flags=cv2.INTER_LINEAR, borderMode=border)
    return np.asarray(out, np.uint8)
