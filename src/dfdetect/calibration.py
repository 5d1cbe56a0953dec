"""Logit -> probability -> bounds of a verdict: how a model's raw output is read, and how that reading is fitted.

A probability is Platt's sigmoid of a logit, or an isotonic curve through knots. The bounds come from held-out *real*
files alone (percentiles of their scores), because which fakes will be met is not known. Used by `scoring` to decide and
by `dfdetect calibrate` to fit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dfdetect.calibration_record import CalibrationRecord
from dfdetect.values import MediaKind, Thresholds

FloatArray = NDArray[np.float64]

LIKELY_PERCENTILE = 0.98  # of held-out real files: above it likely_manipulated, so 2 % of them by construction
CLEAR_PERCENTILE = 0.90  # below it no_manipulation_found
MIN_REALS = 50  # fewer cannot show a 98th percentile: (n + 1) * 0.98 <= n needs n >= 49
MANY_TRACKS_DRAWN = 4  # what "3+" stands for where too few such files exist
BUCKETS = ("1", "2", "3+")
NOT_CALIBRATED = "not calibrated: every verdict is inconclusive"
SIGMOID_SHARE = 0.01  # of the sigmoid in an isotonic reading: its steps are flat, and equal scores have no order


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """Verdict bounds for one kind of media and one number of tracks: probabilities, from n_reals real files.

    measured_fpr: share of *other* real files above likely_manipulated, None where there were none to measure on.
    target_fpr: of this kind, where it is not the calibration's.
    """

    likely_manipulated: float
    no_manipulation_found: float
    measured_fpr: float | None
    measured_on: str
    n_reals: int
    target_fpr: float | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """Isotonic reading of a logit: straight lines between knots, level beyond the outer ones.

    logits rise, probabilities never fall; both (K,), K >= 2. Source: Zadrozny & Elkan (2002), isotonic calibration.
    """

    logits: tuple[float, ...]
    probabilities: tuple[float, ...]

    def __post_init__(self) -> None:
        x, y = np.asarray(self.logits, np.float64), np.asarray(self.probabilities, np.float64)
        fits = x.shape == y.shape and len(x) >= 2 and np.all(np.isfinite(x)) and np.all(np.diff(x) > 0)
        if not fits or not np.all(np.diff(y) >= 0) or not 0 <= y[0] <= y[-1] <= 1:
            raise ValueError("Curve: expected 2 or more knots, logits rising, probabilities in 0..1 that never fall")


@dataclass(frozen=True, slots=True)
class Calibration:
    """Logit -> probability -> verdict, for one model. thresholds: kind -> number of tracks (BUCKETS) -> bounds.

    curve: read the logit by it and not by the sigmoid alone. record: what a user calibrated it on, where one did.
    """

    scale: float
    offset: float
    target_fpr: float
    thresholds: Mapping[str, Mapping[str, OperatingPoint]]
    curve: Curve | None = None
    record: CalibrationRecord | None = None

    @property
    def is_measured(self) -> bool:
        """Whether any bound comes from real files; if not, every verdict is inconclusive."""
        return any(point.n_reals > 0 for by_bucket in self.thresholds.values() for point in by_bucket.values())

    def probability(self, logit: float) -> float:
        """P(manipulated) in 0..1."""
        return float(self.probabilities(logit))

    def probabilities(self, logits: ArrayLike) -> FloatArray:
        """P(manipulated) in 0..1 of each logit, which it rises with: Platt's sigmoid, or the curve if there is one."""
        x = np.asarray(logits, np.float64)
        smooth = sigmoid(self.scale * x + self.offset)
        if self.curve is None:
            return smooth
        steps = np.interp(x, self.curve.logits, self.curve.probabilities)
        return np.asarray((1 - SIGMOID_SHARE) * steps + SIGMOID_SHARE * smooth, np.float64)

    def bounds(self, kind: MediaKind, n_tracks: int) -> tuple[Thresholds, bool]:
        """Verdict bounds for a file with so many counted tracks, and whether they were measured on such files.

        Where none were, the most careful bounds of the nearest files are taken: the widest inconclusive band.
        """
        of_kind = self.thresholds.get(kind, {})
        point = of_kind.get(bucket_of(n_tracks))
        if point is not None:
            return self._thresholds(point), True
        known = list(of_kind.values()) or [p for points in self.thresholds.values() for p in points.values()]
        careful = OperatingPoint(
            likely_manipulated=max(p.likely_manipulated for p in known),
            no_manipulation_found=min(p.no_manipulation_found for p in known),
            measured_fpr=None,
            measured_on="not measured on files of this kind; bounds of the nearest kind",
            n_reals=0,
            target_fpr=max(p.target_fpr or self.target_fpr for p in known),
        )
        return self._thresholds(careful), False

    def _thresholds(self, point: OperatingPoint) -> Thresholds:
        return Thresholds(
            likely_manipulated=point.likely_manipulated,
            no_manipulation_found=point.no_manipulation_found,
            target_fpr=point.target_fpr or self.target_fpr,
            measured_fpr=point.measured_fpr,
            measured_on=point.measured_on,
        )


