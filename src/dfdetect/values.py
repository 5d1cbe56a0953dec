"""The vocabulary: values that pass between rooms. Frozen, numpy only; units and orders are in the names.

A score is always P(manipulated) in 0..1, `Label.FAKE` is 1. Boxes are `xyxy` in pixels, x right, y down, pixel
edges at integers (docs/geometry.md). Times are presentation seconds from the first frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dfdetect.errors import LimitCode, ReasonCode

UInt8Array = NDArray[np.uint8]
Float32Array = NDArray[np.float32]

MediaKind = Literal["image", "video"]


class Label(IntEnum):
    """REAL = 0, FAKE = 1. Every dataset's own polarity is turned into this at the reader."""

    REAL = 0
    FAKE = 1


class Verdict(StrEnum):
    """What a scan answers. Never "real", never "authentic"."""

    LIKELY_MANIPULATED = "likely_manipulated"
    INCONCLUSIVE = "inconclusive"
    NO_MANIPULATION_FOUND = "no_manipulation_found"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What the file says of itself, after orientation: width_px and height_px are those of the frames given out."""

    kind: MediaKind
    container: str  # "jpeg", "png", "mp4", ...: from the content, never from the file name
    codec: str
    width_px: int
    height_px: int
    fps: Fraction | None = None  # average over the presentation times; None for a still
    frame_count: int = 1
    duration_s: float = 0.0
    rotation_deg: int = 0  # applied already; 0, 90, 180 or 270 clockwise
    bit_rate_bps: int | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded picture. image: (H, W, 3) uint8 RGB, upright; index: place in presentation order."""

    image: UInt8Array
    index: int
    time_s: float


@dataclass(frozen=True, slots=True)
class FaceDetections:
    """Faces of one frame, best score first; N may be 0.

    boxes_xyxy: (N, 4) float32 frame pixels. score: (N,) float32 0..1.
    landmarks: (N, 5, 2) float32 frame pixels in the order of the picture's left: the eye at the left of the picture
    (the subject's right eye), the other eye, nose tip, mouth corner at the left of the picture, the other one.
    """

    boxes_xyxy: Float32Array
    score: Float32Array
    landmarks: Float32Array

    def __post_init__(self) -> None:
        n = len(self.score)
        if self.boxes_xyxy.shape != (n, 4) or self.landmarks.shape != (n, 5, 2) or self.score.shape != (n,):
            raise ValueError(
                f"FaceDetections: expected shapes ({n}, 4), ({n},), ({n}, 5, 2); "
                f"got {self.boxes_xyxy.shape}, {self.score.shape}, {self.landmarks.shape}"
            )

    def __len__(self) -> int:
        return len(self.score)

    @staticmethod
    def none() -> FaceDetections:
        """No face in this frame."""
        return FaceDetections(np.zeros((0, 4), np.float32), np.zeros((0,), np.float32), np.zeros((0, 5, 2), np.float32))


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """How usable one face picture is.

    face_px: shorter side of the face box in frame pixels. blur: 0 sharp .. 1 blurred (docs/scores.md).
    yaw_deg: head turn, + to the right of the picture. detector_score: 0..1.
    """

    face_px: float
    blur: float
    yaw_deg: float
    detector_score: float


@dataclass(frozen=True, slots=True)
class FaceCrop:
    """One aligned face, cut from one frame, before any model normalisation.

    image: (S, S, 3) uint8 RGB. to_frame: (2, 3) float32, affine map from crop pixels to frame pixels.
    box_xyxy: (4,) float32 frame pixels, the face box before the margin. mesh: (468, 3) float32 frame pixels or None.
    track_id: same person, same number, within one file; -1 until tracked. views: the same face cut in further ways,
    (S', S', 3) each, for models of several networks.
    """

    image: UInt8Array
    to_frame: Float32Array
    box_xyxy: Float32Array
    frame_index: int
    time_s: float
    track_id: int
    quality: FaceQuality
    mesh: Float32Array | None = None
    views: tuple[UInt8Array, ...] = ()


@dataclass(frozen=True, slots=True)
class FaceTrack:
    """One face over time. `members` are (frame_index, row in that frame's FaceDetections), in time order."""

    id: int
    members: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class FaceScore:
    """What the model said of one crop. p_manipulated is the calibrated P(manipulated); logit the raw output."""

    p_manipulated: float
    logit: float
    frame_index: int
    time_s: float
    track_id: int
    box_xyxy: tuple[float, float, float, float]
    quality: FaceQuality
    cam: Float32Array | None = field(default=None, compare=False)  # (h, w) map; ModelInfo.heatmap says what of


# ---- what a scan answers: schema dfdetect.scan/1 ----


@dataclass(frozen=True, slots=True)
class InputInfo:
    path: str
    sha256: str | None
    bytes: int | None


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    code: str  # an ErrorCode
    message: str
    stage: str


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Verdict bounds on `probability`, with the false-positive rate asked for and the one measured."""

    likely_manipulated: float
    no_manipulation_found: float
    target_fpr: float
    measured_fpr: float | None
    measured_on: str


@dataclass(frozen=True, slots=True)
class Reason:
    code: ReasonCode
    text: str
    track: int | None = None
    start_s: float | None = None
    end_s: float | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    code: LimitCode
    text: str


@dataclass(frozen=True, slots=True)
class TrackResult:
    """One face over the file. `scores` in time order; gaps_s are spans where the track was lost."""

    id: int
    verdict: Verdict
    probability: float | None
    first_s: float
    last_s: float
    gaps_s: tuple[tuple[float, float], ...]
    scores: tuple[FaceScore, ...]
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """heatmap: what its maps hold: "mask", the share of each cell that it takes for pasted (0..1); "cam", each cell's
    signed share of the logit (mean(map) + bias == logit); None: it has no maps.
    """

    name: str
    version: str
    sha256: str
    heatmap: str | None = "cam"


@dataclass(frozen=True, slots=True)
class ScannedMedia:
    """MediaInfo plus what the scan did with it."""

    info: MediaInfo
    cuts_s: tuple[float, ...]
    frames_read: int
    frames_with_face: int


@dataclass(frozen=True, slots=True)
class ScanResult:
    """The answer for one input; one is made for every input, always. Schema `dfdetect.scan/1`.

    status "ok" has a verdict; "error" has an error and no verdict. probability and thresholds are None with an
    error and with not_applicable; interval is None for a still image.
    evidence: the crops that weighed most, (track id, frame index) -> (S, S, 3) uint8 RGB; for reports, never in JSON.
    """

    input: InputInfo
    status: Literal["ok", "error"]
    error: ErrorInfo | None = None
    media: ScannedMedia | None = None
    verdict: Verdict | None = None
    probability: float | None = None
    interval: tuple[float, float] | None = None
    thresholds: Thresholds | None = None
    reasons: tuple[Reason, ...] = ()
    limits: tuple[Limit, ...] = ()
    tracks: tuple[TrackResult, ...] = ()
    model: ModelInfo | None = None
    timing_s: Mapping[str, float] = field(default_factory=dict)
    evidence: Mapping[tuple[int, int], UInt8Array] = field(default_factory=dict, compare=False, repr=False)
