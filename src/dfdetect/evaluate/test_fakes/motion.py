"""One face through the frames of a clip: its mesh, steadied by optical flow so that a swap does not tremble."""

from __future__ import annotations

import cv2
import numpy as np

from dfdetect.evaluate.test_fakes.face import Face
from dfdetect.faces.detector import FaceDetector
from dfdetect.faces.mesh import FaceMesh, roi_of_mesh
from dfdetect.values import Float32Array, UInt8Array

MIN_PRESENCE = 0.5
_TRUST_FLOW = 0.6  # the rest is what the mesh says of this frame alone
_JUMPED = 0.06  # of the face's width between both: a cut or a quick turn, flow is not to be trusted
_FLOW_PX = 192  # side of the square in which flow is computed


def largest_face(image: UInt8Array, detector: FaceDetector, mesh: FaceMesh) -> Face | None:
    """The largest face of a picture, None where there is none."""
    found = detector.detect(image)
    if len(found) == 0:
        return None
    fit = mesh.fit(image, found)
    widths = np.ptp(fit.points[:, :, 0], axis=1) * (fit.presence >= MIN_PRESENCE)
    best = int(np.argmax(widths))
    return Face(image, fit.points[best]) if widths[best] > 0 else None


class FaceFollower:
    """Give it the frames in order: `follow(frame)` is the face in it, None where it is not seen."""

    def __init__(self, detector: FaceDetector, mesh: FaceMesh) -> None:
        self._detector, self._mesh = detector, mesh
        self._before: Face | None = None

    def follow(self, image: UInt8Array) -> Face | None:
        before = self._before
        face = None
        if before is not None:
            fit = self._mesh.fit_rois(image, [roi_of_mesh(before.mesh)])
            if fit.presence[0] >= MIN_PRESENCE:
                face = Face(image, _steadied(before, Face(image, fit.points[0])))
        self._before = face or largest_face(image, self._detector, self._mesh)
        return self._before


def _steadied(before: Face, now: Face) -> Float32Array:
    """(468, 3): the mesh of this frame, drawn towards where flow carries that of the frame before."""
    carried = before.mesh[:, :2] + _flow_at(before, now.image)
    apart = float(np.median(np.hypot(*(carried - now.mesh[:, :2]).T)))
    if apart > _JUMPED * now.width_px:
        return now.mesh
    mesh = now.mesh.copy()
    mesh[:, :2] += _TRUST_FLOW * (carried - mesh[:, :2])
    return mesh


def _flow_at(before: Face, image: UInt8Array) -> Float32Array:
    """(468, 2) pixels that the points move to the next picture (dense inverse search, Kroeger et al. 2016)."""
    low, high = before.mesh[:, :2].min(axis=0), before.mesh[:, :2].max(axis=0)
    side = 1.6 * float((high - low).max())
    scale = _FLOW_PX / side
    corner = (low + high) / 2 - side / 2
    to_square = np.array([[scale, 0, -corner[0] * scale], [0, scale, -corner[1] * scale]], np.float32)
    size_wh = (_FLOW_PX, _FLOW_PX)
    grays = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (before.image, image)]
    squares = [cv2.warpAffine(gray, to_square, size_wh, borderMode=cv2.BORDER_REFLECT) for gray in grays]
    nothing = np.zeros((_FLOW_PX, _FLOW_PX, 2), np.float32)
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST).calc(squares[0], squares[1], nothing)
    x, y = np.clip(np.rint((before.mesh[:, :2] - corner) * scale).astype(int), 0, _FLOW_PX - 1).T
    return np.asarray(flow[y, x] / scale, np.float32)
