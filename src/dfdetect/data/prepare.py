"""Photographs -> face shards: find the face, fit the mesh, keep a loose crop at native size.

One face a photo (the best one). What is left out is counted by reason and listed, never silently dropped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from dfdetect.data.sample import Sample
from dfdetect.data.shards import FaceRecord
from dfdetect.errors import MediaError
from dfdetect.faces.align import cut_square, square_around
from dfdetect.faces.detector import FaceDetector
from dfdetect.faces.mesh import FaceMesh, mesh_box_xyxy
from dfdetect.faces.quality import measure
from dfdetect.media.image import read_rgb
from dfdetect.media.roundtrip import encode_jpeg
from dfdetect.values import FaceDetections, Float32Array, UInt8Array

LOOSE_MARGIN = 0.45  # of the face's longer side, each side: room for shifts, rotations and wider crops later
MAX_LOOSE_PX = 480  # larger faces are shrunk to this: no network here looks at more
MIN_FACE_PX = 80  # smaller photos of faces teach the enlarging filter, not the face
MIN_PRESENCE = 0.5  # mesh


@dataclass
class PrepareReport:
    """What happened to every row: kept, and left out by reason with the paths."""

    kept: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    paths: dict[str, list[str]] = field(default_factory=dict)

    def leave_out(self, reason: str, path: str) -> None:
        self.left_out[reason] += 1
        self.paths.setdefault(reason, []).append(path)


def prepare_photos(
    rows: Sequence[Sample],
    *,
    detector: FaceDetector,
    mesh: FaceMesh,
    report: PrepareReport,
    on_progress: Callable[[int], None] | None = None,
) -> Iterator[FaceRecord]:
    """Yield one FaceRecord per usable photo, in the order of rows; fills `report`."""
    for done, row in enumerate(rows, start=1):
        try:
            record = _face_of(row, detector, mesh)
        except MediaError as error:
            report.leave_out(str(error.code), row.name)
        else:
            if isinstance(record, str):
                report.leave_out(record, row.name)
            else:
                report.kept += 1
                yield record
        if on_progress:
            on_progress(done)


def _face_of(row: Sample, detector: FaceDetector, mesh: FaceMesh) -> FaceRecord | str:
    image = read_rgb(Path(row.path))
    found = detector.detect(image)
    if len(found) == 0:
        return "no_face"
    best = _only(found, int(np.argmax(found.score * _areas(found))))
    fit = mesh.fit(image, best)
    if fit.presence[0] < MIN_PRESENCE:
        return "no_mesh"
    quality = measure(image, best.boxes_xyxy[0], fit.points[0], float(best.score[0]))
    if quality.face_px < MIN_FACE_PX:
        return "face_too_small"
    picture, points = loose_crop(image, fit.points[0])
    return FaceRecord(
        image_bytes=encode_jpeg(picture, 95, subsampling="444"),
        mesh=points,
        label=int(row.label),
        path=row.name,
        dataset=row.dataset,
        video_id=row.video_id,
        split=row.split,
        target_id=row.target_id,
        source=row.source,
        licence=row.licence,
        reuse=row.reuse,
        method=row.method,
        face_px=quality.face_px,
        blur=quality.blur,
        yaw_deg=quality.yaw_deg,
        detector_score=quality.detector_score,
    )


def _areas(found: FaceDetections) -> Float32Array:
    boxes = found.boxes_xyxy
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), np.float32)


def _only(found: FaceDetections, row: int) -> FaceDetections:
    pick = slice(row, row + 1)
    return FaceDetections(found.boxes_xyxy[pick], found.score[pick], found.landmarks[pick])


def loose_crop(image: UInt8Array, points: Float32Array) -> tuple[UInt8Array, Float32Array]:
    """A square with LOOSE_MARGIN around the mesh, at most MAX_LOOSE_PX, and the mesh in its pixels."""
    left, top, side = square_around(mesh_box_xyxy(points), margin=LOOSE_MARGIN)
    picture = cut_square(image, left, top, side)
    size = min(side, MAX_LOOSE_PX)
    if size < side:
        picture = np.asarray(cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
    moved = points.copy()
    moved[:, :2] -= (left, top)
    moved *= size / side
    return np.ascontiguousarray(picture), np.asarray(moved, np.float32)
