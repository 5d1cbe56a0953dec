"""The folder `work/` beside the shards of an unfinished run: what was begun, finished units, and who died at what.

work/plan.json         options and index of the run: it goes on only with the same ones
work/state.json        finished shards, and how far into the units they reach
work/0000123.unit      rows and report of a unit that is in no finished shard yet (an Arrow file)
work/0000123.RUN.at    samples that a process of this run was at; two deaths at one sample are enough
work/lock              held by the process that prepares
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from dfdetect.batch.lock import held
from dfdetect.batch.whole_file import PART, whole_file
from dfdetect.data.prepare.options import PrepareOptions, PrepareReport
from dfdetect.data.prepare.plan import Unit
from dfdetect.data.prepare.unit import UnitRows
from dfdetect.data.sample import Sample
from dfdetect.data.shard_table import records_of, to_table

WORK = "work"
MOST_DEATHS = 2  # of processes at one sample, before it is left out; one may be somebody's kill, or short memory

_REPORT = b"dfdetect.report"


class WorkFolder:
    """Reads and writes the files of one `work/` folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    # ---- units ----

    def unit_path(self, number: int) -> Path:
        return self.folder / f"{number:07d}.unit"

    def finished(self) -> set[int]:
        """Numbers of the units whose files are there."""
        return {int(path.stem) for path in self.folder.glob("*.unit")}

    def write_unit(self, number: int, done: UnitRows) -> None:
        """Whole or not at all. Raises DfdetectError: disk_full, io_error."""
        import pyarrow as pa

        table = to_table(done.rows)
        metadata = {**(table.schema.metadata or {}), _REPORT: json.dumps(done.report.as_dict()).encode()}
        table = table.replace_schema_metadata(metadata)
        with (
            whole_file(self.unit_path(number)) as part,
            pa.OSFile(str(part), "wb") as sink,
            pa.ipc.new_file(sink, table.schema) as writer,
        ):
            writer.write_table(table)

    def read_unit(self, number: int) -> UnitRows:
        import pyarrow as pa

        with pa.OSFile(str(self.unit_path(number)), "rb") as source:
            table = pa.ipc.open_file(source).read_all()
        report = PrepareReport.of_dict(json.loads(table.schema.metadata[_REPORT]))
        return UnitRows(list(records_of(table)), report)

    def drop_units(self, numbers: Iterator[int] | range) -> None:
        for number in numbers:
            self.unit_path(number).unlink(missing_ok=True)

    # ---- the run ----

    def read_json(self, name: str) -> dict[str, Any] | None:
        path = self.folder / name
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None

    def write_json(self, name: str, value: dict[str, Any]) -> None:
        with whole_file(self.folder / name) as part:
            part.write_text(json.dumps(value, indent=1, ensure_ascii=False), encoding="utf-8")

    def clear_leavings(self) -> None:
        """Remove what processes that are gone were writing, here and beside the shards."""
        ours = [*self.folder.glob(f"*{PART}"), *self.folder.glob("*.at")]
        beside = [path for name in ("shard-*", "manifest.json.*") for path in self.folder.parent.glob(name + PART)]
        for path in ours + beside:
            path.unlink(missing_ok=True)

    def remove(self) -> None:
        """The run is finished. A process that still writes loses its file: what it does is in the shards already."""
        for _ in range(10):
            with contextlib.suppress(OSError):
                for path in self.folder.iterdir():
                    path.unlink(missing_ok=True)
                self.folder.rmdir()
                return

    def locked(self) -> AbstractContextManager[None]:
        """Only one process prepares into a folder."""
        says = f"another process prepares into {self.folder.parent}; wait for it, or stop it"
        return held(self.folder / "lock", says)


class Deaths:
    """Notes of one unit, in one run: which sample was touched and which was left alive.

    A file that crashes the decoder kills its process; the process that takes over finds the note. Nothing is synced to
    the disk: the notes need to outlive a process, not the computer.
    """

    def __init__(self, folder: Path, unit: Unit, run_id: str) -> None:
        self._path = folder / f"{unit.number:07d}.{run_id}.at"
        self._numbers = {sample.path: number for number, sample in enumerate(unit.samples)}
        self._deaths: dict[int, int] = {}
        if self._path.is_file():
            for line in self._path.read_text().split():
                number = int(line[1:])
                self._deaths[number] = self._deaths.get(number, 0) + (1 if line[0] == "+" else -1)

    @contextmanager
    def guard(self, sample: Sample) -> Iterator[bool]:
        """See `unit.Guard`."""
        number = self._numbers[sample.path]
        if self._deaths.get(number, 0) >= MOST_DEATHS:
            yield False
            return
        self._note(f"+{number}")
        yield True
        self._note(f"-{number}")

    def _note(self, text: str) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(descriptor, text.encode() + b"\n")
        finally:
            os.close(descriptor)

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)


def make_unit_worker(
    folder: Path, options: PrepareOptions, run_id: str, decode_threads: int
) -> Callable[[Unit], PrepareReport]:
    """What a process is given: works on a unit, writes its file, and answers with its report."""
    from dfdetect.data.prepare.cut import Tools
    from dfdetect.data.prepare.unit import work_on

    tools = Tools(options, decode_threads=decode_threads)
    work = WorkFolder(folder)

    def do(unit: Unit) -> PrepareReport:
        deaths = Deaths(folder, unit, run_id)
        done = work_on(unit, tools, deaths.guard)
        work.write_unit(unit.number, done)
        deaths.forget()
        give_memory_back()
        return done.report

    return do


def give_memory_back() -> None:
    """Hand freed memory to the operating system: frames of clips of many sizes leave holes that glibc would keep.

    Measured over 60 clips of 1080p: 215 to 222 MB after each with it, 250 to 268 without. Nothing where the C library
    has no malloc_trim.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):  # the last on Windows
        ctypes.CDLL(None).malloc_trim(0)
