"""Keys, log-ins of the page, and what one's webhooks need."""

from __future__ import annotations

import base64
import secrets as random
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request, Response

from dfdetect.serve.access import (
    SESSION_S,
    VISITOR_S,
    access_of_key,
    close_session,
    create_key,
    create_visitor,
    open_session,
    revoke_key,
)
from dfdetect.serve.api.service import SESSION_COOKIE, VISITOR_COOKIE, Admin, Read, Scan, TheService, who
from dfdetect.serve.ids import is_id, new_id
from dfdetect.serve.problems import Problem, described, not_found
from dfdetect.serve.schemas import Delivery, KeyAsked, KeyShown, SecretShown, SessionShown
from dfdetect.serve.store.engine import Row, now_s, reading
from dfdetect.serve.store.tables import deliveries, keys, webhook_secrets
from dfdetect.serve.views import when
from dfdetect.serve.webhooks import MOST_LIVE_SECRETS, redeliver

router = APIRouter(prefix="/v1", tags=["access"])

ROTATION_S = 86_400.0  # the older secret goes on signing for a day after a new one is made


@router.post("/session", status_code=204, responses=described("no_key"))
def log_in(request: Request, service: TheService) -> Response:
    """Exchange `Authorization: Bearer KEY` for the page's cookie; on a public page, without a key, for a visitor's."""
    header = request.headers.get("authorization", "")
    secret = header.partition(" ")[2].strip()
    access = access_of_key(service.engine, secret) if secret else None
    response = Response(status_code=204)
    if access is not None:
        token = open_session(service.engine, access.key_id)
        _set_cookie(request, response, SESSION_COOKIE, token, SESSION_S)
    elif service.settings.public and not secret:
        if who(request) is None:
            _set_cookie(request, response, VISITOR_COOKIE, create_visitor(service.engine)[1], VISITOR_S)
    else:
        raise Problem("no_key", "this key is not known here", headers={"www-authenticate": "Bearer"})
    return response


@router.get("/session", response_model=SessionShown)
def session(request: Request, service: TheService) -> dict[str, bool]:
    """Whether this browser is logged in, and whether anybody may come in without a key. Asked for before all else."""
    return {"logged_in": who(request) is not None, "public": service.settings.public}


@router.delete("/session", status_code=204)
def log_out(request: Request, service: TheService) -> Response:
    token = request.cookies.get(SESSION_COOKIE)
    if token:
        close_session(service.engine, token)
    response = Response(status_code=204)
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response


def _set_cookie(request: Request, response: Response, name: str, value: str, seconds: float) -> None:
    response.set_cookie(
        name, value, max_age=int(seconds), path="/", httponly=True, samesite="strict",
        secure=request.url.scheme == "https",
    )  # fmt: skip


@router.post("/keys", status_code=201, response_model=KeyShown, responses=described("no_key", "forbidden"))
def make_key(request: Request, service: TheService, access: Admin, wanted: KeyAsked) -> dict[str, Any]:
    """A new key; its secret is in this answer and nowhere else."""
    key_id, secret = create_key(
        service.engine,
        wanted.name,
        wanted.scopes,
        scans_per_hour=wanted.scans_per_hour,
        scans_at_once=wanted.scans_at_once,
    )
    with service.engine.begin() as connection:
        service.note(connection, request, access, "key", key_id)
        row = connection.execute(sa.select(keys).where(keys.c.id == key_id)).mappings().one()
    return {**_key(row), "secret": secret}


@router.get("/keys", response_model=list[KeyShown], responses=described("no_key", "forbidden"))
def list_keys(service: TheService, access: Admin) -> list[dict[str, Any]]:
    wanted = sa.select(keys).where(sa.not_(keys.c.visitor)).order_by(keys.c.created_at, keys.c.id).limit(1_000)
    with reading(service.engine) as connection:
        return [_key(row) for row in connection.execute(wanted).mappings()]


