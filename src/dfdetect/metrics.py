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
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

ECE_BINS = 15
_TINY = 1e-9  # of a count of weights: 0.05 * 20 must reach 1


@dataclass(frozen=True, slots=True)
class Ranking:
    """How much real and how much fake stands at each score.

    scores: (K,) distinct, falling. real, fake: (..., K) weights >= 0, each class with a positive sum; leading axes are
    bootstrap draws, and every figure has their shape. passed, caught: (..., K) how much real, and how much fake, is
    flagged where each score is the threshold.
    """

    scores: FloatArray
    real: FloatArray
    fake: FloatArray
    passed: FloatArray = field(init=False)
    caught: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "passed", np.cumsum(self.real, axis=-1))
        object.__setattr__(self, "caught", np.cumsum(self.fake, axis=-1))

    @property
    def n_real(self) -> FloatArray:
        return np.asarray(self.passed[..., -1])

    @property
    def n_fake(self) -> FloatArray:
        return np.asarray(self.caught[..., -1])

    def roc_auc(self) -> FloatArray:
        """Chance that a fake scores above a real, ties count half (Mann & Whitney 1947) = area under the ROC curve."""
        above = self.caught - 0.5 * self.fake
        return np.asarray(np.einsum("...k,...k->...", self.real, above) / (self.n_real * self.n_fake))

    def average_precision(self) -> FloatArray:
        """Precision at each score, weighted by the recall gained there; equal scores are one step."""
        precision = self.caught / np.maximum(self.caught + self.passed, _TINY)
        return np.asarray(np.einsum("...k,...k->...", self.fake, precision) / self.n_fake)

    def partial_auc(self, max_fpr: float) -> FloatArray:
        """Area under the ROC curve up to a false-positive rate, scaled so that 0.5 is chance and 1 perfect.

        Source: McClish (1989), "Analyzing a portion of the ROC curve"; straight lines between the points of the curve.
        """
        limit = max_fpr * self.n_real
        # Of each step of the stair, the part of its width that lies left of the limit.
        width = np.clip(limit[..., None] - (self.passed - self.real), 0, self.real)
        part = width / np.maximum(self.real, _TINY)
        height = self.caught - self.fake * (1 - 0.5 * part)
        area = np.einsum("...k,...k->...", width, height) / (self.n_real * self.n_fake)
        least = 0.5 * max_fpr**2
        return np.asarray(0.5 * (1 + (area - least) / (max_fpr - least)))

    def equal_error_rate(self) -> FloatArray:
        """Where the false-positive rate equals the false-negative rate, on straight lines between the ROC's points."""
        fpr, tpr = self.passed / self.n_real[..., None], self.caught / self.n_fake[..., None]
        after = np.argmax(fpr + tpr >= 1, axis=-1)[..., None]
        x_1, y_1 = (np.take_along_axis(rate, after, axis=-1)[..., 0] for rate in (fpr, tpr))
        x_0, y_0 = (
            np.where(after > 0, np.take_along_axis(rate, np.maximum(after - 1, 0), axis=-1), 0.0)[..., 0]
            for rate in (fpr, tpr)
        )
        return np.asarray(x_0 + (x_1 - x_0) * (1 - x_0 - y_0) / (x_1 + y_1 - x_0 - y_0))

    def tpr_at_fpr(self, max_fpr: float) -> FloatArray:
        """Share of the fakes above the lowest score at which at most this share of the reals is flagged.

        No line is drawn between points: it is a threshold that can be set.
        """
        allowed = (self.passed <= (max_fpr * self.n_real + _TINY)[..., None]).sum(-1)
        found = np.take_along_axis(self.caught, np.maximum(allowed - 1, 0)[..., None], axis=-1)[..., 0]
        return np.asarray(np.where(allowed > 0, found, 0.0) / self.n_fake)

    def roc(self) -> tuple[FloatArray, FloatArray]:
        """(false-positive rate, true-positive rate), each (..., K + 1), from (0, 0) to (1, 1)."""
        return _from_zero(self.passed / self.n_real[..., None]), _from_zero(self.caught / self.n_fake[..., None])

    def precision_recall(self) -> tuple[FloatArray, FloatArray]:
        """(precision, recall) at each score, (..., K); where nothing is flagged yet precision is 1."""
        flagged = self.passed + self.caught
        precision = np.where(flagged > 0, self.caught / np.where(flagged > 0, flagged, 1.0), 1.0)
        return precision, self.caught / self.n_fake[..., None]

    def mass_bins(self, bins: int) -> NDArray[np.intp]:
        """Bins of equal mass: (..., K) the bin of each score, 0 for the lowest."""
        flagged = self.passed + self.caught
        middle = 1 - (flagged - 0.5 * (self.real + self.fake)) / flagged[..., -1:]
        return np.asarray(np.minimum((bins * middle + _TINY).astype(np.intp), bins - 1))


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
    of_level = ranking.mass_bins(bins)
    mass, probability, fakes = (
        np.bincount(of_level, weights=part, minlength=bins).astype(np.float64)
        for part in (n, n * ranking.scores, ranking.fake)
    )
    filled = mass > 0
    return ReliabilityBins(mass[filled], probability[filled] / mass[filled], fakes[filled] / mass[filled])


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
