"""Frames -> faces: the contract of a face detector, and the detectors by name.

What each costs and finds is measured in docs/face_detectors.md; `yunet` is the default for the reasons given there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from dfdetect.errors import unknown_name
from dfdetect.values import FaceDetections, UInt8Array

DEFAULT_DETECTOR = "yunet"


class FaceDetector(Protocol):
    """Finds every face of one frame. Keeps working memory, so one object serves one thread at a time."""

    def detect(self, image: UInt8Array) -> FaceDetections:
        """Find the faces of one upright picture.

        Args:
            image: (H, W, 3) uint8 RGB, H and W at least 1.

        Returns:
            Faces in frame pixels, best score first, empty where none was found (never None). Boxes and landmarks
            may reach outside the frame: a face cut by the border keeps the box that it would have had. The left and
            right of the landmarks are those of an upright face; a detector does not swap them on a tilted one.

        Raises:
            ValueError: image is not (H, W, 3) uint8.
        """
        ...


def require_rgb(image: UInt8Array) -> None:
    """Raise ValueError, naming what came, unless image is a non-empty (H, W, 3) uint8 picture."""
    if image.dtype != "uint8" or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"expected a picture of shape (H, W, 3) uint8 RGB; got {image.shape} {image.dtype}")


def _yunet(*, threads: int | None = None) -> FaceDetector:
    from dfdetect.faces.yunet import YuNet

    return YuNet(threads=threads)


def _mtcnn(*, threads: int | None = None) -> FaceDetector:
    from dfdetect.faces.mtcnn import Mtcnn

    return Mtcnn(threads=threads)


FACE_DETECTORS: dict[str, Callable[..., FaceDetector]] = {"yunet": _yunet, "mtcnn": _mtcnn}


def make_detector(name: str = DEFAULT_DETECTOR, *, threads: int | None = None) -> FaceDetector:
    """A detector by name: a key of `FACE_DETECTORS`. threads: CPU threads it may use, None leaves the library's choice.

    Raises:
        UsageError: no detector of that name; the message lists the names.
    """
    if name not in FACE_DETECTORS:
        raise unknown_name("face detector", name, FACE_DETECTORS)
    return FACE_DETECTORS[name](threads=threads)
