"""The audit itself: read, tell keys from names where there are none, find what is on both sides, report."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfdetect.data.audit.checks import clear_empty_keys, comparable_paths, find_notes
from dfdetect.data.audit.folders import read_folder
from dfdetect.data.audit.json_splits import read_json
from dfdetect.data.audit.leaks import find_leaks, not_checked, split_sizes
from dfdetect.data.audit.official import celeb_list, is_celeb_list
from dfdetect.data.audit.report import AuditReport, Leak, Note
from dfdetect.data.audit.rows import content_keys, files_of, join_sources, look_up, name_keys, to_rows
from dfdetect.data.audit.source import Source
from dfdetect.data.audit.tables import ReadOptions, from_memory, read_csv, read_json_lines, read_lines, read_parquet
from dfdetect.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from dfdetect.data.audit.pixels import PixelOptions

_KINDS_OF_FILE = ".parquet, .csv, .tsv, .json, .jsonl, .txt, or a folder"


def audit(
    *sources: Any,
    splits: Mapping[str, Any] | None = None,
    read: ReadOptions | None = None,
    lists: Path | str | None = None,
    keys: Path | str | pa.Table | None = None,
    video_from: str | None = None,
    pixels: PixelOptions | None = None,
) -> AuditReport:
    """Find what leaks between the parts of a split.

    sources: files, folders, DataFrames or Arrow tables that say themselves what is train and what is test; several are
    one split. splits: name -> such a source that is that part whole. read: how tables are written. lists: folder with
    the official lists of public datasets, where keys are in them (FaceForensics++: conversion_dict.json). keys: an
    index of the same datasets, from which keys are taken by video. video_from: regular expression whose group is the
    video's name in a path. pixels: also compare what the pictures look like. Errors: UsageError where nothing tells
    the splits apart, DataError for what cannot be read.
    """
    start = time.perf_counter()
    options, lists_folder = read or ReadOptions(), Path(lists) if lists is not None else None
    named = [(source, None) for source in sources] + [(source, name) for name, source in (splits or {}).items()]
    if not named:
        raise UsageError(f"an audit needs a split: {_KINDS_OF_FILE}, or --split train=A --split test=B")
    index = None if keys is None else _read(keys, None, lists_folder, options).table
    found = []
    for source, split in named:
        one = _read(source, split, lists_folder, options)
        if isinstance(source, (str, Path)) and Path(source).is_file():
            one.base = str(Path(source).absolute().parent)
        _give_split(one, split)
        name_keys(one, lists=lists_folder, video_from=video_from)
        if index is not None:
            look_up(one, index)
        found.append(one)
    report = _report(found, pixels)
    return replace(report, seconds=time.perf_counter() - start)


def _report(sources: list[Source], pixels: PixelOptions | None) -> AuditReport:
    import pyarrow.compute as pc

    notes = [note for source in sources for note in source.notes]
    table = join_sources(sources)
    for source in sources:
        source.table = source.table.select([])  # joined: free what is not needed twice
    of_faces = any(source.is_faces for source in sources)
    unplaced = table.column("split").null_count
    if unplaced:
        notes.append(Note("no_split", f"{unplaced:,} of {table.num_rows:,} samples are in no split and were left out"))
        table = table.filter(pc.is_valid(table.column("split")))
    paths, path_notes = comparable_paths(table.column("path"))
    rows = to_rows(table, paths)
    rows.keys["source"] = clear_empty_keys(rows.keys["source"])
    about, lacking = None, []
    alike: tuple[list[Leak], list[tuple[str, str, str]]] = ([], [])
    if pixels is not None:
        # Opens media, which a machine that only trains may not be able to.
        from dfdetect.data.audit.pixels import find_look_alikes, hash_files

        hashed = hash_files(files_of(table, pixels.root), pixels)
        rows.keys["content"] = content_keys(table, hashed.sha256)
        alike = find_look_alikes(rows, hashed, pixels.most_bits)
        about = hashed.about(pixels)
        notes += hashed.notes()
        lacking = hashed.not_checked(len(rows))
    leaks, clean = find_leaks(rows)
    return AuditReport(
        sources=tuple(source.name for source in sources),
        splits=split_sizes(rows),
        leaks=(*leaks, *alike[0]),
        clean=(*clean, *alike[1]),
        not_checked=(*not_checked(rows), *lacking),
        notes=(*notes, *path_notes, *find_notes(rows, table, of_faces=of_faces)),
        pixels=about,
    )


def _read(source: Any, split: str | None, lists: Path | None, options: ReadOptions) -> Source:
    if not isinstance(source, (str, Path)):
        return from_memory(source, type(source).__name__, options)
    path = Path(source)
    if path.is_dir():
        return read_folder(path, split, lists, options)
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file or folder; a split is {_KINDS_OF_FILE}")
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return read_parquet([path], str(path), options)
    if suffix in (".csv", ".tsv"):
        return read_csv(path, options)
    if suffix == ".json":
        return read_json(path, split, options)
    if suffix in (".jsonl", ".ndjson"):
        return read_json_lines(path, options)
    if split is None and suffix == ".txt" and is_celeb_list(path):
        return celeb_list(path)
    if suffix in (".txt", ".lst", ""):
        return read_lines(path, options)
    raise UsageError(f"{path}: a split is {_KINDS_OF_FILE}; got a file with the suffix {path.suffix!r}")


def _give_split(source: Source, split: str | None) -> None:
    """Put a named part's name on all of its rows. UsageError where rows have no split and none was named."""
    import pyarrow as pa

    has = "split" in source.table.column_names
    if split is not None:
        column = pa.array([split] * source.table.num_rows, pa.string())
        at = source.table.column_names.index("split") if has else None
        source.table = (
            source.table.append_column("split", column) if at is None else source.table.set_column(at, "split", column)
        )
    elif not has:
        columns = ", ".join(source.table.column_names)
        raise UsageError(
            f"{source.name}: nothing says what is train and what is test (columns understood: {columns}). Add a column "
            "split, or name each part: --split train=A --split test=B"
        )
