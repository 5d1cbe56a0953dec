"""468 points on each face of a frame, their names, and the head's pose from them.

Source: Kartynnik, Ablavatski, Grishchenko, Grundmann (2019), "Real-time Facial Surface Geometry from Monocular Video
on Mobile GPUs", arXiv:1907.06724; weights of MediaPipe (Apache-2.0), converted by scripts/convert_face_mesh.py.

Left and right are those of the picture of an upright face, as in `values.FaceDetections`: the left eye here is the
subject's right one. Coordinates are frame pixels with pixel edges at integers; z has the same unit, smaller = nearer.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dfdetect.faces.detector import require_rgb
from dfdetect.faces.mesh_points import (
    BENCHMARK_FIVE,
    FACE_OVAL,
    IBUG_68,
    LEFT_BROW,
    LEFT_EYE,
    LEFT_EYE_OUTER_CORNER,
    LIPS_INNER,
    LIPS_OUTER,
    MIRROR_468,
    MOUTH_CORNERS,
    NOSE,
    NOSE_BRIDGE,
    NOSE_TIP,
    POINT_COUNT,
    RIGHT_BROW,
    RIGHT_EYE,
    RIGHT_EYE_OUTER_CORNER,
)
from dfdetect.faces.onnx_options import session_options
from dfdetect.values import FaceDetections, Float32Array, UInt8Array

# The point names live in mesh_points; they are offered here so that callers need one import for a mesh.
__all__ = [
    "FACE_OVAL",
    "IBUG_68",
    "LEFT_BROW",
    "LEFT_EYE",
    "LIPS_INNER",
    "LIPS_OUTER",
    "MIRROR_468",
    "NOSE",
    "NOSE_BRIDGE",
    "RIGHT_BROW",
    "RIGHT_EYE",
    "FaceMesh",
    "FaceRoi",
    "MeshFit",
    "benchmark_points",
    "cut_roi",
    "five_points",
    "mesh_box_xyxy",
    "mirror_mesh",
    "roi_of_detection",
    "roi_of_mesh",
    "yaw_pitch_roll_deg",
]

WEIGHTS_PATH = Path(__file__).parent / "weights" / "face_mesh.onnx"
WEIGHTS_SHA256 = "a2edb448f0cc37b0442511eba6b1d798a28b184d39cc0b8fbdb36a503c122d67"

_INPUT_PX = 192

# Where the network wants the face, told from a YuNet box: the smallest shift of the mesh by a second pass over a grid
# of sides 1.1-1.8 and centres, 300 photographs (median 1.1 % of the distance of the outer eye corners).
_SIDE_OF_BOX = 1.25
_DOWN_OF_BOX = 0.05
# The square that MediaPipe builds around the mesh of the frame before, which is what the network was trained on.
_SIDE_OF_MESH = 1.5
_SETTLED = 0.08  # shift and scale as fractions of the side, turn in radians
_MOST_LOOKS = 4

_LEFT_OF_PAIR = [i for i, partner in enumerate(MIRROR_468) if i < partner]
_RIGHT_OF_PAIR = [partner for i, partner in enumerate(MIRROR_468) if i < partner]
_HAIRLINE, _CHIN = [10, 109, 338], [152, 148, 377]
_PITCH_OF_FRONTAL_DEG = 7.0  # lean of the line from hairline to chin: the median of 300 photographs


@dataclass(frozen=True, slots=True)
class FaceRoi:
    """The turned square that the network sees. centre_xy: frame px; angle_rad: of its upper edge, + clockwise."""

    centre_xy: tuple[float, float]
    side_px: float
    angle_rad: float


@dataclass(frozen=True, slots=True)
class MeshFit:
    """The meshes of one frame, in the order of its detections; N may be 0.

    points: (N, 468, 3) float32 frame px, z in the same scale, smaller = nearer to the camera.
    presence: (N,) float32 0..1, how sure the network is that it looked at a face.
    """

    points: Float32Array
    presence: Float32Array


class FaceMesh:
    """Fits the mesh to detected faces. Loads the network at the first face; one object may serve several threads."""

    def __init__(self, *, threads: int | None = None) -> None:
        """threads: CPU threads of the network; None leaves ONNX Runtime's choice."""
        self._threads = threads
        self._lock = threading.Lock()
        self._loaded: Any = None

    def fit(self, image: UInt8Array, detections: FaceDetections) -> MeshFit:
        """Fit every face of one frame, all in one batch.

        A face whose mesh does not sit well in the square that was looked at (the detector's eyes are poor on a tilted
        head) is looked at again in the square built from that mesh, four times at most. On 200 photographs turned by
        40 degrees this takes the median error from 4.3 % to 1.1 % of the eye distance; upright ones need 1.2 looks.

        Args:
            image: (H, W, 3) uint8 RGB. Faces may reach outside: the frame's edge is repeated there.
            detections: the faces of this frame, boxes as YuNet draws them (forehead to chin).

        Raises:
            ValueError: image is not (H, W, 3) uint8.
        """
        pairs = zip(detections.boxes_xyxy, detections.landmarks, strict=True)
        return self.fit_rois(image, [roi_of_detection(box, landmarks) for box, landmarks in pairs])

    def fit_rois(self, image: UInt8Array, first_looks: Sequence[FaceRoi]) -> MeshFit:
        """Fit the faces in these squares, as `fit` does: for faces whose place is known without a detector."""
        require_rgb(image)
        rois = list(first_looks)
        points = np.zeros((len(rois), POINT_COUNT, 3), np.float32)
        presence = np.zeros((len(rois),), np.float32)
        unsettled = list(range(len(rois)))
        for _ in range(_MOST_LOOKS):
            if not unsettled:
                break
            points[unsettled], presence[unsettled] = self._look(image, [rois[row] for row in unsettled])
            built = {row: roi_of_mesh(points[row]) for row in unsettled}
            unsettled = [row for row in unsettled if _distance(rois[row], built[row]) > _SETTLED]
            for row in unsettled:
                rois[row] = built[row]
        return MeshFit(points, presence)

    def look_at_patches(self, patches: UInt8Array) -> tuple[Float32Array, Float32Array]:
        """The bare network: (N, 192, 192, 3) uint8 RGB, N >= 1, to points (N, 468, 3) in patch px and presence (N,)."""
        batch = patches.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
        points, presence = self._session().run(["landmarks", "presence"], {"image": np.ascontiguousarray(batch)})
        return points, presence

    def _look(self, image: UInt8Array, rois: list[FaceRoi]) -> tuple[Float32Array, Float32Array]:
        """Points (N, 468, 3) in frame px and presence (N,) of the faces in N >= 1 squares."""
        cut = [cut_roi(image, roi) for roi in rois]
        points, presence = self.look_at_patches(np.stack([patch for patch, _ in cut]))
        for row, (_, to_frame) in enumerate(cut):
            points[row, :, :2] = points[row, :, :2] @ to_frame[:, :2].T + to_frame[:, 2]
            points[row, :, 2] *= rois[row].side_px / _INPUT_PX
        return points, presence

    def _session(self) -> Any:
        with self._lock:
            if self._loaded is None:
                import onnxruntime

                self._loaded = onnxruntime.InferenceSession(
                    str(WEIGHTS_PATH), session_options(self._threads), providers=["CPUExecutionProvider"]
                )
        return self._loaded


