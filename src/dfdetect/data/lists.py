"""CSV lists of media: `path,label` are needed, other columns are kept where they are there."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dfdetect.data.sample import KINDS, SPLITS, Sample, Split
from dfdetect.data.tree import VIDEO_SUFFIXES
from dfdetect.errors import DataError
from dfdetect.values import Label

_LABELS = {"real": Label.REAL, "0": Label.REAL, "fake": Label.FAKE, "1": Label.FAKE}
_KEPT = ("method", "compression", "source", "licence", "reuse", "donor_id", "pair_key", "source_key")
SPLIT_WORDS: dict[str, Split] = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ListRow:
    """One line of a CSV list as written. where: file and line, for messages."""

    where: str
    cells: Mapping[str, str]


def read_list(csv_path: Path, *, root: Path | None = None, label: Label | None = None) -> list[Sample]:
    """Rows of a CSV list; relative paths are taken from `root`, else from the list's folder.

    label: of every row where the list has no such column; None: the column is needed.
    path, label: needed. dataset (or source), method, compression, video_id, person (or target_id), donor_id, pair_key,
    source_key, split, kind, mask_path (taken from where the paths are), source, licence, reuse: kept. `Sample.name` is
    the path as written in the list.
    DataError names the line and what was expected (a missing column, an unknown label, no path, the same path twice).
    """
    needed = ("path", "label") if label is None else ("path",)
    return [to_sample(row, root or csv_path.parent, label) for row in read_rows(csv_path, needed)]


def read_rows(csv_path: Path, needed: Sequence[str] = ("path", "label")) -> list[ListRow]:
    """Lines of a CSV list that has the columns needed, path among them, and no path twice; DataError otherwise."""
    try:
        text = csv_path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{csv_path}: expected a CSV list in UTF-8 that can be read; {error}") from error
    with io.StringIO(text, newline="") as file:
        reader = csv.DictReader(file)
        missing = set(needed) - set(reader.fieldnames or [])
        if missing:
            raise DataError(f"{csv_path}: needs the columns {','.join(needed)}; missing {sorted(missing)}")
        rows: list[ListRow] = []
        seen: set[str] = set()
        for raw in reader:
            where = f"{csv_path}, line {reader.line_num}"
            cells = {name: (value or "").strip() for name, value in raw.items() if isinstance(name, str)}
            if cells["path"] in seen:
                raise DataError(f"{where}: {cells['path']} is listed twice")
            rows.append(ListRow(where, cells))
            seen.add(cells["path"])
    return rows


def to_sample(row: ListRow, base: Path, label: Label | None = None) -> Sample:
    """One line as a Sample; DataError where a cell is not what its column holds. label: where there is no column."""
    cells, listed = row.cells, row.cells["path"]
    label = _LABELS.get(cells["label"].lower()) if "label" in cells else label
    if label is None:
        raise DataError(f"{row.where}: label must be real, fake, 0 or 1 (1 = fake); got {cells['label']!r}")
    if not listed:
        raise DataError(f"{row.where}: the path is empty")
    word = cells.get("split", "").lower()
    if word and word not in SPLIT_WORDS:
        raise DataError(f"{row.where}: split must be one of {', '.join(repr(s) for s in SPLITS)}; got {word!r}")
    kind = cells.get("kind") or ("video" if listed.lower().endswith(VIDEO_SUFFIXES) else "image")
    if kind not in KINDS:
        raise DataError(f"{row.where}: kind must be one of {', '.join(KINDS)}; got {kind!r}")
    return Sample(
        path=(base / listed).as_posix(),
        root="" if Path(listed).is_absolute() else base.as_posix(),
        label=label,
        dataset=cells.get("dataset") or cells.get("source") or "list",
        video_id=cells.get("video_id") or listed,
        kind=kind,  # type: ignore[arg-type]
        target_id=cells.get("target_id") or cells.get("person", ""),
        split=SPLIT_WORDS.get(word, ""),
        mask_path=(base / cells["mask_path"]).as_posix() if cells.get("mask_path") else "",
        **{name: cells.get(name, "") for name in _KEPT},  # type: ignore[arg-type]
    )
