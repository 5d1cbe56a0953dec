"""Logits of single faces -> track -> file -> verdict. The only place that pools or decides.

    frames of a track     pool_track: trimmed mean of logits                       one logit a track
    logit                 Calibration.probability: sigmoid(scale * logit + offset)  P(manipulated), 0..1
    tracks of a file      counted: those that can be judged and last; the highest is the file's score
    score                 above / below percentiles of held-out real files          verdict with reasons

What a score means, and every rule and code, is told to users in docs/scores.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dfdetect.calibration import NOT_CALIBRATED, Calibration, sigmoid
from dfdetect.errors import ReasonCode
from dfdetect.values import FaceQuality, FaceScore, MediaKind, Reason, Thresholds, TrackResult, Verdict

FloatArray = NDArray[np.float64]

TRIM_SHARE = 0.1  # cut off each end of a track's logits: a blink or a bad crop must not decide (issue 3)
LASTING_SHARE = 0.2  # of the longest track's frames: else a two-frame false detection could decide the file (issue 3)
PROMINENT_SHARE = 0.5  # a face at least this large beside the largest one cannot be passed over in silence
MIN_USABLE_FRAMES = 5  # of a video's track; fewer say too little (issue 3)
MIN_FACE_PX = 64.0  # below it the traces of a blend are gone (issue 3)
MAX_BLUR = 0.7  # of `faces.quality.blur_of`: 99 % of the faces of web clips are sharper, most at H.264 CRF 40 too
MAX_YAW_DEG = 60.0  # the far half of the face is hidden, the mesh guesses it (issue 3)
MAX_FLIP_SPREAD = 0.35  # of P between a still and its mirror image; more means that the score hangs by a thread
BOOTSTRAP_DRAWS = 1000
INTERVAL_SHARE = 0.95
POOLED_TRACK = 1  # of `decide_frames`


# ---- pooling ----


class Scored(Protocol):
    """Anything with the frame scores of one track: `TrackScores`, or a `TrackResult` of an earlier scan."""

    @property
    def id(self) -> int: ...
    @property
    def scores(self) -> tuple[FaceScore, ...]: ...


@dataclass(frozen=True, slots=True)
class TrackScores:
    """The frames of one track, in time order. flip_spread: how far P moves when every crop is mirrored, if known."""

    id: int
    scores: tuple[FaceScore, ...]
    gaps_s: tuple[tuple[float, float], ...] = ()
    flip_spread: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What the scores of one file amount to. n_counted: tracks that took part; bounds_measured: see `bounds`."""

    verdict: Verdict
    reasons: tuple[Reason, ...]
    tracks: tuple[TrackResult, ...] = ()
    probability: float | None = None
    interval: tuple[float, float] | None = None
    thresholds: Thresholds | None = None
    n_counted: int = 0
    bounds_measured: bool = True


def pool_track(logits: ArrayLike) -> float:
    """One logit for a track: the mean without the lowest and highest TRIM_SHARE of its (N,) frame logits, N >= 1."""
    values = np.sort(np.asarray(logits, np.float64))
    if values.ndim != 1 or not len(values) or not np.all(np.isfinite(values)):
        raise ValueError(f"pool_track: expected (N,) finite logits, N >= 1; got shape {values.shape}")
    return float(_trimmed_mean(values))


def pool_frames(logits: ArrayLike) -> float:
    """One logit for a file as benchmarks pool: that of the mean P = sigmoid(logit) of its (N,) frames, N >= 1."""
    values = np.asarray(logits, np.float64)
    if values.ndim != 1 or not len(values) or not np.all(np.isfinite(values)):
        raise ValueError(f"pool_frames: expected (N,) finite logits, N >= 1; got shape {values.shape}")
    return float(_logit_of_mean(values))


Pooling = Literal["tracks", "frames"]
POOLERS: dict[Pooling, Callable[[ArrayLike], float]] = {"tracks": pool_track, "frames": pool_frames}


def bootstrap_interval(
    logits: ArrayLike, calibration: Calibration, rng: np.random.Generator, pooling: Pooling = "tracks"
) -> tuple[float, float]:
    """Range of the track's probability when its (N,) frames are drawn again with replacement (Efron 1979).

    Says how much the frames agree, not how good the model is: frames of one clip share every bias.
    """
    values = np.asarray(logits, np.float64)
    drawn = np.sort(rng.choice(values, size=(BOOTSTRAP_DRAWS, len(values))), axis=1)
    tail = 0.5 * (1 - INTERVAL_SHARE)
    pooled = _trimmed_mean(drawn) if pooling == "tracks" else _logit_of_mean(drawn)
    low, high = np.quantile(pooled, [tail, 1 - tail])
    return calibration.probability(float(low)), calibration.probability(float(high))


