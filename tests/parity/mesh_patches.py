"""The network inputs of the face-mesh parity test: pixels of one free photograph, cut without any resampling."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import skimage.data

from dfdetect.values import UInt8Array


def mesh_patches() -> Iterator[tuple[str, UInt8Array]]:
    """(name, (192, 192, 3) uint8 RGB): the face large, small, mirrored, lying, and no face."""
    astronaut = skimage.data.astronaut()
    large = astronaut[10:202, 128:320]
    yield "large", large
    yield "mirrored", np.ascontiguousarray(large[:, ::-1])
    yield "lying", np.ascontiguousarray(np.rot90(large))
    yield "small", np.ascontiguousarray(astronaut[0:384:2, 32:416:2])
    yield "dark", (large // 8).astype(np.uint8)
    yield "no_face", np.ascontiguousarray(astronaut[300:492, 300:492])
    yield "noise", np.random.default_rng(4).integers(0, 256, (192, 192, 3), dtype=np.uint8)
