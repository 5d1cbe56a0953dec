"""One file before one examiner: its scores as the faces come, and the answer once the faces are linked to tracks."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from time import perf_counter

import numpy as np

from dfdetect.calibration import Calibration
from dfdetect.detect.crop_scores import CropScores
from dfdetect.detect.examiner import Examiner
from dfdetect.detect.limits import limits_of
from dfdetect.detect.policy import SCAN, ScanPolicy
from dfdetect.errors import DfdetectError, ErrorCode, MediaError, Stage
from dfdetect.faces.align import CropView
from dfdetect.faces.track import TrackFrame, gaps_s
from dfdetect.scoring import POOLED_TRACK, Decision, TrackScores, decide, decide_frames, pool_track
from dfdetect.values import (
    ErrorInfo,
    FaceCrop,
    FaceScore,
    FaceTrack,
    InputInfo,
    ScannedMedia,
    ScanResult,
    UInt8Array,
)

EVIDENCE_FRAMES = 8  # a track
DEBUG_ENV = "DFDETECT_DEBUG"  # "1": unexpected errors are raised, not recorded


@dataclass(slots=True)
class Run:
    """How far one scan has come: what an error record can still say."""

    path: str
    stage: Stage = "open"
    started: float = field(default_factory=perf_counter)
    timing_s: dict[str, float] = field(default_factory=lambda: {"decode": 0.0, "faces": 0.0, "score": 0.0})
    input: InputInfo = field(init=False)

    def __post_init__(self) -> None:
        self.input = InputInfo(self.path, None, None)

    def enter(self, stage: Stage) -> None:
        self.stage = stage

    def ended(self, score_s: float = 0.0) -> Mapping[str, float]:
        """Busy seconds of each stage (they overlap), and seconds from start to end. score_s: of one examiner."""
        return {**self.timing_s, "score": score_s, "total": perf_counter() - self.started}

    def failed(self, error: ErrorInfo, examiner: Examiner, score_s: float = 0.0) -> ScanResult:
        return ScanResult(self.input, "error", error, model=examiner.info, timing_s=self.ended(score_s))


@dataclass(frozen=True, slots=True)
class Scanned:
    """What was seen in a file, the same for every examiner. members: track id -> numbers of its crops.

    seed: of the interval, by the input, so that a repeat gives the same range.
    """

    media: ScannedMedia
    bytes: int
    seed: int
    frames_asked: int
    frames: Sequence[TrackFrame]
    tracks: Sequence[FaceTrack]
    members: Mapping[int, Sequence[int]]

    @staticmethod
    def of(
        media: ScannedMedia,
        *,
        bytes_: int,
        sha256: str,
        frames_asked: int,
        frames: Sequence[TrackFrame],
        tracks: Sequence[FaceTrack],
    ) -> Scanned:
        members = _numbers_by_track(tracks, frames)
        seed = int(sha256[:16] or "0", 16)  # a folder has no hash
        return Scanned(media, bytes_, seed, frames_asked, frames, tracks, members)


@dataclass(slots=True)
class Examination:
    """The scores of one file by one examiner. error: why there will be none; then it takes no more faces."""

    examiner: Examiner
    scores: CropScores
    policy: ScanPolicy = SCAN
    error: ErrorInfo | None = None
    score_s: float = 0.0

    @staticmethod
    def of(examiner: Examiner, views: Sequence[CropView], policy: ScanPolicy = SCAN) -> Examination:
        """views: every cut that a face comes with, in their order."""
        scores = CropScores(examiner.scorer, [views.index(v) for v in examiner.scorer.views])
        return Examination(examiner, scores, policy)

    def add(self, crops: Sequence[FaceCrop]) -> None:
        self._attempt(lambda: self.scores.add(crops))

    def finish(self) -> None:
        self._attempt(self.scores.finish)

    def answer(self, scanned: Scanned, run: Run) -> ScanResult:
        """The result for the file, or the error record where this examiner failed."""
        if self.policy.mirror:
            self._attempt(lambda: self.scores.mirror_short(scanned.members.values()))
        if self.error is not None:
            return run.failed(self.error, self.examiner, self.score_s)
        info = scanned.media.info
        start = perf_counter()
        decision, members = self._decide(scanned)
        self.score_s += perf_counter() - start
        limits = limits_of(
            info,
            scanned.bytes,
            decision,
            frames_asked=scanned.frames_asked,
            frames_read=scanned.media.frames_read,
            experimental=self.examiner.experimental,
            not_covered=self.examiner.not_covered,
        )
        return ScanResult(
            input=run.input,
            status="ok",
            media=scanned.media,
            verdict=decision.verdict,
            probability=decision.probability,
            interval=decision.interval,
            thresholds=decision.thresholds,
            reasons=decision.reasons,
            limits=limits,
            tracks=decision.tracks,
            model=self.examiner.info,
            timing_s=run.ended(self.score_s),
            evidence=_evidence(decision, members, self.scores),
        )

    def _decide(self, scanned: Scanned) -> tuple[Decision, Mapping[int, Sequence[int]]]:
        """The decision, and the numbers of the crops of its tracks."""
        calibration, kind = self.examiner.calibration, scanned.media.info.kind
        rng = np.random.default_rng(scanned.seed)
        tracks = [
            _track_scores(track, scanned.members[track.id], scanned.frames, self.scores, calibration)
            for track in scanned.tracks
        ]
        if self.policy.pooling == "tracks":
            return decide(kind, tracks, calibration, rng), scanned.members
        numbers = {
            id(score): number
            for track in tracks
            for score, number in zip(track.scores, scanned.members[track.id], strict=True)
        }
        decision = decide_frames(kind, [score for track in tracks for score in track.scores], calibration, rng)
        pooled = [numbers[id(score)] for track in decision.tracks for score in track.scores]
        return decision, {POOLED_TRACK: pooled}

    def _attempt(self, step: Callable[[], None]) -> None:
        if self.error is not None:
            return
        start = perf_counter()
        try:
            step()
        except Exception as error:  # noqa: BLE001 - this examiner's record says it; the others go on
            self.error = error_info(error, "score")
        self.score_s += perf_counter() - start


def error_info(error: Exception, stage: Stage) -> ErrorInfo:
    """What a record says of an error at a stage. Raises it instead if it is unexpected and DFDETECT_DEBUG=1."""
    if isinstance(error, MediaError):
        return ErrorInfo(str(error.code), error.message, error.stage)
    if isinstance(error, DfdetectError):
        return ErrorInfo(str(error.code), error.message, stage)
    if isinstance(error, MemoryError):
        return ErrorInfo(str(ErrorCode.OUT_OF_MEMORY), f"not enough memory: {error}", stage)
    if os.environ.get(DEBUG_ENV) == "1":
        raise error
    message = f"unexpected {type(error).__name__}: {error}; set {DEBUG_ENV}=1 to see where"
    return ErrorInfo(str(ErrorCode.INTERNAL), message, stage)


def _numbers_by_track(tracks: Sequence[FaceTrack], frames: Sequence[TrackFrame]) -> dict[int, list[int]]:
    """Track id -> numbers of its crops; crops are numbered frame by frame, row by row."""
    number = count()
    numbers = {(frame.index, row): next(number) for frame in frames for row in range(len(frame.detections))}
    return {track.id: [numbers[member] for member in track.members] for track in tracks}


def _track_scores(
    track: FaceTrack,
    numbers: Sequence[int],
    frames: Sequence[TrackFrame],
    scores: CropScores,
    calibration: Calibration,
) -> TrackScores:
    found = [_face_score(number, track.id, scores, calibration) for number in numbers]
    both = [scores.mirrored[number] for number in numbers if number in scores.mirrored]
    spread = None
    if both:
        as_is, mirrored = (calibration.probability(pool_track(logits)) for logits in zip(*both, strict=True))
        spread = abs(as_is - mirrored)
    return TrackScores(track.id, tuple(found), gaps_s(track, frames), spread)


def _face_score(number: int, track_id: int, scores: CropScores, calibration: Calibration) -> FaceScore:
    crop, logit = scores.crops[number], scores.logits[number]
    left, top, right, bottom = (float(v) for v in crop.box_xyxy)
    return FaceScore(
        p_manipulated=calibration.probability(logit),
        logit=logit,
        frame_index=crop.frame_index,
        time_s=crop.time_s,
        track_id=track_id,
        box_xyxy=(left, top, right, bottom),
        quality=crop.quality,
        cam=scores.cams[number],
    )


def _evidence(
    decision: Decision, members: Mapping[int, Sequence[int]], scores: CropScores
) -> dict[tuple[int, int], UInt8Array]:
    """(track id, frame index) -> picture: the frames of each track that speak most for a manipulation."""
    shown: dict[tuple[int, int], UInt8Array] = {}
    for track in decision.tracks:
        kept = [number for number in members[track.id] if number in scores.pictures]
        for number in sorted(kept, key=lambda n: -scores.logits[n])[:EVIDENCE_FRAMES]:
            shown[track.id, scores.crops[number].frame_index] = scores.pictures[number][0]
    return shown