def faults(quality: FaceQuality) -> tuple[ReasonCode, ...]:
    """Why one face picture cannot be judged; empty where it can."""
    found = (
        (quality.face_px < MIN_FACE_PX, ReasonCode.FACE_TOO_SMALL),
        (quality.blur > MAX_BLUR, ReasonCode.FACE_BLURRED),
        (not abs(quality.yaw_deg) <= MAX_YAW_DEG, ReasonCode.EXTREME_POSE),  # nan: no pose could be told
    )
    return tuple(code for wrong, code in found if wrong)


def counted_tracks(kind: MediaKind, tracks: Sequence[Scored]) -> tuple[int, ...]:
    """Ids of the tracks that make the file's score: enough usable frames, and LASTING_SHARE of the longest such."""
    usable = {track.id: len(_usable(track)) for track in tracks if not _troubles(kind, track)}
    longest = max(usable.values(), default=0)
    return tuple(number for number, n in usable.items() if n >= LASTING_SHARE * longest)


def _usable(track: Scored) -> tuple[FaceScore, ...]:
    return tuple(score for score in track.scores if not faults(score.quality))


def _troubles(kind: MediaKind, track: Scored) -> tuple[ReasonCode, ...]:
    """What keeps a track from being judged: too few frames, or the faults that most of its lost frames share."""
    needed = 1 if kind == "image" else MIN_USABLE_FRAMES
    if len(_usable(track)) >= needed:
        return ()
    lost = Counter(code for score in track.scores for code in faults(score.quality))
    shared = tuple(code for code, n in lost.most_common() if 2 * n >= max(lost.values()))
    return shared if len(track.scores) >= needed else (ReasonCode.TOO_FEW_FRAMES, *shared)


def _trimmed_mean(ordered: FloatArray) -> FloatArray:
    """Mean over the last axis, which is sorted, without TRIM_SHARE of it at each end."""
    n = ordered.shape[-1]
    cut = int(n * TRIM_SHARE)
    return np.asarray(ordered[..., cut : n - cut].mean(axis=-1), np.float64)


def _logit_of_mean(logits: FloatArray) -> FloatArray:
    """Over the last axis: the logit of the mean probability, finite also where every frame is sure."""
    p = np.clip(np.mean(sigmoid(logits), axis=-1), 1e-15, 1 - 1e-15)
    return np.asarray(np.log(p) - np.log1p(-p), np.float64)


def pooled_scores(track: Scored, pooling: Pooling = "tracks") -> tuple[FaceScore, ...]:
    """The frames of a track that its probability was made of: those that can be judged, where there are any."""
    return track.scores if pooling == "frames" else _usable(track) or track.scores


# ---- deciding ----


def decide(
    kind: MediaKind, tracks: Sequence[TrackScores], calibration: Calibration, rng: np.random.Generator
) -> Decision:
    """Verdict of every track and of the file, with reasons. rng: for the interval; seed it by the input, so it repeats.

    likely_manipulated      a counted track is above the bound (other tracks do not matter)
    inconclusive            no track can be judged; or a counted one is between the bounds or its frames disagree; or
                            a prominent face cannot be judged; or a face too short to count is above the bound
    no_manipulation_found   every counted track is below the lower bound, and none of the above
    not_applicable          no face
    """
    if not tracks:
        return Decision(Verdict.NOT_APPLICABLE, (Reason(ReasonCode.NO_FACE, "No face was found."),))
    counted = set(counted_tracks(kind, tracks))
    thresholds, measured = calibration.bounds(kind, len(counted))
    judge = _Judge(kind, calibration, thresholds, frozenset(counted))
    pooled = {track.id: judge.pooled(track, rng) for track in tracks}
    results = tuple(judge.result(track, pooled[track.id]) for track in tracks)
    top = max(counted or set(pooled), key=lambda number: (pooled[number].probability, -number))
    verdict, reasons = _of_file(kind, results, counted, thresholds)
    return Decision(
        verdict=verdict,
        reasons=reasons,
        tracks=results,
        probability=pooled[top].probability,
        interval=pooled[top].interval,
        thresholds=thresholds,
        n_counted=len(counted),
        bounds_measured=measured,
    )


