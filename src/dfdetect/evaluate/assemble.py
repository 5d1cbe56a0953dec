"""Kept scores -> whole reports: figures, groups of people, worst cases, a benchmark's counting, and what lies beside.

No model is needed. Optional parts that were measured (`robustness.json`, `explanation.json`) are taken from the folder
of the scores; figures are `measure`'s, and this module computes none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dfdetect.calibration import NOT_CALIBRATED
from dfdetect.evaluate.compare import compare
from dfdetect.evaluate.eval_report import EvalReport
from dfdetect.evaluate.fairness import measure_fairness
from dfdetect.evaluate.findings import ordered
from dfdetect.evaluate.measure import DRAWS, measure
from dfdetect.evaluate.protocol_figures import protocol_figures
from dfdetect.evaluate.score_set import ScoreSet
from dfdetect.evaluate.worst import worst_cases
from dfdetect.values import Thresholds


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """seed: of every interval. draws: of the bootstrap; 0 = no intervals. groups: the user's columns that say who is
    shown (None = all of the user's). trained_on: index of what the model learned from. reals_of: see `measure`.
    """

    seed: int = 0
    draws: int = DRAWS
    groups: tuple[str, ...] | None = None
    trained_on: Path | None = None
    reals_of: Mapping[str, Sequence[str]] | None = None


def reports_of(
    sets: Sequence[ScoreSet],
    options: ReportOptions,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[EvalReport]:
    """One report for each model; the first also has its comparison with every other.

    on_progress: told blocks done and blocks in all, of one model after the other. DataError: a table without a row, or
    a part beside the scores that is of another version.
    """
    reports = [_report_of(one, options, on_progress) for one in sets]
    compared = [
        compare(
            sets[0].table,
            other.table,
            names=(sets[0].name, other.name),
            rng=np.random.default_rng(options.seed),
            draws=options.draws,
        )
        for other in sets[1:]
    ]
    found = [one for _, findings in compared for one in findings]
    first = replace(
        reports[0],
        comparisons=tuple(comparison for comparison, _ in compared),
        findings=ordered([*reports[0].findings, *found]),
    )
    return [first, *reports[1:]]


def _report_of(one: ScoreSet, options: ReportOptions, on_progress: Callable[[int, int], None] | None) -> EvalReport:
    report = measure(
        one.table,
        one.frames,
        bounds=bounds_of(one),
        rng=np.random.default_rng(options.seed),
        draws=options.draws,
        run=one.run,
        trained_on=options.trained_on,
        reals_of=options.reals_of,
        on_progress=on_progress,
    )
    run = one.run or {}
    protocol = run.get("protocol")
    return replace(
        report,
        run=one.run or {"model": {"name": one.name}},
        fairness=measure_fairness(one.table, options.groups).as_dict(),
        worst=worst_cases(one.table, one.frames),
        counting=None if protocol is None else protocol_figures(one.table, one.frames, protocol),
        calibration=run.get("calibration"),
        **_parts_beside(one.folder),
    )


def bounds_of(one: ScoreSet) -> Thresholds | None:
    """The verdict bounds that the model ships for the kind of file that there is more of; None: none were measured."""
    known: Mapping[str, Any] = (one.run or {}).get("thresholds") or {}
    stills = np.isin(one.table["kind"], ("image", "crop"))
    found = known.get("image" if 2 * int(stills.sum()) > len(stills) else "video")
    if found is None or found["measured_on"] == NOT_CALIBRATED:
        return None
    return Thresholds(**found)


def _parts_beside(folder: Path | None) -> dict[str, Any]:
    if folder is None:
        return {}
    from dfdetect.evaluate.explanations import read_explanations
    from dfdetect.evaluate.robustness import read_robustness

    return {"robustness": read_robustness(folder), "explanation": read_explanations(folder)}
