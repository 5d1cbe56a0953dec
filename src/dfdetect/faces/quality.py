"""How usable one face picture is: its size, sharpness and pose. Says nothing of whether it was manipulated."""

from __future__ import annotations

import cv2
import numpy as np

from dfdetect.faces.mesh import yaw_pitch_roll_deg
from dfdetect.values import FaceQuality, Float32Array, UInt8Array

# Larger faces are shrunk to this before their blur is measured, smaller ones are left: a face enlarged by the encoder
# reads as blurred, a small one that is as sharp as its pixels allow does not (`face_px` says that it is small).
_MEASURED_AT_PX = 160
_LEAST_PX = 16
# Two neighbouring octaves of detail. In a photograph both hold about the same contrast, and blur takes the finer one
# first. 0.8 is the ratio of the sharpest twentieth of 137 photographs; in a picture that is smooth over several pixels
# the ratio is that of the differences of the squared sigmas.
_SIGMAS_PX = (1.0, 2.0, 4.0)
_SHARP_RATIO = 0.8
_SMOOTH_RATIO = (_SIGMAS_PX[1] ** 2 - _SIGMAS_PX[0] ** 2) / (_SIGMAS_PX[2] ** 2 - _SIGMAS_PX[1] ** 2)
_LEAST_CONTRAST = 0.05  # grey levels: below it there is no detail to judge

# Nose tip in front of the line of the eyes, in eye distances: fitted to the yaw of the mesh on 300 photographs and
# their mirror pictures (median difference 2.3 degrees, 99th percentile 11).
_NOSE_DEPTH = 1 / 1.56


def blur_of(face: UInt8Array) -> float:
    """How blurred a picture of a face is.

    The contrast (root mean square) between 1 and 2 px of Gaussian blur is compared with that between 2 and 4 px, at a
    face size of 160 px. Both lie above the scale of sensor noise, and their mean square outweighs it, so that noise
    added to a blurred face does not make it read as sharp.

    Args:
        face: (H, W, 3) uint8 RGB, the face's box without a margin, at native size.

    Returns:
        0 sharp .. 1 blurred. Of 500 photographs the median is 0.24 and the 95th percentile 0.42; the same faces blurred
        with sigma 1, 2, 4 px at a size of 224 px: medians 0.41, 0.60, 0.82. Above 0.6 a face should be called blurred.
        1.0 also for a face of less than 16 px and for one without any detail.
    """
    height_px, width_px = face.shape[:2]
    if min(height_px, width_px) < _LEAST_PX:
        return 1.0
    gray = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    scale = _MEASURED_AT_PX / np.sqrt(height_px * width_px)
    if scale < 1:
        size_wh = (max(1, round(width_px * scale)), max(1, round(height_px * scale)))
        gray = cv2.resize(gray, size_wh, interpolation=cv2.INTER_AREA)
    fine, middle, coarse = (cv2.GaussianBlur(gray.astype(np.float32), (0, 0), sigma) for sigma in _SIGMAS_PX)
    coarse_contrast = float(np.sqrt(np.mean((middle - coarse) ** 2)))
    if coarse_contrast < _LEAST_CONTRAST:
        return 1.0
    ratio = float(np.sqrt(np.mean((fine - middle) ** 2))) / coarse_contrast
    return float(np.clip((_SHARP_RATIO - ratio) / (_SHARP_RATIO - _SMOOTH_RATIO), 0.0, 1.0))


def yaw_of_landmarks_deg(landmarks: Float32Array) -> float:
    """Head turn from (5, 2) landmarks alone, + to the right of the picture, -90..90. Coarser than the mesh's."""
    points = landmarks.astype(np.float64)
    eye_line = points[1] - points[0]
    nose = points[2] - (points[0] + points[1]) / 2
    length_squared = max(float(eye_line @ eye_line), 1e-12)
    return float(np.degrees(np.arctan(float(nose @ eye_line) / length_squared / _NOSE_DEPTH)))


def measure(
    image: UInt8Array,
    box_xyxy: Float32Array,
    mesh: Float32Array | None,
    detector_score: float,
    *,
    landmarks: Float32Array | None = None,
) -> FaceQuality:
    """The quality of one face of a frame.

    Args:
        image: (H, W, 3) uint8 RGB, the frame.
        box_xyxy: (4,) frame px, the face's box. Only the part inside the frame is looked at.
        mesh: (468, 3) frame px, or None where none could be fitted.
        detector_score: 0..1.
        landmarks: (5, 2) frame px of the detector, for the yaw where there is no mesh (most often a profile).

    Returns:
        FaceQuality; yaw_deg is nan when neither mesh nor landmarks are given, because 0 would mean "frontal".
    """
    left, top, right, bottom = (float(v) for v in box_xyxy)
    visible = image[max(round(top), 0) : max(round(bottom), 0), max(round(left), 0) : max(round(right), 0)]
    if mesh is not None:
        yaw_deg = yaw_pitch_roll_deg(mesh)[0]
    else:
        yaw_deg = float("nan") if landmarks is None else yaw_of_landmarks_deg(landmarks)
    return FaceQuality(min(right - left, bottom - top), blur_of(visible), yaw_deg, detector_score)
