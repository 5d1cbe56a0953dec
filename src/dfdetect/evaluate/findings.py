"""What a reader must know before a figure is believed: a closed list, each with its severity and wording."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Severity = Literal["red", "warning", "note"]


class FindingCode(StrEnum):
    """Codes never change their meaning; new ones may be added. Documented in docs/evaluation.md."""

    NOTHING_SCORED = "nothing_scored"
    ONE_CLASS = "one_class"
    ONE_CLASS_SETS = "one_class_sets"
    CONSTANT_SCORES = "constant_scores"
    REVERSED_POLARITY = "reversed_polarity"
    TRAIN_TEST_LEAK = "train_test_leak"
    RUN_NOTE = "run_note"
    MISSING_SCORES = "missing_scores"
    SAMPLES_DIFFER = "samples_differ"
    FALSE_ALARMS_ABOVE_TARGET = "false_alarms_above_target"
    LEAK_NOT_CHECKED = "leak_not_checked"
    NO_LEAK_FOUND = "no_leak_found"
    REALS_OF_OTHER_SETS = "reals_of_other_sets"
    LOW_COVERAGE = "low_coverage"
    COVERAGE_DIFFERS = "coverage_differs"
    FEW_SAMPLES = "few_samples"
    FEW_GROUPS = "few_groups"
    PROBABILITIES_WORSE_THAN_BASE_RATE = "probabilities_worse_than_base_rate"
    UNCALIBRATED_DOMAIN = "uncalibrated_domain"
    SCORE_FILE = "score_file"
    CROSS_AUC_LOWER = "cross_auc_lower"


@dataclass(frozen=True, slots=True)
class Finding:
    """code: a FindingCode. where: the block or set that it is about, "" = all. text: whole, as it is printed."""

    code: str
    severity: Severity
    where: str
    text: str


_WORDING: dict[FindingCode, tuple[Severity, str]] = {
    FindingCode.NOTHING_SCORED: ("red", "none of the {asked} samples has a score: nothing can be measured"),
    FindingCode.ONE_CLASS: (
        "red",
        "every one of the {n} scored samples is {label}: AUC, accuracy and the like are refused; "
        "add {missing} of the same source",
    ),
    FindingCode.ONE_CLASS_SETS: (
        "warning",
        "{n} of {all} datasets hold reals alone or fakes alone ({names}): they have no AUC of their own; see "
        "which reals a method is compared with",
    ),
    FindingCode.CONSTANT_SCORES: (
        "red",
        "all {n} samples have the same score {score:g}: the model or the file is broken",
    ),
    FindingCode.REVERSED_POLARITY: (
        "red",
        "AUC {auc:.3f} ({low:.3f} to {high:.3f}) is below 0.5: the scores run the wrong way. Likely cause: {cause}",
    ),
    FindingCode.TRAIN_TEST_LEAK: (
        "red",
        "the model was trained on what it is tested on: {leak}. Figures of these samples are too good",
    ),
    FindingCode.MISSING_SCORES: (
        "red",
        "{n} of {asked} samples have no row in the score file, first {first}: they count as not scored",
    ),
    FindingCode.SAMPLES_DIFFER: (
        "red",
        "the models were not scored on the same samples: {only_a:,} only by {a}, {only_b:,} only by {b}; compared on "
        "{both:,}",
    ),
    FindingCode.FALSE_ALARMS_ABOVE_TARGET: (
        "red",
        "{flagged} of {n} reals are flagged ({low:.1%} to {high:.1%}, Clopper-Pearson), above the {target:.1%} "
        "that the "
        "thresholds were set for: calibrate on your own reals (dfdetect calibrate)",
    ),
    FindingCode.LEAK_NOT_CHECKED: ("warning", "whether the model was trained on these samples was not checked: {why}"),
    FindingCode.REALS_OF_OTHER_SETS: (
        "warning",
        "{n} methods have no real sample of their own dataset or source ({names}): compared with all reals, their "
        "figures may tell cameras apart, not fakes",
    ),
    FindingCode.LOW_COVERAGE: (
        "warning",
        "only {scored:,} of {asked:,} samples have a score ({no_face:,} no face, {failed:,} failed, {missing:,} "
        "missing): figures are of those alone",
    ),
    FindingCode.COVERAGE_DIFFERS: (
        "warning",
        "{real:.1%} of the reals and {fake:.1%} of the fakes have a score: which samples fall out is not by chance",
    ),
    FindingCode.FEW_SAMPLES: (
        "warning",
        "{real} real and {fake} fake samples: with fewer than {least} of a class read the interval, not the figure",
    ),
    FindingCode.FEW_GROUPS: (
        "warning",
        "only {real} groups of reals and {fake} of fakes: with fewer than {least} an interval is a rough guess",
    ),
    FindingCode.PROBABILITIES_WORSE_THAN_BASE_RATE: (
        "warning",
        "Brier score {brier:.3f} is above the {base:.3f} of always saying {share:.2f}, the share of fakes here: "
        "rank by the "
        "scores, but do not read them as probabilities",
    ),
    FindingCode.UNCALIBRATED_DOMAIN: (
        "warning",
        "ECE {ece:.3f} ({low:.3f} to {high:.3f}) is above {most}: the probabilities do not hold here "
        "(uncalibrated domain)",
    ),
    FindingCode.SCORE_FILE: ("warning", "{note}"),
    FindingCode.RUN_NOTE: ("warning", "{note}"),
    FindingCode.NO_LEAK_FOUND: ("note", "no training sample was found among the tested ones: {checked} compared"),
    FindingCode.CROSS_AUC_LOWER: (
        "warning",
        "reals of {reals} against fakes of {fakes}: AUC {auc:.3f}, within one set {within:.3f}. One threshold "
        "does not serve "
        "both sets",
    ),
}


def finding(code: FindingCode, where: str = "", *, severity: Severity | None = None, **facts: object) -> Finding:
    """A finding of the closed list with its numbers filled in. KeyError for a fact that its wording needs.

    severity: another than the list's, for a part of the set.
    """
    usual, text = _WORDING[code]
    return Finding(code.value, severity or usual, where, text.format(**facts))


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Red ones first, each once; the order within a severity is kept."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda one: ("red", "warning", "note").index(one.severity)))
