"""The files that a model gets most wrong, by name: where to look first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dfdetect.evaluate.score_table import FrameTable, ScoreTable
from dfdetect.values import Label

MOST = 20  # of each kind


@dataclass(frozen=True, slots=True)
class WorstCase:
    """One file with its score. verdict: None where none is known. frame_index: the frame that misled most, if known."""

    path: str
    dataset: str
    source: str
    method: str
    probability: float
    verdict: str | None
    frame_index: int | None = None


@dataclass(frozen=True, slots=True)
class Worst:
    """false_alarms: reals, highest score first. misses: fakes, lowest score first. Files, not frames."""

    false_alarms: tuple[WorstCase, ...]
    misses: tuple[WorstCase, ...]


def worst_cases(table: ScoreTable, frames: FrameTable | None = None, *, most: int = MOST) -> Worst:
    """At most so many of each kind, of the scored files; equal scores by dataset and path, so that a repeat agrees.

    frames: of these files, to name in each the frame with the highest (of a miss the lowest) score.
    """
    scored = np.flatnonzero(table.scored)
    reals = scored[table["label"][scored] == Label.REAL]
    fakes = scored[table["label"][scored] == Label.FAKE]
    return Worst(_cases(table, frames, reals, -1.0, most), _cases(table, frames, fakes, 1.0, most))


def _cases(
    table: ScoreTable, frames: FrameTable | None, rows: np.ndarray, sign: float, most: int
) -> tuple[WorstCase, ...]:
    """sign: -1 = highest score first, 1 = lowest."""
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
            frame_index=None if frames is None else _misleading(frames, int(number), sign),
        )
        for number, row in zip(rows[order], table.select(rows[order]).rows(), strict=True)
    )


def _misleading(frames: FrameTable, number: int, sign: float) -> int | None:
    """Of file `number`, the frame with the lowest sign * probability among those that made its score."""
    own = frames.select((frames["video"] == number) & frames["pooled"])
    return int(own["frame_index"][np.argmin(sign * own["probability"])]) if len(own) else None
