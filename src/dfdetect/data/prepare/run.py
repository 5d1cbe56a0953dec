"""Samples -> a folder of face shards, in many processes, resumable at any moment.

out/shard-00000.parquet ...   <= 64 MB each
out/manifest.json             written last: without it the set is not finished
the folder `work` inside out  of an unfinished run only
"""

from __future__ import annotations

import functools
import os
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dfdetect import __version__
from dfdetect.batch.engines import DEFAULT_ENGINE, find_engine
from dfdetect.batch.pool import Outcome
from dfdetect.data.prepare.assemble import Assembler
from dfdetect.data.prepare.options import PrepareOptions, PrepareReport, plan_hash
from dfdetect.data.prepare.plan import Plan, Unit, make_plan, refuse_moved_files
from dfdetect.data.prepare.unit import UnitRows
from dfdetect.data.prepare.work import WORK, WorkFolder, make_unit_worker
from dfdetect.data.sample import Sample
from dfdetect.data.shards import MANIFEST, read_manifest
from dfdetect.errors import DataError, DfdetectError, ErrorCode, UsageError

OnProgress = Callable[[int, PrepareReport], None]  # samples done just now, what came of all of this call so far
FEW_SAMPLES = 32  # fewer are not worth the start of processes
_WHAT_TO_DO = "go on with the options and the input of that run, name another folder, or begin anew with --restart"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A finished set. manifest: its content. was_done: it was finished before this call."""

    manifest: dict[str, Any]
    was_done: bool


def prepare(
    samples: Sequence[Sample],
    out: Path,
    options: PrepareOptions,
    *,
    source: str = "",
    jobs: int | None = None,
    engine: str = DEFAULT_ENGINE,
    restart: bool = False,
    on_start: Callable[[int, int], None] | None = None,
    on_progress: OnProgress | None = None,
) -> Prepared:
    """Cut faces out of every sample into shards in `out`. A run that was stopped goes on where it was.

    The files depend on samples and options alone: not on jobs, engine, or how often the run was stopped.
    source: what the manifest calls the input. jobs: processes (None: one a core, but one for a short list).
    restart: throw away what an earlier run left in `out`. on_start: told samples in all, and those done already.

    Raises:
        UsageError: `out` holds something else, or was begun with other options or samples.
        DataError: no samples, or most of their files are not there.
        DfdetectError: disk_full; make room and call again.
    """
    find_engine(engine)
    plan = make_plan(samples)
    about = {
        "dfdetect": __version__,
        "plan_sha256": plan_hash(options, plan.index_sha256),
        "input": source,
        "index_sha256": plan.index_sha256,
        "options": options.as_dict(),
    }
    work = _open_folder(out, about, restart=restart)
    if work is None:
        return Prepared(read_manifest(out), was_done=True)
    refuse_moved_files(samples)
    with work.locked():
        work.clear_leavings()
        assembler = Assembler(out, work, len(plan.units))
        run = _Run(plan, options, work, assembler, on_progress or (lambda done, report: None))
        waiting = [unit for unit in plan.units if unit.number not in assembler.ready]
        if on_start:
            on_start(plan.samples, plan.samples - sum(len(unit.samples) for unit in waiting))
        run.work_through(waiting, engine, jobs or _default_jobs(waiting))
        about["listed_twice"] = list(plan.twice)
        assembler.finish(about)
        work.remove()
    return Prepared(read_manifest(out), was_done=False)


def _default_jobs(waiting: Sequence[Unit]) -> int:
    few = sum(len(unit.samples) for unit in waiting) < FEW_SAMPLES
    return 1 if few else max(1, os.cpu_count() or 1)


def _open_folder(out: Path, about: dict[str, Any], *, restart: bool) -> WorkFolder | None:
    """The work folder of this run; None when it is finished. UsageError: the folder is not this run's."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out}: expected a folder for the shards, this is a file")
    work = WorkFolder(out / WORK)
    if restart:
        _clear(out)
    if (out / MANIFEST).is_file():
        if _plan_of(out) != about["plan_sha256"]:
            raise UsageError(f"{out} holds faces prepared with other options or from other files; {_WHAT_TO_DO}")
        work.remove()  # a kill between the manifest and this
        return None
    begun = work.read_json("plan.json")
    if begun is None:
        others = sorted(path.name for path in out.iterdir() if path.name != WORK) if out.is_dir() else []
        if others:
            raise UsageError(f"{out} holds other files ({', '.join(others[:3])}); name a new or an empty folder")
        work.folder.mkdir(parents=True, exist_ok=True)
        work.write_json("plan.json", about)
    elif begun.get("plan_sha256") != about["plan_sha256"]:
        changed = _changes(begun.get("options", {}), about["options"]) or "other input, or another version of dfdetect"
        raise UsageError(f"{out} was begun differently ({changed}); {_WHAT_TO_DO}")
    return work


