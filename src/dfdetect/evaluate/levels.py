"""Scores as measuring wants them: names as numbers, one row a video or one a frame, and which rows a figure is about.

videos = videos_of(table, bounds=None)
frames = frames_of(videos, frame_table, bounds=None)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfdetect.evaluate.bootstrap import ABSTAINED, Int8s, Ints
from dfdetect.evaluate.eval_report import Level
from dfdetect.evaluate.score_table import Column, FrameTable, ScoreTable
from dfdetect.evaluate.scores import OK
from dfdetect.metrics import FloatArray
from dfdetect.values import Thresholds, Verdict

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Named:
    """One text column. codes: (N,) numbers into names, which are sorted."""

    names: tuple[str, ...]
    codes: Ints

    @staticmethod
    def of(column: Column) -> Named:
        names, codes = np.unique(column, return_inverse=True)
        return Named(tuple(names.tolist()), codes)

    def is_(self, name: str) -> Bools:
        """(N,) which rows have this name."""
        return np.asarray(self.codes == (self.names.index(name) if name in self.names else -1))

    def take(self, rows: Ints | Bools) -> Named:
        return Named(self.names, self.codes[rows])


@dataclass(frozen=True, slots=True)
class Samples:
    """Everything asked at one level, (N,) each.

    labels: 0, 1. probabilities: nan where there is no score. status: as in the score table. group: who a bootstrap
    draws. answers: 1 flagged, 0 cleared, ABSTAINED inconclusive (or no score); None where neither verdicts nor bounds
    are known. answers_from: in words, where they come from, or why there are none.
    """

    level: Level
    labels: Int8s
    probabilities: FloatArray
    status: Named
    group: Ints
    dataset: Named
    method: Named
    compression: Named
    source: Named
    answers: Int8s | None
    answers_from: str

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def scored(self) -> Bools:
        return np.isfinite(self.probabilities)

    def take(self, rows: Ints | Bools) -> Samples:
        """The rows of a mask, or those numbered."""
        return Samples(
            self.level,
            self.labels[rows],
            self.probabilities[rows],
            self.status.take(rows),
            self.group[rows],
            self.dataset.take(rows),
            self.method.take(rows),
            self.compression.take(rows),
            self.source.take(rows),
            None if self.answers is None else self.answers[rows],
            self.answers_from,
        )


def videos_of(table: ScoreTable, *, bounds: Thresholds | None) -> Samples:
    """One row a file asked. Verdicts of the table stay as they are; a scored file without one gets it by bounds."""
    answers, told = _answers(table, bounds)
    return Samples(
        level="video",
        labels=table["label"].astype(np.int8),
        probabilities=np.where(table["status"] == OK, table["probability"], np.nan),
        status=Named.of(table["status"]),
        group=np.unique(table["group"], return_inverse=True)[1],
        dataset=Named.of(table["dataset"]),
        method=Named.of(table["method"]),
        compression=Named.of(table["compression"]),
        source=Named.of(table["source"]),
        answers=answers,
        answers_from=told,
    )


def frames_of(videos: Samples, frames: FrameTable, *, bounds: Thresholds | None) -> Samples:
    """One row a frame that a file's score was made of; other people's faces in it are left out."""
    rows = np.flatnonzero(frames["pooled"])
    of = frames["video"][rows]
    kept = videos.take(of)
    probabilities = np.asarray(frames["probability"][rows], np.float64)
    told = (
        "no bounds were given; verdicts are of whole files"
        if bounds is None
        else f"files' bounds on a single frame: {_text(bounds)}"
    )
    return Samples(
        level="frame",
        labels=kept.labels,
        probabilities=probabilities,
        status=Named((OK,), np.zeros(len(rows), np.intp)),
        group=kept.group,
        dataset=kept.dataset,
        method=kept.method,
        compression=kept.compression,
        source=kept.source,
        answers=None if bounds is None else _by_bounds(probabilities, bounds),
        answers_from=told,
    )


def _answers(table: ScoreTable, bounds: Thresholds | None) -> tuple[Int8s | None, str]:
    told = table["verdict"] != ""
    answers = np.full(len(table), ABSTAINED, np.int8)
    answers[table["verdict"] == Verdict.LIKELY_MANIPULATED.value] = 1
    answers[table["verdict"] == Verdict.NO_MANIPULATION_FOUND.value] = 0
    silent = table.scored & ~told
    if not silent.any() and told.any():
        return answers, "the verdicts of the scan"
    if bounds is None:
        n = int(silent.sum())
        return None, f"{n:,} of {int(table.scored.sum()):,} scored files have no verdict, and no bounds were given"
    answers[silent] = _by_bounds(table["probability"][silent], bounds)
    some = f", for {int(silent.sum()):,} files without a verdict" if told.any() else ""
    return answers, _text(bounds) + some


def _by_bounds(probabilities: FloatArray, bounds: Thresholds) -> Int8s:
    flagged = probabilities > bounds.likely_manipulated
    cleared = probabilities < bounds.no_manipulation_found
    return np.where(flagged, 1, np.where(cleared, 0, ABSTAINED)).astype(np.int8)


def _text(bounds: Thresholds) -> str:
    high, low = bounds.likely_manipulated, bounds.no_manipulation_found
    return f"flagged above {high:g}, cleared below {low:g}"


def names_in(samples: Samples, column: Named) -> Sequence[str]:
    """Names that any of the rows has, sorted."""
    return [column.names[code] for code in np.unique(column.codes).tolist()] if len(samples) else []
