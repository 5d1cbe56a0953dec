"""A figure with its interval, or the reason why there is none; and the closed list of figures of a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Needs = Literal["both", "any"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """value: None where it was refused, then `why` says why. low, high: 95 % interval, None where there is none.

    why: also said where there is a value without an interval. n: how many samples stand behind it, None where that is
    the whole block.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    why: str | None = None
    n: int | None = None

    @property
    def interval(self) -> tuple[float, float] | None:
        return None if self.low is None or self.high is None else (self.low, self.high)


@dataclass(frozen=True, slots=True)
class Figure:
    """What a figure is called and which way is good. text: one plain sentence, shown beside it and in the docs.

    better: "high" or "low". lowest, highest: where a scale for it begins and ends; None where it has no end.
    """

    title: str
    text: str
    better: Literal["high", "low"]
    lowest: float = 0.0
    highest: float | None = 1.0


# Of a block, whatever thresholds a model ships with.
FIGURES: dict[str, Figure] = {
    "roc_auc": Figure(
        "AUC", "Chance that a fake scores above a real; 0.5 is a coin, below it the scores are reversed", "high"
    ),
    "partial_auc_fpr5": Figure(
        "partial AUC, FPR <= 5 %",
        "AUC where at most 5 % of the reals are flagged, scaled: 0.5 is a coin, 1 perfect",
        "high",
    ),
    "average_precision": Figure(
        "AP",
        "Mean precision over all recalls; a coin's is the share of fakes, so sets of other shares do not compare",
        "high",
    ),
    "equal_error_rate": Figure(
        "EER", "Error rate at the threshold where reals and fakes are told wrong equally often", "low"
    ),
    "tpr_at_fpr1": Figure(
        "TPR at FPR 1 %", "Share of the fakes found at a threshold that flags at most 1 % of the reals", "high"
    ),
    "tpr_at_fpr5": Figure(
        "TPR at FPR 5 %", "Share of the fakes found at a threshold that flags at most 5 % of the reals", "high"
    ),
    "log_loss": Figure(
        "log loss", "Mean -log of the probability given to the truth; 0.693 is always saying 0.5", "low", 0.0, None
    ),
    "brier": Figure(
        "Brier score", "Mean squared distance of the probability from the truth; 0.25 is always saying 0.5", "low"
    ),
    "ece": Figure("ECE", "Mean distance between the probability said and the share of fakes found, in 15 bins", "low"),
    "aurc": Figure("AURC", "Mean share of wrong answers over all coverages, the most confident samples first", "low"),
    "risk_at_coverage_80": Figure(
        "error at 80 % coverage", "Share of wrong answers among the 80 % of samples that are furthest from 0.5", "low"
    ),
}

# Of yes-or-no answers at one setting of the thresholds.
DECISION_FIGURES: dict[str, Figure] = {
    "accuracy": Figure(
        "accuracy", "Share of the answers that are right; depends on how many fakes the set has", "high"
    ),
    "balanced_accuracy": Figure(
        "balanced accuracy",
        "Mean of the share of reals told right and the share of fakes told right; 0.5 is a coin",
        "high",
    ),
    "precision": Figure(
        "precision", "Of what was flagged, the share that is fake; depends on how many fakes the set has", "high"
    ),
    "recall": Figure("recall (TPR)", "Of the fakes, the share that was flagged", "high"),
    "f1": Figure("F1", "Harmonic mean of precision and recall", "high"),
    "false_positive_rate": Figure("FPR", "Of the reals, the share that was flagged", "low"),
    "coverage": Figure(
        "coverage", "Of the scored samples, the share that got an answer other than inconclusive", "high"
    ),
}
