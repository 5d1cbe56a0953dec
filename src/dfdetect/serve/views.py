"""Rows of the store as the documents of the API."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

import sqlalchemy as sa

from dfdetect.serve.hash_list import DECIDED_BY
from dfdetect.serve.problems import Problem
from dfdetect.serve.store.engine import Row
from dfdetect.serve.store.tables import feedback, hash_list, results, scans

HUMAN = "human"
DECISION_OF_LABEL = {"manipulated": "block", "not_manipulated": "allow", "unsure": "review"}
OVER = ("completed", "failed", "cancelled", "expired")


def when(at: float | None) -> str | None:
    """Seconds since 1970 -> ISO 8601 in UTC."""
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def public_name(model: str) -> str:
    """A model's name; of one that an operator gave as a folder, the folder's own name and not the way to it."""
    return PurePath(model).name


@dataclass(frozen=True, slots=True)
class Above:
    """What goes above the policy's decision on a scan: a person's last word, the file's entry of the key's list."""

    said: Row | None = None
    known: Row | None = None


def above(connection: sa.Connection, ids: Sequence[str]) -> dict[str, Above]:
    """Of each of these scans; one query, since every status that is asked for needs it."""
    if not ids:
        return {}
    same = sa.and_(hash_list.c.key_id == scans.c.key_id, hash_list.c.sha256 == scans.c.sha256)
    joined = scans.outerjoin(hash_list, same).outerjoin(feedback, feedback.c.scan_id == scans.c.id)
    columns = [column.label(f"{table.name}.{column.name}") for table in (hash_list, feedback) for column in table.c]
    wanted = sa.select(scans.c.id, *columns).select_from(joined).where(scans.c.id.in_(ids))
    found = {}
    for row in connection.execute(wanted.order_by(feedback.c.created_at, feedback.c.id)).mappings():
        said, known = (_part(row, table) for table in (feedback, hash_list))
        found[row["id"]] = Above(said, known)
    return found


def _part(row: Row, table: sa.Table) -> Row | None:
    """The columns of one table of a join; None where it had no row for it."""
    part = {column.name: row[f"{table.name}.{column.name}"] for column in table.c}
    return part if part[next(iter(table.primary_key)).name] is not None else None


def envelopes(connection: sa.Connection, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Scans as `ScanEnvelope` without their results, in the order of the rows."""
    ids = [row["id"] for row in rows]
    over, answers = above(connection, ids), _answers(connection, ids)
    return [_envelope(row, over.get(row["id"], Above()), answers.get(row["id"]), None) for row in rows]


def envelope(connection: sa.Connection, row: Row, over: Above) -> dict[str, Any]:
    """One scan as `ScanEnvelope`, with its result. over: what goes `above` its policy."""
    body = None
    if row["status"] in OVER:
        body = connection.execute(sa.select(results.c.body).where(results.c.scan_id == row["id"])).scalar()
    return _envelope(row, over, body, body)


def whole(connection: sa.Connection, row: Row) -> dict[str, Any]:
    """`envelope` with what goes above its policy looked up."""
    return envelope(connection, row, above(connection, [row["id"]]).get(row["id"], Above()))


def etag(row: Row, over: Above) -> str:
    """Changes whenever the document does."""
    said = over.said
    facts = [row["id"], row["updated_at"], row["status"], row["stage"], row["progress"], said and said["created_at"]]
    return '"' + hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32] + '"'


def scan_links(row: Row) -> dict[str, str]:
    base = f"/v1/scans/{row['id']}"
    links = {"self": base, "events": f"{base}/events"}
    if row["result_prefix"]:
        names = {"tracks": "tracks", "report_html": "report.html", "report_json": "report.json"}
        links |= {key: f"{base}/{name}" for key, name in names.items()}
    return links


def hash_entry(row: Row) -> dict[str, Any]:
    """A line of the list of known files as `HashShown`."""
    return {**{name: row[name] for name in ("sha256", "decision", "reason")}, "at": when(row["created_at"])}


def decision(row: Row, over: Above) -> tuple[str | None, str | None]:
    """What is to be done, and who says so: a person, else the list of known files, else the policy."""
    if over.said is not None:
        return DECISION_OF_LABEL[over.said["label"]], HUMAN
    if over.known is not None:
        return over.known["decision"], DECIDED_BY
    return row["decision"], row["decided_by"]


