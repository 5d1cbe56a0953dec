"""A new scan: quotas, the earlier answer where there is one, and the row that makes it a job (202: on the disk)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from dfdetect.detect.wording import plain
from dfdetect.serve.access import Access
from dfdetect.serve.ids import new_id
from dfdetect.serve.intake import Upload
from dfdetect.serve.jobs import BATCH, LIVE
from dfdetect.serve.objects import Objects
from dfdetect.serve.problems import Problem
from dfdetect.serve.store.engine import now_s, reading
from dfdetect.serve.store.tables import batches, idempotency, scans
from dfdetect.serve.sweep import media_name

VISITOR_SCANS_PER_ADDRESS_HOUR = 20
_ALIVE = ("queued", "running")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the asker wants, checked. keep_media_s, keep_result_s: after the scan is over."""

    model: str
    model_sha256: str
    policy: str
    keep_media_s: float
    keep_result_s: float
    external_id: str | None = None
    callback_url: str | None = None
    batch_id: str | None = None
    filename: str | None = None
    source_url: str | None = None
    idempotency_key: str | None = None
    asker_sha256: str | None = None
    retention_chosen: bool = False  # by the asker, and not the service's own
    again: bool = False  # a new scan even where there is an answer
    rescan_of: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """is_new: False when the answer, or the job, was there already."""

    scan_id: str
    is_new: bool


def check_room(engine: sa.Engine, access: Access, *, max_queued: int, asker_sha256: str | None) -> None:
    """Problem queue_full, quota: before a byte of the body is read."""
    now = now_s()
    mine = scans.c.key_id == access.key_id
    lately = scans.c.created_at > now - 3_600
    with reading(engine) as connection:
        queued = _count(connection, scans.c.status == "queued")
        if queued >= max_queued:
            wait = {"retry-after": "30"}
            raise Problem("queue_full", f"{queued} scans are waiting; try again in half a minute", headers=wait)
        if access.scans_at_once and _count(connection, mine, scans.c.status.in_(_ALIVE)) >= access.scans_at_once:
            detail = f"at most {access.scans_at_once} scans at a time; wait for one to end"
            raise Problem("quota", detail, headers={"retry-after": "10"})
        if access.scans_per_hour and _count(connection, mine, lately) >= access.scans_per_hour:
            detail = f"at most {access.scans_per_hour} scans an hour"
            raise Problem("quota", detail, headers={"retry-after": "600"})
        if asker_sha256 is not None:
            same = scans.c.asker_sha256 == asker_sha256
            if _count(connection, same, lately) >= VISITOR_SCANS_PER_ADDRESS_HOUR:
                detail = f"at most {VISITOR_SCANS_PER_ADDRESS_HOUR} scans an hour from one address"
                raise Problem("quota", detail, headers={"retry-after": "600"})


def submit(engine: sa.Engine, objects: Objects, access: Access, asked: Asked, upload: Upload) -> Accepted:
    """Accept a scan. The upload is taken over: whatever happens, it is in the spool no more.

    Problem key_reused, not_found (batch), unprocessable (batch).
    """
    try:
        request = _request_digest(asked, upload)
        earlier = _earlier(engine, access, asked, upload, request)
        if earlier is not None:
            return Accepted(earlier, is_new=False)
        return _new(engine, objects, access, asked, upload, request)
    finally:
        upload.path.unlink(missing_ok=True)


def _new(engine: sa.Engine, objects: Objects, access: Access, asked: Asked, upload: Upload, request: str) -> Accepted:
    """The object first, then the row: a row never stands for an upload that is not there."""
    scan_id = new_id("scn")
    media_object = media_name(scan_id)
    objects.put_file(media_object, upload.path)
    try:
        with engine.begin() as connection:
            _insert(connection, scan_id, access, asked, upload, media_object, request)
    except sa.exc.IntegrityError:  # the same Idempotency-Key at the same moment: the other one won
        objects.delete(media_object)
        found = _by_idempotency_key(engine, access, asked, request)
        if found is None:
            raise
        return Accepted(found, is_new=False)
    except BaseException:
        objects.delete(media_object)
        raise
    return Accepted(scan_id, is_new=True)


