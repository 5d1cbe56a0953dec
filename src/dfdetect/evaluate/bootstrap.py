"""Intervals: whole people or source videos are drawn again, a thousand times, and every figure is taken of each draw.

One draw gives each group a count; what a sample weighs is the count of its group. Scores are sorted once: a sparse
matrix (levels of score x groups) times the counts of many draws gives their `Ranking`s, and sums over samples (log
loss, confusion) are one product with sums by group. So a draw costs a pass over the samples, however many the figures.
From 5,000 groups on each one's count is a Poisson number of mean 1 of its own (Hanley & MacGibbon 2006): the same but
for the sum, and much faster.

Source of the method: Efron (1979); drawing clusters whole: Davison & Hinkley (1997), "Bootstrap Methods", section 3.8.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dfdetect.metrics import ECE_BINS, Confusion, FloatArray, Ranking, log_losses
from dfdetect.values import Float32Array

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Ints = NDArray[np.intp]
Int8s = NDArray[np.int8]

SHARE = 0.95
MIN_DRAWS_WITH_VALUE = 0.95  # of all draws; precision has none where nothing is flagged
MIN_GROUPS = 10  # of a class; drawing fewer again and again shows too little of what others would score
ABSTAINED = -1
ROC_HEIGHTS = "roc_heights"
_TRIES = 20  # draws tried for each one wanted, where many lose a class
_LEVELS = 256  # of a class; the top of the reals has twice as many again, where TPR at FPR 1 % is read
_TOP = 0.06
_CELLS = 2_000_000  # numbers in memory at once, of one kind
_MANY_GROUPS = 5000
# 0, 1, 2, ... as often as Poisson's law of mean 1 has them, in 65,536 equally likely places.
_POISSON = np.repeat(np.arange(9, dtype=np.float32), (24109, 24110, 12054, 4019, 1004, 201, 34, 4, 1))


@dataclass(frozen=True, slots=True)
class Scored:
    """Samples of both classes with one model's scores.

    labels: (N,) 0, 1. probabilities: (N,) within 0..1. answers: name of a setting -> (N,) int8: 1 flagged, 0 cleared,
    ABSTAINED.
    """

    labels: Int8s
    probabilities: FloatArray
    answers: Mapping[str, Int8s]


def draw_figures(
    models: Sequence[Scored],
    groups: Ints,
    *,
    rng: np.random.Generator,
    draws: int,
    roc_at: Sequence[float] = (),
    auc_only: bool = False,
) -> list[dict[str, FloatArray]]:
    """Figures of every draw, one dict a model: names of FIGURES, and `SETTING.NAME` of DECISION_FIGURES; each (draws,).

    models: scores of the same samples by one or more models; each draw is the same for all. groups: (N,) codes from 0
    on without a gap. Draws that lost a class are drawn again. nan = not defined in that draw. roc_at: F false-positive
    rates, for ROC_HEIGHTS: the true-positive rate at each of them, (draws, F). auc_only: nothing but the AUC.

    Raises:
        ValueError: a class comes from a single group, the draws keep losing it, or none are asked for: no interval.
    """
    if draws < 1:
        raise ValueError("no draws were asked for: no interval")
    labels = models[0].labels
    of_class = [len(np.unique(groups[labels == label])) for label in (0, 1)]
    if min(of_class) < 2:
        raise ValueError(f"{of_class[0]} group(s) of reals and {of_class[1]} of fakes: drawing again needs two of each")
    levels = [score_levels(model.labels, model.probabilities) for model in models]
    n_groups = int(groups.max()) + 1
    weighed = [_Weighed(model, *level, groups, n_groups) for model, level in zip(models, levels, strict=True)]
    chunk = max(1, _CELLS // max(n_groups, *(4 * len(one.scores) for one in weighed)))
    parts: list[list[dict[str, FloatArray]]] = [[] for _ in models]
    done = 0
    for counts in _counts(n_groups, chunk=chunk, most=_TRIES * draws, rng=rng):
        holds_both = weighed[0].holds_both(counts)
        kept = counts if holds_both.all() else np.ascontiguousarray(counts[:, holds_both])
        kept = kept[:, : draws - done]
        done += kept.shape[1]
        if kept.shape[1]:
            for part, one in zip(parts, weighed, strict=True):
                part.append(one.auc(kept) if auc_only else one.figures(kept, roc_at))
        if done == draws:
            return [{name: np.concatenate([found[name] for found in part]) for name in part[0]} for part in parts]
    raise ValueError(f"only {done} of {_TRIES * draws} draws of {n_groups} groups held both classes: no interval")


def interval(values: FloatArray) -> tuple[float, float] | None:
    """95 % percentile interval of the draws; None where too many have no value, or where no draw differs."""
    known = values[np.isfinite(values)]
    if len(known) < MIN_DRAWS_WITH_VALUE * len(values):
        return None
    tail = 0.5 * (1 - SHARE)
    low, high = np.quantile(known, [tail, 1 - tail])
    return (float(low), float(high)) if high > low else None


def drawn_weights(groups: Sequence[str], *, rng: np.random.Generator, draws: int) -> FloatArray:
    """(draws, N): how often each sample is drawn, whole groups at a time; for figures of few samples of one's own."""
    names, of_sample = np.unique(np.asarray(groups), return_inverse=True)
    counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    return np.asarray(counts[:, of_sample], np.float64)


