"""MTCNN: three small networks in a cascade over an image pyramid, on ONNX Runtime.

Source: Zhang, Zhang, Li, Qiao (2016), "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional
Networks", arXiv:1604.02878. The weights are those of facenet-pytorch 2.6.0 (MIT), converted by
scripts/convert_mtcnn.py; boxes, scores and landmarks agree with that package (tests/parity/test_mtcnn_parity.py), so
its conventions are kept: pixels counted from 1, and corners rounded as there.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from dfdetect.faces.detector import require_rgb
from dfdetect.faces.nms import non_maximum_suppression
from dfdetect.faces.onnx_options import session_options
from dfdetect.values import FaceDetections, Float32Array, UInt8Array

if TYPE_CHECKING:
    import onnxruntime

WEIGHTS_DIR = Path(__file__).parent / "weights"

_IntArray = NDArray[np.int64]
# Sums of all pixels above and to the left, (H + 1, W + 1, 3): any rectangle's mean costs four look-ups.
_Integral = NDArray[np.int32] | NDArray[np.float64]

_CELL_PX = 12  # field of view of the first network
_STRIDE_PX = 2
_BATCH = 512


class Mtcnn:
    """The cascade. See `FaceDetector` for the contract.

    The first network slides over copies of the frame, each smaller by `pyramid_factor`; the second and the third look
    at every candidate again, at 24 and 48 px, and the third sets the score and the landmarks. Time and memory grow with
    the area of the frame, so frames longer than `long_side_px` are shrunk first.
    """

    def __init__(
        self,
        *,
        min_face_px: float = 20.0,
        thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7),
        pyramid_factor: float = 0.709,
        long_side_px: int = 1920,
        threads: int | None = None,
    ) -> None:
        """Load the three networks.

        Args:
            min_face_px: smallest face searched for, at least 12.
            thresholds: score (0..1) that a candidate needs to leave the first, second and third network.
            pyramid_factor: each level of the pyramid is this fraction of the one before, inside 0..1.
            long_side_px: frames whose longer side is above this are shrunk to it, so that a photograph of 50 megapixels
                does not take gigabytes; min_face_px then counts pixels of the shrunk frame.
            threads: CPU threads a network may use; None leaves the choice to ONNX Runtime.

        Raises:
            ValueError: min_face_px or pyramid_factor is out of range.
        """
        if min_face_px < _CELL_PX or not 0.0 < pyramid_factor < 1.0:
            raise ValueError(
                f"expected min_face_px >= {_CELL_PX} and pyramid_factor inside 0..1; "
                f"got {min_face_px} and {pyramid_factor}"
            )
        self._min_face_px = min_face_px
        self._thresholds = thresholds
        self._pyramid_factor = pyramid_factor
        self._long_side_px = long_side_px
        self._pnet, self._rnet, self._onet = (_session(net, threads) for net in ("pnet", "rnet", "onet"))

    def detect(self, image: UInt8Array) -> FaceDetections:
        """Find the faces of one picture; contract and errors as `FaceDetector.detect`."""
        require_rgb(image)
        height_px, width_px = image.shape[:2]
        shrunk_by = max(1.0, max(height_px, width_px) / self._long_side_px)
        if shrunk_by > 1:
            size_wh = (max(1, round(width_px / shrunk_by)), max(1, round(height_px / shrunk_by)))
            image = np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
        integral = _integral(image)
        boxes = self._propose(integral)
        boxes = self._refine(integral, boxes)
        found = self._decide(integral, boxes)
        to_frame = np.array([width_px / image.shape[1], height_px / image.shape[0]], np.float32)
        return FaceDetections(found.boxes_xyxy * np.tile(to_frame, 2), found.score, found.landmarks * to_frame)

    def _propose(self, integral: _Integral) -> Float32Array:
        """(N, 4) square candidates of the first network."""
        height_px, width_px = integral.shape[0] - 1, integral.shape[1] - 1
        whole = np.array([0, 0, width_px, height_px])
        found = [np.zeros((0, 9), np.float32)]
        scale = _CELL_PX / self._min_face_px
        shorter_px = min(height_px, width_px) * scale
        while shorter_px >= _CELL_PX:
            size_hw = (int(height_px * scale + 1), int(width_px * scale + 1))
            probability, shift = _run(self._pnet, _area_resize(integral, whole, size_hw)[None])
            candidates = _sliding_boxes(probability[0, 1], shift[0], scale, self._thresholds[0])
            found.append(candidates[non_maximum_suppression(candidates[:, :4], candidates[:, 4], 0.5)])
            scale *= self._pyramid_factor
            shorter_px *= self._pyramid_factor
        rows = np.concatenate(found)
        rows = rows[non_maximum_suppression(rows[:, :4], rows[:, 4], 0.7)]
        side = np.tile(rows[:, 2:4] - rows[:, :2], 2)
        return _squared(rows[:, :4] + rows[:, 5:9] * side)

    def _refine(self, integral: _Integral, boxes: Float32Array) -> Float32Array:
        """(N, 4) square candidates that the second network keeps."""
        boxes, patches = _patches(integral, boxes, side_px=24)
        if not len(boxes):
            return boxes
        probability, shift = _run(self._rnet, patches)
        kept = probability[:, 1] > self._thresholds[1]
        boxes, score, shift = boxes[kept], probability[kept, 1], shift[kept]
        picked = non_maximum_suppression(boxes, score, 0.7)
        return _squared(_shifted(boxes[picked], shift[picked]))

    def _decide(self, integral: _Integral, boxes: Float32Array) -> FaceDetections:
        """What the third network keeps, with its score and landmarks."""
        boxes, patches = _patches(integral, boxes, side_px=48)
        if not len(boxes):
            return FaceDetections.none()
        probability, shift, points = _run(self._onet, patches)
        kept = probability[:, 1] > self._thresholds[2]
        boxes, score, shift, points = boxes[kept], probability[kept, 1], shift[kept], points[kept]
        # The network gives five x, then five y, as fractions of the candidate.
        fractions = points.reshape(-1, 2, 5).transpose(0, 2, 1)
        size_wh = boxes[:, None, 2:4] - boxes[:, None, :2] + np.float32(1)
        landmarks = size_wh * fractions + boxes[:, None, :2] - np.float32(1)
        boxes = _shifted(boxes, shift)
        picked = non_maximum_suppression(boxes, score, 0.7, over="smaller")
        return FaceDetections(boxes[picked], score[picked], landmarks[picked])


def _session(net: str, threads: int | None) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = session_options(threads)
    # Every frame size and pyramid level is a new shape: planned memory would be kept for each of them.
    options.enable_mem_pattern = False
    path = WEIGHTS_DIR / f"mtcnn_{net}.onnx"
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _run(session: onnxruntime.InferenceSession, images: Float32Array) -> list[Float32Array]:
    """All outputs of one network for (N, H, W, 3) float32 RGB 0..255, N at least 1."""
    batches: list[Any] = [session.run(None, {"image": images[k : k + _BATCH]}) for k in range(0, len(images), _BATCH)]
    return [np.concatenate(parts) for parts in zip(*batches, strict=True)]


def _integral(image: UInt8Array) -> _Integral:
    fits_32_bit = 255 * image.shape[0] * image.shape[1] < 2**31
    return cast("_Integral", cv2.integral(image, sdepth=cv2.CV_32S if fits_32_bit else cv2.CV_64F))


def _area_resize(integral: _Integral, box_xyxy: _IntArray, size_hw: tuple[int, int]) -> Float32Array:
    """Mean of the pixels under each output pixel of the box; windows grow to whole pixels, so they may overlap.

    box_xyxy: (4,) int, inside the image. Returns (h, w, 3) float32, also where the box is smaller than size_hw.
    """
    left, top, right, bottom = box_xyxy
    y_first, y_end = _windows(int(bottom - top), size_hw[0])
    x_first, x_end = _windows(int(right - left), size_hw[1])
    part = integral[top : bottom + 1, left : right + 1]
    rows = part[y_end] - part[y_first]
    sums = rows[:, x_end] - rows[:, x_first]
    counts = (y_end - y_first)[:, None] * (x_end - x_first)[None, :]
    return np.divide(sums, counts[:, :, None]).astype(np.float32)


def _windows(length: int, count: int) -> tuple[_IntArray, _IntArray]:
    """First and end (exclusive) of `count` windows that cover 0..length."""
    steps = np.arange(count + 1, dtype=np.int64) * length
    return steps[:-1] // count, -(-steps[1:] // count)


def _sliding_boxes(probability: Float32Array, shift: Float32Array, scale: float, threshold: float) -> Float32Array:
    """(N, 9) rows of x1, y1, x2, y2, score, four shifts: the cells of one pyramid level above the threshold."""
    row, column = np.nonzero(probability >= threshold)
    corner = np.stack([column, row], axis=1).astype(np.float32) * _STRIDE_PX
    first = np.floor((corner + 1) / np.float32(scale))
    last = np.floor((corner + _CELL_PX) / np.float32(scale))
    score = probability[row, column][:, None]
    return np.concatenate([first, last, score, shift[:, row, column].T], axis=1)


def _patches(integral: _Integral, boxes: Float32Array, side_px: int) -> tuple[Float32Array, Float32Array]:
    """The boxes that overlap the frame, and their (N, side, side, 3) float32 pictures."""
    height_px, width_px = integral.shape[0] - 1, integral.shape[1] - 1
    corners = boxes.astype(np.int64)  # towards zero, as the weights were trained
    corners[:, :2] = np.maximum(corners[:, :2], 1) - 1
    corners[:, 2] = np.minimum(corners[:, 2], width_px)
    corners[:, 3] = np.minimum(corners[:, 3], height_px)
    visible = (corners[:, 2] > corners[:, 0]) & (corners[:, 3] > corners[:, 1])
    patches = [_area_resize(integral, corner, (side_px, side_px)) for corner in corners[visible]]
    return boxes[visible], np.array(patches, np.float32).reshape(-1, side_px, side_px, 3)


def _shifted(boxes: Float32Array, shift: Float32Array) -> Float32Array:
    """Boxes moved by the network's shifts, which are fractions of the box side (last pixel included)."""
    side = np.tile(boxes[:, 2:4] - boxes[:, :2] + np.float32(1), 2)
    return boxes + shift * side


def _squared(boxes: Float32Array) -> Float32Array:
    """Boxes grown about their centres to squares of the longer side."""
    size_wh = boxes[:, 2:4] - boxes[:, :2]
    longer = size_wh.max(axis=1, keepdims=True, initial=0)
    first = boxes[:, :2] + size_wh * np.float32(0.5) - longer * np.float32(0.5)
    return np.concatenate([first, first + longer], axis=1)
