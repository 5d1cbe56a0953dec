"""Splits in tables: Parquet (indexes, face shards, any other), CSV, JSON lines, lists of paths."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfdetect.data.audit.source import LABEL_WORDS, Source, from_columns, own_columns
from dfdetect.errors import DataError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

_DELIMITERS = (",", "\t", ";")


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How splits are written.

    columns: known name -> the table's own. keep_split_names: any words may name splits. encoding: of text files;
    encoding_flag: what sets it, "" where nothing does.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    keep_split_names: bool = False
    encoding: str = "utf-8"
    encoding_flag: str = "--encoding"


def from_arrow(table: pa.Table, name: str, options: ReadOptions) -> Source:
    return from_columns(table, name, options.columns, keep_split_names=options.keep_split_names)


def read_parquet(paths: Sequence[Path], name: str, options: ReadOptions) -> Source:
    """One Parquet file, or the shards of one table; only the columns that an audit uses are read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        wanted = list(own_columns(pq.read_schema(paths[0]).names, name, options.columns).values())
        kind = [column for column in ("kind",) if column in pq.read_schema(paths[0]).names]
        tables = [pq.read_table(path, columns=[*wanted, *kind]) for path in paths]
        return from_arrow(pa.concat_tables(tables, promote_options="permissive"), name, options)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{name}: expected Parquet that can be read; {error}") from error


def read_csv(path: Path, options: ReadOptions) -> Source:
    """A table with a header line, separated by comma, tab or semicolon, every cell taken as text."""
    header, _ = text_header(path, options)
    wanted = list(own_columns(header, str(path), options.columns).values())
    return from_arrow(text_table(path, wanted, options), str(path), options)


def text_table(path: Path, wanted: Sequence[str], options: ReadOptions) -> pa.Table:
    """The wanted columns of a table of `text_header`, every cell as text, an empty one as null."""
    import pyarrow as pa
    import pyarrow.csv as pcsv

    header, delimiter = text_header(path, options)
    repeated = [column for column in wanted if header.count(column) > 1]
    if repeated:
        raise DataError(f"{path}: there are several columns named {repeated[0]!r}; keep one")
    try:
        return pcsv.read_csv(
            path,
            read_options=pcsv.ReadOptions(column_names=header, skip_rows=1, encoding=options.encoding),
            parse_options=pcsv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pcsv.ConvertOptions(
                include_columns=list(wanted),
                column_types=dict.fromkeys(wanted, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, options, error) from error


def text_header(path: Path, options: ReadOptions) -> tuple[list[str], str]:
    """Names of the columns, and the delimiter. DataError: an empty file, or one that cannot be read."""
    encoding = "utf-8-sig" if options.encoding == "utf-8" else options.encoding
    try:
        with path.open(encoding=encoding, newline="") as file:
            line = file.readline()
    except (OSError, UnicodeDecodeError, LookupError) as error:
        raise _unreadable(path, options, error) from error
    if not line.strip():
        raise DataError(f"{path}: this file is empty; expected a header line such as path,label,split")
    delimiter = max(_DELIMITERS, key=line.count)
    return [cell.strip() for cell in next(csv.reader(io.StringIO(line), delimiter=delimiter))], delimiter


def _unreadable(path: Path, options: ReadOptions, error: Exception) -> DataError:
    text = str(error)
    if isinstance(error, UnicodeDecodeError) or "invalid UTF8" in text or "Invalid UTF8" in text:
        flag = options.encoding_flag
        other = f", or say how it is written, for example with {flag} latin-1" if flag else ""
        return DataError(f"{path}: expected text in {options.encoding}; {text}. Save it as UTF-8{other}")
    return DataError(f"{path}: cannot be read as a table; {text}")


def read_lines(path: Path, options: ReadOptions) -> Source:
    """A list of paths, one a line, with a label (real, fake, 0, 1) before or after it or without one."""
    import pyarrow as pa

    try:
        lines = path.read_text(encoding=options.encoding).splitlines()
    except (OSError, UnicodeDecodeError, LookupError) as error:
        raise _unreadable(path, options, error) from error
    rows = [_path_and_label(line.strip()) for line in lines if line.strip()]
    table = pa.table(
        {"path": pa.array([p for p, _ in rows], pa.string()), "label": pa.array([w for _, w in rows], pa.string())}
    )
    return from_arrow(table, str(path), options)


def _path_and_label(line: str) -> tuple[str, str | None]:
    for separator in (",", None):
        last = line.rsplit(separator, 1)
        if len(last) == 2 and last[1].strip().lower() in LABEL_WORDS:
            return last[0].strip(), last[1].strip()
        first = line.split(separator, 1)
        if len(first) == 2 and first[0].strip().lower() in LABEL_WORDS:
            return first[1].strip(), first[0].strip()
    return line, None


def read_json_lines(path: Path, options: ReadOptions) -> Source:
    """One JSON object a line, flat."""
    import pyarrow as pa
    import pyarrow.json as pjson

    try:
        return from_arrow(pjson.read_json(path), str(path), options)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, options, error) from error


def _text(cell: Any) -> Any:
    """pathlib paths as text; anything else as it is."""
    return os.fspath(cell) if isinstance(cell, os.PathLike) else cell


def _plain(column: Any) -> Any:
    return [_text(cell) for cell in column] if isinstance(column, (list, tuple)) else column


def from_memory(data: Any, name: str, options: ReadOptions) -> Source:
    """A pandas DataFrame, an Arrow table, a list of dicts or a dict of columns."""
    import pyarrow as pa

    if isinstance(data, pa.Table):
        return from_arrow(data, name, options)
    try:
        if isinstance(data, Mapping):
            table = pa.table({name: _plain(column) for name, column in data.items()})
        elif isinstance(data, Sequence) and not isinstance(data, str):
            table = pa.Table.from_pylist([{name: _text(cell) for name, cell in row.items()} for row in data])
        else:
            objects = [name for name, kind in data.dtypes.items() if str(kind) == "object"]
            table = pa.Table.from_pandas(data.assign(**data[objects].map(_text)), preserve_index=False)
    except (pa.ArrowException, TypeError, AttributeError, ValueError) as error:
        raise UsageError(
            f"{name}: expected a path, a pandas DataFrame, an Arrow table, a list of dicts or a dict of columns; "
            f"{error}"
        ) from error
    return from_arrow(table, name, options)
