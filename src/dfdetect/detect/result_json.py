"""A ScanResult as data: the JSON of schema `dfdetect.scan/1` and one CSV row.

`ScanDocument` is the same schema for readers: it checks a document and tolerates fields that it does not know.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from fractions import Fraction
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from dfdetect import __version__
from dfdetect.detect.wording import plain
from dfdetect.errors import DataError, LimitCode, ReasonCode
from dfdetect.values import (
    ErrorInfo,
    FaceQuality,
    FaceScore,
    InputInfo,
    Limit,
    MediaInfo,
    ModelInfo,
    Reason,
    ScannedMedia,
    ScanResult,
    Thresholds,
    TrackResult,
    Verdict,
)

SCHEMA = "dfdetect.scan/1"

CSV_COLUMNS = (
    "path",
    "status",
    "verdict",
    "probability",
    "interval_low",
    "interval_high",
    "threshold_likely_manipulated",
    "threshold_no_manipulation_found",
    "measured_fpr",
    "reasons",
    "limits",
    "faces",
    "kind",
    "duration_s",
    "frames_read",
    "frames_with_face",
    "error_code",
    "error_message",
    "error_stage",
    "bytes",
    "sha256",
    "model",
    "model_version",
    "model_sha256",
    "total_s",
)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(float(value), digits)


def _text(value: str) -> str:
    """JSON must be valid UTF-8: bytes of a file name that are not become \\xNN."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def to_dict(result: ScanResult, *, heatmaps: bool = False) -> dict[str, Any]:
    """The answer as plain data in the key order of schema `dfdetect.scan/1`.

    Probabilities have 4 digits, times 3, boxes 1. heatmaps: add each frame's map as rows of numbers, where
    the model gives one (`model.heatmap` says what they are); null otherwise.
    """
    error, model, thresholds = result.error, result.model, result.thresholds
    return {
        "schema": SCHEMA,
        "dfdetect": __version__,
        "input": {"path": _text(result.input.path), "sha256": result.input.sha256, "bytes": result.input.bytes},
        "status": result.status,
        "error": error and {"code": str(error.code), "message": _text(error.message), "stage": error.stage},
        "media": result.media and _media(result.media),
        "verdict": result.verdict and result.verdict.value,
        "probability": _rounded(result.probability, 4),
        "interval": result.interval and [_rounded(bound, 4) for bound in result.interval],
        "thresholds": thresholds
        and {
            "likely_manipulated": _rounded(thresholds.likely_manipulated, 4),
            "no_manipulation_found": _rounded(thresholds.no_manipulation_found, 4),
            "target_fpr": _rounded(thresholds.target_fpr, 4),
            "measured_fpr": _rounded(thresholds.measured_fpr, 4),
            "measured_on": thresholds.measured_on,
        },
        "reasons": [
            {
                "code": reason.code.value,
                "text": reason.text,
                "track": reason.track,
                "start_s": _rounded(reason.start_s, 3),
                "end_s": _rounded(reason.end_s, 3),
            }
            for reason in result.reasons
        ],
        "limits": [{"code": limit.code.value, "text": limit.text} for limit in result.limits],
        "tracks": [_track(track, heatmaps=heatmaps) for track in result.tracks],
        "model": model
        and {"name": model.name, "version": model.version, "sha256": model.sha256, "heatmap": model.heatmap},
        "timing_s": {stage: _rounded(seconds, 3) for stage, seconds in result.timing_s.items()},
    }


def _media(media: ScannedMedia) -> dict[str, Any]:
    info = media.info
    return {
        "kind": info.kind,
        "container": info.container,
        "codec": info.codec,
        "width_px": info.width_px,
        "height_px": info.height_px,
        "fps": None if info.fps is None else _rounded(float(info.fps), 3),
        "duration_s": _rounded(info.duration_s, 3),
        "rotation_deg": info.rotation_deg,
        "cuts_s": [_rounded(cut_s, 3) for cut_s in media.cuts_s],
        "frames_read": media.frames_read,
        "frames_with_face": media.frames_with_face,
    }


