"""YuNet: one small network looks at the whole frame at once. The default detector.

Source: Wu, Peng, Yu (2023), "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 20,
doi:10.1007/s11633-023-1423-y; weights `face_detection_yunet_2023mar.onnx` of OpenCV Zoo (MIT), run by OpenCV.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import cv2
import numpy as np

from dfdetect.faces.detector import require_rgb
from dfdetect.values import FaceDetections, Float32Array, UInt8Array

WEIGHTS_PATH = Path(__file__).parent / "weights" / "yunet_2023mar.onnx"
WEIGHTS_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"

_CANDIDATES_BEFORE_NMS = 5000


class YuNet:
    """`cv2.FaceDetectorYN` with the vendored weights, at up to three sizes. See `FaceDetector` for the contract.

    The frame is shrunk, never enlarged, until its longer side is `long_sides_px[0]`. Only where that finds nothing the
    next smaller size is tried: a portrait that fills the frame is too large for the network's biggest anchor at full
    size and is found in a smaller copy. Faces narrower than about 10 px after the first shrink are lost.

    One object serves one thread at a time: it holds the network's buffers and its current input size.
    """

    def __init__(
        self,
        *,
        long_sides_px: tuple[int, ...] = (640, 320, 160),
        score_threshold: float = 0.6,
        nms_iou_threshold: float = 0.3,
        threads: int | None = None,
    ) -> None:
        """Load the network.

        Args:
            long_sides_px: longer side of the searched copies, tried in this order until one shows a face.
            score_threshold: faces scored below this (0..1) are dropped.
            nms_iou_threshold: of two boxes that overlap by more than this, the better-scored one stays.
            threads: size of OpenCV's pool, which is one for the whole process; None leaves it as it is.
        """
        if threads is not None:
            cv2.setNumThreads(threads)
        self._long_sides_px = long_sides_px
        with _quiet_opencv():
            self._net = cv2.FaceDetectorYN.create(
                str(WEIGHTS_PATH), "", (320, 320), score_threshold, nms_iou_threshold, _CANDIDATES_BEFORE_NMS
            )

    def detect(self, image: UInt8Array) -> FaceDetections:
        """Find the faces of one picture; contract and errors as `FaceDetector.detect`."""
        require_rgb(image)
        long_side_px = max(image.shape[:2])
        tried_px: set[int] = set()
        for wanted_px in self._long_sides_px:
            searched_px = min(wanted_px, long_side_px)
            if searched_px in tried_px:
                continue
            tried_px.add(searched_px)
            rows = self._detect_at(image, searched_px / long_side_px)
            if len(rows):
                return _to_detections(rows)
        return FaceDetections.none()

    def _detect_at(self, image: UInt8Array, scale: float) -> Float32Array:
        """(N, 15) rows of x, y, w, h, five landmarks, score, in pixels of the unscaled image."""
        height_px, width_px = image.shape[:2]
        size_wh = (max(1, round(width_px * scale)), max(1, round(height_px * scale)))
        if size_wh != (width_px, height_px):
            image = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        self._net.setInputSize(size_wh)
        found = cast("Float32Array | None", self._net.detect(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1])
        if found is None:
            return np.zeros((0, 15), np.float32)
        rows = np.array(found, np.float32)
        rows[:, 0:14:2] *= width_px / size_wh[0]
        rows[:, 1:14:2] *= height_px / size_wh[1]
        return rows


def _to_detections(rows: Float32Array) -> FaceDetections:
    rows = rows[np.argsort(-rows[:, 14], kind="stable")]
    boxes_xyxy = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
    # YuNet names the subject's right eye and mouth corner first: on an upright face, the picture's left ones.
    return FaceDetections(boxes_xyxy, np.clip(rows[:, 14], 0.0, 1.0), rows[:, 4:14].reshape(-1, 5, 2))


@contextmanager
def _quiet_opencv() -> Iterator[None]:
    """OpenCV 5 writes a warning to standard error at every creation of this network; errors still show."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)