def _counts(n_groups: int, *, chunk: int, most: int, rng: np.random.Generator) -> Iterator[Float32Array]:
    """(n_groups, chunk): how often each group was drawn, so many draws at a time."""
    chunk = min(chunk, most)
    for _ in range(0, most, chunk):
        if n_groups >= _MANY_GROUPS:
            yield _POISSON[rng.integers(len(_POISSON), size=(n_groups, chunk), dtype=np.uint16)]
        else:
            counts = np.empty((chunk, n_groups), np.float32)
            for row in counts:
                row[:] = np.bincount(rng.integers(n_groups, size=n_groups), minlength=n_groups)
            yield np.ascontiguousarray(counts.T)


class _Weighed:
    """One model's scores, summed by group so that the counts of groups give every figure."""

    def __init__(self, model: Scored, scores: FloatArray, level: Ints, groups: Ints, n_groups: int) -> None:
        self.scores = scores
        y, p = model.labels.astype(np.float64), model.probabilities
        columns = {"0": 1 - y, "1": y, "log_loss": log_losses(y, p), "brier": (p - y) ** 2}
        for name, answers in model.answers.items():
            for label in (0, 1):
                for answer in (0, 1, ABSTAINED):
                    columns[f"{name}/{label}{answer}"] = ((y == label) & (answers == answer)).astype(np.float64)
        self._settings, self._names = tuple(model.answers), tuple(columns)
        sums = [np.bincount(groups, column, minlength=n_groups) for column in columns.values()]
        self._sums = np.stack(sums).astype(np.float32)
        self._levels = _level_matrix(level + len(scores) * (y == 1), groups, (2 * len(scores), n_groups))

    def holds_both(self, counts: Float32Array) -> NDArray[np.bool_]:
        """(C,) which draws, (n_groups, C), have a real and a fake."""
        return np.asarray(((self._sums[:2] @ counts) > 0).all(axis=0))

    def auc(self, counts: Float32Array) -> dict[str, FloatArray]:
        """counts: (n_groups, C) -> the AUC alone, (C,)."""
        return {"roc_auc": self._ranking(counts).roc_auc()}

    def _ranking(self, counts: Float32Array) -> Ranking:
        by_level = np.ascontiguousarray((self._levels @ counts).T, np.float64)
        k = len(self.scores)
        return Ranking(self.scores, by_level[:, :k], by_level[:, k:])

    def figures(self, counts: Float32Array, roc_at: Sequence[float] = ()) -> dict[str, FloatArray]:
        """counts: (n_groups, C) -> every figure, (C,), and ROC_HEIGHTS where they are asked for, (C, F)."""
        ranking = self._ranking(counts)
        found = ranking_figures(ranking)
        if len(roc_at):
            found[ROC_HEIGHTS] = np.stack([ranking.tpr_at_fpr(fpr) for fpr in roc_at], axis=1)
        sums = dict(zip(self._names, (self._sums @ counts).astype(np.float64), strict=True))
        for name in ("log_loss", "brier"):
            found[name] = sums[name] / (sums["0"] + sums["1"])
        for name in self._settings:
            counted = {key: sums[f"{name}/{key}"] for key in ("00", "01", "0-1", "10", "11", "1-1")}
            for figure, values in decision_figures(counted).items():
                found[f"{name}.{figure}"] = values
        return found


