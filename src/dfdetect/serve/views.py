"""Rows of the store as the documents of the API."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

import sqlalchemy as sa

from dfdetect.serve.hash_list import DECIDED_BY, listed
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


def envelopes(connection: sa.Connection, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Scans as `ScanEnvelope` without their results, in the order of the rows."""
    ids = [row["id"] for row in rows]
    said, answers, known = _last_feedback(connection, ids), _answers(connection, ids), _listed(connection, rows)
    return [
        _envelope(row, said.get(row["id"]), known.get((row["key_id"], row["sha256"])), answers.get(row["id"]), None)
        for row in rows
    ]


def envelope(connection: sa.Connection, row: Row, said: Row | None) -> dict[str, Any]:
    """One scan as `ScanEnvelope`, with its result. said: its `last_feedback`."""
    body = connection.execute(sa.select(results.c.body).where(results.c.scan_id == row["id"])).scalar()
    known = _listed(connection, [row]).get((row["key_id"], row["sha256"]))
    return _envelope(row, said, known, body, body)


def whole(connection: sa.Connection, row: Row) -> dict[str, Any]:
    """`envelope` with its feedback looked up."""
    return envelope(connection, row, last_feedback(connection, row["id"]))


def etag(row: Row, said: Row | None = None) -> str:
    """Changes whenever the document does."""
    facts = [row["id"], row["updated_at"], row["status"], row["stage"], row["progress"], said and said["created_at"]]
    return '"' + hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32] + '"'


def last_feedback(connection: sa.Connection, scan_id: str) -> Row | None:
    return _last_feedback(connection, [scan_id]).get(scan_id)


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


def _decision(row: Row, said: Row | None, known: Row | None) -> tuple[str | None, str | None]:
    """What is to be done, and who says so: a person, else the list of known files, else the policy."""
    if said is not None:
        return DECISION_OF_LABEL[said["label"]], HUMAN
    if known is not None:
        return known["decision"], DECIDED_BY
    return row["decision"], row["decided_by"]


def _envelope(row: Row, said: Row | None, known: Row | None, answer: Row | None, body: Any) -> dict[str, Any]:
    """known: its entry of the list. answer: probability and interval of the result, which may itself be left out."""
    done, answer = row["completed_at"], answer or {}
    decision, decided_by = _decision(row, said, known)
    copied = ("id", "status", "external_id", "batch_id", "rescan_of", "filename", "bytes", "sha256", "policy")
    return {
        **{name: row[name] for name in copied},
        "model": public_name(row["model"]),
        **{name: when(row[name]) for name in ("created_at", "started_at", "completed_at")},
        **{name: row[name] for name in ("stage", "progress", "attempts", "error")},
        "decision": decision,
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


def _last_feedback(connection: sa.Connection, ids: Sequence[str]) -> dict[str, Row]:
    if not ids:
        return {}
    wanted = sa.select(feedback).where(feedback.c.scan_id.in_(ids)).order_by(feedback.c.created_at, feedback.c.id)
    return {row["scan_id"]: row for row in connection.execute(wanted).mappings()}


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


def _listed(connection: sa.Connection, rows: Sequence[Row]) -> dict[tuple[str, str], Row]:
    """(key, SHA-256) -> entry of the list of known files, of these scans."""
    of_key: dict[str, list[str]] = {}
    for row in rows:
        of_key.setdefault(row["key_id"], []).append(row["sha256"])
    found = {key_id: listed(connection, key_id, sha256s) for key_id, sha256s in of_key.items()}
    return {(key_id, sha256): entry for key_id, entries in found.items() for sha256, entry in entries.items()}


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
