"""The pictures of the MTCNN parity test: one photograph that may be used freely, and drawn people."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import skimage.data

from dfdetect.data.drawn_faces import draw_face, draw_scene
from dfdetect.values import UInt8Array


def golden_pictures() -> Iterator[tuple[str, UInt8Array]]:
    """(name, (H, W, 3) uint8 RGB): many sizes, tilts, faces at the border, several people and none."""
    astronaut = skimage.data.astronaut()
    yield "astronaut", astronaut
    yield "astronaut_half", cv2.resize(astronaut, (256, 256), interpolation=cv2.INTER_AREA)
    yield "astronaut_cut_by_border", np.ascontiguousarray(astronaut[90:400, 205:480])
    yield "astronaut_mirrored", np.ascontiguousarray(astronaut[:, ::-1])
    turn = cv2.getRotationMatrix2D((223.0, 120.0), 15, 1.0)
    yield "astronaut_turned", cv2.warpAffine(astronaut, turn, (500, 333), borderMode=cv2.BORDER_REPLICATE)
    yield "coffee", skimage.data.coffee()
    for n_faces in range(5):
        size_wh = (640 - 37 * n_faces, 360 + 11 * n_faces)
        yield f"drawn_scene_{n_faces}", draw_scene(np.random.default_rng(n_faces), size_wh, n_faces=n_faces).image
    for size_px in (48, 97, 160, 333):
        yield f"drawn_face_{size_px}", draw_face(np.random.default_rng(size_px), size_px)
