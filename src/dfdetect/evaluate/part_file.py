"""JSON files that lie beside the scores of an evaluation: run.json, and one for each optional part."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dfdetect.batch.whole_file import whole_file
from dfdetect.errors import DataError


def write_part(path: Path, found: Mapping[str, Any]) -> Path:
    """Write an object with its "schema", whole or not at all. ValueError: a number in it is none."""
    with whole_file(path) as part:
        part.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return path


def read_part(path: Path, schema: str) -> dict[str, Any] | None:
    """The object in the file; None where there is no file. DataError: it is of another schema."""
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: expected JSON of schema {schema!r}; {error}") from error
    if not isinstance(found, dict) or found.get("schema") != schema:
        shown = found.get("schema") if isinstance(found, dict) else type(found).__name__
        raise DataError(f"{path}: expected JSON of schema {schema!r}; found {shown!r}")
    return found
