"""Clips -> cut faces: found by a detector, cut by the squares of another clip, or taken whole.

Faces are kept as JPEG from the moment they are cut, so that a clip costs its encoded crops and no more.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from dfdetect.data.prepare.options import LOOSE_MARGIN, MAX_LOOSE_PX, PrepareOptions
from dfdetect.faces.align import crop_face, cut_square, resize_square
from dfdetect.faces.detector import FaceDetector, make_detector
from dfdetect.faces.extract import FaceStream, frames_ahead, mesh_holds
from dfdetect.faces.mesh import FaceMesh, FaceRoi, five_points, mesh_box_xyxy, roi_of_detection, roi_of_mesh
from dfdetect.faces.quality import measure
from dfdetect.faces.track import TrackFrame, link_tracks
from dfdetect.faces.whole import whole_face
from dfdetect.media.limits import Limits
from dfdetect.media.roundtrip import encode_jpeg
from dfdetect.values import FaceCrop, FaceQuality, Float32Array, Frame, MediaInfo, UInt8Array

SMALL_PX = 24  # of the copies by which a fake is compared with its original
_JPEG_QUALITY = 95


class ClipReader(Protocol):
    """What is common to `MediaReader` and `FrameFolder`."""

    @property
    def info(self) -> MediaInfo: ...
    @property
    def sha256(self) -> str: ...
    @property
    def times_s(self) -> NDArray[np.float64]: ...
    @property
    def cuts_s(self) -> tuple[float, ...]: ...

    def frames(self, indices: Sequence[int], *, find_cuts: bool = True) -> Iterator[Frame]: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None: ...


@dataclass(slots=True)
class CutFace:
    """One face of one frame. Boxes, landmarks and mesh in frame pixels.

    square: (left, top, right, bottom) of the crop, whole pixels. size_wh: of the crop in its own pixels.
    seen_xyxy, seen_landmarks: as the detector drew them. box_xyxy: of the mesh, where it holds.
    small: (SMALL_PX, SMALL_PX, 3) copy of the crop. image_bytes: JPEG, empty for a face that is left out.
    """

    frame_index: int
    time_s: float
    track_id: int
    square: tuple[int, int, int, int]
    size_wh: tuple[int, int]
    box_xyxy: Float32Array
    landmarks: Float32Array | None
    mesh: Float32Array | None
    seen_xyxy: Float32Array
    seen_landmarks: Float32Array
    quality: FaceQuality
    image_bytes: bytes
    small: UInt8Array

    @property
    def key(self) -> tuple[int, int]:
        """The same face of the same frame has it in an original and in the fakes cut by it."""
        return self.frame_index, self.track_id

    def in_crop(self, points: Float32Array) -> Float32Array:
        """Points (N, 2 or 3) of the frame in the crop's pixels; depth is scaled alike."""
        left, top, right, bottom = self.square
        scale = np.array([self.size_wh[0] / (right - left), self.size_wh[1] / (bottom - top)])
        moved = (points[:, :2] - (left, top)) * scale
        if points.shape[1] == 3:
            moved = np.column_stack([moved, points[:, 2] * scale[0]])
        return np.asarray(moved, np.float32)


@dataclass(slots=True)
class CutClip:
    """The faces of a clip in order of time, those left out counted by reason."""

    faces: list[CutFace] = field(default_factory=list)
    frames: int = 0
    frames_without_face: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


class Tools:
    """Detector, mesh and decoder limits of one process; the networks are loaded when first needed.

    One thread each: what a network answers must not depend on how many processes share the computer.
    """

    def __init__(self, options: PrepareOptions, *, decode_threads: int = 2) -> None:
        self.options = options
        self.limits = Limits(decode_threads=decode_threads)
        self.mesh = FaceMesh(threads=1)
        self._detector: FaceDetector | None = None

    @property
    def detector(self) -> FaceDetector:
        if self._detector is None:
            self._detector = make_detector(self.options.detector, threads=1)
        return self._detector


def loose_crop(image: UInt8Array, points: Float32Array) -> tuple[UInt8Array, Float32Array]:
    """A square with LOOSE_MARGIN around a mesh, at most MAX_LOOSE_PX, and the mesh in its pixels."""
    crop = crop_face(image, mesh_box_xyxy(points), margin=LOOSE_MARGIN, size_px=MAX_LOOSE_PX, enlarge=False)
    scale, left, top = crop.to_frame[0, 0], crop.to_frame[0, 2], crop.to_frame[1, 2]
    moved = points.copy()
    moved[:, :2] -= (left, top)
    return crop.image, np.asarray(moved / scale, np.float32)


def find_faces(reader: ClipReader, indices: Sequence[int], tools: Tools) -> CutClip:
    """Detect, track and cut. Left out: faces that are too small, and tracks to which no mesh ever fits (no face).

    Raises MediaError where the clip cannot be read.
    """
    options = tools.options
    stream = FaceStream(
        reader,
        indices,
        detector=tools.detector,
        mesh=tools.mesh,
        margin=options.margin,
        size_px=options.max_px,
        enlarge=False,
    )
    clip, frames, found = CutClip(), list[TrackFrame](), list[tuple[tuple[int, int], CutFace]]()
    with closing(iter(stream)) as pictures:
        for seen in pictures:
            frames.append(seen.boxes)
            for row, crop in enumerate(seen.crops):
                found.append(((seen.boxes.index, row), _detected(crop, seen.boxes, row, options)))
    clip.frames, clip.frames_without_face = stream.frames_read, stream.frames_read - stream.frames_with_face
    faces = dict(found)
    for track in link_tracks(frames, reader.cuts_s):
        members = [faces[member] for member in track.members]
        for face in members:
            face.track_id = track.id
        if all(face.mesh is None for face in members):
            clip.left_out["no_mesh"] += len(members)
            continue
        clip.left_out["face_too_small"] += sum(not face.image_bytes for face in members)
        clip.faces += [face for face in members if face.image_bytes]
    clip.faces.sort(key=lambda face: face.key)
    clip.left_out = +clip.left_out
    return clip