def ranking_figures(ranking: Ranking) -> dict[str, FloatArray]:
    """What is read off rankings, by the names of FIGURES."""
    return {
        "roc_auc": ranking.roc_auc(),
        "partial_auc_fpr5": ranking.partial_auc(0.05),
        "average_precision": ranking.average_precision(),
        "equal_error_rate": ranking.equal_error_rate(),
        "tpr_at_fpr1": ranking.tpr_at_fpr(0.01),
        "tpr_at_fpr5": ranking.tpr_at_fpr(0.05),
        "ece": _calibration_errors(ranking),
    }


def decision_figures(counted: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """counted: label and answer ("00" a real cleared, "11" a fake flagged, "0-1" a real abstained on) -> how many."""
    confusion = Confusion(counted["00"], counted["01"], counted["10"], counted["11"])
    decided = counted["00"] + counted["01"] + counted["10"] + counted["11"]
    scored = decided + counted["0-1"] + counted["1-1"]
    return {
        "accuracy": confusion.accuracy(),
        "balanced_accuracy": confusion.balanced_accuracy(),
        "precision": confusion.precision(),
        "recall": confusion.recall(),
        "f1": confusion.f1(),
        "false_positive_rate": confusion.false_positive_rate(),
        "coverage": np.asarray(decided / np.where(scored > 0, scored, np.nan)),
    }


def score_levels(labels: Int8s, scores: FloatArray) -> tuple[FloatArray, Ints]:
    """(mean score of each level, falling; (N,) level of each sample).

    A level is one score, unless there are more than 1,024: then it holds at most 1 / 256 of the reals and of the fakes,
    and among the highest 6 % of the reals 1 / 8,500 of them, so that a figure of a draw moves in its fourth digit.
    """
    rising, level = np.unique(scores, return_inverse=True)
    if len(rising) > 4 * _LEVELS:
        cuts = [np.quantile(scores[labels == label], np.linspace(0, 1, _LEVELS + 1)) for label in (0, 1)]
        top = np.quantile(scores[labels == 0], np.linspace(1 - _TOP, 1, 2 * _LEVELS + 1))
        place = np.searchsorted(np.unique(np.concatenate([*cuts, top])), rising, side="right")
        level = np.unique(place, return_inverse=True)[1][level]
        rising = np.bincount(level, weights=scores) / np.bincount(level)
    return np.asarray(rising[::-1], np.float64), len(rising) - 1 - level


def _level_matrix(cell: Ints, groups: Ints, shape: tuple[int, int]) -> csr_array:
    """Samples of each label and level in each group."""
    from scipy.sparse import csr_array

    return csr_array((np.ones(len(cell), np.float32), (cell, groups)), shape=shape)  # doubles are summed


def _calibration_errors(ranking: Ranking) -> FloatArray:
    """ECE of each draw (C,): as `ReliabilityBins.error`, the bins laid anew."""
    n = ranking.real + ranking.fake
    rows = len(n)
    cell = ranking.mass_bins(ECE_BINS) + ECE_BINS * np.arange(rows)[:, None]
    gaps = np.bincount(
        cell.ravel(), weights=(n * ranking.scores - ranking.fake).ravel(), minlength=rows * ECE_BINS
    ).reshape(rows, ECE_BINS)
    return np.asarray(np.abs(gaps).sum(axis=1) / n.sum(axis=1))
