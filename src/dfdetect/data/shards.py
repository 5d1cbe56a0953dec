"""Face shards: Parquet files of loose face crops with their mesh and provenance, <= 64 MB each.

Training reads these and nothing else, so it needs neither a decoder for video nor a face detector. The files open
in pyarrow and in Hugging Face `datasets` without our code. Written by temporary name and rename: never half a shard.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from dfdetect.errors import DataError
from dfdetect.values import Float32Array, UInt8Array

SHARD_BYTES = 60 * 1024 * 1024  # below the 64 MB that keeps a shard easy to move
_MESH_SHAPE = (468, 3)


@dataclass(frozen=True, slots=True)
class FaceRecord:
    """One loose face crop with where it came from.

    image_bytes: JPEG (4:4:4) of the crop, made by media.roundtrip. mesh: (468, 3) float32 pixels of that crop.
    label: 0 real, 1 fake. path ... reuse: of its `Sample` ("" where unknown); path is the sample's name inside its
    dataset. frame_index, time_s, track_id: place in the clip; 0, 0 and 0 for a still. face_px, blur, yaw_deg,
    detector_score: quality at native size.
    """

    image_bytes: bytes
    mesh: Float32Array
    label: int
    path: str
    dataset: str = ""
    method: str = ""
    compression: str = ""
    video_id: str = ""
    target_id: str = ""
    donor_id: str = ""
    pair_key: str = ""
    source_key: str = ""
    split: str = ""
    source: str = ""
    licence: str = ""
    reuse: str = ""
    frame_index: int = 0
    time_s: float = 0.0
    track_id: int = 0
    face_px: float = 0.0
    blur: float = 0.0
    yaw_deg: float = 0.0
    detector_score: float = 0.0

    def picture(self) -> UInt8Array:
        """The crop, (H, W, 3) uint8 RGB."""
        from dfdetect.media.roundtrip import decode

        return decode(self.image_bytes)


def write_shards(folder: Path, records: Iterable[FaceRecord], *, about: dict[str, Any]) -> Path:
    """Write records as shard-00000.parquet ... and manifest.json (counts, SHA-256 of every shard, `about`)."""
    folder.mkdir(parents=True, exist_ok=True)
    shards: list[dict[str, Any]] = []
    batch: list[FaceRecord] = []
    held = total = 0
    for record in records:
        batch.append(record)
        held += len(record.image_bytes) + record.mesh.nbytes
        total += 1
        if held >= SHARD_BYTES:
            shards.append(_write_one(folder, len(shards), batch))
            batch, held = [], 0
    if batch:
        shards.append(_write_one(folder, len(shards), batch))
    manifest = folder / "manifest.json"
    _replace(manifest, json.dumps({"records": total, "shards": shards, **about}, indent=2).encode())
    return manifest


def _write_one(folder: Path, number: int, batch: list[FaceRecord]) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {f.name: [getattr(record, f.name) for record in batch] for f in fields(FaceRecord)}
    columns["mesh"] = [record.mesh.astype(np.float32).tobytes() for record in batch]
    path = folder / f"shard-{number:05d}.parquet"
    part = path.with_suffix(".part")
    pq.write_table(pa.table(columns), part, compression="zstd")
    part.replace(path)
    return {"file": path.name, "records": len(batch), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def _replace(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.replace(path)


def read_shards(folder: Path) -> Iterator[FaceRecord]:
    """Records in the order written. DataError names a missing, altered or unreadable shard."""
    for path in _checked(folder):
        yield from _read_one(path)


def _checked(folder: Path) -> list[Path]:
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        raise DataError(
            f"{folder} holds no manifest.json; make face shards with `dfdetect prepare LIST.csv -o {folder}`"
        )
    try:
        shards = json.loads(manifest.read_text())["shards"]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{manifest} is no manifest of face shards ({error!r}); run `dfdetect prepare` again"
        ) from error
    paths = []
    for shard in shards:
        path = folder / shard["file"]
        if not path.is_file():
            raise DataError(f"shard {path} is named in the manifest but missing; run `dfdetect prepare` again")
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != shard["sha256"]:
            raise DataError(f"shard {path} was altered: expected SHA-256 {shard['sha256']}, found {found}")
        paths.append(path)
    return paths


def _read_one(path: Path) -> Iterator[FaceRecord]:
    import pyarrow.parquet as pq

    for row in pq.read_table(path).to_pylist():
        row["mesh"] = np.frombuffer(row["mesh"], np.float32).reshape(_MESH_SHAPE)
        yield FaceRecord(**row)


def shards_hash(folder: Path) -> str:
    """One hash for the data of a run: SHA-256 over the manifest's shard hashes."""
    shards = json.loads((folder / "manifest.json").read_text())["shards"]
    return hashlib.sha256("".join(shard["sha256"] for shard in shards).encode()).hexdigest()


def describe(record: FaceRecord) -> dict[str, Any]:
    """A record's columns without the picture and the mesh (for tables and reports)."""
    return {k: v for k, v in asdict(record).items() if k not in ("image_bytes", "mesh")}
