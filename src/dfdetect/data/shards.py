"""Face shards: Parquet files of loose face crops with their mesh and provenance, <= 64 MB each.

Training reads these and nothing else, so it needs neither a decoder for video nor a face detector. The files open
in pyarrow and in Hugging Face `datasets` without our code (docs/face_shards.md). Written by temporary name and rename:
never half a shard.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfdetect.batch.whole_file import whole_file
from dfdetect.data.face_record import FaceRecord
from dfdetect.data.shard_table import (
    LIGHT_COLUMNS,
    PICTURES,
    ROWS_PER_GROUP,
    TEXT_COLUMNS,
    records_of,
    schema,
    to_table,
)
from dfdetect.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

# The record is offered here too, so that a reader of shards needs one import.
__all__ = [
    "FORMAT",
    "MANIFEST",
    "SHARD_BYTES",
    "FaceRecord",
    "describe",
    "read_columns",
    "read_manifest",
    "read_shard",
    "read_shards",
    "sha256_of",
    "shards_hash",
    "write_manifest",
    "write_shard",
    "write_shards",
]

FORMAT = "dfdetect.faces/1"
SHARD_BYTES = 60 * 1024 * 1024  # below the 64 MB that keeps a shard easy to move
MANIFEST = "manifest.json"


def write_shards(folder: Path, records: Iterable[FaceRecord], *, about: dict[str, Any]) -> Path:
    """Write records as shard-00000.parquet ... and manifest.json (counts, SHA-256 of every shard, `about`)."""
    folder.mkdir(parents=True, exist_ok=True)
    shards: list[dict[str, Any]] = []
    batch: list[FaceRecord] = []
    held = total = 0
    for record in records:
        if batch and held + record.held_bytes > SHARD_BYTES:
            shards.append(write_shard(folder, len(shards), batch))
            batch, held = [], 0
        batch.append(record)
        held += record.held_bytes
        total += 1
    if batch:
        shards.append(write_shard(folder, len(shards), batch))
    return write_manifest(folder, total, shards, about=about)


def write_shard(folder: Path, number: int, records: Iterable[FaceRecord]) -> dict[str, Any]:
    """Write one shard whole or not at all; returns its line in the manifest. Records are held a row group at a time."""
    import pyarrow.parquet as pq

    path = folder / f"shard-{number:05d}.parquet"
    waiting, written = iter(records), 0
    # A dictionary of pictures would only cost memory; of names it makes a column next to nothing.
    dictionaries = list(TEXT_COLUMNS)
    with (
        whole_file(path) as part,
        pq.ParquetWriter(part, schema(), compression="zstd", use_dictionary=dictionaries) as writer,
    ):
        while group := list(itertools.islice(waiting, ROWS_PER_GROUP)):
            writer.write_table(to_table(group))
            written += len(group)
    return {"file": path.name, "records": written, "sha256": sha256_of(path)}


def write_manifest(folder: Path, total: int, shards: list[dict[str, Any]], *, about: dict[str, Any]) -> Path:
    """Write manifest.json, which makes the shards a finished set."""
    path = folder / MANIFEST
    manifest = {"format": FORMAT, "records": total, "shards": shards, **about}
    with whole_file(path) as part:
        part.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def read_shards(
    folder: Path, *, where: Callable[[FaceRecord], bool] | None = None, images: bool = True
) -> Iterator[FaceRecord]:
    """Records in the order written; a shard is checked against its SHA-256 when its turn comes.

    where: keep only these; it is asked with image_bytes empty, and pictures are read for the kept ones alone.
    images: False leaves image_bytes empty and mask_bytes None, which reads a hundredth of the bytes.
    DataError names a missing, altered or unreadable shard.
    """
    for path, sha256 in _listed(folder):
        _refuse_altered(path, sha256)
        yield from read_shard(path, where=where, images=images)


def read_columns(folder: Path, columns: Sequence[str]) -> pa.Table:
    """Some columns of all shards as one Arrow table, without reading the others. Shards are not hashed."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    unknown = sorted(set(columns) - {*LIGHT_COLUMNS, *PICTURES})
    if unknown:
        raise DataError(
            f"face shards have no column {unknown}; the columns are {', '.join((*PICTURES, *LIGHT_COLUMNS))}"
        )
    tables = [pq.read_table(path, columns=list(columns)) for path, _ in _listed(folder)]
    return pa.concat_tables(tables) if tables else to_table([]).select(list(columns))


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a finished set. DataError: there is none (yet), or it is another format."""
    path = folder / MANIFEST
    if not path.is_file():
        raise DataError(
            f"{folder} holds no manifest.json; make face shards with `dfdetect prepare LIST.csv -o {folder}` (a run "
            "that was stopped goes on with the same command)"
        )
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT:
            raise ValueError(f"its format is {manifest['format']!r}, expected {FORMAT!r}")
        _ = [(shard["file"], shard["sha256"]) for shard in manifest["shards"]]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is no manifest of face shards ({error!r}); run `dfdetect prepare` again") from error
    return manifest


def _listed(folder: Path) -> list[tuple[Path, str]]:
    """(path, SHA-256) of every shard, all of which are there."""
    found = [(folder / shard["file"], shard["sha256"]) for shard in read_manifest(folder)["shards"]]
    for path, _ in found:
        if not path.is_file():
            raise DataError(f"shard {path} is named in the manifest but missing; run `dfdetect prepare` again")
    return found


def _refuse_altered(path: Path, sha256: str) -> None:
    found = sha256_of(path)
    if found != sha256:
        raise DataError(
            f"shard {path} was altered: expected SHA-256 {sha256}, found {found}; copy it anew, or run "
            "`dfdetect prepare` again with --restart"
        )


def read_shard(
    path: Path, *, where: Callable[[FaceRecord], bool] | None = None, images: bool = True
) -> Iterator[FaceRecord]:
    """Records of one shard file, as `read_shards` reads them; it is not checked against a manifest."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            rows = list(records_of(file.read_row_group(group, columns=list(LIGHT_COLUMNS))))
            kept = [number for number, row in enumerate(rows) if where is None or where(row)]
            if not images:
                yield from (rows[number] for number in kept)
            elif kept:
                whole = file.read_row_group(group)
                yield from records_of(whole if len(kept) == len(rows) else whole.take(kept))


def sha256_of(path: Path) -> str:
    """Hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def shards_hash(folder: Path) -> str:
    """One hash for the data of a run: SHA-256 over the manifest's shard hashes."""
    shards = read_manifest(folder)["shards"]
    return hashlib.sha256("".join(shard["sha256"] for shard in shards).encode()).hexdigest()


def describe(record: FaceRecord) -> dict[str, Any]:
    """A record's columns without pictures and arrays (for tables and reports)."""
    left_out = ("image_bytes", "mask_bytes", "mesh", "landmarks", "box_xyxy", "square_xyxy")
    return {f.name: getattr(record, f.name) for f in fields(FaceRecord) if f.name not in left_out}
