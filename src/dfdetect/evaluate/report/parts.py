"""The optional parts of an EvalReport, which it holds as JSON, as the dataclasses of whoever measured them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

from dfdetect.calibration_record import CalibrationRecord
from dfdetect.errors import DataError
from dfdetect.evaluate.eval_report import EvalReport
from dfdetect.evaluate.fairness import METRICS, Fairness, GroupRate, GroupRow

if TYPE_CHECKING:
    from dfdetect.evaluate.explanations import Explanations
    from dfdetect.evaluate.robustness import CellResult, Robustness

Part = TypeVar("Part")

MAP_FIGURES = {
    "pointing": ("pointing game", "share of faces whose strongest cell lies where the face was changed", "high"),
    "inside": ("inside", "share of the map that lies where the face was changed", "high"),
    "deletion": ("deletion", "score left while the strongest cells are given back to the original", "low"),
    "insertion": ("insertion", "score gained while the strongest cells are taken from the fake", "high"),
}
MAP_TITLES = {
    "heatmap": "the heat map",
    "random": "a random map",
    "centre": "a blob in the middle",
    "mask": "the truth",
}
_A_ROW = 5  # cells
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


def robustness_of(report: EvalReport) -> Robustness | None:
    """What laundering costs; None where it was not measured."""
    if report.robustness is None:
        return None
    from dfdetect.evaluate.robustness import Robustness

    return _part(report.robustness, Robustness)


def explanations_of(report: EvalReport) -> Explanations | None:
    """Whether the heat map points at what was changed; None where it was not checked."""
    if report.explanation is None:
        return None
    from dfdetect.evaluate.explanations import Explanations

    return _part(report.explanation, Explanations)


def calibration_lines(report: EvalReport) -> list[str]:
    """What a user calibrated the model on, a sentence a line; none where nobody did."""
    found = _part(report.calibration, CalibrationRecord)
    return [] if found is None else found.lines()


def families(found: Robustness) -> list[tuple[str, list[CellResult]]]:
    """Family -> its cells, in the order of the grid and without the clean one; those of one cell in rows of several."""
    by_family: dict[str, list[CellResult]] = {}
    for cell in found.cells[1:]:
        by_family.setdefault(cell.family, []).append(cell)
    single = [cells[0] for cells in by_family.values() if len(cells) == 1]
    rows = [(family, cells) for family, cells in by_family.items() if len(cells) > 1]
    rows += [("other" if n == 0 else "", single[n : n + _A_ROW]) for n in range(0, len(single), _A_ROW)]
    return rows


def group_rates(row: GroupRow) -> list[tuple[str, GroupRate]]:
    """Every rate of a group, in the order of METRICS."""
    return [(metric, getattr(row, metric)) for metric in METRICS]


def _is_empty(report: EvalReport, part: str) -> bool:
    return part == "fairness" and fairness_of(report) is None


def _part(found: Mapping[str, Any] | None, kind: type[Part]) -> Part | None:
    """A part read back. DataError: a report.json that somebody changed, or of another version."""
    if found is None:
        return None
    from pydantic import TypeAdapter, ValidationError

    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    try:
        return TypeAdapter(kind).validate_python({name: value for name, value in found.items() if name in known})
    except ValidationError as error:
        raise DataError(f"report: expected a {kind.__name__} of this version; {error}") from error