def _detected(crop: FaceCrop, boxes: TrackFrame, row: int, options: PrepareOptions) -> CutFace:
    height, width = crop.image.shape[:2]
    left, top = round(float(crop.to_frame[0, 2])), round(float(crop.to_frame[1, 2]))
    side = round(float(crop.to_frame[0, 0]) * width)
    landmarks = boxes.detections.landmarks[row]
    kept = crop.quality.face_px >= options.min_face_px
    return CutFace(
        frame_index=crop.frame_index,
        time_s=crop.time_s,
        track_id=-1,
        square=(left, top, left + side, top + side),
        size_wh=(width, height),
        box_xyxy=crop.box_xyxy,
        landmarks=landmarks if crop.mesh is None else five_points(crop.mesh),
        mesh=crop.mesh,
        seen_xyxy=boxes.detections.boxes_xyxy[row],
        seen_landmarks=landmarks,
        quality=crop.quality,
        image_bytes=_encoded(crop.image) if kept else b"",
        small=_small(crop.image),
    )


def cut_alike(reader: ClipReader, originals: Sequence[CutFace], tools: Tools) -> CutClip:
    """Cut the squares of an original's faces out of a clip that is aligned with it, without detection.

    Place, landmarks, track and detector score are the original's; mesh (looked for where the original's was), blur
    and picture are this clip's own. Raises MediaError where the clip cannot be read.
    """
    by_frame: dict[int, list[CutFace]] = defaultdict(list)
    for face in originals:
        if face.frame_index < len(reader.times_s):  # a frame that stood in for a lost one may lie beyond the end
            by_frame[face.frame_index].append(face)
    clip = CutClip()
    with closing(frames_ahead(reader, sorted(by_frame), find_cuts=False)) as frames:
        for frame in frames:
            clip.frames += 1
            faces = by_frame[frame.index]
            fit = tools.mesh.fit_rois(frame.image, [_first_look(face) for face in faces])
            for face, points, presence in zip(faces, fit.points, fit.presence, strict=True):
                holds = mesh_holds(points, float(presence), face.seen_xyxy)
                clip.faces.append(_cut_as(face, frame, points if holds else None))
    return clip


def _cut_as(original: CutFace, frame: Frame, mesh: Float32Array | None) -> CutFace:
    left, top, right, _ = original.square
    picture = resize_square(cut_square(frame.image, left, top, right - left), original.size_wh[0])
    quality = measure(
        frame.image,
        original.seen_xyxy,
        mesh,
        original.quality.detector_score,
        landmarks=original.seen_landmarks,
    )
    return replace(
        original,
        time_s=frame.time_s,
        mesh=mesh,
        quality=quality,
        image_bytes=_encoded(picture),
        small=_small(picture),
    )


def _first_look(face: CutFace) -> FaceRoi:
    return roi_of_detection(face.seen_xyxy, face.seen_landmarks) if face.mesh is None else roi_of_mesh(face.mesh)


def take_whole(reader: ClipReader, indices: Sequence[int], tools: Tools) -> CutClip:
    """Every picture is a face crop already. Where a mesh fits, box and landmarks are its; else the box is the whole
    picture and nothing is known of the pose. Pictures larger than `max_px` are shrunk. Raises MediaError.
    """
    clip = CutClip()
    with closing(frames_ahead(reader, indices, find_cuts=False)) as frames:
        for frame in frames:
            clip.frames += 1
            clip.faces.append(_whole(frame, tools))
    return clip


def _whole(frame: Frame, tools: Tools) -> CutFace:
    image = frame.image
    height, width = image.shape[:2]
    box, mesh = whole_face(image, tools.mesh)
    scale = min(1.0, tools.options.max_px / max(width, height))
    size_wh = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = image if scale == 1 else np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
    return CutFace(
        frame_index=frame.index,
        time_s=frame.time_s,
        track_id=1,
        square=(0, 0, width, height),
        size_wh=size_wh,
        box_xyxy=box,
        landmarks=None if mesh is None else five_points(mesh),
        mesh=mesh,
        seen_xyxy=box,
        seen_landmarks=np.zeros((5, 2), np.float32),
        quality=measure(image, box, mesh, 1.0),
        image_bytes=_encoded(picture),
        small=_small(picture),
    )


def _encoded(picture: UInt8Array) -> bytes:
    return encode_jpeg(picture, _JPEG_QUALITY, subsampling="444")


def _small(picture: UInt8Array) -> UInt8Array:
    return np.asarray(cv2.resize(picture, (SMALL_PX, SMALL_PX), interpolation=cv2.INTER_AREA), np.uint8)


def open_clip(path: str, tools: Tools) -> ClipReader:
    """A file, or a folder of images. Raises MediaError."""
    from dfdetect.media.folder import FrameFolder
    from dfdetect.media.reader import open_media

    if Path(path).is_dir():
        return FrameFolder(Path(path), limits=tools.limits)
    return open_media(path, limits=tools.limits)


def crop_number(reader: ClipReader, index: int) -> int:
    """What a crop is called in the shards: the number in its name, by which other people's crops are paired."""
    numbers: NDArray[np.int64] | None = getattr(reader, "numbers", None)
    return index if numbers is None else int(numbers[index])
