"""What an unfinished run has scored so far: a JSON line a file, and the journal that says which are done.

    work/scores.jsonl    {"number", "results": [{"row", "frames"}, ...], "learned"}: this model's first, then peers'
    work/journal         inputs whose line is written whole: path, size, time of change, model and protocol
    work/plan.json       what the run is of
    work/lock            held by the process that scores

A file is done when both have it. A kill between the two costs one file, a power cut a few; they are scored again, and
the last line of a file holds.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Self

import numpy as np

from dfdetect.batch.journal import InputKey, Journal, drop_torn_line
from dfdetect.batch.lock import held
from dfdetect.batch.whole_file import whole_file
from dfdetect.evaluate.score_table import FRAME_COLUMNS, Column, FrameTable
from dfdetect.evaluate.scores import FrameScore, VideoScore

_FRAME_FIELDS = tuple(name for name in FRAME_COLUMNS if name != "video")
_TYPE_CODES = {"i": "q", "f": "d", "b": "b"}  # of numpy kinds


@dataclass(frozen=True, slots=True)
class Scored:
    """What one file scored by every examiner: a row each, and its frames as columns in the order of _FRAME_FIELDS.

    learned: the model learned from this very file, by its manifest.
    """

    rows: tuple[VideoScore, ...]
    frames: tuple[tuple[tuple[Any, ...], ...], ...]
    learned: bool = False


def columns_of(frames: Sequence[FrameScore]) -> tuple[tuple[Any, ...], ...]:
    """Frames as columns: a quarter of the bytes of rows."""
    return tuple(tuple(getattr(frame, name) for frame in frames) for name in _FRAME_FIELDS)


class ProgressFile:
    """The folder `work/` of one run. Use as a context manager: one process at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / "scores.jsonl"
        self._journal: Journal | None = None
        self._file: IO[str] | None = None
        self._lock: AbstractContextManager[None] | None = None

    def plan(self) -> dict[str, Any] | None:
        path = self.folder / "plan.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None

    def begin(self, plan: Mapping[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with whole_file(self.folder / "plan.json") as part:
            part.write_text(json.dumps(plan, indent=1), encoding="utf-8")

    def __enter__(self) -> Self:
        self._lock = held(
            self.folder / "lock", f"another process scores into {self.folder.parent}; wait for it, or stop it"
        )
        self._lock.__enter__()
        drop_torn_line(self._path)
        self._journal = Journal(self.folder / "journal").__enter__()
        self._file = self._path.open("a", encoding="utf-8")
        return self

    def __exit__(self, *error: object) -> None:
        assert self._file is not None
        assert self._journal is not None
        assert self._lock is not None
        self._file.close()
        self._journal.__exit__(None, None, None)
        self._lock.__exit__(None, None, None)

    def done(self, keys: Sequence[InputKey | None]) -> set[int]:
        """Numbers of the samples (with these keys) that need not be scored again."""
        written = {number for number, _ in self._lines()}
        assert self._journal is not None
        return {n for n, key in enumerate(keys) if n in written and key in self._journal}

    def add(self, number: int, key: InputKey | None, scored: Scored) -> None:
        """Keep what one file scored, before it is noted as done."""
        assert self._file is not None
        assert self._journal is not None
        results = [
            {"row": asdict(row), "frames": frames} for row, frames in zip(scored.rows, scored.frames, strict=True)
        ]
        self._file.write(json.dumps({"number": number, "results": results, "learned": scored.learned}) + "\n")
        self._file.flush()
        if key is not None:
            self._journal.add(key)

    def _lines(self) -> Iterator[tuple[int, str]]:
        """Sample number and line, in the order written."""
        if self._path.is_file():
            with self._path.open(encoding="utf-8") as file:
                for line in file:
                    head = line[: line.find(",")]
                    if head.startswith('{"number": '):
                        yield int(head.removeprefix('{"number": ')), line

    def collect(self, n_samples: int, examiner: int) -> tuple[list[VideoScore | None], FrameTable, int]:
        """Of one examiner: a row for every sample (None: not scored yet), its frames in the samples' order, and how
        many files the model learned from."""
        last = {number: at for at, (number, _) in enumerate(self._lines())}
        rows: list[VideoScore | None] = [None] * n_samples
        columns = {name: array(_TYPE_CODES[np.dtype(kind).kind]) for name, kind in FRAME_COLUMNS.items()}
        learned = 0
        for at, (number, line) in enumerate(self._lines()):
            if last[number] != at or number >= n_samples:
                continue
            found = json.loads(line)
            result = found["results"][examiner]
            rows[number] = VideoScore(**result["row"])
            learned += found["learned"]
            frames = dict(zip(_FRAME_FIELDS, result["frames"], strict=True))
            columns["video"].extend([number] * len(frames["frame_index"]))
            for name, values in frames.items():
                columns[name].extend(values)
        return rows, _sorted(columns), learned

    def remove(self) -> None:
        """The run is finished."""
        for path in self.folder.iterdir():
            path.unlink(missing_ok=True)
        self.folder.rmdir()


def _sorted(columns: Mapping[str, array[Any]]) -> FrameTable:
    found: dict[str, Column] = {name: np.array(columns[name], kind) for name, kind in FRAME_COLUMNS.items()}
    order = np.argsort(found["video"], kind="stable")
    return FrameTable({name: column[order] for name, column in found.items()})
