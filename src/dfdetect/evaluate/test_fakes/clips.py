"""A clip with another's face in every frame: the same donor throughout, both faces followed in time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from dfdetect.evaluate.test_fakes.face import Face, FakeRefused
from dfdetect.evaluate.test_fakes.kinds import FakeMaker
from dfdetect.evaluate.test_fakes.motion import FaceFollower, largest_face
from dfdetect.faces.align import cut_square, square_around
from dfdetect.faces.detector import FaceDetector
from dfdetect.faces.mesh import FaceMesh, mesh_box_xyxy
from dfdetect.media.reader import MediaReader, open_media
from dfdetect.values import Float32Array, UInt8Array

_LEAST_FAKED = 0.8  # of the frames: a clip that is real most of the time is no fake to be measured
_JUMP_COST = 0.5  # of going through the whole clip at once, in the units of `_pose_and_mouth`
_DONOR_PX = 480  # of the face's square: donors of a whole clip are kept in memory


@dataclass(frozen=True, slots=True)
class Finders:
    """What finds faces; one set a process."""

    detector: FaceDetector
    mesh: FaceMesh


def first_frames(reader: MediaReader, seconds: float) -> list[int]:
    """Indices of the frames of the first so many seconds."""
    return [int(index) for index in np.flatnonzero(reader.times_s < seconds)]


def clip_fps(reader: MediaReader) -> Fraction:
    return (reader.info.fps or Fraction(25)).limit_denominator(1001)


def donor_faces(path: Path, finders: Finders, *, seconds: float) -> list[Face]:
    """The faces of a donor's clip or picture, cut out, in time order. FakeRefused where there is none."""
    faces: list[Face] = []
    with open_media(path) as reader:
        if reader.info.kind == "image":
            frame = next(reader.frames([0]))
            face = largest_face(frame.image, finders.detector, finders.mesh)
            faces = [] if face is None else [_cut_out(face)]
        else:
            follower = FaceFollower(finders.detector, finders.mesh)
            for frame in reader.frames(first_frames(reader, seconds), find_cuts=False):
                face = follower.follow(frame.image)
                if face is not None:
                    faces.append(_cut_out(face))
    if not faces:
        raise FakeRefused("no face was found in the donor's file")
    return faces


def _cut_out(face: Face) -> Face:
    left, top, side = square_around(mesh_box_xyxy(face.mesh), margin=0.3)
    shift = np.array([left, top, 0], np.float32)
    cut = Face(np.ascontiguousarray(cut_square(face.image, left, top, side)), face.mesh - shift)
    if side <= _DONOR_PX:
        return cut
    import cv2

    size = (_DONOR_PX, _DONOR_PX)
    smaller = cv2.resize(cut.image, size, interpolation=cv2.INTER_AREA)
    return Face(np.asarray(smaller, np.uint8), cut.mesh * np.float32(_DONOR_PX / side))


def faked_frames(
    frames: Iterator[UInt8Array], make: FakeMaker, donors: Sequence[Face], finders: Finders, *, seed: Sequence[int]
) -> Iterator[tuple[UInt8Array, Float32Array]]:
    """(frame (H, W, 3), mask (H, W)) of every frame, as it was where the face is not seen.

    Of the donor's frames each time one that is turned alike, near the one before. FakeRefused at the end where too
    many frames stayed as they were.
    """
    follower = FaceFollower(finders.detector, finders.mesh)
    choose = _DonorFrames(donors)
    asked, faked = 0, 0
    for image in frames:
        asked += 1
        face = follower.follow(image)
        fake = image, np.zeros(image.shape[:2], np.float32)
        if face is not None:
            donor = choose.like(face)
            try:
                made = make(face, donor, np.random.default_rng(list(seed)))  # the same choices in every frame
                fake, faked = (made.image, made.mask), faked + 1
            except FakeRefused:
                pass
        yield fake
    if faked < _LEAST_FAKED * max(asked, 1):
        raise FakeRefused(f"the face could be faked in {faked} of {asked} frames only")


class _DonorFrames:
    """The donor's faces: the one that suits a face of the target best, without much jumping about in time."""

    def __init__(self, donors: Sequence[Face]) -> None:
        self._donors = donors
        self._seen = np.array([_pose_and_mouth(face) for face in donors])
        self._at = 0

    def like(self, face: Face) -> Face:
        apart = np.abs(self._seen - _pose_and_mouth(face)).sum(axis=1)
        jump = np.abs(np.arange(len(self._donors)) - self._at - 1) / max(len(self._donors), 1)
        self._at = int(np.argmin(apart + _JUMP_COST * jump))
        return self._donors[self._at]


def _pose_and_mouth(face: Face) -> Float32Array:
    """(3,) in units in which one is plain to see."""
    yaw, pitch, _ = face.pose_deg
    return np.array([yaw / 8, pitch / 8, face.mouth_open / 0.08], np.float32)
