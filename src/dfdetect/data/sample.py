"""One labelled video, frame folder, image or crop of a dataset, with every key by which it may leak into another split.

Identity-like keys carry the name of the collection that they come from (`ffpp:033`, `celeb_df:id16`), so that a clip of
DF40 made from FaceForensics++ video 033 meets that video in an audit over both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal, get_args

from dfdetect.errors import DataError
from dfdetect.values import Label

if TYPE_CHECKING:
    import pyarrow as pa

SampleKind = Literal["video", "frames", "image", "crop"]
Split = Literal["", "train", "val", "test"]

KINDS: tuple[str, ...] = get_args(SampleKind)
SPLITS: tuple[str, ...] = get_args(Split)


@dataclass(frozen=True, slots=True)
class Sample:
    """One item of a dataset as it lies on disk.

    path, root: absolute, with `/`; path is inside root (the dataset's folder). label: REAL or FAKE, whatever polarity
    the dataset's own list has. dataset: name of its reader. method: how the fake was made, "" for reals.
    compression: "raw", "c23", "c40" or "".
    video_id: the clip's name, unique over all datasets; the same clip at another compression has the same one.
    target_id: who is (or whose background is) in the picture; donor_id: whose face was put in; "" where unknown.
    pair_key: video_id of the real clip that a fake was made from frame by frame; a real's own video_id; "" where there
    is none, as with talking heads. source_key: the upload or recording that the clip was cut from.
    split: the official one, "" where there is none. mask_path: absolute, of the manipulation mask, or "".
    kind: "video" a file; "frames" a folder of whole frames; "image" one whole frame; "crop" a folder of face crops or
    one face crop, used as it is without a second detection. bytes: size of the file, or of all files in the folder.
    source, licence, reuse: of a CSV list (who published it, under which terms, what weights may learn from it).
    """

    path: str
    root: str
    label: Label
    dataset: str
    video_id: str
    kind: SampleKind
    method: str = ""
    compression: str = ""
    target_id: str = ""
    donor_id: str = ""
    pair_key: str = ""
    source_key: str = ""
    split: Split = ""
    mask_path: str = ""
    bytes: int = 0
    source: str = ""
    licence: str = ""
    reuse: str = ""

    @property
    def name(self) -> str:
        """The path inside the dataset: what is written into shards and reports, so that no machine's path is."""
        return str(PurePosixPath(self.path).relative_to(self.root)) if self.root else self.path


INDEX_COLUMNS: tuple[str, ...] = (
    *("path", "label", "dataset", "method", "compression", "video_id", "target_id", "donor_id", "pair_key"),
    *("source_key", "split", "mask_path", "kind", "bytes", "root", "source", "licence", "reuse"),
)  # fmt: skip


def to_table(samples: Iterable[Sample]) -> pa.Table:
    """Samples as an Arrow table with INDEX_COLUMNS; label is "real" or "fake", bytes int64, the rest strings."""
    import pyarrow as pa

    rows = list(samples)
    columns: dict[str, pa.Array] = {}
    for name in INDEX_COLUMNS:
        if name == "label":
            columns[name] = pa.array([row.label.name.lower() for row in rows], pa.string())
        elif name == "bytes":
            columns[name] = pa.array([row.bytes for row in rows], pa.int64())
        else:
            columns[name] = pa.array([getattr(row, name) for row in rows], pa.string())
    return pa.table(columns)


def write_index(path: Path, samples: Iterable[Sample]) -> None:
    """Write an index as Parquet, by temporary name and rename."""
    import pyarrow.parquet as pq

    part = path.with_name(path.name + ".part")
    pq.write_table(to_table(samples), part, compression="zstd")
    part.replace(path)


def read_index(path: Path) -> list[Sample]:
    """The samples of an index made by `dfdetect data index`. DataError names what is missing or unknown in it."""
    return from_table(read_index_table(path), str(path))


def read_index_table(path: Path) -> pa.Table:
    """The index as an Arrow table with all INDEX_COLUMNS, unknown columns left out."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise DataError(f"{path}: no such index; make one with `dfdetect data index ROOT -o {path}`")
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: expected a Parquet index made by `dfdetect data index`; {error}") from error
    missing = {"path", "label", "dataset", "video_id", "kind"} - set(table.column_names)
    if missing:
        raise DataError(f"{path}: an index needs the columns {', '.join(INDEX_COLUMNS)}; missing {sorted(missing)}")
    for name in INDEX_COLUMNS:
        if name not in table.column_names:
            empty = pa.array([0] * table.num_rows, pa.int64()) if name == "bytes" else pa.array([""] * table.num_rows)
            table = table.append_column(name, empty)
    return table.select(INDEX_COLUMNS)


def from_table(table: pa.Table, where: str) -> list[Sample]:
    """Rows of an Arrow table with all INDEX_COLUMNS as samples."""
    columns: dict[str, Sequence[object]] = {name: table.column(name).to_pylist() for name in INDEX_COLUMNS}
    _refuse_unknown(columns, "label", ("real", "fake"), where)
    _refuse_unknown(columns, "kind", KINDS, where)
    _refuse_unknown(columns, "split", SPLITS, where)
    columns["label"] = [Label.FAKE if text == "fake" else Label.REAL for text in columns["label"]]
    return [Sample(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]


def _refuse_unknown(columns: dict[str, Sequence[object]], name: str, options: Sequence[str], where: str) -> None:
    unknown = sorted({str(value) for value in columns.get(name, ())} - set(options))
    if unknown:
        raise DataError(f"{where}: {name} must be one of {', '.join(repr(o) for o in options)}; got {unknown[:5]}")
