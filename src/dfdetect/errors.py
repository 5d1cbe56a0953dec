"""What can go wrong, each with one stable code, and the closed lists of codes that a result may carry.

    DfdetectError            message says what was expected, what came, what to do; `.code` is an ErrorCode
    ├── MediaError           one input could not be read: becomes an error record, the run goes on
    ├── ModelUnusable        no model, or a bundle that fails its checks: nothing can be scanned
    ├── DataError            a dataset, index, shard or split is not what it should be
    ├── TrainingFailed       a run broke down: its loss is no number, or memory ran out
    └── UsageError           wrong option, wrong setting, wrong name: the message lists what is valid

Codes never change their meaning; new ones may be added, so readers of results must tolerate unknown ones.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

Stage = Literal["open", "probe", "decode", "faces", "score", "explain", "write"]


class ErrorCode(StrEnum):
    """Why an input has no verdict. A closed list: every failure maps to one of these."""

    UNSUPPORTED_TYPE = "unsupported_type"
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MANY_FRAMES = "too_many_frames"
    TOO_LONG = "too_long"
    TOO_MANY_STREAMS = "too_many_streams"
    CORRUPT_HEADER = "corrupt_header"
    CORRUPT_DATA = "corrupt_data"
    NO_VIDEO = "no_video"
    NO_FRAME = "no_frame"
    EXTERNAL_REFERENCE = "external_reference"
    CODEC_REFUSED = "codec_refused"
    TIMEOUT = "timeout"
    CPU_LIMIT = "cpu_limit"
    OUT_OF_MEMORY = "out_of_memory"
    DECODER_CRASHED = "decoder_crashed"
    IO_ERROR = "io_error"
    CHANGED_DURING_READ = "changed_during_read"
    PATH_REFUSED = "path_refused"
    PERMISSION_DENIED = "permission_denied"
    DISK_FULL = "disk_full"
    QUOTA = "quota"
    CANCELLED = "cancelled"
    MODEL_UNUSABLE = "model_unusable"
    INTERNAL = "internal"


class ReasonCode(StrEnum):
    """Why a verdict is what it is (`reasons` of a result). Documented in docs/scores.md."""

    TRACK_SCORE_HIGH = "track_score_high"
    SCORE_HIGH = "score_high"
    SCORES_LOW = "scores_low"
    SCORE_BETWEEN_THRESHOLDS = "score_between_thresholds"
    TOO_FEW_FRAMES = "too_few_frames"
    FACE_TOO_SMALL = "face_too_small"
    FACE_BLURRED = "face_blurred"
    EXTREME_POSE = "extreme_pose"
    FRAMES_DISAGREE = "frames_disagree"
    NO_FACE = "no_face"
    NO_USABLE_FACE = "no_usable_face"


class LimitCode(StrEnum):
    """What makes a result weaker without deciding it (`limits` of a result). Documented in docs/scores.md."""

    HEAVY_COMPRESSION = "heavy_compression"
    LOW_RESOLUTION = "low_resolution"
    SMALL_FACES = "small_faces"
    BLURRED_FACES = "blurred_faces"
    EXTREME_POSE = "extreme_pose"
    FEW_FRAMES = "few_frames"
    FRAMES_SAMPLED = "frames_sampled"
    MANY_FACES = "many_faces"
    SHORT_TRACKS = "short_tracks"
    PARTIAL_DECODE = "partial_decode"
    EXPERIMENTAL_MODEL = "experimental_model"
    KIND_NOT_COVERED = "kind_not_covered"


class DfdetectError(Exception):
    """Base of every error that dfdetect raises on purpose."""

    code: ErrorCode = ErrorCode.INTERNAL

    def __init__(self, message: str, *, code: ErrorCode | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class MediaError(DfdetectError):
    """One input could not be read. `stage` says how far it came."""

    def __init__(self, code: ErrorCode, message: str, *, stage: Stage = "decode") -> None:
        super().__init__(message, code=code)
        self.stage: Stage = stage


class ModelUnusable(DfdetectError):  # noqa: N818 - the public name of the error code
    """No model by that name, or a bundle that is incomplete, altered or of an unsafe format."""

    code = ErrorCode.MODEL_UNUSABLE


class DataError(DfdetectError):
    """A dataset, list, shard or split is not what was expected."""

    code = ErrorCode.CORRUPT_DATA


class TrainingFailed(DfdetectError):  # noqa: N818 - says what happened
    """A training run cannot go on; its last checkpoint can."""


class UsageError(DfdetectError):
    """A wrong option, setting or name. Exit code 2 on the command line."""


def unknown_name(kind: str, name: str, options: object) -> UsageError:
    """The one message for a choice by name that is not in its dict: lists the options."""
    listed = ", ".join(sorted(str(option) for option in options))  # type: ignore[attr-defined]
    return UsageError(f"unknown {kind} {name!r}; the options are: {listed}")
