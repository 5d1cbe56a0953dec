"""Known files: what is to be done with them whatever a model says."""

from __future__ import annotations

from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Path, Query, Request, Response

from dfdetect.serve.access import Access
from dfdetect.serve.answers import tell
from dfdetect.serve.api.service import Read, Scan, TheService
from dfdetect.serve.hash_list import drop, listed, put
from dfdetect.serve.problems import Problem, described
from dfdetect.serve.schemas import HashAsked, HashPage, HashShown
from dfdetect.serve.store.engine import reading
from dfdetect.serve.store.tables import feedback, hash_list, scans
from dfdetect.serve.views import OVER, cursor_of, hash_entry, read_cursor

router = APIRouter(prefix="/v1/hashes", tags=["hashes"])

Sha256 = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="Of the whole file, in lower case")]


@router.get("", response_model=HashPage, responses=described("no_key", "forbidden", "bad_cursor"))
def list_hashes(
    service: TheService,
    access: Read,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> dict[str, Any]:
    """This key's listed files, by hash."""
    wanted = sa.select(hash_list).where(hash_list.c.key_id == access.key_id).order_by(hash_list.c.sha256)
    if cursor is not None:
        wanted = wanted.where(hash_list.c.sha256 > read_cursor(cursor, (str,))[0])
    with reading(service.engine) as connection:
        rows = connection.execute(wanted.limit(limit + 1)).mappings().all()
    following = cursor_of(rows[limit - 1]["sha256"]) if len(rows) > limit else None
    return {"items": [hash_entry(row) for row in rows[:limit]], "next_cursor": following}


@router.get("/{sha256}", response_model=HashShown, responses=described("no_key", "not_found"))
def get_hash(service: TheService, access: Read, sha256: Sha256) -> dict[str, Any]:
    with reading(service.engine) as connection:
        found = listed(connection, access.key_id, [sha256]).get(sha256)
    if found is None:
        raise _not_listed()
    return hash_entry(found)


@router.put(
    "/{sha256}",
    response_model=HashShown,
    responses={
        201: {"model": HashShown, "description": "It was not listed before"},
        **described("no_key", "forbidden", "quota"),
    },
)
def put_hash(
    request: Request, response: Response, service: TheService, access: Scan, sha256: Sha256, asked: HashAsked
) -> dict[str, Any]:
    """List a file, or say otherwise of a listed one: `block` a known fake, `allow` one's own footage.

    From now on it decides on every scan of these bytes under this key, earlier and later ones, unless a person has
    given feedback on that very scan. A scan tells so before it is scored (`decided_by` is `hash_list`), and
    `POST /v1/lookups` before anything is sent. Scans that are over fire `scan.updated`. What the model says
    stays in `verdict` and `result`.
    """
    _no_visitor(access)
    with service.engine.begin() as connection:
        response.status_code = 201 if put(connection, access.key_id, sha256, asked.decision, asked.reason) else 200
        _tell(connection, access, sha256)
        service.note(connection, request, access, f"list_{asked.decision}", sha256[:40])
        return hash_entry(listed(connection, access.key_id, [sha256])[sha256])


@router.delete("/{sha256}", status_code=204, responses=described("no_key", "forbidden", "not_found"))
def drop_hash(request: Request, service: TheService, access: Scan, sha256: Sha256) -> None:
    """Take a file off the list: the policy decides again."""
    _no_visitor(access)
    with service.engine.begin() as connection:
        if not drop(connection, access.key_id, sha256):
            raise _not_listed()
        _tell(connection, access, sha256)
        service.note(connection, request, access, "unlist", sha256[:40])


def _tell(connection: sa.Connection, access: Access, sha256: str) -> None:
    """`scan.updated` for the file's scans that are over: their decision is another one now, unless a person's is."""
    over = sa.select(scans).where(
        scans.c.key_id == access.key_id,
        scans.c.sha256 == sha256,
        scans.c.status.in_(OVER),
        scans.c.callback_url.is_not(None),
        sa.not_(sa.exists().where(feedback.c.scan_id == scans.c.id)),
    )
    for row in connection.execute(over).mappings().all():
        tell(connection, dict(row), "scan.updated", {})


def _not_listed() -> Problem:
    return Problem("not_found", "this file is not on the list")


def _no_visitor(access: Access) -> None:
    if access.visitor:
        raise Problem("forbidden", "visitors have no list of known files")
