"""CSV lists of media: `path,label` are needed; method, source, licence, person, reuse are kept where they are there.

The dataset readers of other layouts give the same `MediaRow`s.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from dfdetect.errors import DataError
from dfdetect.values import Label

_LABELS = {"real": Label.REAL, "0": Label.REAL, "fake": Label.FAKE, "1": Label.FAKE}


@dataclass(frozen=True, slots=True)
class MediaRow:
    """One file of a list. path is absolute; listed_path as written in the list."""

    path: Path
    listed_path: str
    label: Label
    method: str = ""
    source: str = ""
    licence: str = ""
    person: str = ""
    reuse: str = ""


def read_list(csv_path: Path, *, root: Path | None = None) -> list[MediaRow]:
    """Rows of a CSV list; relative paths are taken from `root`, else from the list's folder.

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
        rows: list[MediaRow] = []
        seen: set[str] = set()
        for row in reader:
            label = _LABELS.get((row["label"] or "").strip().lower())
            if label is None:
                raise DataError(
                    f"{csv_path}, line {reader.line_num}: label must be real, fake, 0 or 1 (1 = fake); "
                    f"got {row['label']!r}"
                )
            if not row["path"]:
                raise DataError(f"{csv_path}, line {reader.line_num}: the path is empty")
            if row["path"] in seen:
                raise DataError(f"{csv_path}, line {reader.line_num}: {row['path']} is listed twice")
            seen.add(row["path"])
            kept = {name: (row.get(name) or "").strip() for name in ("method", "source", "licence", "person", "reuse")}
            rows.append(MediaRow(base / row["path"], row["path"], label, **kept))
    return rows