def uncalibrated() -> Calibration:
    """Bounds that decide nothing: until reals were measured, every face is inconclusive."""
    never = OperatingPoint(1.0, 0.0, None, NOT_CALIBRATED, 0)
    target = round(1 - LIKELY_PERCENTILE, 6)
    return Calibration(1.0, 0.0, target, {kind: dict.fromkeys(BUCKETS, never) for kind in ("image", "video")})


@dataclass(frozen=True, slots=True)
class RealScore:
    """File score of one real file, as `Decision` gave it: probability and number of counted tracks.

    group: whose file it is, where several may be of one person; "" is a person of its own.
    """

    kind: MediaKind
    n_tracks: int
    probability: float
    group: str = ""


def bucket_of(n_tracks: int) -> str:
    """The row of the threshold table for a file with so many counted tracks: "1", "2" or "3+"."""
    return BUCKETS[min(max(n_tracks, 1), len(BUCKETS)) - 1]


def fit_platt(logits: ArrayLike, labels: ArrayLike, *, weights: ArrayLike | None = None) -> tuple[float, float]:
    """(scale, offset) that make sigmoid(scale * logit + offset) the best P(label = 1).

    logits, labels (0 or 1), weights: (N,). Maximum likelihood with Platt's smoothed targets, by Newton's method.
    Source: Platt (1999), "Probabilistic outputs for support vector machines"; Lin, Lin & Weng (2007), note on it.

    Raises:
        ValueError: only one label, or the logits rise where the label falls (polarity reversed).
    """
    x, y = np.asarray(logits, np.float64), np.asarray(labels, np.float64)
    n_fake, n_real = float(np.sum(y == 1)), float(np.sum(y == 0))
    if not n_fake or not n_real or n_fake + n_real != len(y):
        raise ValueError(f"fit_platt: expected labels 0 and 1, both present; got {n_real:g} and {n_fake:g} of {len(y)}")
    w = np.ones_like(x) if weights is None else np.asarray(weights, np.float64)
    target = np.where(y == 1, (n_fake + 1) / (n_fake + 2), 1 / (n_real + 2))
    spread = float(np.std(x)) or 1.0  # solved in units of the spread: conditioning does not depend on the logits' scale
    design = np.stack([(x - x.mean()) / spread, np.ones_like(x)], axis=1)  # (N, 2)
    theta = np.zeros(2)
    for _ in range(100):
        p = sigmoid(design @ theta)
        gradient = design.T @ (w * (p - target))
        hessian = (design * (w * p * (1 - p))[:, None]).T @ design + 1e-9 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        step *= min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))  # far from the answer Newton overshoots
        theta -= step
        if float(np.abs(step).max()) < 1e-10:
            break
    scale = float(theta[0] / spread)
    if scale <= 0:
        raise ValueError(f"fit_platt: scale {scale:.4g}; higher logits must go with label 1 (manipulated)")
    return scale, float(theta[1] - scale * x.mean())