def _insert(
    connection: sa.Connection,
    scan_id: str,
    access: Access,
    asked: Asked,
    upload: Upload,
    media_object: str,
    request: str,
) -> None:
    now = now_s()
    if asked.batch_id is not None:
        _check_batch(connection, access, asked.batch_id)
    connection.execute(
        sa.insert(scans).values(
            id=scan_id,
            key_id=access.key_id,
            created_at=now,
            external_id=asked.external_id,
            batch_id=asked.batch_id,
            lane=BATCH if asked.batch_id else LIVE,
            model=asked.model,
            model_sha256=asked.model_sha256,
            policy=asked.policy,
            callback_url=asked.callback_url,
            source_url=asked.source_url,
            asker_sha256=asked.asker_sha256,
            sha256=upload.sha256,
            bytes=upload.bytes,
            filename=shown_name(asked.filename),
            media_object=media_object,
            keep_media_s=asked.keep_media_s,
            keep_result_s=asked.keep_result_s,
            rescan_of=asked.rescan_of,
            status="queued",
            not_before=0.0,
            fence=0,
            attempts=0,
            cancel_asked=False,
            updated_at=now,
        )
    )
    if asked.idempotency_key is not None:
        connection.execute(
            sa.insert(idempotency).values(
                key_id=access.key_id,
                idempotency_key=asked.idempotency_key,
                request_sha256=request,
                scan_id=scan_id,
                created_at=now,
            )
        )


def shown_name(filename: str | None) -> str | None:
    """The last part of what the asker called the file, printable and short: to be shown, never opened."""
    if not filename:
        return None
    last = filename.replace("\\", "/").rpartition("/")[2]
    return plain(last)[:255] or None


def _earlier(engine: sa.Engine, access: Access, asked: Asked, upload: Upload, request: str) -> str | None:
    found = _by_idempotency_key(engine, access, asked, request)
    if found is not None or asked.again or asked.batch_id is not None:
        return found
    same = [
        scans.c.key_id == access.key_id,
        scans.c.sha256 == upload.sha256,
        scans.c.model_sha256 == asked.model_sha256,
        scans.c.policy == asked.policy,
        scans.c.status.in_((*_ALIVE, "completed")),
        sa.not_(scans.c.cancel_asked),
    ]
    # An answer under another name of the asker's, told to another address or kept for another time is not theirs.
    wanted: dict[str, Any] = {"external_id": asked.external_id, "callback_url": asked.callback_url}
    if asked.retention_chosen:
        wanted |= {"keep_media_s": asked.keep_media_s, "keep_result_s": asked.keep_result_s}
    same += [scans.c[name] == value for name, value in wanted.items() if value is not None]
    latest = sa.select(scans.c.id).where(*same).order_by(scans.c.created_at.desc()).limit(1)
    with reading(engine) as connection:
        return connection.execute(latest).scalar()


def _by_idempotency_key(engine: sa.Engine, access: Access, asked: Asked, request: str) -> str | None:
    if asked.idempotency_key is None:
        return None
    told = sa.select(idempotency.c.scan_id, idempotency.c.request_sha256).where(
        idempotency.c.key_id == access.key_id, idempotency.c.idempotency_key == asked.idempotency_key
    )
    with reading(engine) as connection:
        row = connection.execute(told).first()
    if row is None:
        return None
    if row.request_sha256 != request:
        raise Problem("key_reused", "this Idempotency-Key came with another file or other options before")
    return str(row.scan_id)


def _request_digest(asked: Asked, upload: Upload) -> str:
    facts = [upload.sha256, asked.model, asked.policy, asked.external_id, asked.callback_url, asked.batch_id]
    facts += [asked.filename, str(asked.keep_media_s), str(asked.keep_result_s)]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _check_batch(connection: sa.Connection, access: Access, batch_id: str) -> None:
    wanted = sa.select(batches.c.closed).where(batches.c.id == batch_id, batches.c.key_id == access.key_id)
    closed = connection.execute(wanted).scalar()
    if closed is None:
        raise Problem("not_found", "no batch of that id")
    if closed:
        raise Problem("unprocessable", "this batch is closed; make another one")


def _count(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(scans).where(*conditions)).scalar_one())


def row_of(engine: sa.Engine, access: Access, scan_id: str) -> Mapping[str, Any] | None:
    """A scan of this key; None for what is not there, and for another's."""
    with reading(engine) as connection:
        return row_in(connection, access, scan_id)


def row_in(connection: sa.Connection, access: Access, scan_id: str) -> dict[str, Any] | None:
    """Likewise, within a transaction of the caller's."""
    wanted = sa.select(scans).where(scans.c.id == scan_id, scans.c.key_id == access.key_id)
    row = connection.execute(wanted).mappings().first()
    return None if row is None else dict(row)
