"""`dfdetect data index`: one Parquet index over many datasets as downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dfdetect.data.index import Index
    from dfdetect.data.readers.reader import CountCheck
    from dfdetect.data.tree import Problem

_SHOWN = 5  # names printed a line; --report has all


def command(
    roots: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ROOT...", help="Folders of datasets, or CSV lists; NAME=ROOT says which dataset it is."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The index, a Parquet file.")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Also write the index as CSV.")] = None,
    lists: Annotated[
        Path | None, typer.Option("--lists", help="Folder with split and list files that are not in ROOT itself.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write counts, everything missing and every problem as JSON.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 3 when anything had to be left out.")] = False,
    layouts: Annotated[bool, typer.Option("--layouts", help="Show the layouts that are known, and stop.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only errors.")] = False,
) -> None:
    """Read the names of datasets as they were downloaded into one index; no video is opened.

    Each ROOT's dataset is recognised by its layout: its own folder, or a folder that holds several. What is missing
    against the published counts, and every file that could not be used, is printed with a reason.
    """
    from dfdetect.cli.main import DONE, SOME_FAILED
    from dfdetect.data.index import build_index, parse_root
    from dfdetect.data.readers import READERS
    from dfdetect.data.sample import to_table, write_index
    from dfdetect.errors import UsageError

    if layouts:
        typer.echo("\n\n".join(f"{r.name}: {r.title}\n{r.layout.strip()}" for r in READERS.values()))
        return
    if not roots or out is None:
        raise UsageError(
            "data index needs at least one ROOT and --out FILE.parquet; --layouts shows what a ROOT may be"
        )
    index = build_index([parse_root(text, READERS) for text in roots], lists=lists)
    write_index(out, index.samples)
    if csv is not None:
        import pyarrow.csv as pa_csv

        pa_csv.write_csv(to_table(index.samples), csv)
    if report is not None:
        report.write_text(_report(index), encoding="utf-8")
    if not quiet:
        typer.echo(summary(index))
        typer.echo(f"{len(index.samples):,} samples in {out}")
    raise typer.Exit(SOME_FAILED if strict and index.left_out() else DONE)


def summary(index: Index) -> str:
    """What was read, what is missing and what was left out, for a terminal."""
    lines = []
    for read in index.reads:
        fakes = sum(int(sample.label) for sample in read.samples)
        note = "" if read.reader.verified else "  (layout not verified against a copy of the dataset)"
        lines.append(f"{read.reader.title}: {len(read.samples) - fakes:,} real, {fakes:,} fake{note}")
        lines += [f"    {_count(check)}" for check in read.checks]
        lines += _problems(read.problems)
    lines += [f"{root}: named before, or inside a root named before; not read again" for root in index.repeated]
    lines += _problems(index.problems)
    return "\n".join(lines)


def _count(check: CountCheck) -> str:
    text = f"{check.what}: {check.found:,} of {check.published:,}"
    if not check.missing:
        return text
    more = len(check.missing) - _SHOWN
    return f"{text}; missing {', '.join(check.missing[:_SHOWN])}{f' and {more:,} more' if more > 0 else ''}"


def _problems(problems: list[Problem] | tuple[Problem, ...]) -> list[str]:
    from dfdetect.detect.wording import plain

    by_code: dict[str, list[Problem]] = {}
    for problem in problems:
        by_code.setdefault(problem.code, []).append(problem)
    lines = []
    for code, found in by_code.items():
        lines.append(f"    ! {code}: {len(found):,}, such as {plain(found[0].path or '.')}: {plain(found[0].text)}")
    return lines


def _report(index: Index) -> str:
    import json
    from dataclasses import asdict

    from dfdetect import __version__

    return json.dumps(
        {
            "schema": "dfdetect.index_report/1",
            "dfdetect": __version__,
            "datasets": [
                {
                    "name": read.reader.name,
                    "title": read.reader.title,
                    "verified": read.reader.verified,
                    "samples": len(read.samples),
                    "counts": [asdict(check) for check in read.checks],
                    "problems": [asdict(problem) for problem in read.problems],
                }
                for read in index.reads
            ],
            "repeated_roots": [str(path) for path in index.repeated],
            "problems": [asdict(problem) for problem in index.problems],
        },
        indent=2,
        ensure_ascii=False,
    )
