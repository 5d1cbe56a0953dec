"""What is known of a file before it is sent: by its SHA-256, among the scans of the same key alone."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter

from dfdetect.serve.api.service import Read, TheService
from dfdetect.serve.hash_list import listed
from dfdetect.serve.problems import described
from dfdetect.serve.schemas import LookupAnswer, LookupAsked
from dfdetect.serve.store.engine import reading
from dfdetect.serve.store.tables import scans
from dfdetect.serve.views import envelopes, hash_entry

router = APIRouter(prefix="/v1/lookups", tags=["scans"])


@router.post("", response_model=LookupAnswer, responses=described("no_key", "forbidden"))
def look_up(service: TheService, access: Read, asked: LookupAsked) -> dict[str, Any]:
    """Which of these files were examined or listed already, so that only the others are sent.

    One answer a hash, in the order asked: the latest completed scan, without its result, or null. A person's word on it
    is its decision. Identical bytes only: a copy that was cut or compressed again is another file.
    """
    mine = sa.and_(scans.c.key_id == access.key_id, scans.c.sha256.in_(asked.sha256), scans.c.status == "completed")
    order = sa.func.row_number().over(
        partition_by=scans.c.sha256, order_by=(scans.c.created_at.desc(), scans.c.id.desc())
    )
    ranked = sa.select(scans.c.id, order.label("place")).where(mine).subquery()
    latest = sa.select(scans).join(ranked, ranked.c.id == scans.c.id).where(ranked.c.place == 1)
    with reading(service.engine) as connection:
        rows = [dict(row) for row in connection.execute(latest).mappings()]
        found = {shown["sha256"]: shown for shown in envelopes(connection, rows)}
        known = {sha256: hash_entry(row) for sha256, row in listed(connection, access.key_id, asked.sha256).items()}
    return {"items": [{"sha256": one, "scan": found.get(one), "listed": known.get(one)} for one in asked.sha256]}
