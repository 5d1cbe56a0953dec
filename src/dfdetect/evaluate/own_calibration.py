"""A user's own real files -> the bounds of a model for that material, what they promise, and what was measured.

Everything is counted in people where the list says whose the files are. A kind of media that too few people were
brought for keeps the bounds it had, or a lower claim is made where that was asked for; never a silent one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from dfdetect.calibration import (
    BUCKETS,
    Calibration,
    OperatingPoint,
    RealScore,
    bucket_of,
    lower_quantile,
    n_people,
    people_weights,
    real_thresholds,
)
from dfdetect.calibration_record import CalibrationRecord, KindRate, ScaleRecord, percent_text
from dfdetect.errors import DataError
from dfdetect.evaluate.claims import people_needed, rate_with_confidence, share_below
from dfdetect.evaluate.folds import folds_for, folds_of_people
from dfdetect.evaluate.own_claim import (
    Claim,
    Origin,
    lowered_rate,
    notes_on_files,
    notes_on_kind,
    notes_on_scale,
    nothing_usable,
    too_few,
)
from dfdetect.evaluate.own_files import is_used
from dfdetect.evaluate.probability_scale import fit_scale
from dfdetect.evaluate.scores import VideoScore
from dfdetect.metrics import clopper_pearson_interval
from dfdetect.values import MediaKind, Verdict

KINDS: tuple[MediaKind, ...] = ("image", "video")
LEAST_MEASURED = 20  # files with so many faces, for a rate of their own


def calibrate_on_own(
    reals: Sequence[VideoScore], fakes: Sequence[VideoScore], base: Calibration, claim: Claim, origin: Origin
) -> tuple[Calibration, tuple[str, ...]]:
    """Scores of own files -> the calibration with its record, and notes: what a user must know, in plain words.

    reals, fakes: as `score_own` gives them, of kind image or video; those that cannot be used take no part.

    Raises:
        DataError: no kind has enough people for the claim (the message says how many, and what so many carry), or the
            probability scale cannot be fitted.
    """
    used = [score for score in reals if is_used(score)]
    used_fakes = [score for score in fakes if is_used(score)]
    targets = _targets(used, claim)
    scaled, scale = fit_scale(used, used_fakes, base, claim.method)
    notes = notes_on_files(reals, origin)
    thresholds: dict[str, Mapping[str, OperatingPoint]] = {}
    rates: list[KindRate] = []
    for kind in KINDS:
        own = [score for score in used if score.kind == kind]
        if kind in targets:
            points, rate = _kind(kind, own, scaled, targets[kind], claim)
            points = _below_fakes(points, [s for s in used_fakes if s.kind == kind], scaled, claim, kind, notes)
            thresholds[kind] = _dated(points, rate, origin)
            rates.append(rate)
            notes += notes_on_kind(own, rate, points, base, people_named=origin.people_named)
        elif kind in base.thresholds:
            thresholds[kind] = _kept(base, scaled, kind, origin.base)
            if own:
                notes.append(f"{_too_few(own, kind, claim)}. The bounds for {kind}s stay those of {origin.base}")
    calibration = replace(scaled, target_fpr=claim.target_fpr, thresholds=thresholds)
    scale = _with_verdicts(scale, used_fakes, calibration)
    notes += notes_on_scale(scale)
    record = CalibrationRecord(
        base=origin.base,
        base_sha256=origin.base_sha256,
        date=origin.date,
        said_by=origin.said_by,
        list_sha256=origin.list_sha256,
        confidence=claim.confidence,
        reals=origin.reals,
        fakes=origin.fakes,
        rates=tuple(rates),
        scale=scale,
        file_keys=origin.file_keys,
    )
    return replace(calibration, record=record), tuple(notes)


# ---- claims ----


def _targets(used: Sequence[VideoScore], claim: Claim) -> dict[MediaKind, float]:
    """Kind -> the rate that is claimed for it; kinds with too few people are left out."""
    found: dict[MediaKind, float] = {}
    for kind in KINDS:
        people = _people(used, kind)
        if people >= claim.needed:
            found[kind] = claim.target_fpr
        elif claim.lower_claim and (lowered := lowered_rate(people, claim.confidence)) is not None:
            found[kind] = lowered
    if not found:
        brought = [kind for kind in KINDS if any(score.kind == kind for score in used)]
        texts = [_too_few([s for s in used if s.kind == kind], kind, claim) for kind in brought]
        raise DataError("; ".join(texts) or nothing_usable(claim))
    return found


def _people(used: Sequence[VideoScore], kind: MediaKind) -> int:
    """With the number of faces that most people were brought for: that row carries the others."""
    return _most([RealScore(kind, s.n_tracks, 0.0, s.group) for s in used if s.kind == kind])[1]


def _too_few(own: Sequence[VideoScore], kind: MediaKind, claim: Claim) -> str:
    return too_few(f"usable real {kind}s", len(own), _people(own, kind), claim)


def _most(scores: Sequence[RealScore]) -> tuple[str, int]:
    """The row of the bounds' table that most people have files for, and how many."""
    people = {bucket: _people_with(scores, bucket) for bucket in BUCKETS}
    return max(people.items(), key=lambda item: item[1])


