"""Forgetting: media and results whose time is over, and what a crash has left behind."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
import structlog

from dfdetect.serve.objects import Objects
from dfdetect.serve.settings import DAY_S
from dfdetect.serve.store.engine import now_s, reading
from dfdetect.serve.store.tables import deliveries, idempotency, results, scans, sessions

LEFT_BEHIND_S = 3_600.0  # older than any upload takes
KEEP_MESSAGES_S = 30 * DAY_S
_FINAL = ("completed", "failed", "cancelled")
_AT_ONCE = 500

log = structlog.get_logger()


def forget_media(engine: sa.Engine, objects: Objects, *, scan_id: str | None = None, now: float | None = None) -> int:
    """Delete uploads whose time is over (of one scan, or of all); returns how many. The object goes before its row."""
    now = now_s() if now is None else now
    due = (
        sa.select(scans.c.id, scans.c.media_object)
        .where(
            scans.c.media_object.is_not(None),
            scans.c.status.in_(_FINAL),
            scans.c.completed_at + scans.c.keep_media_s <= now,
        )
        .limit(_AT_ONCE)
    )
    if scan_id is not None:
        due = due.where(scans.c.id == scan_id)
    with reading(engine) as connection:
        found = connection.execute(due).all()
    for row in found:
        objects.delete(row.media_object)
        objects.delete_folder(proxy_folder(row.id))
        gone = sa.update(scans).where(scans.c.id == row.id)
        with engine.begin() as connection:
            connection.execute(gone.values(media_object=None, media_deleted_at=now, updated_at=now))
        objects.delete_folder(proxy_folder(row.id))  # one that was put there between the two
    return len(found)


def forget_results(
    engine: sa.Engine, objects: Objects, *, keep_idempotency_s: float = DAY_S, now: float | None = None
) -> int:
    """Expire scans whose record's time is over: nothing of them stays but that they were. Returns how many.

    Idempotency keys, log-ins and messages that are over go too.
    """
    now = now_s() if now is None else now
    due = sa.select(scans.c.id).where(scans.c.status.in_(_FINAL), scans.c.completed_at + scans.c.keep_result_s <= now)
    with reading(engine) as connection:
        found = list(connection.execute(due.limit(_AT_ONCE)).scalars())
    for scan_id in found:
        erase(engine, objects, scan_id, status="expired")
    with engine.begin() as connection:
        connection.execute(sa.delete(idempotency).where(idempotency.c.created_at < now - keep_idempotency_s))
        connection.execute(sa.delete(sessions).where(sessions.c.expires_at < now))
        old = sa.and_(deliveries.c.status != "waiting", deliveries.c.done_at < now - KEEP_MESSAGES_S)
        connection.execute(sa.delete(deliveries).where(old))
    return len(found)


def erase(engine: sa.Engine, objects: Objects, scan_id: str, *, status: str | None) -> None:
    """Remove every copy of a scan. status None: its row too (a worker at it finds its lease lost)."""
    now = now_s()
    with engine.begin() as connection:
        if status is None:
            connection.execute(sa.delete(idempotency).where(idempotency.c.scan_id == scan_id))
            connection.execute(sa.delete(deliveries).where(deliveries.c.subject_id == scan_id))
            connection.execute(sa.delete(scans).where(scans.c.id == scan_id))
        else:
            cleared = {"filename": None, "error": None, "verdict": None, "media_object": None, "result_prefix": None}
            connection.execute(
                sa.update(scans).where(scans.c.id == scan_id).values(status=status, updated_at=now, **cleared)
            )
        connection.execute(sa.delete(results).where(results.c.scan_id == scan_id))
    # After the row: whoever looks meanwhile finds no scan, not a scan whose files are gone.
    objects.delete(media_name(scan_id))
    objects.delete_folder(proxy_folder(scan_id))
    objects.delete_folder(f"results/{scan_id}")


def media_name(scan_id: str) -> str:
    """Name of the object that holds the upload of a scan."""
    return f"media/{scan_id}"


def proxy_folder(scan_id: str) -> str:
    """Folder of the object that holds the small copy of an upload; kept as long as the upload."""
    return f"proxy/{scan_id}"


def forget_left_behind(engine: sa.Engine, objects: Objects, spool: Path) -> int:
    """Uploads that were broken off and objects without a row: left by a process that was killed. Returns how many."""
    before = time.time() - LEFT_BEHIND_S
    count = 0
    for path in spool.glob("*") if spool.is_dir() else ():
        if path.stat().st_mtime < before:
            path.unlink(missing_ok=True)
            count += 1
    if objects.folder is None:
        return count  # a shared store: its own lifecycle rules are the place for this
    old = _old_objects(objects.folder, before)
    while some := list(itertools.islice(old, _AT_ONCE)):  # a part at a time: there may be millions
        known = _known(engine, {scan_id for _, scan_id in some})
        for name, scan_id in some:
            if scan_id not in known:
                objects.delete(name)
                count += 1
    return count


def _old_objects(folder: Path, before: float) -> Iterator[tuple[str, str]]:
    """(name, id of its scan) of the files of the object folder that were last written before this moment."""
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        try:
            is_old = path.stat().st_mtime < before
        except FileNotFoundError:
            continue  # deleted since it was listed
        if is_old and "/" in name:
            yield name, name.split("/")[1]


def _files(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from _files(Path(entry.path))
                else:
                    yield Path(entry.path)
    except FileNotFoundError:
        return


def _known(engine: sa.Engine, ids: set[str]) -> set[str]:
    with reading(engine) as connection:
        return set(connection.execute(sa.select(scans.c.id).where(scans.c.id.in_(ids))).scalars())