def decide_frames(
    kind: MediaKind, scores: Sequence[FaceScore], calibration: Calibration, rng: np.random.Generator
) -> Decision:
    """As benchmarks decide, who know no tracks: of each frame the highest face, of the file `pool_frames` over them.

    Faces that cannot be judged count like any other, and the only doubt is a score between the bounds. The frames that
    were pooled are the one track of the decision, numbered POOLED_TRACK; each keeps the number of its own track.
    """
    best: dict[int, FaceScore] = {}
    for score in scores:
        if score.frame_index not in best or score.logit > best[score.frame_index].logit:
            best[score.frame_index] = score
    if not best:
        return decide(kind, (), calibration, rng)
    chosen = tuple(best[index] for index in sorted(best))
    logits = [score.logit for score in chosen]
    thresholds, measured = calibration.bounds(kind, 1)
    p = calibration.probability(pool_frames(logits))
    interval = bootstrap_interval(logits, calibration, rng, "frames") if kind == "video" and len(chosen) > 1 else None
    verdict, code = _of_score(kind, p, thresholds)
    text = _text_of(code, thresholds).format(
        p=p, high=thresholds.likely_manipulated, low=thresholds.no_manipulation_found
    )
    reasons = (Reason(code, text, track=POOLED_TRACK),)
    first_s, last_s = chosen[0].time_s, chosen[-1].time_s
    track = TrackResult(POOLED_TRACK, verdict, p, first_s, last_s, (), chosen, reasons)
    return Decision(verdict, reasons, (track,), p, interval, thresholds, 1, measured)


def _of_score(kind: MediaKind, p: float, bounds: Thresholds) -> tuple[Verdict, ReasonCode]:
    """What a score alone says."""
    if p < bounds.no_manipulation_found:
        return Verdict.NO_MANIPULATION_FOUND, ReasonCode.SCORES_LOW
    if p <= bounds.likely_manipulated:
        return Verdict.INCONCLUSIVE, ReasonCode.SCORE_BETWEEN_THRESHOLDS
    return Verdict.LIKELY_MANIPULATED, ReasonCode.TRACK_SCORE_HIGH if kind == "video" else ReasonCode.SCORE_HIGH


@dataclass(frozen=True, slots=True)
class _Pooled:
    probability: float
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class _Judge:
    """The rules for one track, given the bounds of its file."""

    kind: MediaKind
    calibration: Calibration
    thresholds: Thresholds
    counted: frozenset[int]

    def pooled(self, track: TrackScores, rng: np.random.Generator) -> _Pooled:
        logits = [score.logit for score in pooled_scores(track)]
        spread = self.kind == "video" and len(logits) > 1  # one frame says nothing of how frames differ
        interval = bootstrap_interval(logits, self.calibration, rng) if spread else None
        return _Pooled(self.calibration.probability(pool_track(logits)), interval)

    def result(self, track: TrackScores, pooled: _Pooled) -> TrackResult:
        verdict, codes = self.verdict(track, pooled)
        return TrackResult(
            id=track.id,
            verdict=verdict,
            probability=pooled.probability,
            first_s=track.scores[0].time_s,
            last_s=track.scores[-1].time_s,
            gaps_s=track.gaps_s,
            scores=track.scores,
            reasons=tuple(self.reason(code, track, pooled.probability) for code in codes),
        )

    def verdict(self, track: TrackScores, pooled: _Pooled) -> tuple[Verdict, tuple[ReasonCode, ...]]:
        # First of all: a failure to see is never turned into a verdict, whatever the score.
        if trouble := _troubles(self.kind, track):
            return Verdict.INCONCLUSIVE, trouble
        p, bounds = pooled.probability, self.thresholds
        low, high = pooled.interval or (p, p)
        opposite = (p > bounds.likely_manipulated and low < bounds.no_manipulation_found) or (
            p < bounds.no_manipulation_found and high > bounds.likely_manipulated
        )
        if opposite or (track.flip_spread or 0.0) > MAX_FLIP_SPREAD:
            return Verdict.INCONCLUSIVE, (ReasonCode.FRAMES_DISAGREE,)
        verdict, code = _of_score(self.kind, p, bounds)
        if verdict is Verdict.LIKELY_MANIPULATED and track.id not in self.counted:
            return Verdict.INCONCLUSIVE, (ReasonCode.TOO_FEW_FRAMES,)
        return verdict, (code,)

    def reason(self, code: ReasonCode, track: TrackScores, probability: float) -> Reason:
        text = _text_of(code, self.thresholds).format(
            p=probability,
            high=self.thresholds.likely_manipulated,
            low=self.thresholds.no_manipulation_found,
            n=len(_usable(track)),
            px=float(np.median([score.quality.face_px for score in track.scores])),
        )
        if self.kind == "image":
            return Reason(code, text, track=track.id)
        start_s, end_s = track.scores[0].time_s, track.scores[-1].time_s
        if code is ReasonCode.TRACK_SCORE_HIGH:
            start_s, end_s = _high_span(_usable(track), self.thresholds.likely_manipulated)
        return Reason(code, text, track=track.id, start_s=start_s, end_s=end_s)


