"""Numbers about scores: numpy in, floats out. An empty set or a single class is an error, never a number.

labels: (N,) 0 real, 1 fake. scores: (N,) higher = more likely manipulated; probabilities: the same within 0..1.

    ranking = rank(labels, scores)        # weights of real and fake at every score, highest first
    ranking.roc_auc(), ranking.equal_error_rate(), ranking.tpr_at_fpr(0.01)
    Confusion(tn, fp, fn, tp).balanced_accuracy()

Every ranking figure is read off one `Ranking`, whose leading axes may be bootstrap draws: so a figure and its interval
come from the same lines of code. `dfdetect.evaluate` prints scikit-learn's AUC and AP, to which these are tested equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

ECE_BINS = 15
_TINY = 1e-9  # of a count of weights: 0.05 * 20 must reach 1


@dataclass(frozen=True, slots=True)
class Ranking:
    """How much real and how much fake stands at each score.

    scores: (K,) distinct, falling. real, fake: (..., K) weights >= 0, each class with a positive sum; leading axes are
    bootstrap draws, and every figure has their shape.
    """

    scores: FloatArray
    real: FloatArray
    fake: FloatArray

    def roc_auc(self) -> FloatArray:
        """Chance that a fake scores above a real, ties count half (Mann & Whitney 1947) = area under the ROC curve."""
        passed = np.cumsum(self.real, axis=-1)
        n_real = passed[..., -1]
        above = n_real[..., None] - passed + 0.5 * self.real
        return np.asarray((self.fake * above).sum(-1) / (n_real * self.fake.sum(-1)))

    def average_precision(self) -> FloatArray:
        """Precision at each score, weighted by the recall gained there; equal scores are one step."""
        caught = np.cumsum(self.fake, axis=-1)
        flagged = caught + np.cumsum(self.real, axis=-1)
        precision = caught / np.where(flagged > 0, flagged, 1.0)
        return np.asarray((self.fake * precision).sum(-1) / caught[..., -1])

    def partial_auc(self, max_fpr: float) -> FloatArray:
        """Area under the ROC curve up to a false-positive rate, scaled so that 0.5 is chance and 1 perfect.

        Source: McClish (1989), "Analyzing a portion of the ROC curve"; straight lines between the points of the curve.
        """
        fpr, tpr = self.roc()
        left, right = fpr[..., :-1], np.minimum(fpr[..., 1:], max_fpr)
        width = fpr[..., 1:] - left
        low, rise = tpr[..., :-1], tpr[..., 1:] - tpr[..., :-1]
        at_right = low + rise * (right - left) / np.where(width > 0, width, 1.0)
        area = (np.maximum(right - left, 0) * 0.5 * (low + at_right)).sum(-1)
        least = 0.5 * max_fpr**2
        return np.asarray(0.5 * (1 + (area - least) / (max_fpr - least)))

    def equal_error_rate(self) -> FloatArray:
        """Where the false-positive rate equals the false-negative rate, on straight lines between the ROC's points."""
        fpr, tpr = self.roc()
        gap = fpr + tpr - 1  # rises from -1 to 1
        after = np.argmax(gap >= 0, axis=-1)[..., None]
        gap_0, gap_1 = (np.take_along_axis(gap, after - back, axis=-1) for back in (1, 0))
        fpr_0, fpr_1 = (np.take_along_axis(fpr, after - back, axis=-1) for back in (1, 0))
        return np.asarray((fpr_0 + (fpr_1 - fpr_0) * -gap_0 / (gap_1 - gap_0))[..., 0])

    def tpr_at_fpr(self, max_fpr: float) -> FloatArray:
        """Share of the fakes above the lowest score at which at most this share of the reals is flagged.

        No line is drawn between points: it is a threshold that can be set.
        """
        passed, caught = np.cumsum(self.real, axis=-1), np.cumsum(self.fake, axis=-1)
        allowed = (passed <= max_fpr * passed[..., -1:] + _TINY).sum(-1)
        found = np.take_along_axis(caught, np.maximum(allowed - 1, 0)[..., None], axis=-1)[..., 0]
        return np.asarray(np.where(allowed > 0, found, 0.0) / caught[..., -1])

    def roc(self) -> tuple[FloatArray, FloatArray]:
        """(false-positive rate, true-positive rate), each (..., K + 1), from (0, 0) to (1, 1)."""
        passed, caught = (_from_zero(np.cumsum(part, axis=-1)) for part in (self.real, self.fake))
        return passed / passed[..., -1:], caught / caught[..., -1:]

    def precision_recall(self) -> tuple[FloatArray, FloatArray]:
        """(precision, recall) at each score, (..., K); where nothing is flagged yet precision is 1."""
        passed, caught = np.cumsum(self.real, axis=-1), np.cumsum(self.fake, axis=-1)
        flagged = passed + caught
        precision = np.where(flagged > 0, caught / np.where(flagged > 0, flagged, 1.0), 1.0)
        return precision, caught / caught[..., -1:]


