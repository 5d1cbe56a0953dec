"""Files that a key has decided on beforehand, by their SHA-256: what decides where no person has spoken on the scan."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from dfdetect.serve.problems import Problem
from dfdetect.serve.store.engine import Row, now_s
from dfdetect.serve.store.tables import hash_list, scans

DECIDED_BY = "hash_list"
MOST_LISTED = 1_000_000


def listed(connection: sa.Connection, key_id: str, sha256s: Iterable[str]) -> dict[str, Row]:
    """SHA-256 -> entry, of those that this key has listed."""
    wanted = sa.select(hash_list).where(hash_list.c.key_id == key_id, hash_list.c.sha256.in_(sorted(set(sha256s))))
    return {row["sha256"]: row for row in connection.execute(wanted).mappings()}


def put(connection: sa.Connection, key_id: str, sha256: str, decision: str, reason: str | None) -> bool:
    """List a file, or say otherwise of a listed one. True: it is new. Problem quota: the list is full."""
    values = {"decision": decision, "reason": reason, "created_at": now_s()}
    changed = connection.execute(sa.update(hash_list).where(*_entry(key_id, sha256)).values(values)).rowcount > 0
    if not changed:
        count = sa.select(sa.func.count()).select_from(hash_list).where(hash_list.c.key_id == key_id)
        if connection.execute(count).scalar_one() >= MOST_LISTED:
            raise Problem("quota", f"at most {MOST_LISTED} listed files for one key; take some off the list")
        connection.execute(sa.insert(hash_list).values(key_id=key_id, sha256=sha256, **values))
    _touch(connection, key_id, sha256)
    return not changed


def drop(connection: sa.Connection, key_id: str, sha256: str) -> bool:
    """Take a file off the list. False: it was not on it."""
    gone = connection.execute(sa.delete(hash_list).where(*_entry(key_id, sha256))).rowcount > 0
    if gone:
        _touch(connection, key_id, sha256)
    return gone


def _entry(key_id: str, sha256: str) -> tuple[sa.ColumnElement[bool], ...]:
    return hash_list.c.key_id == key_id, hash_list.c.sha256 == sha256


def _touch(connection: sa.Connection, key_id: str, sha256: str) -> None:
    """The file's scans read otherwise now: their ETags change."""
    same = sa.and_(scans.c.key_id == key_id, scans.c.sha256 == sha256)
    connection.execute(sa.update(scans).where(same).values(updated_at=now_s()))
