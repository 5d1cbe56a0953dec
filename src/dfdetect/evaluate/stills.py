"""Real photographs as clips: a pan and zoom, really encoded, so that stills can stand in for video reals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from dfdetect.media.roundtrip import write_video
from dfdetect.values import UInt8Array

CLIP_FRAMES = 32
CRFS = (23, 30, 36)
_MAX_SIDE_PX = 640


def pan_and_zoom(image: UInt8Array, rng: np.random.Generator, *, frames: int = CLIP_FRAMES) -> Iterator[UInt8Array]:
    """(H, W, 3) uint8 RGB -> frames of one even size: a slow move over the picture, at most 12 % in and 4 % aside."""
    scale = min(1.0, _MAX_SIDE_PX / max(image.shape[:2]))
    width, height = (2 * max(8, round(side * scale / 2)) for side in (image.shape[1], image.shape[0]))
    base = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    start, stop = rng.uniform(1.0, 1.12, 2)
    shift = rng.uniform(-0.04, 0.04, 2) * (width, height)
    for number in range(frames):
        done = number / max(1, frames - 1)
        zoom = start + (stop - start) * done
        move = np.array(
            [
                [zoom, 0, width / 2 * (1 - zoom) + shift[0] * (done - 0.5)],
                [0, zoom, height / 2 * (1 - zoom) + shift[1] * (done - 0.5)],
            ],
            np.float32,
        )
        frame = cv2.warpAffine(base, move, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        yield np.asarray(frame, np.uint8)


def write_still_clip(image: UInt8Array, path: Path, *, crf: int, seed: int) -> None:
    """Write a photograph as a CLIP_FRAMES clip at 25 frames a second, H.264 at this CRF."""
    write_video(path, pan_and_zoom(image, np.random.default_rng(seed)), fps=25, crf=crf)
