"""Affine moves of pictures and points: (2, 3) float32, pixel edges -> pixel edges (docs/geometry.md)."""

from __future__ import annotations

import cv2
import numpy as np

from dfdetect.faces.align import of_centres, similarity
from dfdetect.values import Float32Array, UInt8Array

__all__ = ["inverse", "moved", "of_centres", "similarity", "warp"]

_SHRINKS = 0.6  # below this scale a bilinear warp would skip pixels: average first


def moved(points: Float32Array, move: Float32Array) -> Float32Array:
    """(N, 2) points through a move."""
    return np.asarray(points @ move[:, :2].T + move[:, 2], np.float32)


def inverse(move: Float32Array) -> Float32Array:
    """The move back."""
    return np.asarray(cv2.invertAffineTransform(move), np.float32)


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
