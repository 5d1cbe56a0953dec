"""Scans as a CSV table: the columns of `dfdetect scan --format csv`, and before them what only the service knows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from dfdetect.detect.result_json import CSV_COLUMNS, csv_cell, csv_row_of
from dfdetect.serve.store.engine import Row, reading
from dfdetect.serve.store.tables import results
from dfdetect.serve.views import envelopes, page_of_scans, public_name

OWN_COLUMNS = ("scan_id", "scan_status", "created_at", "completed_at", "policy", "decision", "decided_by", "feedback")
_ROWS_AT_ONCE = 200


def table_lines(engine: sa.Engine, conditions: Sequence[sa.ColumnElement[bool]]) -> Iterator[str]:
    """The header, then a line a scan, newest first; read page by page, so that a long table costs little memory."""
    yield _line((*OWN_COLUMNS, *CSV_COLUMNS))
    cursor: str | None = None
    while True:
        with reading(engine) as connection:
            rows, cursor = page_of_scans(connection, conditions, cursor=cursor, limit=_ROWS_AT_ONCE)
            shown = envelopes(connection, rows)
            wanted = sa.select(results).where(results.c.scan_id.in_([row["id"] for row in rows]))
            bodies = {row["scan_id"]: row["body"] for row in connection.execute(wanted).mappings()}
        for row, envelope in zip(rows, shown, strict=True):
            own = [csv_cell(value) for value in _own(envelope)]
            yield _line((*own, *_of_result(row, bodies.get(row["id"]))))
        if cursor is None:
            return


def _own(envelope: dict[str, Any]) -> tuple[Any, ...]:
    said = envelope["feedback"]
    copied = [envelope[name] for name in OWN_COLUMNS[2:-1]]
    return (envelope["id"], envelope["status"], *copied, said and said["label"])


def _of_result(row: Row, body: dict[str, Any] | None) -> list[str]:
    if body is not None:
        return csv_row_of(body)
    known = {
        "path": row["filename"],
        "bytes": row["bytes"],
        "sha256": row["sha256"],
        "model": public_name(row["model"]),
    }
    known |= {f"error_{name}": value for name, value in (row["error"] or {}).items()}
    return [csv_cell(known.get(column)) for column in CSV_COLUMNS]


def _line(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()
