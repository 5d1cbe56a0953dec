"""`dfdetect prepare`: datasets -> face shards that training reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dfdetect.cli.main import DONE, SOME_FAILED
from dfdetect.errors import ErrorCode

if TYPE_CHECKING:
    from dfdetect.cli.progress import Bar
    from dfdetect.data.prepare.options import PrepareReport
    from dfdetect.data.prepare.run import OnProgress
    from dfdetect.data.tree import Problem

_SHOWN = 4  # names of left-out files a reason; the manifest has them all


def command(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT", help="Index of `dfdetect data index`, a CSV with path,label, or a dataset's folder."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the shards; made if it is not there.")],
    root: Annotated[
        list[str] | None,
        typer.Option(metavar="[DATASET=]FOLDER", help="Where the files are, if not where the input says; repeatable."),
    ] = None,
    frames: Annotated[int, typer.Option(min=1, help="Frames of a clip, spread evenly over its time.")] = 8,
    every: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Instead: a frame every so many seconds.")
    ] = None,
    detector: Annotated[str, typer.Option(help="Face detector: yunet or mtcnn.")] = "yunet",
    margin: Annotated[float, typer.Option(help="Around the face, a fraction of its longer side.")] = 0.45,
    size: Annotated[int, typer.Option(help="Most pixels of a crop's side; smaller crops stay as they are.")] = 480,
    min_face: Annotated[float, typer.Option(metavar="PX", help="Leave out faces that are smaller.")] = 80,
    faces: Annotated[str, typer.Option(metavar="best|all", help="One face a frame, or all.")] = "best",
    other_faces: Annotated[
        str, typer.Option(metavar="drop|real", help="Untouched faces of a fake clip; real needs --faces all.")
    ] = "drop",
    most_per_clip: Annotated[int, typer.Option(metavar="N", help="At most so many faces of a clip; 0: all.")] = 0,
    video_copies: Annotated[
        int,
        typer.Option(metavar="N", help="Of every face N more as videos show it, for training where PyAV is missing."),
    ] = 0,
    dataset: Annotated[
        list[str] | None, typer.Option(help="Only this dataset; repeatable, as are the next four.")
    ] = None,
    split: Annotated[list[str] | None, typer.Option(help="Only this split: train, val, test.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="Only real, or only fake.")] = None,
    method: Annotated[list[str] | None, typer.Option(help="Of the fakes only those of this method.")] = None,
    compression: Annotated[list[str] | None, typer.Option(help="Only this one: raw, c23, c40.")] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Processes. (default: one a core)")] = None,
    engine: Annotated[str, typer.Option(metavar="local|ray", help="This computer, or Ray.")] = "local",
    sheet: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where contact sheets go, if not into OUT.")
    ] = None,
    no_sheet: Annotated[bool, typer.Option("--no-sheet", help="No contact sheets.")] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Throw away what an earlier run left in OUT.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Cut the faces out of videos, frame folders, photographs and crops, into Parquet shards.

    Every face has its 468-point mesh, quality and origin; a fake is cut by the boxes of its original. A run that was
    stopped, or killed, goes on with the same command. What is left out is counted, and listed in the manifest.
    """
    from dfdetect.cli.progress import progress_bar, resumable
    from dfdetect.data.prepare.inputs import read_samples
    from dfdetect.data.prepare.options import PrepareOptions
    from dfdetect.data.prepare.plan import Filters
    from dfdetect.data.prepare.run import prepare
    from dfdetect.data.prepare.sheets import write_sheets

    options = PrepareOptions(
        frames=frames,
        every_s=every or 0.0,
        detector=detector,
        margin=margin,
        max_px=size,
        min_face_px=min_face,
        faces=faces,
        other_faces=other_faces,
        most_per_clip=most_per_clip,
        video_copies=video_copies,
    )
    columns = {"dataset": dataset, "split": split, "label": label, "method": method, "compression": compression}
    filters = Filters(**{name: tuple(values or ()) for name, values in columns.items()})
    everything, problems = read_samples(source, root or [])
    warn_of_problems(problems)
    samples = filters.apply(everything)
    with resumable(out), progress_bar(len(samples), quiet=quiet, what="faces of files") as bar:
        done = prepare(
            samples,
            out,
            options,
            source=source.name,
            jobs=jobs,
            engine=engine,
            restart=restart,
            on_start=lambda total, before: bar.advance(before),
            on_progress=_shown_on(bar),
        )
    _tell(done.manifest, out, was_done=done.was_done)
    if not no_sheet:
        for path in write_sheets(out, sheet or out):
            typer.echo(f"contact sheet: {path}")
    failed = set(done.manifest["left_out"]) & set(ErrorCode)
    raise typer.Exit(SOME_FAILED if failed else DONE)


def warn_of_problems(problems: Sequence[Problem]) -> None:
    """What is wrong with a dataset's folder, once for every kind."""
    by_code: dict[str, list[Problem]] = {}
    for problem in problems:
        by_code.setdefault(problem.code, []).append(problem)
    for code, some in by_code.items():
        typer.echo(f"dfdetect: {code}: {len(some)}, for example {some[0].path}: {some[0].text}", err=True)


def _shown_on(bar: Bar) -> OnProgress:
    def show(files: int, report: PrepareReport) -> None:
        bar.advance(files, note=_reasons({reason: len(names) for reason, names in report.left_out.items()}))

    return show


def _reasons(counts: dict[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{count} {reason}" for reason, count in ordered[:3])


def _tell(manifest: dict[str, Any], out: Path, *, was_done: bool) -> None:
    """What came of it, as text."""
    files, kept = manifest["files"], manifest["files_kept"]
    typer.echo(f"{manifest['records']} faces of {kept} of {files} files in {out}{' (done before)' * was_done}")
    for what, title in (("left_out", "left out"), ("remarks", "note")):
        for reason, names in sorted(manifest[what].items(), key=lambda item: -len(item[1])):
            more = ", ..." if len(names) > _SHOWN else ""
            typer.echo(f"  {title}, {reason}: {len(names)} ({', '.join(names[:_SHOWN])}{more})")
    for reason, count in manifest["faces_left_out"].items():
        typer.echo(f"  faces left out, {reason}: {count}")