def rank(labels: ArrayLike, scores: ArrayLike) -> Ranking:
    """Samples, each of weight 1, as a Ranking. ValueError: one class only, or scores that are not finite."""
    y, s = _checked(labels, scores)
    rising, level = np.unique(s, return_inverse=True)
    real, fake = (np.bincount(level[y == label], minlength=len(rising))[::-1].astype(np.float64) for label in (0, 1))
    return Ranking(rising[::-1], real, fake)


def roc_auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve: see `Ranking.roc_auc`."""
    return float(rank(labels, scores).roc_auc())


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under precision over recall as a sum: see `Ranking.average_precision`."""
    return float(rank(labels, scores).average_precision())


# ---- decisions: counts of a yes-or-no answer ----


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts (or weights) of decided samples; arrays of one shape, or numbers. A share of nothing is nan.

    tn, fp: reals not flagged and flagged. fn, tp: fakes not flagged and flagged.
    """

    tn: FloatArray
    fp: FloatArray
    fn: FloatArray
    tp: FloatArray

    def accuracy(self) -> FloatArray:
        return _share(self.tn + self.tp, self.tn + self.fp + self.fn + self.tp)

    def balanced_accuracy(self) -> FloatArray:
        """Mean of the shares of reals and of fakes that were told right (Brodersen et al. 2010)."""
        return np.asarray(0.5 * (self.recall() + 1 - self.false_positive_rate()))

    def precision(self) -> FloatArray:
        """Of what was flagged, how much is fake."""
        return _share(self.tp, self.tp + self.fp)

    def recall(self) -> FloatArray:
        """Of the fakes, how many were flagged: the true-positive rate."""
        return _share(self.tp, self.tp + self.fn)

    def f1(self) -> FloatArray:
        """Harmonic mean of precision and recall (van Rijsbergen 1979); nan where there is no fake and no flag."""
        return _share(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    def false_positive_rate(self) -> FloatArray:
        """Of the reals, how many were flagged."""
        return _share(self.fp, self.fp + self.tn)


# ---- probabilities: are they what they say? ----


def log_loss(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean of -log(probability given to the true class), in nats; kept off 0 and 1 by the float64 step 2.2e-16."""
    y, p = _checked_probabilities(labels, probabilities)
    return float(log_losses(y, p).mean())


def log_losses(labels: FloatArray, probabilities: FloatArray) -> FloatArray:
    """The (N,) terms of `log_loss`."""
    step = np.finfo(np.float64).eps
    p = np.clip(probabilities, step, 1 - step)
    return np.asarray(-np.log(np.where(labels == 1, p, 1 - p)))