@router.delete("/keys/{key_id}", status_code=204, responses=described("no_key", "forbidden", "not_found"))
def drop_key(request: Request, service: TheService, access: Admin, key_id: str) -> None:
    """The key and its log-ins end at once; its scans stay until their time is over."""
    if not is_id(key_id) or not revoke_key(service.engine, key_id):
        raise not_found("key")
    with service.engine.begin() as connection:
        service.note(connection, request, access, "revoke", key_id)


@router.post("/webhook-secrets", status_code=201, response_model=SecretShown, responses=described("no_key"))
def make_secret(service: TheService, access: Scan) -> dict[str, Any]:
    """A new signing secret. The one before goes on signing for a day; older ones end now."""
    now = now_s()
    values = {
        "id": new_id("whs"),
        "key_id": access.key_id,
        "secret": "whsec_" + base64.b64encode(random.token_bytes(32)).decode(),
        "created_at": now,
        "expires_at": None,
    }
    mine = webhook_secrets.c.key_id == access.key_id
    live = sa.select(webhook_secrets.c.id).where(mine).order_by(webhook_secrets.c.created_at.desc())
    with service.engine.begin() as connection:
        kept = list(connection.execute(live.limit(MOST_LIVE_SECRETS - 1)).scalars())
        connection.execute(sa.delete(webhook_secrets).where(mine, webhook_secrets.c.id.not_in(kept)))
        connection.execute(sa.update(webhook_secrets).where(mine).values(expires_at=now + ROTATION_S))
        connection.execute(sa.insert(webhook_secrets).values(values))
    return {**_secret(values), "secret": values["secret"]}


@router.get("/webhook-secrets", response_model=list[SecretShown], responses=described("no_key"))
def list_secrets(service: TheService, access: Read) -> list[dict[str, Any]]:
    mine = webhook_secrets.c.key_id == access.key_id
    wanted = sa.select(webhook_secrets).where(mine).order_by(webhook_secrets.c.created_at.desc())
    with reading(service.engine) as connection:
        return [_secret(row) for row in connection.execute(wanted).mappings()]


@router.get("/deliveries", response_model=list[Delivery], responses=described("no_key"))
def list_deliveries(
    service: TheService, access: Read, subject_id: Annotated[str | None, Query(max_length=40)] = None
) -> list[dict[str, Any]]:
    """The last 100 messages of this key's webhooks, newest first."""
    wanted = sa.select(deliveries).where(deliveries.c.key_id == access.key_id)
    if subject_id is not None:
        wanted = wanted.where(deliveries.c.subject_id == subject_id)
    wanted = wanted.order_by(deliveries.c.created_at.desc(), deliveries.c.id).limit(100)
    with reading(service.engine) as connection:
        return [_delivery(row) for row in connection.execute(wanted).mappings()]


@router.post(
    "/deliveries/{message_id}/redeliver",
    status_code=202,
    response_model=Delivery,
    responses=described("no_key", "not_found"),
)
def deliver_again(service: TheService, access: Scan, message_id: str) -> dict[str, Any]:
    """Send one message once more, with the same id."""
    wanted = sa.select(deliveries).where(deliveries.c.id == message_id, deliveries.c.key_id == access.key_id)
    with service.engine.begin() as connection:
        if not is_id(message_id) or connection.execute(wanted).first() is None:
            raise not_found("delivery")
        redeliver(connection, message_id)
        return _delivery(connection.execute(wanted).mappings().one())


def _key(row: Row) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("id", "name", "scans_per_hour", "scans_at_once")},
        "scopes": row["scopes"].split(),
        "created_at": when(row["created_at"]),
        "revoked_at": when(row["revoked_at"]),
    }


def _secret(row: Row) -> dict[str, Any]:
    return {"id": row["id"], "created_at": when(row["created_at"]), "expires_at": when(row["expires_at"])}


def _delivery(row: Row) -> dict[str, Any]:
    copied = ("id", "event", "subject_id", "url", "status", "attempts", "last_status", "last_error")
    waits = row["status"] == "waiting"
    return {
        **{name: row[name] for name in copied},
        "next_at": when(row["next_at"]) if waits else None,
        "created_at": when(row["created_at"]),
    }
