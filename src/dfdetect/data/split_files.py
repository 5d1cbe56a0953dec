"""Indexes and splits as files: Parquet in, Parquet out, and lists of ids for other tools."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

from dfdetect.data.split_report import SplitReport
from dfdetect.errors import DataError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

IDS_SUFFIXES = (".json", ".csv")


def read_table(path: Path) -> pa.Table:
    """An index as an Arrow table. DataError for a file that is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise DataError(f"{path}: no such index; make one with `dfdetect data index ROOT -o {path}`")
    try:
        return pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: expected a Parquet index made by `dfdetect data index`; {error}") from error


def write_split(path: Path, table: pa.Table, report: SplitReport) -> None:
    """Write a split index, its report in the file's metadata (key `dfdetect.split`), by temporary name and rename."""
    import pyarrow.parquet as pq

    about = {**(table.schema.metadata or {}), b"dfdetect.split": json.dumps(report.to_json()).encode()}
    part = path.with_name(path.name + ".part")
    pq.write_table(table.replace_schema_metadata(about), part, compression="zstd")
    part.replace(path)


def write_ids(path: Path, table: pa.Table, report: SplitReport) -> None:
    """Write which video is in which split: CSV `video_id,split`, or JSON with the report and a list a split.

    Samples without a split are not in it. UsageError for another suffix.
    """
    if path.suffix.lower() not in IDS_SUFFIXES:
        raise UsageError(f"{path}: ids are written as {' or '.join(IDS_SUFFIXES)}")
    videos, splits = table.column("video_id").to_pylist(), table.column("split").to_pylist()
    pairs = sorted({(video, split) for video, split in zip(videos, splits, strict=True) if split})
    if path.suffix.lower() == ".csv":
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([("video_id", "split"), *pairs])
        data = text.getvalue()
    else:
        lists: dict[str, list[str]] = {}
        for video, split in pairs:
            lists.setdefault(split, []).append(video)
        data = json.dumps({**report.to_json(), "splits": lists}, indent=1) + "\n"
    part = path.with_name(path.name + ".part")
    part.write_text(data, encoding="utf-8")
    part.replace(path)