def _people_with(scores: Sequence[RealScore], bucket: str) -> int:
    return n_people([score.group for score in scores if bucket_of(score.n_tracks) == bucket])


# ---- one kind ----


def _kind(
    kind: MediaKind, own: Sequence[VideoScore], scaled: Calibration, target: float, claim: Claim
) -> tuple[dict[str, OperatingPoint], KindRate]:
    scores = [RealScore(kind, s.n_tracks, scaled.probability(s.logit or 0.0), s.group) for s in own]
    needed, people = people_needed(target, claim.confidence), _most(scores)[1]
    points = _points(scores, target, claim.confidence)
    left_out, folds = _left_out(scores, target, claim.confidence)
    rows = {bucket: [flag for score, flag in left_out if bucket_of(score.n_tracks) == bucket] for bucket in BUCKETS}
    measured, interval = _measured(left_out)
    told = [score.verdict for score in own if score.verdict is not None]
    rate = KindRate(
        kind=kind,
        asked_fpr=claim.target_fpr,
        target_fpr=target,
        n_files=len(own),
        n_people=n_people([score.group for score in own]),
        upper_95=rate_with_confidence(people, share_below(people, target, claim.confidence)),
        flagged=sum(flag for _, flag in left_out),
        n_measured=len(left_out),
        folds=folds,
        measured_fpr=measured,
        interval=interval,
        flagged_before=told.count(Verdict.LIKELY_MANIPULATED) / len(told) if told else None,
    )
    return {
        bucket: _measured_point(point, rows[bucket], rate, derived=_people_with(scores, bucket) < needed)
        for bucket, point in points.items()
    }, rate


def _points(scores: Sequence[RealScore], target: float, confidence: float | None) -> dict[str, OperatingPoint]:
    """Number of faces -> bounds; none where the people are too few for the claim."""
    needed = people_needed(target, confidence)
    enough = [people for bucket in BUCKETS if (people := _people_with(scores, bucket)) >= needed]
    if not enough:
        return {}
    share = max(share_below(people, target, confidence) for people in enough)
    table = real_thresholds(scores, [], measured_on="", likely=share, min_people=needed)
    return next(iter(table.values()))


def _left_out(
    scores: Sequence[RealScore], target: float, confidence: float | None
) -> tuple[list[tuple[RealScore, bool]], int]:
    """Every file with whether it passes a bound that its person took no part in; and the number of folds."""
    found: list[tuple[RealScore, bool]] = []
    bucket, people = _most(scores)
    folds = folds_for(people, people_needed(target, confidence))
    if folds is None:
        return found, 0
    carrying = {score.group for score in scores if bucket_of(score.n_tracks) == bucket}
    # Apart, so that no fold takes more of the people that carry the claim than it may.
    fold_of = folds_of_people([s.group for s in scores if s.group not in carrying], folds)
    fold_of |= folds_of_people(sorted(carrying), folds)
    for fold in range(folds):
        inside = _points([s for s in scores if fold_of[s.group] != fold], target, confidence)
        for score in scores:
            point = inside.get(bucket_of(score.n_tracks))
            if fold_of[score.group] == fold and point is not None and point.likely_manipulated < 1.0:
                found.append((score, score.probability > point.likely_manipulated))
    return found, folds