def roi_of_detection(box_xyxy: Float32Array, landmarks: Float32Array) -> FaceRoi:
    """The square for a detected face. box_xyxy: (4,), landmarks: (5, 2), both frame px, order of `FaceDetections`."""
    left, top, right, bottom = (float(v) for v in box_xyxy)
    side_px = max(right - left, bottom - top, 1.0)
    eye_line = landmarks[1] - landmarks[0]
    angle_rad = float(np.arctan2(eye_line[1], eye_line[0]))
    down_px = _DOWN_OF_BOX * side_px
    centre_xy = (
        (left + right) / 2 - down_px * float(np.sin(angle_rad)),
        (top + bottom) / 2 + down_px * float(np.cos(angle_rad)),
    )
    return FaceRoi(centre_xy, _SIDE_OF_BOX * side_px, angle_rad)


def roi_of_mesh(points: Float32Array) -> FaceRoi:
    """The square for a face whose mesh is known. points: (468, 3) frame px."""
    xy = points[:, :2].astype(np.float64)
    eye_line = xy[RIGHT_EYE_OUTER_CORNER] - xy[LEFT_EYE_OUTER_CORNER]
    angle_rad = float(np.arctan2(eye_line[1], eye_line[0]))
    axes = np.array([[np.cos(angle_rad), np.sin(angle_rad)], [-np.sin(angle_rad), np.cos(angle_rad)]])
    upright = xy @ axes.T
    low, high = upright.min(axis=0), upright.max(axis=0)
    centre = (low + high) / 2 @ axes
    return FaceRoi((float(centre[0]), float(centre[1])), max(_SIDE_OF_MESH * float((high - low).max()), 1.0), angle_rad)


def _distance(looked_at: FaceRoi, built: FaceRoi) -> float:
    """How far the square of the mesh is from the one that was looked at: worst of shift, scale and turn."""
    shift_px = np.hypot(looked_at.centre_xy[0] - built.centre_xy[0], looked_at.centre_xy[1] - built.centre_xy[1])
    turn_rad = (looked_at.angle_rad - built.angle_rad + np.pi) % (2 * np.pi) - np.pi
    return float(max(shift_px / built.side_px, abs(looked_at.side_px / built.side_px - 1), abs(turn_rad)))


