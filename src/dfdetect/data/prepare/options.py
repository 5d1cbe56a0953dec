"""What `prepare` is asked to do, and the report of what came of it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from dfdetect import __version__
from dfdetect.errors import UsageError, unknown_name
from dfdetect.faces.detector import DEFAULT_DETECTOR, FACE_DETECTORS

LOOSE_MARGIN = 0.45  # of the face's longer side, each side: room for shifts, rotations and wider crops later
MAX_LOOSE_PX = 480  # larger faces are shrunk to this: no network here looks at more
MIN_FACE_PX = 80  # smaller photos of faces teach the enlarging filter, not the face
# What self-blended images and most detectors were trained on (Shiohara & Yamasaki 2022, arXiv:2204.08376); benchmarks
# that score videos take 32.
FRAMES = 8

FACE_CHOICES = ("best", "all")
OTHER_FACES = ("drop", "real")


@dataclass(frozen=True, slots=True)
class PrepareOptions:
    """Everything that the rows depend on, besides the samples.

    frames: of a clip, spread evenly over its time. every_s: instead, a frame every so many seconds (0 = not).
    margin, max_px: of the loose crop, see LOOSE_MARGIN, MAX_LOOSE_PX. min_face_px: shorter side of the face box.
    faces: "best", one face a frame (the most prominent one; of a fake, of those that were manipulated), or "all".
    other_faces: of a fake clip whose manipulated face is known: "drop" the others, or keep them as "real".
    most_per_clip: rows of one clip, spread evenly (0 = no limit).
    video_copies: of every row with a mesh, so many more as videos would show that face (data.history.video_copies).

    Raises UsageError for a value that means nothing.
    """

    frames: int = FRAMES
    every_s: float = 0.0
    detector: str = DEFAULT_DETECTOR
    margin: float = LOOSE_MARGIN
    max_px: int = MAX_LOOSE_PX
    min_face_px: float = MIN_FACE_PX
    faces: str = "best"
    other_faces: str = "drop"
    most_per_clip: int = 0
    video_copies: int = 0

    def __post_init__(self) -> None:
        if self.detector not in FACE_DETECTORS:
            raise unknown_name("face detector", self.detector, FACE_DETECTORS)
        if self.faces not in FACE_CHOICES:
            raise unknown_name("choice of faces", self.faces, FACE_CHOICES)
        if self.other_faces not in OTHER_FACES:
            raise unknown_name("treatment of other faces", self.other_faces, OTHER_FACES)
        if self.other_faces == "real" and self.faces == "best":
            raise UsageError("other faces can be kept as real only where all faces are kept: add --faces all")
        for name, least in (
            ("frames", 1),
            ("every_s", 0),
            ("margin", 0),
            ("max_px", 32),
            ("most_per_clip", 0),
            ("video_copies", 0),
        ):
            if not getattr(self, name) >= least:
                raise UsageError(f"{name} must be at least {least}; got {getattr(self, name)}")

    def as_dict(self) -> dict[str, Any]:
        """For JSON. An option that came later leaves no trace where it is not used, so that earlier folders go on."""
        return {name: value for name, value in asdict(self).items() if name != "video_copies" or value}


def plan_hash(options: PrepareOptions, index_sha256: str) -> str:
    """What makes two runs the same one: options, samples and this version."""
    text = json.dumps([options.as_dict(), index_sha256, __version__], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


Paths = dict[str, list[str]]


@dataclass(slots=True)
class PrepareReport:
    """What happened to every sample and face.

    files: samples seen. kept: those with at least one row. left_out: reason -> names of samples without a row.
    remarks: something to know about a sample that was used -> names. faces_left_out: reason -> faces.
    counts: "dataset|label|method|compression|split" of the rows -> rows.
    """

    files: int = 0
    kept: int = 0
    frames: int = 0
    frames_without_face: int = 0
    left_out: Paths = field(default_factory=dict)
    remarks: Paths = field(default_factory=dict)
    faces_left_out: Counter[str] = field(default_factory=Counter)

    def leave_out(self, reason: str, name: str) -> None:
        self.left_out.setdefault(reason, []).append(name)

    def remark(self, what: str, name: str) -> None:
        self.remarks.setdefault(what, []).append(name)

    def add(self, other: PrepareReport) -> None:
        """Take over what another report says, after what is here."""
        self.files += other.files
        self.kept += other.kept
        self.frames += other.frames
        self.frames_without_face += other.frames_without_face
        for mine, theirs in ((self.left_out, other.left_out), (self.remarks, other.remarks)):
            for reason, names in theirs.items():
                mine.setdefault(reason, []).extend(names)
        self.faces_left_out.update(other.faces_left_out)

    def as_dict(self) -> dict[str, Any]:
        """For JSON; reasons in alphabetical order, so that the text does not depend on what came first."""
        return {
            "files": self.files,
            "files_kept": self.kept,
            "frames": self.frames,
            "frames_without_face": self.frames_without_face,
            "left_out": dict(sorted(self.left_out.items())),
            "remarks": dict(sorted(self.remarks.items())),
            "faces_left_out": dict(sorted(self.faces_left_out.items())),
        }

    @staticmethod
    def of_dict(told: dict[str, Any]) -> PrepareReport:
        return PrepareReport(
            told["files"],
            told["files_kept"],
            told["frames"],
            told["frames_without_face"],
            dict(told["left_out"]),
            dict(told["remarks"]),
            Counter(told["faces_left_out"]),
        )
