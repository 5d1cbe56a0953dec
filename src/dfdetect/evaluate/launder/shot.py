"""The pictures that are laundered: a still, or about a second from the middle of a clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from dfdetect.faces.detector import FaceDetector
from dfdetect.media.reader import MediaReader, open_media
from dfdetect.media.sampling import even_indices
from dfdetect.values import Float32Array, UInt8Array

FRAMES = 8  # scored of every clip
SPAN = 24  # read of it, one after the other: what a video codec works on
_MOST_PX = 1280  # longer side; a larger picture is averaged down before anything else


@dataclass(frozen=True, slots=True)
class Shot:
    """frames: one or more (H, W, 3) uint8 RGB of one size. fps: None for a still.

    face_xyxy: (4,) float32 pixels, the largest face of the first frame; the picture's middle where none is seen.
    """

    frames: tuple[UInt8Array, ...]
    fps: Fraction | None
    face_xyxy: Float32Array

    @property
    def is_clip(self) -> bool:
        return self.fps is not None

    def each(self, change: Callable[[UInt8Array], UInt8Array], *, move: Float32Array | None = None) -> Shot:
        """Every frame changed. move: (2, 3), where the change takes a point, if it does not stay."""
        face = self.face_xyxy
        if move is not None:
            corners = face[[0, 1, 2, 1, 0, 3, 2, 3]].reshape(4, 2) @ move[:, :2].T + move[:, 2]
            face = np.concatenate([corners.min(axis=0), corners.max(axis=0)]).astype(np.float32)
        return replace(self, frames=tuple(change(frame) for frame in self.frames), face_xyxy=face)

    def thinned(self, count: int = FRAMES) -> Shot:
        """The frames that a scan of `count` frames looks at, at their own times."""
        if self.fps is None or len(self.frames) <= count:
            return self
        chosen = even_indices(list(range(len(self.frames))), count)
        fps = (self.fps * (count - 1) / (len(self.frames) - 1)).limit_denominator(1001)
        return replace(self, frames=tuple(self.frames[i] for i in chosen), fps=fps)


def read_shot(path: Path, detector: FaceDetector) -> Shot:
    """Decode what is laundered of a file, once. MediaError as `open_media`."""
    with open_media(path) as reader:
        frames = [frame.image for frame in reader.frames(_indices(reader), find_cuts=False)]
        fps = None
        if reader.info.kind == "video":
            fps = (reader.info.fps or Fraction(25)).limit_denominator(1001)
    frames = _at_most(frames)
    return Shot(tuple(frames), fps, _face(frames[0], detector))


def _indices(reader: MediaReader) -> list[int]:
    count = len(reader.times_s)
    first = max(0, (count - SPAN) // 2)
    return list(range(first, min(count, first + SPAN)))


def _at_most(frames: Sequence[UInt8Array]) -> list[UInt8Array]:
    height, width = frames[0].shape[:2]
    scale = _MOST_PX / max(height, width)
    if scale >= 1:
        return [np.ascontiguousarray(frame) for frame in frames]
    size_wh = 2 * max(1, round(width * scale / 2)), 2 * max(1, round(height * scale / 2))
    return [np.asarray(cv2.resize(frame, size_wh, interpolation=cv2.INTER_AREA), np.uint8) for frame in frames]


def _face(image: UInt8Array, detector: FaceDetector) -> Float32Array:
    found = detector.detect(image)
    if len(found) == 0:
        height, width = image.shape[:2]
        return np.array([0.3 * width, 0.2 * height, 0.7 * width, 0.8 * height], np.float32)
    sizes = np.prod(found.boxes_xyxy[:, 2:] - found.boxes_xyxy[:, :2], axis=1)
    return np.asarray(found.boxes_xyxy[int(np.argmax(sizes))], np.float32)