def _track(track: TrackResult, *, heatmaps: bool) -> dict[str, Any]:
    return {
        "id": track.id,
        "verdict": track.verdict.value,
        "probability": _rounded(track.probability, 4),
        "first_s": _rounded(track.first_s, 3),
        "last_s": _rounded(track.last_s, 3),
        "gaps_s": [[_rounded(start_s, 3), _rounded(end_s, 3)] for start_s, end_s in track.gaps_s],
        "frames": [_frame(score, heatmaps=heatmaps) for score in track.scores],
    }


def _frame(score: FaceScore, *, heatmaps: bool) -> dict[str, Any]:
    quality = score.quality
    cam = score.cam if heatmaps else None
    return {
        "index": score.frame_index,
        "time_s": _rounded(score.time_s, 3),
        "box_xyxy": [_rounded(edge, 1) for edge in score.box_xyxy],
        "p_manipulated": _rounded(score.p_manipulated, 4),
        "face_px": _rounded(quality.face_px, 1),
        "blur": _rounded(quality.blur, 3),
        "yaw_deg": _rounded(quality.yaw_deg, 1),
        "detector_score": _rounded(quality.detector_score, 4),
        "heatmap": None if cam is None else [[_rounded(value, 3) for value in row] for row in cam.tolist()],
    }


def to_json(result: ScanResult, *, pretty: bool = False, heatmaps: bool = False) -> str:
    """One JSON object, on one line unless `pretty`. NaN and infinity are refused: they are not JSON."""
    data = to_dict(result, heatmaps=heatmaps)
    return json.dumps(data, ensure_ascii=False, allow_nan=False, indent=2 if pretty else None)


