"""Logit -> probability -> bounds of a verdict: how a model's raw output is read, and how that reading is fitted.

A probability is Platt's sigmoid of a logit. The bounds come from held-out *real* files alone (percentiles of their
scores), because which fakes will be met is not known. Used by `scoring` to decide and by `dfdetect calibrate` to fit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dfdetect.values import MediaKind, Thresholds

FloatArray = NDArray[np.float64]

LIKELY_PERCENTILE = 0.98  # of held-out real files: above it likely_manipulated, so 2 % of them by construction
CLEAR_PERCENTILE = 0.90  # below it no_manipulation_found
MIN_REALS = 50  # fewer cannot show a 98th percentile: (n + 1) * 0.98 <= n needs n >= 49
MANY_TRACKS_DRAWN = 4  # what "3+" stands for where too few such files exist
BUCKETS = ("1", "2", "3+")
NOT_CALIBRATED = "not calibrated: every verdict is inconclusive"


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """Verdict bounds for one kind of media and one number of tracks: probabilities, from n_reals real files.

    measured_fpr: share of *other* real files above likely_manipulated, None where there were none to measure on.
    """

    likely_manipulated: float
    no_manipulation_found: float
    measured_fpr: float | None
    measured_on: str
    n_reals: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """Logit -> probability -> verdict, for one model. thresholds: kind -> number of tracks (BUCKETS) -> bounds."""

    scale: float
    offset: float
    target_fpr: float
    thresholds: Mapping[str, Mapping[str, OperatingPoint]]

    @property
    def is_measured(self) -> bool:
        """Whether any bound comes from real files; if not, every verdict is inconclusive."""
        return any(point.n_reals > 0 for by_bucket in self.thresholds.values() for point in by_bucket.values())

    def probability(self, logit: float) -> float:
        """P(manipulated) in 0..1 (Platt 1999)."""
        return float(sigmoid(self.scale * logit + self.offset))

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
        )
        return self._thresholds(careful), False

    def _thresholds(self, point: OperatingPoint) -> Thresholds:
        return Thresholds(
            likely_manipulated=point.likely_manipulated,
            no_manipulation_found=point.no_manipulation_found,
            target_fpr=self.target_fpr,
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
    """File score of one real file, as `Decision` gave it: probability and number of counted tracks."""

    kind: MediaKind
    n_tracks: int
    probability: float


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
) -> dict[str, dict[str, OperatingPoint]]:
    """Verdict bounds from real files, by kind and number of tracks: `likely` and `clear` percentiles of `fit`.

    The share above the bound is then counted on `measure`: real files of other people. A row with fewer than MIN_REALS
    files is taken from the one-track row: the highest of k independent faces stays below t with probability F(t)^k.
    A kind with fewer than MIN_REALS one-track files gets no row.
    """
    table: dict[str, dict[str, OperatingPoint]] = {}
    for kind in sorted({score.kind for score in fit}):
        own = {b: [s.probability for s in fit if s.kind == kind and bucket_of(s.n_tracks) == b] for b in BUCKETS}
        other = {b: [s.probability for s in measure if s.kind == kind and bucket_of(s.n_tracks) == b] for b in BUCKETS}
        for bucket, faces in zip(BUCKETS, (1, 2, MANY_TRACKS_DRAWN), strict=True):
            derived = len(own[bucket]) < MIN_REALS
            source = own["1"] if derived else own[bucket]
            if len(source) < MIN_REALS or (derived and bucket == "1"):
                continue
            power = 1.0 / faces if derived else 1.0
            bound = upper_quantile(source, likely**power)
            table.setdefault(kind, {})[bucket] = OperatingPoint(
                likely_manipulated=bound,
                no_manipulation_found=min(bound, upper_quantile(source, clear**power)),
                measured_fpr=float(np.mean(np.asarray(other[bucket]) > bound)) if other[bucket] else None,
                measured_on=f"{measured_on}: {len(other[bucket])} real {kind}s"
                + (f"; bounds derived for {faces} faces from single ones" if derived else ""),
                n_reals=len(source),
            )
    return table


def upper_quantile(values: Sequence[float], share: float) -> float:
    """Smallest observed value that at least `share` of *new* values stay at or below, 1.0 where n is too small.

    Rank ceil((n + 1) * share), as in split conformal prediction (Vovk et al. 2005): honest for a finite sample, where
    the plain percentile of n values is passed by more than 1 - share of new ones.
    """
    ordered = np.sort(np.asarray(values, np.float64))
    rank = math.ceil((len(ordered) + 1) * share - 1e-9)
    return float(ordered[rank - 1]) if rank <= len(ordered) else 1.0


def sigmoid(x: float | FloatArray) -> FloatArray:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * np.asarray(x, np.float64))), np.float64)  # tanh cannot overflow
