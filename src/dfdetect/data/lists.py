"""CSV lists of media: `path,label` are needed, other columns are kept where they are there."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from dfdetect.data.sample import SPLITS, Sample
from dfdetect.data.tree import VIDEO_SUFFIXES
from dfdetect.errors import DataError
from dfdetect.values import Label

_LABELS = {"real": Label.REAL, "0": Label.REAL, "fake": Label.FAKE, "1": Label.FAKE}
_KEPT = ("method", "compression", "source", "licence", "reuse", "donor_id", "pair_key", "source_key")
_SPLIT_WORDS = {"": "", "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val",
                "dev": "val", "test": "test", "testing": "test"}  # fmt: skip


def read_list(csv_path: Path, *, root: Path | None = None) -> list[Sample]:
    """Rows of a CSV list; relative paths are taken from `root`, else from the list's folder.

    path, label: needed. dataset, method, compression, video_id, person (or target_id), donor_id, pair_key, source_key,
    split, source, licence, reuse: kept. `Sample.name` is the path as written in the list.
    DataError names the line and what was expected (a missing column, an unknown label, no path, the same path twice).
    """
    base = root or csv_path.parent
    try:
        text = csv_path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{csv_path}: expected a CSV list in UTF-8 that can be read; {error}") from error
    with io.StringIO(text, newline="") as file:
        reader = csv.DictReader(file)
        missing = {"path", "label"} - set(reader.fieldnames or [])
        if missing:
            raise DataError(f"{csv_path}: needs the columns path,label; missing {sorted(missing)}")
        rows: list[Sample] = []
        seen: set[str] = set()
        for row in reader:
            where = f"{csv_path}, line {reader.line_num}"
            if row["path"] in seen:
                raise DataError(f"{where}: {row['path']} is listed twice")
            rows.append(_sample(row, base, where))
            seen.add(row["path"])
    return rows


def _sample(row: Mapping[str, str | None], base: Path, where: str) -> Sample:
    cells = {name: (value or "").strip() for name, value in row.items() if isinstance(name, str)}
    label = _LABELS.get(cells["label"].lower())
    if label is None:
        raise DataError(f"{where}: label must be real, fake, 0 or 1 (1 = fake); got {row['label']!r}")
    listed = row["path"]
    if not listed:
        raise DataError(f"{where}: the path is empty")
    split = _SPLIT_WORDS.get(cells.get("split", "").lower())
    if split is None:
        raise DataError(f"{where}: split must be one of {', '.join(repr(s) for s in SPLITS)}; got {row['split']!r}")
    inside = not Path(listed).is_absolute()
    return Sample(
        path=(base / listed).as_posix(),
        root=base.as_posix() if inside else "",
        label=label,
        dataset=cells.get("dataset") or "list",
        video_id=cells.get("video_id") or listed,
        kind="video" if listed.lower().endswith(VIDEO_SUFFIXES) else "image",
        target_id=cells.get("target_id") or cells.get("person", ""),
        split=split,  # type: ignore[arg-type]
        **{name: cells.get(name, "") for name in _KEPT},  # type: ignore[arg-type]
    )