def _envelope(row: Row, over: Above, answer: Row | None, body: Any) -> dict[str, Any]:
    """answer: probability and interval of the result, which may itself be left out."""
    said, known = over.said, over.known
    done, answer = row["completed_at"], answer or {}
    decided_as, decided_by = decision(row, over)
    copied = ("id", "status", "external_id", "batch_id", "rescan_of", "filename", "bytes", "sha256", "policy")
    return {
        **{name: row[name] for name in copied},
        "model": public_name(row["model"]),
        **{name: when(row[name]) for name in ("created_at", "started_at", "completed_at")},
        **{name: row[name] for name in ("stage", "progress", "attempts", "error")},
        "decision": decided_as,
        "decided_by": decided_by,
        "policy_decision": row["decision"],
        "verdict": row["verdict"],
        **{name: answer.get(name) for name in ("probability", "interval")},
        "feedback": None
        if said is None
        else {"label": said["label"], "note": said["note"], "by": said["by"], "at": when(said["created_at"])},
        "listed": None if known is None else hash_entry(known),
        "retention": {
            "media_kept": row["media_object"] is not None,
            "media_deletes_at": when(done + row["keep_media_s"]) if done and row["media_object"] else None,
            "media_deleted_at": when(row["media_deleted_at"]),
            "result_expires_at": when(done + row["keep_result_s"]) if done else None,
        },
        "links": scan_links(row),
        "result": body,
    }


def decided() -> sa.ColumnElement[str]:
    """`decision` as documents show it, as a column of `scans`: to look for and to count by."""
    said = sa.case(DECISION_OF_LABEL, value=feedback.c.label)
    last = sa.select(said).where(feedback.c.scan_id == scans.c.id)
    last = last.order_by(feedback.c.created_at.desc(), feedback.c.id.desc()).limit(1)
    known = sa.select(hash_list.c.decision).where(
        hash_list.c.key_id == scans.c.key_id, hash_list.c.sha256 == scans.c.sha256
    )
    return sa.func.coalesce(
        last.correlate(scans).scalar_subquery(), known.correlate(scans).scalar_subquery(), scans.c.decision
    )


def _answers(connection: sa.Connection, ids: Sequence[str]) -> dict[str, Row]:
    """Probability and interval of these scans; the store reads them out of the results, which are long."""
    body = results.c.body
    columns = (body["probability"].as_float().label("probability"), body["interval"].as_json().label("interval"))
    wanted = sa.select(results.c.scan_id, *columns).where(results.c.scan_id.in_(ids))
    return {row["scan_id"]: row for row in connection.execute(wanted).mappings()}


# ---- pages ----


def cursor_of(*values: Any) -> str:
    """Where a page ended, as an opaque word."""
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def read_cursor(cursor: str, kinds: Iterable[type]) -> list[Any]:
    """The values of `cursor_of`. Problem bad_cursor for anything else."""
    wanted = list(kinds)
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError as error:
        raise Problem("bad_cursor", "expected the next_cursor of an earlier page, unchanged") from error
    if not isinstance(values, list) or [type(value) for value in values] != wanted:
        raise Problem("bad_cursor", "expected the next_cursor of an earlier page, unchanged")
    return values


def page_of_scans(
    connection: sa.Connection, conditions: Sequence[sa.ColumnElement[bool]], *, cursor: str | None, limit: int
) -> tuple[list[Row], str | None]:
    """Newest first; new scans do not move what is on later pages."""
    query = sa.select(scans).where(*conditions).order_by(scans.c.created_at.desc(), scans.c.id.desc())
    if cursor is not None:
        at, scan_id = read_cursor(cursor, (float, str))
        query = query.where(sa.tuple_(scans.c.created_at, scans.c.id) < sa.tuple_(sa.literal(at), sa.literal(scan_id)))
    rows: list[Row] = [dict(row) for row in connection.execute(query.limit(limit + 1)).mappings()]
    if len(rows) <= limit:
        return rows, None
    rows = rows[:limit]
    return rows, cursor_of(float(rows[-1]["created_at"]), rows[-1]["id"])
