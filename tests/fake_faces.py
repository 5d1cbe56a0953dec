"""Stand-ins for the reader, the detector and the mesh, so that scanning can be tested on faces that are gray squares.

A scene is a green picture with gray squares; the fake detector finds every square, and a crop's brightness, so also
its score by `tiny_bundle`, is the square's gray value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import cv2
import numpy as np

from dfdetect.faces.mesh import MeshFit
from dfdetect.values import FaceDetections, FaceQuality, Frame, MediaInfo

POINT_COUNT = 468


def scene(*faces: tuple[int, int, int, int], width_px: int = 640, height_px: int = 360) -> np.ndarray:
    """A picture with faces (left, top, side, gray value)."""
    image = np.zeros((height_px, width_px, 3), np.uint8)
    image[..., 1] = 255
    for left, top, side, gray in faces:
        image[top : top + side, left : left + side] = gray
    return image


class SquareDetector:
    """Finds the gray squares of a scene."""

    def detect(self, image: np.ndarray) -> FaceDetections:
        red, green, blue = (image[..., channel].astype(int) for channel in range(3))
        background = (green - np.maximum(red, blue)) > 60
        _, _, stats, _ = cv2.connectedComponentsWithStats((~background).astype(np.uint8), connectivity=8)
        found = [(x, y, x + w, y + h) for x, y, w, h, area in stats[1:] if area >= 16]
        boxes = np.array(found, np.float32).reshape(-1, 4)
        landmarks = np.repeat(0.5 * (boxes[:, None, :2] + boxes[:, None, 2:]), 5, axis=1).astype(np.float32)
        return FaceDetections(boxes, np.full(len(boxes), 0.9, np.float32), landmarks)


class BoxMesh:
    """A mesh whose tight box is the detector's box; presence is what it was made with."""

    def __init__(self, presence: float = 1.0) -> None:
        self.presence = presence

    def fit(self, image: np.ndarray, detections: FaceDetections) -> MeshFit:
        n = len(detections)
        points = np.zeros((n, POINT_COUNT, 3), np.float32)
        points[:, 0::2, :2] = detections.boxes_xyxy[:, None, :2]
        points[:, 1::2, :2] = detections.boxes_xyxy[:, None, 2:]
        return MeshFit(points, np.full(n, self.presence, np.float32))


def plain_quality(
    image: object, box_xyxy: np.ndarray, points: object, detector_score: float, *, landmarks: object = None
) -> FaceQuality:
    """Stands in for `faces.quality.measure`, which rightly calls an even gray square blurred."""
    return FaceQuality(float(min(box_xyxy[2:] - box_xyxy[:2])), 0.0, 0.0, detector_score)


class FakeReader:
    """A `MediaReader` over pictures in memory. fails_at: position -> error raised instead of that frame, or at the end
    with position len(frames)."""

    def __init__(
        self,
        frames: Sequence[np.ndarray],
        *,
        step_s: float = 0.25,
        cuts_s: tuple[float, ...] = (),
        fails_at: dict[int, BaseException] | None = None,
        kind: str = "video",
    ) -> None:
        self._frames, self._cuts_s, self._fails_at = frames, cuts_s, fails_at or {}
        self.times_s = np.arange(len(frames)) * step_s
        self.cuts_s: tuple[float, ...] = ()
        self.sha256, self.bytes = "0123456789abcdef" * 4, 1_000_000
        height, width = frames[0].shape[:2]
        self.info = MediaInfo(
            kind=kind,  # type: ignore[arg-type]
            container="mp4" if kind == "video" else "png",
            codec="h264" if kind == "video" else "png",
            width_px=width,
            height_px=height,
            fps=Fraction(1) / Fraction(step_s) if kind == "video" else None,
            frame_count=len(frames),
            duration_s=step_s * len(frames) if kind == "video" else 0.0,
        )
        self.given = 0
        self.closed = False

    def frames(self, indices: Sequence[int], *, find_cuts: bool = True) -> Iterator[Frame]:
        try:
            for position, index in enumerate(indices):
                if position in self._fails_at:
                    raise self._fails_at[position]
                self.given += 1
                yield Frame(self._frames[index], index, float(self.times_s[index]))
            if len(indices) in self._fails_at:
                raise self._fails_at[len(indices)]
            self.cuts_s = self._cuts_s
        finally:
            self.closed = True

    def __enter__(self) -> FakeReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True
