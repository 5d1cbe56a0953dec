"""The optional parts of an EvalReport, which it holds as JSON, as the dataclasses of whoever measured them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from dfdetect.evaluate.eval_report import EvalReport
from dfdetect.evaluate.fairness import METRICS, Fairness, GroupRate, GroupRow

Part = TypeVar("Part")

GROUP_TITLES = {
    "fpr": ("FPR", "reals flagged"),
    "tpr": ("TPR", "fakes flagged"),
    "abstention": ("abstained", "scored files that are inconclusive"),
    "face_miss": ("face missed", "readable files in which no face was found"),
    "ece": ("ECE", "distance between the probability said and the share of fakes found"),
}


@dataclass(frozen=True, slots=True)
class NotMeasured:
    """A part that a reader would look for, and how it is had."""

    what: str
    how: str


_WANTED = {
    "robustness": NotMeasured("what compression, resizing, messengers and filters cost", "evaluate --robustness"),
    "fairness": NotMeasured(
        "whether groups of people are treated alike",
        "a list with columns of your own that say who is shown, such as skin_tone; no picture is asked",
    ),
    "calibration": NotMeasured("thresholds on your own material", "calibrate --reals FOLDER"),
    "explanation": NotMeasured("whether its heat map lies where a face was changed", "evaluate --explanations"),
}


def not_measured(report: EvalReport) -> list[NotMeasured]:
    """The optional parts that this report does not have."""
    return [wanted for part, wanted in _WANTED.items() if getattr(report, part) is None or _is_empty(report, part)]


def fairness_of(report: EvalReport) -> Fairness | None:
    """Groups of people; None where there are none."""
    found = _part(report.fairness, Fairness)
    return found if found is not None and found.groups else None


def group_rates(row: GroupRow) -> list[tuple[str, GroupRate]]:
    """Every rate of a group, in the order of METRICS."""
    return [(metric, getattr(row, metric)) for metric in METRICS]


def _is_empty(report: EvalReport, part: str) -> bool:
    return part == "fairness" and fairness_of(report) is None


def _part(found: Mapping[str, Any] | None, kind: type[Part]) -> Part | None:
    """DataError is not expected here: EvalReport.from_json has checked the schema of the whole."""
    if found is None:
        return None
    from pydantic import TypeAdapter

    return TypeAdapter(kind).validate_python({name: value for name, value in found.items() if name != "schema"})
