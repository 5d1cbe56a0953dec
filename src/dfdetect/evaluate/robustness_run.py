"""Score a fixed subset of files in every cell of the laundering grid, through `Scanner.scan`; resumable by cell.

    samples -> fixed_subset -> [read a shot once -> launder -> write -> scan]* -> robustness.jsonl

Of a clip about one second from its middle is taken, and 8 frames of it are scored; clean too, so that only the
laundering differs. What is written is free of loss, so the scan sees exactly the laundered pixels; limits that a scan
reads off the bytes of a file (heavy compression) do not show.
"""

from __future__ import annotations

import functools
import hashlib
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from dfdetect.batch import pool
from dfdetect.batch.journal import drop_torn_line
from dfdetect.data.sample import Sample
from dfdetect.detect.detector import Scanner
from dfdetect.errors import DataError, MediaError, UsageError
from dfdetect.evaluate.launder.files import write_shot
from dfdetect.evaluate.launder.grid import CLEAN, GRID, Cell, grid_hash
from dfdetect.evaluate.launder.shot import FRAMES, Shot, read_shot
from dfdetect.evaluate.samples import in_turn
from dfdetect.evaluate.scores import VideoScore, unscored, video_score
from dfdetect.models.bundle import find_bundle, load_bundle
from dfdetect.values import Label

FILES = 60
SCORES = "robustness.jsonl"
_SCHEMA = "dfdetect.robustness-scores/1"
_CELLS_A_TASK = 14  # of one file: a stopped run loses at most so many, and a worker reads a file once for them


@dataclass(frozen=True, slots=True)
class CellScore:
    """What one file scored in one cell (by its name)."""

    cell: str
    score: VideoScore


@dataclass(frozen=True, slots=True)
class _Task:
    sample: Sample
    cells: tuple[Cell, ...]


