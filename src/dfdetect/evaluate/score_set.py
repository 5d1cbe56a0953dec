"""Scores that were kept or sent, opened again: metrics and reports are made of them without the model.

open_scores(Path("out/"))             a finished run: its scores, its frames, and what they are of
open_scores(Path("theirs.csv"))       what somebody sent: scores alone
held_against(scores, asked)           held against the data: what is missing has a row that says so
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from dfdetect.data.sample import Sample
from dfdetect.errors import DataError, UsageError
from dfdetect.evaluate.run_file import FRAME_SCORES, PEERS, RUN_FILE, SCORES, WORK, names_apart, read_run
from dfdetect.evaluate.samples import Asked
from dfdetect.evaluate.score_files import read_csv, read_parquet
from dfdetect.evaluate.score_table import FrameTable, ScoreTable
from dfdetect.evaluate.scores import MISSING, VideoScore, unscored
from dfdetect.values import Label

_SHOWN = 3
_FILLED = ("source", "method", "compression", "split", "kind")  # from the data, where the scores say nothing


@dataclass(frozen=True, slots=True)
class ScoreSet:
    """One model's scores. name: for a comparison. run, folder: of a run; None of scores that somebody sent."""

    name: str
    table: ScoreTable
    frames: FrameTable | None
    run: Mapping[str, Any] | None
    folder: Path | None = None


def open_scores(
    path: Path, *, score_column: str | None = None, higher_means: Literal["fake", "real"] = "fake"
) -> ScoreSet:
    """A folder of `dfdetect evaluate`, a Parquet or a CSV of scores. DataError, UsageError: it is none of these."""
    if path.is_dir():
        run = read_run(path)
        if run is None:
            unfinished = (path / WORK).is_dir()
            says = "its run was stopped: run the same command again" if unfinished else f"there is no {RUN_FILE} in it"
            raise DataError(f"{path}: expected a folder of `dfdetect evaluate`; {says}")
        table = read_parquet(path / SCORES)
        frames = FrameTable.from_parquet(path / FRAME_SCORES, table) if (path / FRAME_SCORES).is_file() else None
        model = run.get("model", {})
        name = " ".join(str(model.get(key, "")) for key in ("name", "version")).strip()
        return ScoreSet(name, table, frames, run, path)
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; expected a folder of `dfdetect evaluate`, or scores as CSV")
    if path.suffix.lower() == ".parquet":
        return ScoreSet(path.stem, read_parquet(path), None, None)
    if path.suffix.lower() in (".csv", ".tsv"):
        return ScoreSet(path.stem, read_csv(path, score_column=score_column, higher_means=higher_means), None, None)
    raise UsageError(f"{path}: scores are a folder of `dfdetect evaluate`, .parquet, .csv or .tsv; got {path.suffix!r}")


def peers_of(folder: Path) -> Iterator[ScoreSet]:
    """The scores of every outside detector of a run."""
    for run in sorted((folder / PEERS).glob(f"*/{RUN_FILE}")):
        yield open_scores(run.parent)


def held_against(scores: ScoreSet, asked: Asked) -> ScoreSet:
    """The scores of the data's samples, `completed`, with the frames of those that are left. DataError as there."""
    table = completed(scores.table, asked)
    if scores.frames is None:
        return replace(scores, table=table)
    by_name = _by_name(scores.table, asked.samples)
    new = {key: n for n, key in enumerate(zip(table["dataset"].tolist(), table["path"].tolist(), strict=True))}
    places = np.array([new.get(by_name(row), -1) for row in scores.table.rows()], np.intp)
    return replace(scores, table=table, frames=scores.frames.renumbered(places))


def completed(table: ScoreTable, asked: Asked) -> ScoreTable:
    """The scores in the order of the data: a sample without one gets a row that says so, a row without a sample is left
    out and said. Where the scores name no dataset, a path alone tells the sample.

    What the scores do not say (method, compression, source, split, kind, group) is taken from the data.
    DataError: a path that stands for two samples, or a label other than the data's.
    """
    by_name = _by_name(table, asked.samples)
    rows = table.rows()
    given = {by_name(row): row for row in rows}
    kept: list[VideoScore] = []
    wrong: list[str] = []
    for sample in asked.samples:
        row = given.pop((sample.dataset, sample.name), None)
        own = asked.extras.get(sample.path, {})
        if row is None:
            kept.append(unscored(sample, MISSING, extra=own))
            continue
        if row.label != int(sample.label):
            wrong.append(f"{sample.name} is {Label(row.label).name.lower()} in the scores")
        kept.append(_filled(row, sample, own))
    if wrong:
        all_wrong = len(wrong) == sum(row.status != MISSING for row in kept)
        hint = "; every label is the other way round: 1 = fake" if all_wrong else ""
        raise DataError(f"{len(wrong)} labels are not the data's, for example {', '.join(wrong[:_SHOWN])}{hint}")
    notes = list(table.notes)
    if given:
        some = ", ".join(path for _, path in list(given)[:_SHOWN])
        notes.append(f"{len(given)} scores are of no sample of the data and were left out, for example {some}")
    found = ScoreTable.from_rows(kept)
    return ScoreTable(found.columns, tuple(notes))


def told_apart(sets: Sequence[ScoreSet]) -> list[ScoreSet]:
    """The same sets under different names: see `run_file.names_apart`."""
    names = names_apart([one.name for one in sets], [one.run for one in sets])
    return [replace(one, name=name) for one, name in zip(sets, names, strict=True)]


def _by_name(table: ScoreTable, samples: Sequence[Sample]) -> Any:
    """What a row of the scores is called in the data: (dataset, path)."""
    if (table["dataset"] != "").any():
        return lambda row: (row.dataset, row.path)
    names: dict[str, str] = {}
    twice: set[str] = set()
    for sample in samples:
        if sample.name in names:
            twice.add(sample.name)
        names[sample.name] = sample.dataset
    clash = sorted(twice & set(np.asarray(table["path"]).tolist()))
    if clash:
        raise DataError(
            f"{clash[0]} stands for samples of two datasets: the scores need a column dataset to tell which is meant"
        )
    return lambda row: (names.get(row.path, ""), row.path)


def _filled(row: VideoScore, sample: Sample, extra: Mapping[str, str]) -> VideoScore:
    whole = unscored(sample, MISSING)
    missing = {name: getattr(whole, name) for name in _FILLED if not getattr(row, name)}
    group = whole.group if row.group in ("", row.path) else row.group
    return replace(row, dataset=sample.dataset, group=group, extra={**extra, **row.extra}, **missing)
