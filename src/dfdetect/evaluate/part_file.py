"""JSON files of the optional parts of an evaluation, which lie beside its scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dfdetect.errors import DataError


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
