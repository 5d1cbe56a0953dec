"""Face crops -> network input: the only place where pixels are normalised, for training and every backend."""

from __future__ import annotations

import numpy as np

from dfdetect.models.spec import ModelSpec
from dfdetect.values import Float32Array, UInt8Array


def scale_and_shift(spec: ModelSpec) -> tuple[Float32Array, Float32Array]:
    """(scale, shift), float32 per channel: input = pixel * scale - shift = (pixel / 255 - mean) / std."""
    std = np.asarray(spec.std, np.float32)
    return np.asarray(1.0 / (255.0 * std), np.float32), np.asarray(spec.mean, np.float32) / std


def to_input(crops: UInt8Array, spec: ModelSpec) -> Float32Array:
    """(N, S, S, 3) uint8 RGB -> (N, 3, S, S) float32, (pixel / 255 - mean) / std per channel.

    (N, S, S, 3), and channels as BGR, for the networks of others that say so (spec.network).
    """
    if crops.ndim != 4 or crops.shape[3] != 3 or crops.dtype != np.uint8:
        raise ValueError(f"expected (N, S, S, 3) uint8 crops; got {crops.shape} {crops.dtype}")
    scale, shift = scale_and_shift(spec)
    out = crops.astype(np.float32) * scale - shift
    if spec.network.channel_order == "BGR":
        out = out[..., ::-1]
    return np.ascontiguousarray(out if spec.network.layout == "NHWC" else out.transpose(0, 3, 1, 2))
