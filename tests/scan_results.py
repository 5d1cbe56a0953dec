"""Builders of ScanResults: one for every verdict, for errors, images, videos and two faces. No file is opened."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from dfdetect.errors import ErrorCode, LimitCode, ReasonCode
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

SHA256 = "ab" * 32
THRESHOLDS = Thresholds(0.72, 0.35, 0.02, 0.03, "412 real videos, none of them in training")
MODEL = ModelInfo("default", "1.0", "cd" * 32)


def face_score(p: float, index: int, *, track_id: int = 1, cam: bool = False) -> FaceScore:
    """One scored frame of a 25 fps clip."""
    return FaceScore(
        p_manipulated=p,
        logit=float(np.log(p / (1 - p))),
        frame_index=index,
        time_s=index / 25,
        track_id=track_id,
        box_xyxy=(410.04, 120.0, 590.0, 330.0),
        quality=FaceQuality(face_px=168.04, blur=0.1, yaw_deg=12.0, detector_score=0.93),
        cam=np.linspace(-1, 1, 16, dtype=np.float32).reshape(4, 4) if cam else None,
    )


def face_track(
    track_id: int, verdict: Verdict, ps: list[float], *, step: int = 25, gaps_s: tuple[tuple[float, float], ...] = ()
) -> TrackResult:
    """A face scored every `step` frames, from the first frame on."""
    scores = tuple(face_score(p, step * place, track_id=track_id, cam=True) for place, p in enumerate(ps))
    return TrackResult(track_id, verdict, max(ps), 0.0, scores[-1].time_s, gaps_s, scores)


def video_result(verdict: Verdict = Verdict.LIKELY_MANIPULATED, *, path: str = "clip.mp4") -> ScanResult:
    """A 12 s clip with one cut and two faces; the first is lost for a while and is the one that decides."""
    probability = {Verdict.LIKELY_MANIPULATED: 0.94, Verdict.INCONCLUSIVE: 0.5, Verdict.NO_MANIPULATION_FOUND: 0.1}
    p = probability[verdict]
    reason = {
        Verdict.LIKELY_MANIPULATED: ReasonCode.TRACK_SCORE_HIGH,
        Verdict.INCONCLUSIVE: ReasonCode.SCORE_BETWEEN_THRESHOLDS,
        Verdict.NO_MANIPULATION_FOUND: ReasonCode.SCORES_LOW,
    }[verdict]
    first = face_track(1, verdict, [p, 0.05, 0.2, p, p, 0.9 * p, p, p, p, p], gaps_s=((4.2, 4.8),))
    second = face_track(2, Verdict.NO_MANIPULATION_FOUND, [0.04, 0.05, 0.06, 0.05, 0.04], step=50)
    rng = np.random.default_rng(0)
    return ScanResult(
        input=InputInfo(path, SHA256, 1_834_213),
        status="ok",
        media=ScannedMedia(
            MediaInfo("video", "mp4", "h264", 1280, 720, Fraction(30000, 1001), 360, 12.0123456), (6.1,), 32, 31
        ),
        verdict=verdict,
        probability=p,
        interval=(max(0.0, p - 0.06), min(1.0, p + 0.03)),
        thresholds=THRESHOLDS,
        reasons=(Reason(reason, "face 1 scores high from 0:03 to 0:09", track=1, start_s=3.0, end_s=9.0),),
        limits=(Limit(LimitCode.HEAVY_COMPRESSION, "the file is heavily compressed"),),
        tracks=(first, second),
        model=MODEL,
        timing_s={"decode": 0.8, "faces": 0.5, "score": 0.4, "total": 1.91234},
        evidence={(1, index): rng.integers(0, 255, (64, 64, 3), np.uint8) for index in (75, 100)},
    )


def image_result(*, path: str = "photo.jpg", p: float = 0.12) -> ScanResult:
    """A still with one face: no interval, no timeline."""
    result = video_result(Verdict.NO_MANIPULATION_FOUND, path=path)
    track = replace(result.tracks[0], scores=(face_score(p, 0),), probability=p, last_s=0.0, gaps_s=())
    return replace(
        result,
        media=ScannedMedia(MediaInfo("image", "jpeg", "jpeg", 640, 480), (), 1, 1),
        probability=p,
        interval=None,
        tracks=(track,),
        reasons=(Reason(ReasonCode.SCORES_LOW, "all scores are low", track=1),),
        evidence={},
    )


def no_face_result(*, path: str = "landscape.png") -> ScanResult:
    """not_applicable: an image without a face."""
    return ScanResult(
        input=InputInfo(path, SHA256, 1000),
        status="ok",
        media=ScannedMedia(MediaInfo("image", "png", "png", 64, 48), (), 1, 0),
        verdict=Verdict.NOT_APPLICABLE,
        reasons=(Reason(ReasonCode.NO_FACE, "no face was found"),),
        model=MODEL,
        timing_s={"decode": 0.1, "faces": 0.1, "score": 0.0, "total": 0.2},
    )


def error_result(code: ErrorCode = ErrorCode.CORRUPT_DATA, *, path: str = "broken.mp4") -> ScanResult:
    """An input that could not be read."""
    return ScanResult(
        input=InputInfo(path, None, None),
        status="error",
        error=ErrorInfo(code, "decoded 3 of 250 frames; get the file again", "decode"),
        model=MODEL,
    )


def every_result() -> list[ScanResult]:
    """One of each kind."""
    verdicts = (Verdict.LIKELY_MANIPULATED, Verdict.INCONCLUSIVE, Verdict.NO_MANIPULATION_FOUND)
    return [*(video_result(verdict) for verdict in verdicts), image_result(), no_face_result(), error_result()]
