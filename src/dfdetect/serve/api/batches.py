"""Many scans under one name: they go behind live ones, and one webhook says when the last is over."""

from __future__ import annotations

from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request, Response

from dfdetect.serve.access import Access
from dfdetect.serve.answers import batch_counts, tell_batch
from dfdetect.serve.api.service import CSV, Read, Scan, Service, TheService, csv_answer
from dfdetect.serve.ids import is_id, new_id
from dfdetect.serve.problems import described, not_found
from dfdetect.serve.scan_table import table_lines
from dfdetect.serve.schemas import Batch, BatchAsked, ScanPage
from dfdetect.serve.store.engine import Row, now_s, reading
from dfdetect.serve.store.tables import batches, scans
from dfdetect.serve.views import envelopes, page_of_scans, when
from dfdetect.serve.webhooks import check_callback

router = APIRouter(prefix="/v1/batches", tags=["batches"])


@router.post("", status_code=201, response_model=Batch, responses=described("no_key", "forbidden", "address_refused"))
def create_batch(request: Request, service: TheService, access: Scan, wanted: BatchAsked) -> dict[str, Any]:
    """Open a batch; send its files with `batch_id`, then close it."""
    if wanted.callback_url:
        check_callback(wanted.callback_url, service.settings.callback_hosts)
    batch_id = new_id("bat")
    values = {
        "id": batch_id,
        "key_id": access.key_id,
        "external_id": wanted.external_id,
        "callback_url": wanted.callback_url,
        "closed": False,
        "told": False,
        "created_at": now_s(),
    }
    with service.engine.begin() as connection:
        connection.execute(sa.insert(batches).values(values))
        service.note(connection, request, access, "batch", batch_id)
        return _shown(connection, values)


@router.post("/{batch_id}/close", response_model=Batch, responses=described("no_key", "not_found"))
def close_batch(service: TheService, access: Scan, batch_id: str) -> dict[str, Any]:
    """No more files will come: `batch.completed` is sent when the last scan is over."""
    _known(service, access, batch_id)
    with service.engine.begin() as connection:
        connection.execute(sa.update(batches).where(batches.c.id == batch_id).values(closed=True))
        tell_batch(connection, batch_id)
        row = connection.execute(sa.select(batches).where(batches.c.id == batch_id)).mappings().one()
        return _shown(connection, dict(row))


@router.get("/{batch_id}", response_model=Batch, responses=described("no_key", "not_found"))
def get_batch(service: TheService, access: Read, batch_id: str) -> dict[str, Any]:
    row = _known(service, access, batch_id)
    with reading(service.engine) as connection:
        return _shown(connection, row)


@router.get("/{batch_id}/scans", response_model=ScanPage, responses=described("no_key", "not_found", "bad_cursor"))
def list_batch(
    service: TheService,
    access: Read,
    batch_id: str,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, Any]:
    """The scans of a batch, newest first, without their results."""
    _known(service, access, batch_id)
    mine = [scans.c.batch_id == batch_id, scans.c.key_id == access.key_id]
    with reading(service.engine) as connection:
        rows, following = page_of_scans(connection, mine, cursor=cursor, limit=limit)
        return {"items": envelopes(connection, rows), "next_cursor": following}


@router.get("/{batch_id}/scans.csv", response_class=Response, responses={**CSV, **described("no_key", "not_found")})
def batch_csv(service: TheService, access: Read, batch_id: str) -> Response:
    """The scans of a batch as a table, as at `/v1/scans.csv`."""
    _known(service, access, batch_id)
    mine = [scans.c.batch_id == batch_id, scans.c.key_id == access.key_id]
    return csv_answer(table_lines(service.engine, mine), f"{batch_id}.csv")


def _known(service: Service, access: Access, batch_id: str) -> dict[str, Any]:
    wanted = sa.select(batches).where(batches.c.id == batch_id, batches.c.key_id == access.key_id)
    with reading(service.engine) as connection:
        row = connection.execute(wanted).mappings().first() if is_id(batch_id) else None
    if row is None:
        raise not_found("batch")
    return dict(row)


def _shown(connection: sa.Connection, row: Row) -> dict[str, Any]:
    base = f"/v1/batches/{row['id']}"
    return {
        **{name: row[name] for name in ("id", "external_id", "closed")},
        "created_at": when(row["created_at"]),
        "counts": batch_counts(connection, row["id"]),
        "links": {"self": base, "scans": f"{base}/scans"},
    }