def csv_cell(value: object) -> str:
    """One cell: no control characters, and nothing that a spreadsheet would run as a formula (OWASP, CSV injection)."""
    text = "" if value is None else plain(str(value))
    raw = "" if value is None else str(value)
    return "'" + text if raw[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else text


def csv_row(result: ScanResult) -> list[str]:
    """The answer as one row in the order of CSV_COLUMNS; codes of reasons and limits are joined with a space."""
    return csv_row_of(to_dict(result))


def csv_row_of(data: Mapping[str, Any]) -> list[str]:
    """`csv_row` of a result that is a document already."""
    error, media, model = data["error"] or {}, data["media"] or {}, data["model"] or {}
    thresholds, interval = data["thresholds"] or {}, data["interval"] or (None, None)
    cells = {
        "path": data["input"]["path"],
        "bytes": data["input"]["bytes"],
        "sha256": data["input"]["sha256"],
        "status": data["status"],
        "verdict": data["verdict"],
        "probability": data["probability"],
        "interval_low": interval[0],
        "interval_high": interval[1],
        "threshold_likely_manipulated": thresholds.get("likely_manipulated"),
        "threshold_no_manipulation_found": thresholds.get("no_manipulation_found"),
        "measured_fpr": thresholds.get("measured_fpr"),
        "reasons": " ".join(dict.fromkeys(reason["code"] for reason in data["reasons"])),
        "limits": " ".join(limit["code"] for limit in data["limits"]),
        "faces": len(data["tracks"]),
        **{name: media.get(name) for name in ("kind", "duration_s", "frames_read", "frames_with_face")},
        **{f"error_{name}": error.get(name) for name in ("code", "message", "stage")},
        "model": model.get("name"),
        "model_version": model.get("version"),
        "model_sha256": model.get("sha256"),
        "total_s": data["timing_s"].get("total"),
    }
    return [csv_cell(cells[column]) for column in CSV_COLUMNS]


# ---- the schema for readers ----

Probability = Field(ge=0, le=1)
VerdictName = Literal["likely_manipulated", "inconclusive", "no_manipulation_found", "not_applicable"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class InputPart(_Part):
    path: str
    sha256: str | None = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int | None = Field(ge=0)


class ErrorPart(_Part):
    code: str
    message: str
    stage: str


class MediaPart(_Part):
    kind: Literal["image", "video"]
    container: str
    codec: str
    width_px: int
    height_px: int
    fps: float | None
    duration_s: float
    rotation_deg: int
    cuts_s: list[float]
    frames_read: int
    frames_with_face: int


class ThresholdsPart(_Part):
    likely_manipulated: float = Probability
    no_manipulation_found: float = Probability
    target_fpr: float = Probability
    measured_fpr: float | None = Probability
    measured_on: str


class ReasonPart(_Part):
    code: str
    text: str
    track: int | None
    start_s: float | None
    end_s: float | None


class LimitPart(_Part):
    code: str
    text: str


class FramePart(_Part):
    index: int
    time_s: float
    box_xyxy: tuple[float, float, float, float]
    p_manipulated: float = Probability
    face_px: float
    blur: float = Probability
    yaw_deg: float
    detector_score: float = Probability
    heatmap: list[list[float]] | None


class TrackPart(_Part):
    id: int
    verdict: VerdictName
    probability: float | None = Probability
    first_s: float
    last_s: float
    gaps_s: list[tuple[float, float]]
    frames: list[FramePart]


class ModelPart(_Part):
    """heatmap: "mask": shares of cells that it takes for pasted; "cam": signed parts of the logit; null: no maps."""

    name: str
    version: str
    sha256: str
    heatmap: str | None = "cam"


class ScanDocument(_Part):
    """One record of schema `dfdetect.scan/1`. Codes are plain strings here, because new ones may be added."""

    schema_name: Literal["dfdetect.scan/1"] = Field(alias="schema")
    dfdetect: str
    input: InputPart
    status: Literal["ok", "error"]
    error: ErrorPart | None
    media: MediaPart | None
    verdict: VerdictName | None
    probability: float | None = Probability
    interval: tuple[float, float] | None
    thresholds: ThresholdsPart | None
    reasons: list[ReasonPart]
    limits: list[LimitPart]
    tracks: list[TrackPart]
    model: ModelPart | None
    timing_s: dict[str, float]


def from_document(document: ScanDocument) -> ScanResult:
    """The result that a document tells of: everything but maps, evidence pictures and raw logits (nan).

    DataError: a code that this version does not know (a newer dfdetect wrote it).
    """
    media, error, thresholds, model = document.media, document.error, document.thresholds, document.model
    try:
        return ScanResult(
            input=InputInfo(document.input.path, document.input.sha256, document.input.bytes),
            status=document.status,
            error=None if error is None else ErrorInfo(error.code, error.message, error.stage),
            media=None if media is None else _scanned_media(media),
            verdict=None if document.verdict is None else Verdict(document.verdict),
            probability=document.probability,
            interval=document.interval,
            thresholds=None if thresholds is None else Thresholds(**thresholds.model_dump(include=_names(Thresholds))),
            reasons=tuple(
                Reason(ReasonCode(one.code), one.text, one.track, one.start_s, one.end_s) for one in document.reasons
            ),
            limits=tuple(Limit(LimitCode(one.code), one.text) for one in document.limits),
            tracks=tuple(_track_result(track) for track in document.tracks),
            model=None if model is None else ModelInfo(model.name, model.version, model.sha256, model.heatmap),
            timing_s=document.timing_s,
        )
    except ValueError as unknown:
        raise DataError(f"the result says what this version does not know ({unknown}); upgrade dfdetect") from unknown


def _names(kind: type[Thresholds]) -> set[str]:
    return {one.name for one in fields(kind)}


def _scanned_media(media: MediaPart) -> ScannedMedia:
    fps = None if media.fps is None else Fraction(media.fps).limit_denominator(100_000)
    info = MediaInfo(
        media.kind, media.container, media.codec, media.width_px, media.height_px, fps,
        duration_s=media.duration_s, rotation_deg=media.rotation_deg,
    )  # fmt: skip
    return ScannedMedia(info, tuple(media.cuts_s), media.frames_read, media.frames_with_face)


def _track_result(track: TrackPart) -> TrackResult:
    scores = tuple(
        FaceScore(
            p_manipulated=frame.p_manipulated,
            logit=math.nan,
            frame_index=frame.index,
            time_s=frame.time_s,
            track_id=track.id,
            box_xyxy=frame.box_xyxy,
            quality=FaceQuality(frame.face_px, frame.blur, frame.yaw_deg, frame.detector_score),
        )
        for frame in track.frames
    )
    verdict, gaps_s = Verdict(track.verdict), tuple(track.gaps_s)
    return TrackResult(track.id, verdict, track.probability, track.first_s, track.last_s, gaps_s, scores)