def real_thresholds(
    fit: Sequence[RealScore],
    measure: Sequence[RealScore],
    *,
    measured_on: str,
    likely: float = LIKELY_PERCENTILE,
    clear: float = CLEAR_PERCENTILE,
    min_people: int = MIN_REALS,
) -> dict[str, dict[str, OperatingPoint]]:
    """Verdict bounds from real files, by kind and number of tracks: `likely` and `clear` percentiles of `fit`.

    The share above the bound is then counted on `measure`: real files of other people. A row with files of fewer than
    min_people people is taken from the one-track row: the highest of k independent faces stays below t with probability
    F(t)^k. A kind with fewer than min_people in its one-track files gets no row.
    """
    table: dict[str, dict[str, OperatingPoint]] = {}
    for kind in sorted({score.kind for score in fit}):
        own = {b: [s for s in fit if s.kind == kind and bucket_of(s.n_tracks) == b] for b in BUCKETS}
        other = {b: [s.probability for s in measure if s.kind == kind and bucket_of(s.n_tracks) == b] for b in BUCKETS}
        for bucket, faces in zip(BUCKETS, (1, 2, MANY_TRACKS_DRAWN), strict=True):
            derived = n_people([score.group for score in own[bucket]]) < min_people
            source = own["1"] if derived else own[bucket]
            groups = [score.group for score in source]
            if n_people(groups) < min_people or (derived and bucket == "1"):
                continue
            power = 1.0 / faces if derived else 1.0
            scores = [score.probability for score in source]
            bound = upper_quantile(scores, likely**power, groups)
            cleared = upper_quantile(scores, clear**power, groups)
            table.setdefault(kind, {})[bucket] = OperatingPoint(
                likely_manipulated=bound,
                no_manipulation_found=min(bound, cleared if cleared < 1.0 else 0.0),  # 1.0: too few to clear anything
                measured_fpr=float(np.mean(np.asarray(other[bucket]) > bound)) if other[bucket] else None,
                measured_on=f"{measured_on}: {len(other[bucket])} real {kind}s"
                + (f"; bounds derived for {faces} faces from single ones" if derived else ""),
                n_reals=len(source),
            )
    return table


def upper_quantile(values: Sequence[float], share: float, groups: Sequence[str] | None = None) -> float:
    """Smallest observed value that at least `share` of *new* values stay at or below, 1.0 where n is too small.

    Rank ceil((n + 1) * share), as in split conformal prediction (Vovk et al. 2005): honest for a finite sample, where
    the plain percentile of n values is passed by more than 1 - share of new ones. groups: whose value each is ("": a
    person of its own); the values of one person then weigh as one together, n is the number of people, and a new value
    is one of a new person (Lee, Barber & Willett 2023, arXiv:2306.06342).
    """
    found = np.asarray(values, np.float64)
    order = np.argsort(found, kind="stable")
    weights = people_weights(groups if groups is not None else [""] * len(found))
    reached = np.cumsum(weights[order])
    place = int(np.searchsorted(reached, (round(float(weights.sum())) + 1) * share - 1e-9))
    return float(found[order[place]]) if place < len(found) else 1.0


def lower_quantile(values: Sequence[float], share: float, groups: Sequence[str] | None = None) -> float:
    """Largest observed value that at most `share` of new values are below, 0.0 where n is too small.

    values: probabilities. `upper_quantile` seen from the other side.
    """
    return 1.0 - upper_quantile([1.0 - value for value in values], 1.0 - share, groups)


def people_weights(groups: Sequence[str]) -> FloatArray:
    """What each file weighs where every person weighs 1; "" is a person of its own. Shape (N,)."""
    files = Counter(groups)
    return np.array([1.0 / files[group] if group else 1.0 for group in groups], np.float64)


def n_people(groups: Sequence[str]) -> int:
    """How many people: different names, and every "" one more."""
    return len(set(groups) - {""}) + list(groups).count("")


def sigmoid(x: float | FloatArray) -> FloatArray:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * np.asarray(x, np.float64))), np.float64)  # tanh cannot overflow
