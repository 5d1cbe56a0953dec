"""The files that a model gets most wrong, by name: where to look first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dfdetect.evaluate.score_table import ScoreTable
from dfdetect.values import Label

MOST = 20  # of each kind


@dataclass(frozen=True, slots=True)
class WorstCase:
    """One file with its score. verdict: None where none is known."""

    path: str
    dataset: str
    source: str
    method: str
    probability: float
    verdict: str | None


@dataclass(frozen=True, slots=True)
class Worst:
    """false_alarms: reals, highest score first. misses: fakes, lowest score first. Files, not frames."""

    false_alarms: tuple[WorstCase, ...]
    misses: tuple[WorstCase, ...]


def worst_cases(table: ScoreTable, *, most: int = MOST) -> Worst:
    """At most so many of each kind, of the scored files; equal scores by dataset and path, so that a repeat agrees."""
    scored = np.flatnonzero(table.scored)
    reals = scored[table["label"][scored] == Label.REAL]
    fakes = scored[table["label"][scored] == Label.FAKE]
    return Worst(_cases(table, reals, -1.0, most), _cases(table, fakes, 1.0, most))


def _cases(table: ScoreTable, rows: np.ndarray, sign: float, most: int) -> tuple[WorstCase, ...]:
    keys = sign * table["probability"][rows]
    if len(rows) > most:  # sorting names of 100,000 files for the sake of twenty takes seconds
        near = keys <= np.partition(keys, most - 1)[most - 1]
        rows, keys = rows[near], keys[near]
    order = np.lexsort((table["path"][rows], table["dataset"][rows], keys))[:most]
    return tuple(
        WorstCase(
            path=row.path,
            dataset=row.dataset,
            source=row.source,
            method=row.method,
            probability=float(row.probability or 0.0),
            verdict=row.verdict,
        )
        for row in table.select(rows[order]).rows()
    )