def brier_score(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean squared distance of the probability from what was true (Brier 1950)."""
    y, p = _checked_probabilities(labels, probabilities)
    return float(np.mean((p - y) ** 2))


@dataclass(frozen=True, slots=True)
class ReliabilityBins:
    """Samples in bins of rising probability. n, probability (mean), fake_share: each (B,); an empty bin is left out."""

    n: FloatArray
    probability: FloatArray
    fake_share: FloatArray

    def error(self) -> float:
        """Expected calibration error: |mean probability - share of fakes|, weighted by bin (Naeini et al. 2015)."""
        return float(np.sum(self.n * np.abs(self.probability - self.fake_share)) / self.n.sum())


def reliability_bins(labels: ArrayLike, probabilities: ArrayLike, *, bins: int = ECE_BINS) -> ReliabilityBins:
    """Bins of equal mass (Nguyen & O'Connor 2015): a sample's bin is where the middle of its rank falls.

    Equal probabilities share a rank and so a bin, so that the order of the samples changes nothing.
    """
    y, p = _checked_probabilities(labels, probabilities)
    ranking = rank(y, p)
    n = ranking.real + ranking.fake
    of_level = mass_bins(n, bins=bins)
    mass, probability, fakes = (
        np.bincount(of_level, weights=part, minlength=bins).astype(np.float64)
        for part in (n, n * ranking.scores, ranking.fake)
    )
    filled = mass > 0
    return ReliabilityBins(mass[filled], probability[filled] / mass[filled], fakes[filled] / mass[filled])


def mass_bins(weights: FloatArray, *, bins: int = ECE_BINS) -> NDArray[np.intp]:
    """Scores in falling order with weights (..., K) -> the bin of each, 0 for the lowest: bins of equal mass."""
    above = np.cumsum(weights, axis=-1)
    middle = 1 - (above - 0.5 * weights) / above[..., -1:]
    return np.asarray(np.minimum(np.floor(bins * middle + _TINY), bins - 1).astype(np.intp))


# ---- abstaining ----


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """coverage: (N,) share of the samples answered, most confident first; risk: (N,) share of wrong ones among them.

    Confidence is |P - 0.5| and the answer "fake" from 0.5 on. Samples of equal confidence come in with the mean error
    of all of them, so that their order changes nothing. Source: Geifman & El-Yaniv (2017), arXiv:1705.08500.
    """

    coverage: FloatArray
    risk: FloatArray

    def area(self) -> float:
        """AURC: mean risk over all coverages (Geifman et al. 2019, arXiv:1805.08206). 0 is perfect."""
        return float(self.risk.mean())

    def at(self, coverage: float) -> float:
        """Risk when this share of the samples, the most confident ones, is answered."""
        return float(self.risk[max(0, math.ceil(coverage * len(self.risk) - _TINY) - 1)])


def risk_coverage(labels: ArrayLike, probabilities: ArrayLike) -> RiskCoverage:
    """The risk-coverage curve of scores as they are, whatever thresholds a model ships with."""
    y, p = _checked_probabilities(labels, probabilities)
    wrong = ((p >= 0.5) != (y == 1)).astype(np.float64)
    _, level = np.unique(-np.abs(p - 0.5), return_inverse=True)
    size = np.bincount(level)
    mean_wrong = np.repeat(np.bincount(level, weights=wrong) / size, size)
    answered = np.arange(1, len(y) + 1)
    return RiskCoverage(answered / len(y), np.cumsum(mean_wrong) / answered)


# ---- intervals of a share of independent cases ----


def bootstrap_interval(
    labels: ArrayLike,
    scores: ArrayLike,
    groups: Sequence[str],
    metric: Callable[[FloatArray, FloatArray], float],
    *,
    rng: np.random.Generator,
    draws: int = 1000,
    share: float = 0.95,
) -> tuple[float, float]:
    """Percentile interval of a metric when whole groups (people, source videos) are drawn again (Efron 1979).

    Draws that lost a class are drawn again; groups: (N,) name of each sample's group. ValueError for a single group.
    """
    y, s = _checked(labels, scores)
    names, of_sample = np.unique(np.asarray(groups), return_inverse=True)
    members = [np.flatnonzero(of_sample == g) for g in range(len(names))]
    values: list[float] = []
    for _ in range(20 * draws if len(names) > 1 else 0):  # one group drawn again is itself: an interval of no width
        picked = np.concatenate([members[g] for g in rng.integers(len(names), size=len(names))])
        if 0 < y[picked].sum() < len(picked):
            values.append(metric(y[picked], s[picked]))
        if len(values) == draws:
            break
    if len(values) < draws:
        raise ValueError(f"{len(names)} group(s): too few to draw both classes; no interval can be given")
    tail = 0.5 * (1 - share)
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


def wilson_interval(hits: float, n: float, *, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a share hits / n (Wilson 1927)."""
    _check_share("wilson_interval", hits, n)
    share = hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def clopper_pearson_interval(hits: float, n: float, *, share: float = 0.95) -> tuple[float, float]:
    """Interval of hits / n that holds the true share at least so often, however small n (Clopper & Pearson 1934)."""
    from scipy.special import betaincinv

    _check_share("clopper_pearson_interval", hits, n)
    tail = 0.5 * (1 - share)
    low = float(betaincinv(hits, n - hits + 1, tail)) if hits > 0 else 0.0
    high = float(betaincinv(hits + 1, n - hits, 1 - tail)) if hits < n else 1.0
    return low, high


def _check_share(name: str, hits: float, n: float) -> None:
    if n <= 0 or not 0 <= hits <= n:
        raise ValueError(f"{name}: expected 0 <= hits <= n with n >= 1; got {hits} of {n}")


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.asarray(np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), np.nan))


def _from_zero(values: FloatArray) -> FloatArray:
    return np.concatenate([np.zeros((*values.shape[:-1], 1)), values], axis=-1)


def _checked_probabilities(labels: ArrayLike, probabilities: ArrayLike) -> tuple[FloatArray, FloatArray]:
    y, p = _checked(labels, probabilities)
    if not np.all((p >= 0) & (p <= 1)):
        raise ValueError(f"expected probabilities within 0..1; got {p.min():g} to {p.max():g}")
    return y, p


def _checked(labels: ArrayLike, scores: ArrayLike) -> tuple[FloatArray, FloatArray]:
    y, s = np.asarray(labels, np.float64), np.asarray(scores, np.float64)
    if y.shape != s.shape or y.ndim != 1:
        raise ValueError(f"expected labels and scores of one length; got shapes {y.shape} and {s.shape}")
    if not np.all(np.isfinite(s)):
        raise ValueError("scores must be finite; a failed or faceless file has no score and is counted apart")
    if not 0 < int((y == 1).sum()) < len(y) or int((y == 1).sum() + (y == 0).sum()) != len(y):
        raise ValueError(f"needs both real (0) and fake (1); got {int((y == 1).sum())} fake of {len(y)}")
    return y, s
