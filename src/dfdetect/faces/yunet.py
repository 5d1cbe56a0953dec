"""YuNet: one small network looks at the whole frame at once. The default detector.

Source: Wu, Peng, Yu (2023), "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 20,
doi:10.1007/s11633-023-1423-y; weights `face_detection_yunet_2023mar.onnx` of OpenCV Zoo (MIT), opened to any size by
scripts/convert_yunet.py. Run by ONNX Runtime, in less than half the time that OpenCV's own engine takes; boxes, scores
and landmarks agree with `cv2.FaceDetectorYN` (tests/parity/test_yunet_parity.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dfdetect.faces.detector import require_rgb
from dfdetect.faces.nms import non_maximum_suppression
from dfdetect.faces.onnx_options import session_options
from dfdetect.values import FaceDetections, Float32Array, UInt8Array

WEIGHTS_PATH = Path(__file__).parent / "weights" / "yunet.onnx"
WEIGHTS_SHA256 = "de59ced3ba66468d5790c4872ee4a6b22d65b41b3a335974c5a3e589c1cdd2ca"

_STRIDES_PX = (8, 16, 32)  # of the three grids of cells; a cell tells of one face at most
_OUTPUTS = [f"{what}_{stride}" for stride in _STRIDES_PX for what in ("cls", "obj", "bbox", "kps")]
_CANDIDATES_BEFORE_NMS = 5000


class YuNet:
    """The network at up to three sizes. See `FaceDetector` for the contract.

    The frame is shrunk, never enlarged, until its longer side is `long_sides_px[0]`. Only where that finds nothing the
    next smaller size is tried: a portrait that fills the frame is too large for the network's biggest anchor at full
    size and is found in a smaller copy. Faces narrower than about 10 px after the first shrink are lost.
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
            threads: CPU threads of the network; None leaves ONNX Runtime's choice.
        """
        import onnxruntime

        self._long_sides_px = long_sides_px
        self._score_threshold, self._nms_iou_threshold = score_threshold, nms_iou_threshold
        options = session_options(threads)
        # Every frame size is a new shape: planned memory would be kept for each of them.
        options.enable_mem_pattern = False
        self._session: Any = onnxruntime.InferenceSession(
            str(WEIGHTS_PATH), options, providers=["CPUExecutionProvider"]
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
                return FaceDetections(rows[:, :4], rows[:, 14], rows[:, 4:14].reshape(-1, 5, 2))
        return FaceDetections.none()

    def _detect_at(self, image: UInt8Array, scale: float) -> Float32Array:
        """(N, 15) rows of box (x0, y0, x1, y1), five landmarks and score, in px of the unscaled image, best first."""
        height_px, width_px = image.shape[:2]
        size_wh = (max(1, round(width_px * scale)), max(1, round(height_px * scale)))
        if size_wh != (width_px, height_px):
            image = np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
        pixels = _as_input(image)
        outputs = dict(zip(_OUTPUTS, self._session.run(_OUTPUTS, {"input": pixels}), strict=True))
        cells_wide_px = pixels.shape[3]
        found = [_faces_of_grid(outputs, stride, cells_wide_px, self._score_threshold) for stride in _STRIDES_PX]
        rows = np.concatenate(found)
        rows = rows[np.argsort(-rows[:, 14], kind="stable")[:_CANDIDATES_BEFORE_NMS]]
        rows = rows[non_maximum_suppression(rows[:, :4], rows[:, 14], self._nms_iou_threshold)]
        rows[:, 0:14:2] *= width_px / size_wh[0]
        rows[:, 1:14:2] *= height_px / size_wh[1]
        return rows


def _as_input(image: UInt8Array) -> Float32Array:
    """(1, 3, H, W) float32 BGR 0..255, H and W filled up with black to multiples of the largest stride."""
    down, right = (-length % _STRIDES_PX[-1] for length in image.shape[:2])
    if down or right:
        image = np.asarray(cv2.copyMakeBorder(image, 0, down, 0, right, cv2.BORDER_CONSTANT, value=0), np.uint8)
    return np.asarray(cv2.dnn.blobFromImage(image, swapRB=True), np.float32)


def _faces_of_grid(outputs: dict[str, Any], stride: int, width_px: int, score_threshold: float) -> Float32Array:
    """(N, 15) rows of the cells of one grid that see a face, in pixels of the searched copy.

    A cell answers with where the box's middle is from its corner, the logarithms of width and height, and where the
    landmarks are, all in strides. The score is the geometric mean of "is a face" and "how well does the box fit".
    """
    cls, obj = (np.clip(outputs[f"{name}_{stride}"][0, :, 0], 0.0, 1.0) for name in ("cls", "obj"))
    score = np.sqrt(cls * obj)
    cells = np.flatnonzero(score >= score_threshold)
    corner = np.column_stack([cells % (width_px // stride), cells // (width_px // stride)]).astype(np.float32)
    box, landmarks = outputs[f"bbox_{stride}"][0, cells], outputs[f"kps_{stride}"][0, cells]
    middle, half = (corner + box[:, :2]) * stride, np.exp(box[:, 2:]) * (stride / 2)
    # YuNet names the subject's right eye and mouth corner first: on an upright face, the picture's left ones.
    points = (landmarks + np.tile(corner, 5)) * stride
    return np.column_stack([middle - half, middle + half, points, score[cells]]).astype(np.float32)