def cut_roi(image: UInt8Array, roi: FaceRoi) -> tuple[UInt8Array, Float32Array]:
    """The upright (192, 192, 3) uint8 picture of a square, and the (2, 3) float32 map from its px to frame px.

    A large face is averaged down before it is turned: sampling it straight away would alias.
    """
    scale = roi.side_px / _INPUT_PX
    cos, sin = np.cos(roi.angle_rad) * scale, np.sin(roi.angle_rad) * scale
    turn = np.array([[cos, -sin], [sin, cos]])
    to_frame = np.column_stack([turn, np.array(roi.centre_xy) - turn.sum(axis=1) * (_INPUT_PX / 2)])
    left, top, right, bottom = _covered_by(to_frame, image.shape[1], image.shape[0])
    region = image[top:bottom, left:right]
    shrink = np.ones(2)
    if scale > 1:
        size_wh = (max(1, round((right - left) / scale)), max(1, round((bottom - top) / scale)))
        shrink = np.array(size_wh) / (right - left, bottom - top)
        region = np.asarray(cv2.resize(region, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
    to_region = (to_frame - np.array([[0, 0, left], [0, 0, top]])) * shrink[:, None]
    # OpenCV counts from pixel centres, the maps here from pixel edges.
    to_region[:, 2] += to_region[:, :2].sum(axis=1) * 0.5 - 0.5
    patch = cv2.warpAffine(
        region,
        to_region,
        (_INPUT_PX, _INPUT_PX),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(patch, np.uint8), to_frame.astype(np.float32)


def _covered_by(to_frame: Any, width_px: int, height_px: int) -> tuple[int, int, int, int]:
    """Whole-pixel (left, top, right, bottom) of the part of the frame under the square; at least one pixel."""
    corners = np.array([[0, 0, 1], [_INPUT_PX, 0, 1], [0, _INPUT_PX, 1], [_INPUT_PX, _INPUT_PX, 1]]) @ to_frame.T
    reach_px = 2
    left, top = np.clip(np.floor(corners.min(axis=0)) - reach_px, 0, (width_px - 1, height_px - 1)).astype(int)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + reach_px
    return int(left), int(top), int(np.clip(right, left + 1, width_px)), int(np.clip(bottom, top + 1, height_px))


def mesh_box_xyxy(points: Float32Array) -> Float32Array:
    """(4,) float32 tight box of one mesh, (468, 2 or 3) frame px."""
    return np.concatenate([points[:, :2].min(axis=0), points[:, :2].max(axis=0)]).astype(np.float32)


def five_points(points: Float32Array) -> Float32Array:
    """(5, 2) float32: eye centres, nose tip, mouth corners of one mesh, in the order of `FaceDetections.landmarks`."""
    xy = points[:, :2]
    eyes = [xy[list(LEFT_EYE)].mean(axis=0), xy[list(RIGHT_EYE)].mean(axis=0)]
    return np.stack([*eyes, xy[NOSE_TIP], *xy[list(MOUTH_CORNERS)]]).astype(np.float32)


def benchmark_points(points: Float32Array) -> Float32Array:
    """(5, 2) float32: the points of one mesh nearest to those that DeepfakeBench aligns by; on the lids and lips, so a
    little off the eye centres and mouth corners of `five_points`."""
    return np.asarray(points[list(BENCHMARK_FIVE), :2], np.float32)


def mirror_mesh(points: Float32Array, width_px: float) -> Float32Array:
    """The mesh of the mirrored picture. points: (468, 2 or 3) px of a picture width_px wide."""
    mirrored = points[list(MIRROR_468)]
    mirrored[:, 0] = width_px - mirrored[:, 0]
    return mirrored


def yaw_pitch_roll_deg(points: Float32Array) -> tuple[float, float, float]:
    """How the head is turned, from one (468, 3) mesh in frame px.

    Returns:
        yaw: + when the nose points to the right of the picture. pitch: + when it points down; about 0 for a face
        that looks into the camera. roll: + when the head is tilted clockwise in the picture. Applied to an upright
        head in the order pitch, yaw, roll. Degrees, yaw within -90..90.

    The face's own symmetry gives its sideways axis, so no template of a face is needed: the sum of the lines from
    each point to its mirror partner. z is taken as it comes: of the factors 0.7-1.6, 1 keeps the distances between
    bony points most constant over yaw (300 photographs).
    """
    mesh = points.astype(np.float64)
    sideways = (mesh[_RIGHT_OF_PAIR] - mesh[_LEFT_OF_PAIR]).sum(axis=0)
    downward = mesh[_CHIN].mean(axis=0) - mesh[_HAIRLINE].mean(axis=0)
    roll = np.arctan2(sideways[1], sideways[0])
    yaw = np.arctan2(sideways[2], np.hypot(sideways[0], sideways[1]))
    across = np.cos(roll) * downward[0] + np.sin(roll) * downward[1]
    down = np.cos(roll) * downward[1] - np.sin(roll) * downward[0]
    depth = np.cos(yaw) * downward[2] - np.sin(yaw) * across
    pitch = np.degrees(np.arctan2(depth, down)) - _PITCH_OF_FRONTAL_DEG
    return float(np.degrees(yaw)), float(pitch), float(np.degrees(roll))
