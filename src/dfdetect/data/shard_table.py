"""Face records <-> Arrow tables: the columns of a shard, their types, and what tells `datasets` that `image` is one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dfdetect.data.face_record import FaceRecord

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_PER_GROUP = 128  # what is read at once: about 8 MB
PICTURES = ("image", "mask")  # columns that are struct{bytes, path}, as `datasets` wants pictures

_TEXT = ("path", "dataset", "method", "compression", "video_id", "target_id", "donor_id", "pair_key", "source_key",
         "split", "source", "licence", "reuse", "kind", "label_from", "clip_sha256")  # fmt: skip
_WHOLE = ("label", "frame_index", "track_id")
_REAL = ("time_s", "face_px", "blur", "yaw_deg", "detector_score")
_FLAGS = ("aligned",)
# Arrays are stored row by row: value 3 * i + 1 of a mesh is y of point i.
_ARRAYS: dict[str, tuple[int, ...]] = {"mesh": (468, 3), "landmarks": (5, 2), "box_xyxy": (4,), "square_xyxy": (4,)}

TEXT_COLUMNS = _TEXT
LIGHT_COLUMNS: tuple[str, ...] = (*_WHOLE, *_TEXT, *_REAL, *_FLAGS, *_ARRAYS)  # all but the pictures

# https://huggingface.co/docs/datasets: features of a Parquet file are read from this key of its schema.
_FEATURES = {
    "image": {"_type": "Image"},
    "mask": {"_type": "Image"},
    "label": {"names": ["real", "fake"], "_type": "ClassLabel"},
}


def schema() -> pa.Schema:
    """The columns of every shard, in order."""
    import pyarrow as pa

    picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    fields = [("image", picture), ("mask", picture)]
    fields += [(name, pa.int64()) for name in _WHOLE] + [(name, pa.string()) for name in _TEXT]
    fields += [(name, pa.float64()) for name in _REAL] + [(name, pa.bool_()) for name in _FLAGS]
    fields += [(name, pa.list_(pa.float32(), int(np.prod(shape)))) for name, shape in _ARRAYS.items()]
    return pa.schema(fields, metadata={"huggingface": json.dumps({"info": {"features": _FEATURES}})})


def to_table(records: Sequence[FaceRecord]) -> pa.Table:
    """Records as rows of `schema()`."""
    import pyarrow as pa

    wanted = schema()
    columns: dict[str, Any] = {
        "image": [{"bytes": record.image_bytes, "path": _file_name(record, "jpg")} for record in records],
        "mask": [
            None if record.mask_bytes is None else {"bytes": record.mask_bytes, "path": _file_name(record, "png")}
            for record in records
        ],
    }
    for name in (*_WHOLE, *_TEXT, *_REAL, *_FLAGS):
        columns[name] = [getattr(record, name) for record in records]
    arrays = [pa.array(columns[name], wanted.field(name).type) for name in columns]
    arrays += [_packed([getattr(record, name) for record in records], shape) for name, shape in _ARRAYS.items()]
    return pa.Table.from_arrays(arrays, schema=wanted)


def records_of(table: pa.Table) -> Iterator[FaceRecord]:
    """Rows of a shard as records; without the column `image` their image_bytes is empty."""
    names = set(table.column_names)
    lists: dict[str, Sequence[Any]] = {
        name: table.column(name).to_pylist() for name in (*_WHOLE, *_TEXT, *_REAL, *_FLAGS) if name in names
    }
    for name, shape in _ARRAYS.items():
        if name in names:
            lists[name] = _unpacked(table.column(name), shape)
    lists["image_bytes"] = _bytes_of(table, "image", b"")
    lists["mask_bytes"] = _bytes_of(table, "mask", None)
    for row in zip(*lists.values(), strict=True):
        yield FaceRecord(**dict(zip(lists, row, strict=True)))


def _file_name(record: FaceRecord, suffix: str) -> str:
    """What the picture would be called as a file."""
    return f"{PurePosixPath(record.path).stem}-{record.frame_index:06d}-{record.track_id}.{suffix}"


def _bytes_of(table: pa.Table, name: str, absent: bytes | None) -> list[bytes | None]:
    if name not in table.column_names:
        return [absent] * int(table.num_rows)
    return [None if row is None else row["bytes"] for row in table.column(name).to_pylist()]


def _packed(rows: Sequence[NDArray[np.float32] | None], shape: tuple[int, ...]) -> pa.Array:
    import pyarrow as pa

    size = int(np.prod(shape))
    values = np.zeros((len(rows), size), np.float32)
    for number, row in enumerate(rows):
        if row is not None:
            values[number] = np.asarray(row, np.float32).reshape(size)
    missing = pa.array([row is None for row in rows], pa.bool_())
    return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel(), pa.float32()), size, mask=missing)


def _unpacked(column: pa.ChunkedArray, shape: tuple[int, ...]) -> list[NDArray[np.float32] | None]:
    array = column.combine_chunks()
    there = np.asarray(array.is_valid())
    values = np.asarray(array.flatten(), np.float32).reshape(-1, *shape)  # flatten leaves missing rows out
    numbers = iter(range(len(values)))
    return [values[next(numbers)] if valid else None for valid in there]