_TEXTS = {
    ReasonCode.TRACK_SCORE_HIGH: "Scores {p:.2f} over its frames, above the {high:.2f} that few real files reach.",
    ReasonCode.SCORE_HIGH: "Scores {p:.2f}, above the {high:.2f} that few real files reach.",
    ReasonCode.SCORES_LOW: "Scores {p:.2f}, below {low:.2f}, as most real files do.",
    ReasonCode.SCORE_BETWEEN_THRESHOLDS: "Scores {p:.2f}, between {low:.2f} and {high:.2f}: real and fake both occur.",
    ReasonCode.TOO_FEW_FRAMES: "Usable frames: {n}. Too few, or too small a part of the clip, to decide.",
    ReasonCode.FACE_TOO_SMALL: "The face is about {px:.0f} px wide; at least 64 px are needed.",
    ReasonCode.FACE_BLURRED: "The face is too blurred to be judged.",
    ReasonCode.EXTREME_POSE: "The head is turned more than 60 degrees away.",
    ReasonCode.FRAMES_DISAGREE: "Its pictures disagree so much that {p:.2f} could as well be the opposite.",
}

_NO_BOUNDS = "Scores {p:.2f}, which says nothing until `dfdetect calibrate` has measured what real files score."


def _text_of(code: ReasonCode, thresholds: Thresholds) -> str:
    unset = code is ReasonCode.SCORE_BETWEEN_THRESHOLDS and thresholds.measured_on == NOT_CALIBRATED
    return _NO_BOUNDS if unset else _TEXTS[code]


def _of_file(
    kind: MediaKind, tracks: Sequence[TrackResult], counted: set[int], thresholds: Thresholds
) -> tuple[Verdict, tuple[Reason, ...]]:
    likely = [track for track in tracks if track.verdict is Verdict.LIKELY_MANIPULATED]
    if likely:
        return Verdict.LIKELY_MANIPULATED, tuple(reason for track in likely for reason in track.reasons)
    if not counted:
        none = Reason(ReasonCode.NO_USABLE_FACE, "No face is good enough to be judged.")
        return Verdict.INCONCLUSIVE, (none, *(reason for track in tracks for reason in track.reasons))
    prominent = _prominent(tracks)
    in_doubt = [
        track
        for track in tracks
        if track.verdict is Verdict.INCONCLUSIVE
        and (track.id in counted or track.id in prominent or _short_and_high(kind, track, thresholds))
    ]
    if in_doubt:
        return Verdict.INCONCLUSIVE, tuple(reason for track in in_doubt for reason in track.reasons)
    return Verdict.NO_MANIPULATION_FOUND, tuple(r for track in tracks if track.id in counted for r in track.reasons)


def _short_and_high(kind: MediaKind, track: TrackResult, thresholds: Thresholds) -> bool:
    high = track.probability is not None and track.probability > thresholds.likely_manipulated
    return high and not _troubles(kind, track)


def _prominent(tracks: Sequence[TrackResult]) -> set[int]:
    """Tracks that last and whose face is not small beside the largest: these cannot be passed over."""
    frames = {track.id: len(track.scores) for track in tracks}
    sizes = {track.id: float(np.median([score.quality.face_px for score in track.scores])) for track in tracks}
    longest, largest = max(frames.values()), max(sizes.values())
    return {n for n in frames if frames[n] >= LASTING_SHARE * longest and sizes[n] >= PROMINENT_SHARE * largest}


def _high_span(scores: Sequence[FaceScore], bound: float) -> tuple[float, float]:
    """(start, end) seconds of the longest run of frames above the bound; the whole span where no frame is."""
    best: Sequence[FaceScore] = ()
    run: list[FaceScore] = []
    for score in scores:
        run = [*run, score] if score.p_manipulated > bound else []
        best = max(best, run, key=len)
    shown = best or scores
    return shown[0].time_s, shown[-1].time_s
