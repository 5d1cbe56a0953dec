"""Where results go: standard output as text, JSON or CSV; a folder of files; HTML reports. Each record at once."""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from dfdetect.batch.journal import drop_torn_line
from dfdetect.cli.text import Style, closing_line, text_block, text_line
from dfdetect.errors import DfdetectError, ErrorCode, UsageError, unknown_name
from dfdetect.values import ScanResult

FORMATS = ("json", "jsonl", "csv")


@dataclass(frozen=True, slots=True)
class OutputPlan:
    """What to write where.

    formats: of FORMATS. folder: results go there instead of to standard output, which then has one line an input.
    html: a report an input. pretty: one input named as one file, so `--json` may be indented. append: keep what the
    folder's result lists hold (a resumed run). heatmaps: evidence maps in the JSON.
    """

    formats: tuple[str, ...]
    folder: Path | None
    html: bool
    heatmaps: bool
    pretty: bool
    append: bool


def plan_formats(json_flag: bool, formats: list[str], folder: Path | None, html: bool) -> tuple[str, ...]:
    """The formats asked for, checked. Raises UsageError for an unknown one, or for two on one standard output."""
    asked = (["json"] if json_flag else []) + [part.strip() for value in formats for part in value.split(",")]
    for name in asked:
        if name not in FORMATS:
            raise unknown_name("format", name, FORMATS)
    asked = list(dict.fromkeys(asked))
    if folder is None and len(asked) > 1:
        raise UsageError(f"standard output takes one format, got {' and '.join(asked)}; use --out FOLDER for several")
    if folder is not None and not asked and not html:
        asked = ["json"]
    return tuple(asked)


def terminal_style(stream: TextIO) -> Style:
    """Colour on a terminal unless NO_COLOR is set (no-color.org); ASCII where the encoding has no block characters."""
    try:
        "▁█▲–".encode(stream.encoding or "ascii")
        unicode = True
    except (UnicodeEncodeError, LookupError):
        unicode = False
    colour = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Style(colour=colour, unicode=unicode)


class Outputs:
    """Writes every result at once, so that a stopped run leaves all that was finished."""

    def __init__(self, plan: OutputPlan, stream: TextIO | None = None) -> None:
        self._plan = plan
        self._stream = sys.stdout if stream is None else stream
        self._style = terminal_style(self._stream)
        self._told = False
        if plan.folder is not None:
            _make_folder(plan.folder)
        self._writers: list[Callable[[ScanResult, str], None]] = [self._writer(name) for name in plan.formats]
        if plan.html:
            self._writers.append(self._write_html)
        if plan.folder is not None or not plan.formats:
            self._writers.append(self._write_text)

    def write(self, result: ScanResult, name: str) -> None:
        """One result to every place. name: what its own files are called. Raises DfdetectError where that fails."""
        try:
            for writer in self._writers:
                writer(result, name)
        except BrokenPipeError:
            raise
        except OSError as error:
            code = ErrorCode.DISK_FULL if error.errno == 28 else ErrorCode.IO_ERROR
            raise DfdetectError(f"cannot write the result of {result.input.path}: {error}", code=code) from error

    def close(self) -> None:
        """The closing words of a run of text."""
        if self._told:
            self._print(closing_line(self._style))

    def _writer(self, name: str) -> Callable[[ScanResult, str], None]:
        if self._plan.folder is None:
            return {"json": self._print_json, "jsonl": self._print_json, "csv": self._print_csv()}[name]
        if name == "json":
            return self._write_json
        return self._list_writer(self._plan.folder / f"results.{name}", name)

    def _print(self, text: str) -> None:
        # A path may hold what the encoding of the terminal lacks; the record is worth more than the character.
        encoding = self._stream.encoding or "utf-8"
        self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        self._stream.flush()

    def _write_text(self, result: ScanResult, _name: str) -> None:
        brief = self._plan.folder is not None
        self._print(text_line(result, self._style) if brief else text_block(result, self._style))
        self._told = self._told or (not brief and result.error is None)

    def _json(self, result: ScanResult, *, pretty: bool) -> str:
        from dfdetect.detect.result_json import to_json

        return to_json(result, pretty=pretty, heatmaps=self._plan.heatmaps)

    def _print_json(self, result: ScanResult, _name: str) -> None:
        self._print(self._json(result, pretty=self._plan.pretty and self._plan.formats == ("json",)))

    def _print_csv(self) -> Callable[[ScanResult, str], None]:
        rows = _CsvRows(header=True)
        return lambda result, _name: self._print(rows.text(result).rstrip("\r\n"))

    def _write_json(self, result: ScanResult, name: str) -> None:
        _replace(self._path(f"{name}.json"), self._json(result, pretty=True) + "\n")

    def _write_html(self, result: ScanResult, name: str) -> None:
        from dfdetect.detect.report_html import render

        _replace(self._path(f"{name}.report.html"), render(result))

    def _path(self, name: str) -> Path:
        return (self._plan.folder or Path()) / name

    def _list_writer(self, path: Path, kind: str) -> Callable[[ScanResult, str], None]:
        """Append one line a result; a fresh run starts anew, a resumed one goes on after the last whole line."""
        if self._plan.append:
            drop_torn_line(path)
        else:
            path.unlink(missing_ok=True)
        rows = _CsvRows(header=not path.exists() or path.stat().st_size == 0)

        def write(result: ScanResult, _name: str) -> None:
            text = rows.text(result) if kind == "csv" else self._json(result, pretty=False) + "\n"
            with path.open("a", encoding="utf-8", newline="") as file:
                file.write(text)

        return write


class _CsvRows:
    """Results as CSV text; the first one has the header before it."""

    def __init__(self, *, header: bool) -> None:
        self._header = header

    def text(self, result: ScanResult) -> str:
        from dfdetect.detect.result_json import CSV_COLUMNS, csv_row

        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        if self._header:
            writer.writerow(CSV_COLUMNS)
            self._header = False
        writer.writerow(csv_row(result))
        return buffer.getvalue()


def check_folder(path: Path, flag: str) -> None:
    """UsageError, before any work is done, where there is no folder to write a file into."""
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{flag} {path}: there is no folder {path.parent}; make it first")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {folder}: cannot make this folder: {error.strerror}") from None


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