def _plan_of(out: Path) -> str | None:
    try:
        return read_manifest(out).get("plan_sha256")
    except DataError as error:
        raise UsageError(f"{error.message} (or name another folder)") from None


def _changes(before: dict[str, Any], now: dict[str, Any]) -> str:
    return ", ".join(f"{name}: {before.get(name)} then, {value} now" for name, value in now.items()
                     if before.get(name) != value)  # fmt: skip


def _clear(out: Path) -> None:
    """Remove what `prepare` writes, and nothing else."""
    if out.is_dir():
        WorkFolder(out / WORK).remove()
        for path in [out / MANIFEST, *out.glob("shard-*.parquet"), *out.glob("sheet-*.png")]:
            path.unlink(missing_ok=True)


class _Run:
    """The waiting units through an engine; units whose process died are tried again, their killers left out."""

    def __init__(
        self, plan: Plan, options: PrepareOptions, work: WorkFolder, assembler: Assembler, on_progress: OnProgress
    ) -> None:
        self._options, self._work, self._assembler, self._on_progress = options, work, assembler, on_progress
        self._run_id = uuid.uuid4().hex[:12]
        self._report = PrepareReport()
        for name in plan.twice:
            self._report.leave_out("listed_twice", name)

    def work_through(self, waiting: Sequence[Unit], engine: str, jobs: int) -> None:
        self._assembler.advance()
        rounds = 2 + 2 * max((len(unit.samples) for unit in waiting), default=0)  # each one finds a killer at least
        while waiting:
            rounds -= 1
            waiting = self._one_round(waiting, engine, jobs, last=rounds == 0)

    def _one_round(self, waiting: Sequence[Unit], engine: str, jobs: int, *, last: bool) -> list[Unit]:
        again: list[Unit] = []
        jobs = min(jobs, len(waiting))
        threads = max(1, (os.cpu_count() or 1) // jobs)
        make = functools.partial(make_unit_worker, self._work.folder.absolute(), self._options, self._run_id, threads)
        for outcome in find_engine(engine)(waiting, make, jobs=jobs):
            if outcome.error is not None and outcome.error.code == ErrorCode.DECODER_CRASHED and not last:
                again.append(outcome.item)
                continue
            report = outcome.result if outcome.result is not None else self._failed(outcome)
            self._report.add(report)
            self._assembler.add(outcome.item.number)
            self._assembler.advance()
            self._on_progress(len(outcome.item.samples), self._report)
        return again

    def _failed(self, outcome: Outcome[Unit, PrepareReport]) -> PrepareReport:
        """A unit that could not be worked on at all: every sample is named, and the unit counts as done."""
        error = outcome.error
        assert error is not None
        if error.code in (ErrorCode.DISK_FULL, ErrorCode.IO_ERROR, ErrorCode.QUOTA):
            raise DfdetectError(
                error.message, code=ErrorCode(error.code)
            )  # of our own files: those of samples are caught
        report = PrepareReport(files=len(outcome.item.samples))
        for sample in outcome.item.samples:
            report.leave_out(error.code, sample.name)
            report.remark(f"{error.code}: {error.message.split(': ')[0]}", sample.name)  # no paths of this machine
        self._work.write_unit(outcome.item.number, UnitRows(report=report))
        return report
