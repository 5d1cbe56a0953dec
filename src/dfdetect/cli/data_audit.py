"""`dfdetect data audit`: what leaks between the parts of any split. Exit: 0 clean, 1 leaks found, 2 usage."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dfdetect.cli.main import CONDITION_MET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dfdetect.cli.progress import Bar
    from dfdetect.data.audit import AuditReport


def command(
    splits: Annotated[
        list[Path] | None,
        typer.Argument(metavar="SPLIT", help="Index, CSV, Parquet, JSON, list, or folder; several are one split."),
    ] = None,
    parts: Annotated[
        list[str] | None,
        typer.Option("--split", metavar="NAME=SPLIT", help="A file or folder that is one part whole; repeat it."),
    ] = None,
    json_flag: Annotated[bool, typer.Option("--json", help="The report as JSON (schema dfdetect.audit/1).")] = False,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write a self-contained HTML report.")] = None,
    keys: Annotated[
        Path | None, typer.Option(metavar="INDEX", help="Index of the same datasets, to take keys from, by video.")
    ] = None,
    lists: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder with lists of public datasets (conversion_dict.json, ...)."),
    ] = None,
    video_from: Annotated[
        str | None,
        typer.Option(metavar="REGEX", help="Its group is the video's name in a path, for names of your own."),
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(metavar="KEY=NAME", help="Your name of a column, such as path=file_on_disk.")
    ] = None,
    keep_split_names: Annotated[
        bool,
        typer.Option("--keep-split-names", help="Any words are splits (folds, for example), not train, val, test."),
    ] = False,
    encoding: Annotated[str, typer.Option(help="Of CSV and text files.")] = "utf-8",
    pixels: Annotated[
        bool, typer.Option("--pixels", help="Also find pictures that look alike: opens every file, goes on if stopped.")
    ] = False,
    hashes: Annotated[
        Path, typer.Option(metavar="FILE", help="With --pixels: where the pictures' hashes are kept.")
    ] = Path("dfdetect-hashes.jsonl"),
    root: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="With --pixels: where relative paths start (else the list's folder)."),
    ] = None,
    frames: Annotated[int, typer.Option(help="With --pixels: frames of a video, or of a folder of frames.")] = 5,
    most_bits: Annotated[
        int, typer.Option(help="With --pixels: alike are pictures of which at most so many of 256 bits differ (to 31).")
    ] = 31,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="With --pixels: processes at work.")] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Find what leaks between train, val and test: files, videos, originals, donors, people, uploads.

    Reads any split: an index, a CSV or Parquet with paths (a column split, and any keys you have), DeepfakeBench's
    JSON, train/val/test folders, a dataset as downloaded. Keys that it does not bring are told from the names of public
    datasets; what could not be checked is listed. Exit 1 if anything leaks.

    dfdetect data audit split.csv
    dfdetect data audit --split train=train.csv --split test=test.csv --html audit.html
    """
    from dfdetect.cli.output import check_folder
    from dfdetect.data.audit import audit
    from dfdetect.data.audit.pixels import PixelOptions
    from dfdetect.data.audit.tables import ReadOptions

    if html is not None:
        check_folder(html, "--html")
    with _progress(quiet=quiet) as on_progress:
        report = audit(
            *(splits or []),
            splits=_pairs(parts or [], "--split", "train=train.csv"),
            read=ReadOptions(_pairs(column or [], "--column", "path=NAME"), keep_split_names, encoding),
            lists=lists,
            keys=keys,
            video_from=video_from,
            pixels=PixelOptions(hashes, most_bits, frames, jobs, root, on_progress) if pixels else None,
        )
    if html is not None:
        _write_html(report, html)
    _print(report, json_flag=json_flag)
    if report.leaks_found:
        raise typer.Exit(CONDITION_MET)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar that begins when it is known how many files there are."""
    from dfdetect.cli.progress import progress_bar

    with ExitStack() as stack:
        bars: list[Bar] = []

        def on_progress(_done: int, total: int) -> None:
            if not bars:
                bars.append(stack.enter_context(progress_bar(total, quiet=quiet)))
            bars[0].advance()

        yield on_progress


def _pairs(texts: list[str], flag: str, example: str) -> Mapping[str, str]:
    from dfdetect.errors import UsageError

    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise UsageError(f"{flag} takes two words with = between, such as {example}; got {text!r}")
        if name in found:
            raise UsageError(f"{flag} {name}= is given twice")
        found[name] = value
    return found


def _write_html(report: AuditReport, path: Path) -> None:
    from dfdetect.data.audit.report_html import render

    part = path.with_name(path.name + ".part")
    part.write_text(render(report), encoding="utf-8")
    part.replace(path)


def _print(report: AuditReport, *, json_flag: bool) -> None:
    from dfdetect.data.audit.report import to_text
    from dfdetect.detect.wording import plain

    if json_flag:
        text = json.dumps(report.to_json(), indent=2)
    else:
        text = "\n".join(plain(line) for line in to_text(report).split("\n"))
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