def fixed_subset(samples: Sequence[Sample], *, files: int = FILES, seed: int = 0) -> list[Sample]:
    """At most so many files, half of them real if there are enough; every source and method in turn.

    Reals and fakes alternate, so that a stopped run has both. The same whatever the order of the samples. Only single
    files are laundered: frame folders and crops are left out.
    """
    strata: dict[Label, dict[tuple[str, str], list[Sample]]] = {Label.REAL: {}, Label.FAKE: {}}
    for sample in sorted(samples, key=lambda s: (_draw(f"{seed}:{s.dataset}:{s.name}"), s.name)):
        if sample.kind in ("image", "video"):
            strata[sample.label].setdefault((sample.source or sample.dataset, sample.method), []).append(sample)
    drawn = {label: list(in_turn([groups[name] for name in sorted(groups)])) for label, groups in strata.items()}
    n_real = min(len(drawn[Label.REAL]), max(files // 2, files - len(drawn[Label.FAKE])))
    halves = drawn[Label.REAL][:n_real], drawn[Label.FAKE][: files - n_real]
    return [sample for both in zip_longest(*halves) for sample in both if sample is not None]


def _draw(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])


def launder_and_score(
    samples: Sequence[Sample],
    model: str | Path,
    out: Path,
    *,
    cells: Sequence[Cell] = GRID,
    seed: int = 0,
    jobs: int = 1,
    device: str = "auto",
    on_done: Callable[[int, int], None] | None = None,
) -> list[CellScore]:
    """Scores of every file in CLEAN and in every cell that its kind can have; what `out` holds is not scored again.

    out: a folder; `robustness.jsonl` in it is continued. on_done: told (scores done, scores asked).

    Raises:
        UsageError: the file there belongs to another model, grid or seed.
        DataError: no sample is a single file.
    """
    wanted = [(sample, cell) for sample in samples for cell in (CLEAN, *cells) if sample.kind in cell.kinds]
    if not wanted:
        raise DataError("robustness needs images or videos; frame folders and crops cannot be laundered as files")
    out.mkdir(parents=True, exist_ok=True)
    path = out / SCORES
    bundle = load_bundle(find_bundle(model))
    _check_header(path, {"model_sha256": bundle.info.sha256, "grid": grid_hash(GRID), "seed": seed})
    done = {(row.cell, row.score.dataset, row.score.path): row for row in read_cell_scores(path)}
    total = len(wanted)
    left = [(s, c) for s, c in wanted if (c.name, s.dataset, s.name) not in done]
    if on_done is not None:
        on_done(total - len(left), total)
    worker = functools.partial(_make_work, str(model), device, seed)
    with path.open("a", encoding="utf-8") as file:
        for outcome in pool.run(_tasks(left), worker, jobs=jobs):
            rows = outcome.result if outcome.error is None else _all_failed(outcome.item, outcome.error.code)
            for row in rows or ():
                file.write(json.dumps(asdict(row)) + "\n")
                done[row.cell, row.score.dataset, row.score.path] = row
            file.flush()
            left = left[len(outcome.item.cells) :]
            if on_done is not None:
                on_done(total - len(left), total)
    return [done[cell.name, sample.dataset, sample.name] for sample, cell in wanted]


def _tasks(left: Sequence[tuple[Sample, Cell]]) -> Iterator[_Task]:
    by_file: dict[Sample, list[Cell]] = {}
    for sample, cell in left:
        by_file.setdefault(sample, []).append(cell)
    for sample, cells in by_file.items():
        for start in range(0, len(cells), _CELLS_A_TASK):
            yield _Task(sample, tuple(cells[start : start + _CELLS_A_TASK]))


def _make_work(model: str, device: str, seed: int) -> Callable[[_Task], list[CellScore]]:
    from dfdetect.faces.detector import make_detector

    detector = make_detector(threads=1)
    scanner = Scanner(model, frames=FRAMES, device=device, threads=1, detector=detector)
    shots: dict[str, Shot] = {}

    def work(task: _Task) -> list[CellScore]:
        sample = task.sample
        try:
            if sample.path not in shots:
                shots.clear()
                shots[sample.path] = read_shot(Path(sample.path), detector)
        except MediaError as error:
            return _all_failed(task, str(error.code))
        return [_scored(sample, cell, shots[sample.path], scanner, seed) for cell in task.cells]

    return work


def _scored(sample: Sample, cell: Cell, shot: Shot, scanner: Scanner, seed: int) -> CellScore:
    # By the file alone, never by its label: the same fate for reals and fakes.
    rng = np.random.default_rng([seed, zlib.crc32(sample.name.encode()), zlib.crc32(cell.name.encode())])
    with TemporaryDirectory() as folder:
        result = scanner.scan(write_shot(cell.launder(shot, rng), Path(folder)))
    return CellScore(cell.name, video_score(sample, result))


def _all_failed(task: _Task, code: str) -> list[CellScore]:
    return [CellScore(cell.name, unscored(task.sample, code)) for cell in task.cells]


def _check_header(path: Path, about: dict[str, object]) -> None:
    """Begin the file, or refuse one that belongs to something else."""
    header = json.dumps({"schema": _SCHEMA, **about})
    if path.exists() and path.stat().st_size > 0:
        with path.open(encoding="utf-8") as file:
            found = file.readline().rstrip("\n")
        if found != header:
            raise UsageError(
                f"{path} holds scores of another model, grid or seed ({found[:200]}); name another folder with -o"
            )
        return
    path.write_text(header + "\n", encoding="utf-8")


def read_cell_scores(path: Path) -> list[CellScore]:
    """Rows of a robustness.jsonl; none where there is no file. DataError for a line that is no score."""
    if not path.exists():
        return []
    drop_torn_line(path)
    rows: list[CellScore] = []
    with path.open(encoding="utf-8") as file:
        next(file, None)
        for number, line in enumerate(file, start=2):
            try:
                found = json.loads(line)
                rows.append(CellScore(found["cell"], VideoScore(**found["score"])))
            except (ValueError, TypeError, KeyError) as error:
                raise DataError(f"{path}, line {number}: expected a score of a cell; {error}") from error
    return rows