def _measured(left_out: Sequence[tuple[RealScore, bool]]) -> tuple[float | None, tuple[float, float] | None]:
    """Share flagged where every person weighs 1, as in the claim, and its interval over people."""
    if not left_out:
        return None, None
    groups = [score.group for score, _ in left_out]
    hits = float(people_weights(groups) @ np.array([flag for _, flag in left_out], np.float64))
    people = n_people(groups)
    hits = min(hits, float(people))  # weights of thirds do not add up to a whole
    return hits / people, clopper_pearson_interval(hits, people)


def _measured_point(point: OperatingPoint, flagged: Sequence[bool], rate: KindRate, *, derived: bool) -> OperatingPoint:
    measured = float(np.mean(flagged)) if len(flagged) >= LEAST_MEASURED else None
    text = f"flagged {sum(flagged)} of {len(flagged)} own {rate.kind}s, people left out in turn ({rate.folds} folds)"
    if measured is None:
        text = "not measured" if not flagged else f"not measured: {len(flagged)} own {rate.kind}s with so many faces"
    if derived:
        text = f"derived from {rate.kind}s with one face; {text}"
    if point.likely_manipulated >= 1.0:
        text = f"never flagged: too few people for so many faces; {text}"
    return replace(
        point,
        measured_fpr=measured,
        measured_on=text,
        target_fpr=rate.target_fpr if rate.target_fpr != rate.asked_fpr else None,
    )


def _below_fakes(
    points: dict[str, OperatingPoint],
    fakes: Sequence[VideoScore],
    scaled: Calibration,
    claim: Claim,
    kind: MediaKind,
    notes: list[str],
) -> dict[str, OperatingPoint]:
    """Own fakes can only lower the lower bound: at most target_fnr of new ones like them may be cleared."""
    if not fakes:
        return points
    groups = [score.group for score in fakes]
    needed = people_needed(claim.target_fnr)
    if n_people(groups) < needed:
        notes.append(
            f"{kind}: fakes of {n_people(groups)} people; at most {percent_text(claim.target_fnr)} of them cleared "
            f"needs {needed}, so the lower bound is set by the reals alone"
        )
        return points
    bound = lower_quantile([scaled.probability(s.logit or 0.0) for s in fakes], claim.target_fnr, groups)
    return {
        bucket: replace(point, no_manipulation_found=min(point.no_manipulation_found, bound))
        for bucket, point in points.items()
    }


def _dated(points: Mapping[str, OperatingPoint], rate: KindRate, origin: Origin) -> dict[str, OperatingPoint]:
    said = f", said by {origin.said_by}" if origin.said_by else ""
    return {
        bucket: replace(point, measured_on=f"{point.measured_on}; {origin.date}{said}")
        for bucket, point in points.items()
    }


def _kept(base: Calibration, scaled: Calibration, kind: str, name: str) -> dict[str, OperatingPoint]:
    """The base's bounds of a kind on the new probability scale: the same logits, so the same files are flagged."""
    return {
        bucket: replace(
            point,
            likely_manipulated=_moved(point.likely_manipulated, base, scaled),
            no_manipulation_found=_moved(point.no_manipulation_found, base, scaled),
            measured_on=point.measured_on
            if point.measured_on.startswith("kept from ")
            else f"kept from {name}: {point.measured_on}",
            target_fpr=point.target_fpr or base.target_fpr,
        )
        for bucket, point in base.thresholds[kind].items()
    }


def _moved(bound: float, base: Calibration, scaled: Calibration) -> float:
    """A bound on the base's probability as one on the new: by bisection for the logit, since both rise with it."""
    same = (base.scale, base.offset, base.curve) == (scaled.scale, scaled.offset, scaled.curve)
    if same or not 0 < bound < 1:
        return bound
    low, high = -1e4, 1e4
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if base.probability(middle) < bound else (low, middle)
    return scaled.probability(high)


def _with_verdicts(scale: ScaleRecord, fakes: Sequence[VideoScore], calibration: Calibration) -> ScaleRecord:
    if not fakes:
        return scale
    told = []
    for score in fakes:
        kind: MediaKind = "video" if score.kind == "video" else "image"
        bounds, _ = calibration.bounds(kind, score.n_tracks)
        p = calibration.probability(score.logit or 0.0)
        told.append((p > bounds.likely_manipulated, p < bounds.no_manipulation_found))
    caught, missed = np.mean(np.asarray(told, np.float64), axis=0)
    return replace(scale, caught=float(caught), missed=float(missed))
