"""`dfdetect scan`: files, folders, globs and lists -> one record each."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dfdetect.batch.engines import DEFAULT_ENGINE, find_engine
from dfdetect.batch.journal import InputKey, Journal, input_key
from dfdetect.cli.inputs import Input, collect, is_media, open_list, output_names
from dfdetect.cli.main import CONDITION_MET, DONE, INTERRUPTED, READER_GONE, SOME_FAILED
from dfdetect.cli.output import OutputPlan, Outputs, plan_formats
from dfdetect.cli.progress import progress_bar
from dfdetect.cli.remote import make_remote_work, remote_model
from dfdetect.errors import UsageError
from dfdetect.values import ErrorInfo, InputInfo, ModelInfo, ScanResult, Verdict

if TYPE_CHECKING:
    from dfdetect.config import Settings


FAILED = "failed"  # in the tally, beside the verdicts


@dataclass(frozen=True, slots=True)
class ScanJob:
    """One run of `scan`, every flag checked. fail_on: verdicts that turn the exit code into 1. engine: of ENGINES."""

    inputs: tuple[Input, ...]
    settings: Settings
    plan: OutputPlan
    archive: Path | None
    fail_on: frozenset[Verdict]
    engine: str = DEFAULT_ENGINE
    server: str | None = None


def command(
    paths: Annotated[list[str] | None, typer.Argument(help="Files, folders and globs.", metavar="PATH...")] = None,
    recursive: Annotated[bool, typer.Option("-r", "--recursive", help="Go into folders inside folders.")] = False,
    list_file: Annotated[
        str | None, typer.Option("--list", metavar="FILE", help="Also scan the paths in FILE, one a line; - = stdin.")
    ] = None,
    json_flag: Annotated[
        bool, typer.Option("--json", help="A JSON object an input: indented for one file, else one a line.")
    ] = False,
    formats: Annotated[
        list[str] | None, typer.Option("--format", metavar="jsonl|csv", help="One line an input in this format.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write the results into this folder.")
    ] = None,
    html: Annotated[bool, typer.Option("--html", help="Write a self-contained report an input.")] = False,
    heatmaps: Annotated[bool, typer.Option("--heatmaps", help="Put each frame's evidence map into the JSON.")] = False,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Processes at work. (default 1)")] = None,
    archive: Annotated[
        Path | None,
        typer.Option("--archive", metavar="FILE", help="Note finished inputs here; skip them next time."),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME|FOLDER", help="Which model. (default default)")
    ] = None,
    fail_on: Annotated[
        list[Verdict] | None, typer.Option("--fail-on", help="Exit with 1 if an input gets this verdict; repeatable.")
    ] = None,
    frames: Annotated[
        int | None, typer.Option("--frames", min=1, help="Frames to read, at the least. (default 32)")
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", metavar="auto|cpu|cuda", help="Where the network runs. (default auto)")
    ] = None,
    detector: Annotated[str | None, typer.Option("--detector", help="Face detector. (default yunet)")] = None,
    engine: Annotated[str, typer.Option("--engine", metavar="local|ray", help="This computer, or Ray.")] = "local",
    server: Annotated[
        str | None,
        typer.Option("--server", metavar="URL", help="Have a dfdetect service scan; its key in DFDETECT_KEY."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Nothing on standard error but errors.")] = False,
) -> None:
    """Say whether faces in images and videos were manipulated, where and when, and how sure that is.

    One record for every input, always; a file that cannot be read is a record with an error code.
    """
    from dfdetect.config import load_settings

    if not paths and list_file is None:
        raise UsageError("nothing to scan: name files or folders, or a list with --list FILE (- for standard input)")
    find_engine(engine)
    if server is not None and (html or heatmaps):
        raise UsageError("--server gives no pictures: the service keeps reports at /v1/scans/ID/report.html")
    own = {"--frames": frames, "--device": device, "--detector": detector}
    if server is not None and (given := [flag for flag, value in own.items() if value is not None]):
        raise UsageError(f"{', '.join(given)} cannot be used with --server: the service scans in its own way")
    settings = load_settings(
        model=model, frames=frames, device=device, detector=detector, jobs=jobs, quiet=True if quiet else None
    )
    chosen = plan_formats(json_flag, formats or [], out, html)
    named, listed = paths or [], open_list(list_file) if list_file is not None else []
    inputs = collect(named, listed, recursive=recursive, is_media=is_media)
    plan = OutputPlan(
        formats=chosen,
        folder=out,
        html=html,
        heatmaps=heatmaps,
        pretty=list_file is None and len(named) == 1 and named == [item.path for item in inputs],
        append=archive is not None,
    )
    job = ScanJob(tuple(inputs), settings, plan, archive, frozenset(fail_on or ()), engine, server)
    raise typer.Exit(run_job(job))


def run_job(job: ScanJob) -> int:
    """Scan every input that is not done yet, write each result, return the exit code."""
    model = remote_model(job.server, job.settings.model) if job.server is not None else check_model(job.settings)
    try:
        code = _run_job(job, model)
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_stdout()
        return READER_GONE
    return code


def _run_job(job: ScanJob, model: ModelInfo) -> int:
    outputs = Outputs(job.plan)
    names = dict(zip(job.inputs, output_names(job.inputs), strict=True))
    tally: Counter[str] = Counter()
    with _open_journal(job.archive) as journal:
        keys = {item: _key(item, model) for item in job.inputs} if journal is not None else {}
        waiting = [item for item in job.inputs if journal is None or keys[item] not in journal]
        if len(waiting) < len(job.inputs):
            _note(job, f"{len(job.inputs) - len(waiting)} of {len(job.inputs)} inputs are done already")
        interrupted = no_map = False
        with progress_bar(len(waiting), quiet=job.settings.quiet) as bar:
            try:
                for item, result in scan_all(waiting, job.settings, model, job.engine, job.server):
                    with bar.aside():
                        outputs.write(result, names[item])
                    tally[result.verdict or FAILED] += 1
                    no_map |= job.plan.heatmaps and any(s.cam is None for track in result.tracks for s in track.scores)
                    key = keys.get(item)
                    # What --fail-on asks for is not archived: a second run must not turn a failed gate green.
                    settled = result.status == "ok" and result.verdict not in job.fail_on
                    if journal is not None and key is not None and settled:
                        journal.add(key)
                    bar.advance()
            except KeyboardInterrupt:
                interrupted = True
    outputs.close()
    if no_map:
        _note(job, f"--heatmaps: the model {model.name} has no map of where it read its evidence; heatmap is null")
    if interrupted:
        _note(job, f"stopped after {tally.total()} of {len(waiting)} inputs; their results are kept")
        return INTERRUPTED
    if tally.total() > 1:
        _note(job, ", ".join(f"{count} {verdict.replace('_', ' ')}" for verdict, count in sorted(tally.items())))
    elif not job.inputs:
        _note(job, "nothing to scan: the list is empty")
    return _exit_code(tally, job.fail_on)


def scan_all(
    inputs: list[Input],
    settings: Settings,
    model: ModelInfo,
    engine: str = DEFAULT_ENGINE,
    server: str | None = None,
) -> Iterator[tuple[Input, ScanResult]]:
    """A result for every input, in the order in which they are done."""
    if server is None:
        make = functools.partial(make_work, settings, model)
    else:
        make = functools.partial(make_remote_work, server, model)
    for outcome in find_engine(engine)(inputs, make, jobs=min(settings.jobs, max(1, len(inputs)))):
        if outcome.result is not None:
            yield outcome.item, outcome.result
        else:
            assert outcome.error is not None
            yield outcome.item, error_result(outcome.item, outcome.error, model)


def make_work(settings: Settings, model: ModelInfo) -> Callable[[Input], ScanResult]:
    """Load the model once in this process; returns what scans one input."""
    from dfdetect.detect.detector import Scanner

    # Several processes with all cores each would only wait for one another.
    threads = max(1, (os.cpu_count() or 1) // settings.jobs) if settings.jobs > 1 else None
    scanner = Scanner(
        settings.model, frames=settings.frames, device=settings.device, detector=settings.detector, threads=threads
    )

    def work(item: Input) -> ScanResult:
        return scanner.scan(item.path) if item.refusal is None else error_result(item, item.refusal, model)

    return work


def error_result(item: Input, error: ErrorInfo, model: ModelInfo) -> ScanResult:
    """The record of an input that the scanner never came to answer."""
    return ScanResult(input=InputInfo(item.path, None, None), status="error", error=error, model=model)


def check_model(settings: Settings) -> ModelInfo:
    """The model that will be used, verified. Raises ModelUnusable before any input is touched."""
    from dfdetect.models.bundle import find_bundle, load_bundle

    return load_bundle(find_bundle(settings.model)).info


def _open_journal(path: Path | None) -> AbstractContextManager[Journal | None]:
    return nullcontext(None) if path is None else Journal(path)


def _key(item: Input, model: ModelInfo) -> InputKey | None:
    return None if item.refusal is not None else input_key(item.path, model.sha256)


def _drop_stdout() -> None:
    """Nobody reads any more (`| head`): let the interpreter's last flush go nowhere instead of failing loudly."""
    with contextlib.suppress(OSError, ValueError):  # a replaced stream has no descriptor
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _note(job: ScanJob, text: str) -> None:
    if not job.settings.quiet:
        sys.stderr.write(f"dfdetect: {text}\n")


def _exit_code(tally: Counter[str], fail_on: frozenset[Verdict]) -> int:
    """A met condition outweighs failed inputs: who asked for it must not miss it because another file was broken."""
    if any(tally[verdict] for verdict in fail_on):
        return CONDITION_MET
    return SOME_FAILED if tally[FAILED] else DONE
