"""Ask for a scan, read it, list, cancel, delete, rescan, say what a person thinks of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool

from dfdetect.serve.access import Access
from dfdetect.serve.answers import tell
from dfdetect.serve.api.service import CSV, VISITOR_KEEPS_MEDIA_S, Read, Scan, Service, TheService, csv_answer
from dfdetect.serve.fetch import fetch
from dfdetect.serve.forms import read_form
from dfdetect.serve.ids import is_id, new_id
from dfdetect.serve.intake import Spool, Upload, check_length, read_raw, steady
from dfdetect.serve.jobs import STATUSES
from dfdetect.serve.policy import DECISIONS
from dfdetect.serve.problems import Problem, described, not_found
from dfdetect.serve.scan_table import table_lines
from dfdetect.serve.schemas import FeedbackGiven, Rescan, ScanByUrl, ScanEnvelope, ScanPage, keepable
from dfdetect.serve.store.engine import now_s, reading
from dfdetect.serve.store.tables import feedback, scans
from dfdetect.serve.submit import Accepted, Asked, check_room, row_in, row_of, submit
from dfdetect.serve.sweep import erase
from dfdetect.serve.views import (
    OVER,
    Above,
    above,
    decided,
    envelope,
    envelopes,
    etag,
    page_of_scans,
    public_name,
    whole,
)
from dfdetect.serve.webhooks import check_callback
from dfdetect.values import Verdict

router = APIRouter(prefix="/v1/scans", tags=["scans"])

MOST_WAIT_S = 30
_WAIT_STEP_S = 0.1
_PAGE = 200

AGAIN = "again"
_OPTIONS = ("model", "policy", "external_id", "callback_url", "batch_id", "keep_media_s", "keep_result_s", "filename")

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        **{name: {"type": "string"} for name in _OPTIONS if name != "filename"},
                    },
                }
            },
            "application/json": {"schema": ScanByUrl.model_json_schema()},
        },
    }
}


@router.post(
    "",
    status_code=202,
    response_model=ScanEnvelope,
    responses={
        200: {"model": ScanEnvelope, "description": "It is over already: waited for, or known from before"},
        **described(
            "malformed", "no_key", "forbidden", "cross_site", "not_available", "not_found", "too_slow", "too_large"
        ),
        **described("not_media", "unprocessable", "key_reused", "address_refused", "quota", "queue_full", "disk_full"),
    },
    openapi_extra=_BODY,
)
async def create_scan(
    request: Request,
    service: TheService,
    access: Scan,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")] = None,
    prefer: Annotated[str | None, Header()] = None,
) -> Response:
    """Send a file as the body (options in the query), as a form with the field `file`, or `{"url": ...}`.

    202 means that the upload and the job are on the disk. `Prefer: wait=10` waits so many seconds (at most 30) for the
    answer. The same file for the same model and policy under the same key gives the earlier answer; `again=true` in the
    query asks for a new one.
    """
    wait_s, again = _wait_of(prefer), _again(request)
    asker = await run_in_threadpool(service.asker, request) if access.visitor else None
    limits = service.settings
    await run_in_threadpool(check_room, service.engine, access, max_queued=limits.max_queued, asker_sha256=asker)
    check_length(
        request.headers.get("content-length"),
        most_bytes=limits.max_upload_bytes,
        folder=limits.spool,
        reserve_bytes=limits.free_reserve_bytes,
    )
    with Spool(limits.spool / new_id("up"), most_bytes=limits.max_upload_bytes) as spool:
        upload, options = await _read(request, service, spool)
    try:
        asked = await run_in_threadpool(_asked, service, access, options)
    except BaseException:
        upload.path.unlink(missing_ok=True)
        raise
    asked = replace(
        asked,
        idempotency_key=idempotency_key,
        asker_sha256=asker,
        again=again,
    )
    accepted = await run_in_threadpool(submit, service.engine, service.objects, access, asked, upload)
    return await _accepted(request, service, access, accepted, wait_s)


def _wanted(
    access: Read,
    status: Annotated[str | None, Query(max_length=20)] = None,
    verdict: Annotated[str | None, Query(max_length=40)] = None,
    decision: Annotated[str | None, Query(max_length=20)] = None,
    sha256: Annotated[str | None, Query(pattern=r"^[0-9a-f]{64}$")] = None,
    external_id: Annotated[str | None, Query(max_length=200)] = None,
    batch_id: Annotated[str | None, Query(max_length=40)] = None,
    search: Annotated[str | None, Query(max_length=200, description="part of the file's name")] = None,
) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = [scans.c.key_id == access.key_id]
    equal = {"status": status, "verdict": verdict, "sha256": sha256, "external_id": external_id, "batch_id": batch_id}
    for name, value in {**equal, "search": search}.items():
        if value is not None and not keepable(value):
            raise Problem("unprocessable", f"{name}: expected text without NUL")
    for name, value, known in (
        ("status", status, STATUSES),
        ("verdict", verdict, tuple(Verdict)),
        ("decision", decision, DECISIONS),
    ):
        if value is not None and value not in known:
            raise Problem("unprocessable", f"{name}: expected one of {', '.join(known)}; got {value!r}")
    conditions += [scans.c[name] == value for name, value in equal.items() if value is not None]
    if decision is not None:
        conditions.append(decided() == decision)
    if search:
        conditions.append(scans.c.filename.icontains(search, autoescape=True))
    return conditions


Wanted = Annotated[list[sa.ColumnElement[bool]], Depends(_wanted)]


@router.get("", response_model=ScanPage, responses=described("no_key", "forbidden", "bad_cursor", "unprocessable"))
def list_scans(
    service: TheService,
    wanted: Wanted,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
    limit: Annotated[int, Query(ge=1, le=_PAGE)] = 50,
) -> dict[str, Any]:
    """This key's scans, newest first, without their results."""
    with reading(service.engine) as connection:
        rows, following = page_of_scans(connection, wanted, cursor=cursor, limit=limit)
        return {"items": envelopes(connection, rows), "next_cursor": following}


@router.get(".csv", response_class=Response, responses={**CSV, **described("no_key", "forbidden", "unprocessable")})
def scans_csv(service: TheService, wanted: Wanted) -> Response:
    """The same scans as a table, all of them: the columns of `dfdetect scan --format csv` after the service's own."""
    return csv_answer(table_lines(service.engine, wanted), "scans.csv")


@router.get("/{scan_id}", response_model=ScanEnvelope, responses=described("no_key", "forbidden", "not_found"))
def get_scan(
    service: TheService,
    access: Read,
    scan_id: str,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """How far it is, and its result once there is one. With `If-None-Match`: 304 while nothing has changed."""
    with reading(service.engine) as connection:
        row = row_in(connection, access, scan_id) if is_id(scan_id) else None
        if row is None:
            raise not_found("scan")
        over = above(connection, [scan_id]).get(scan_id, Above())
        tag = etag(row, over)
        if if_none_match == tag:
            return Response(status_code=304, headers={"etag": tag})
        body = envelope(connection, row, over)
    return JSONResponse(body, headers={"etag": tag})


@router.post("/{scan_id}/feedback", response_model=ScanEnvelope, responses=described("no_key", "not_found"))
def give_feedback(
    request: Request, service: TheService, access: Scan, scan_id: str, said: FeedbackGiven
) -> dict[str, Any]:
    """A person's word: it overrides `decision`, is kept apart from the result, and fires `scan.updated`."""
    row = known(service, access, scan_id)
    with service.engine.begin() as connection:
        connection.execute(
            sa.insert(feedback).values(id=new_id("fbk"), scan_id=scan_id, created_at=now_s(), **said.model_dump())
        )
        tell(connection, row, "scan.updated", {})
        service.note(connection, request, access, "feedback", scan_id)
        return whole(connection, row)


@router.post(
    "/{scan_id}/rescan",
    status_code=202,
    response_model=ScanEnvelope,
    responses=described("no_key", "not_found", "gone", "unprocessable", "quota", "queue_full"),
)
def rescan(request: Request, service: TheService, access: Scan, scan_id: str, wanted: Rescan) -> Response:
    """The same upload with another model or policy, as a scan of its own, while the upload is kept."""
    row = known(service, access, scan_id)
    check_room(service.engine, access, max_queued=service.settings.max_queued, asker_sha256=row["asker_sha256"])
    if row["media_object"] is None:
        raise Problem("gone", "the upload has been deleted; send it again")
    options = {"model": wanted.model or row["model"], "policy": wanted.policy or row["policy"]}
    asked = replace(
        _asked(service, access, options),
        keep_media_s=row["keep_media_s"],
        keep_result_s=row["keep_result_s"],
        external_id=row["external_id"],
        callback_url=row["callback_url"],
        filename=row["filename"],
        asker_sha256=row["asker_sha256"],
        again=True,
        rescan_of=scan_id,
    )
    copy = service.settings.spool / new_id("up")
    with service.objects.open(row["media_object"]) as media, Spool(copy, most_bytes=row["bytes"]) as spool:
        while piece := media.read(1 << 20):
            spool.write(piece)
        upload = spool.finish()
    accepted = submit(service.engine, service.objects, access, asked, upload)
    return _answered(service, access, accepted.scan_id, status=202)


@router.post("/{scan_id}/cancel", response_model=ScanEnvelope, responses=described("no_key", "not_found"))
def cancel(request: Request, service: TheService, access: Scan, scan_id: str) -> dict[str, Any]:
    """Stop it: at once while it waits, within seconds while it runs. A scan that is over stays as it is."""
    known(service, access, scan_id)
    now = now_s()
    mine = sa.and_(scans.c.id == scan_id, scans.c.key_id == access.key_id)
    with service.engine.begin() as connection:
        waiting = sa.update(scans).where(mine, scans.c.status == "queued")
        connection.execute(waiting.values(status="cancelled", completed_at=now, updated_at=now, cancel_asked=True))
        running = sa.update(scans).where(mine, scans.c.status == "running")
        connection.execute(running.values(cancel_asked=True, updated_at=now))
        service.note(connection, request, access, "cancel", scan_id)
        row = connection.execute(sa.select(scans).where(mine)).mappings().one()
        return whole(connection, row)


@router.delete("/{scan_id}", status_code=204, responses=described("no_key", "forbidden", "not_found"))
def delete_scan(request: Request, service: TheService, access: Scan, scan_id: str) -> None:
    """Remove every copy: the upload, crops, reports, the result and the record. What was said to others stays said."""
    known(service, access, scan_id)
    with service.engine.begin() as connection:
        service.note(connection, request, access, "delete", scan_id)
    erase(service.engine, service.objects, scan_id, status=None)


def known(service: Service, access: Access, scan_id: str) -> Any:
    """The row of this key's scan, or the one 404 for everything else."""
    row = row_of(service.engine, access, scan_id) if is_id(scan_id) else None
    if row is None:
        raise not_found("scan")
    return row


async def _read(request: Request, service: Service, spool: Spool) -> tuple[Upload, dict[str, Any]]:
    """The upload and its options, however they were sent."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem("not_media", "expected the file as it is, without Content-Encoding")
    stream = steady(request.stream())
    _refuse_unknown(set(request.query_params) - {AGAIN})
    query = {name: request.query_params[name] for name in _OPTIONS if name in request.query_params}
    if kind == "multipart/form-data":
        form = await read_form(stream, request.headers["content-type"], spool)
        try:
            _refuse_unknown(set(form.fields))
        except Problem:
            form.upload.path.unlink(missing_ok=True)
            raise
        return form.upload, {"filename": form.filename, **query, **form.fields}
    if kind == "application/json":
        wanted = await _by_url(request, service)
        upload = await run_in_threadpool(fetch, wanted.url, spool)
        return upload, {**wanted.model_dump(exclude={"url"}, exclude_none=True), "source_url": wanted.url}
    if kind in ("", "application/octet-stream") or kind.startswith(("video/", "image/")):
        return await read_raw(stream, spool), query
    detail = "expected the file itself (application/octet-stream, video/*, image/*), multipart/form-data or JSON"
    raise Problem("not_media", detail)


def _refuse_unknown(names: set[str]) -> None:
    """A word that nobody knows may be a slip of the pen that was meant to change the answer."""
    unknown = names - set(_OPTIONS)
    if unknown:
        raise Problem("unprocessable", f"unknown option {min(unknown)[:50]!r}; the options are: {', '.join(_OPTIONS)}")


def _again(request: Request) -> bool:
    value = request.query_params.get(AGAIN, "false")
    if value not in ("true", "false"):
        raise Problem("unprocessable", f"{AGAIN}: expected true or false; got {value[:20]!r}")
    return value == "true"


async def _by_url(request: Request, service: Service) -> ScanByUrl:
    if not service.settings.url_intake:
        raise Problem("not_available", "this service does not fetch from URLs; its operator can turn that on")
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > 65_536:
            raise Problem("too_large", "expected at most 65536 bytes of JSON")
    try:
        return ScanByUrl.model_validate_json(body)
    except ValidationError as error:
        raise Problem(
            "unprocessable", "; ".join(f"{one['loc']}: {one['msg']}" for one in error.errors()[:5])
        ) from error


_SECONDS = TypeAdapter(float)


def _asked(service: Service, access: Access, options: dict[str, Any]) -> Asked:
    """Options, checked. Visitors choose no retention, callbacks or batches."""
    settings = service.settings
    if access.visitor:
        forbidden = sorted(set(options) & {"callback_url", "batch_id", "keep_media_s", "keep_result_s"})
        if forbidden:
            raise Problem("forbidden", f"visitors cannot choose {', '.join(forbidden)}")
    for name in ("external_id", "batch_id", "model", "policy"):
        if options.get(name) is not None and (len(options[name]) > 200 or not keepable(options[name])):
            raise Problem("unprocessable", f"{name}: expected at most 200 characters, without NUL")
    model, policy = options.get("model") or settings.model, options.get("policy") or settings.policy
    bundle = service.bundle(model)
    model = settings.model if model == public_name(settings.model) else model
    service.policy(policy)
    if options.get("callback_url"):
        check_callback(options["callback_url"], settings.callback_hosts)
    default_media_s = VISITOR_KEEPS_MEDIA_S if access.visitor else settings.keep_media_s
    return Asked(
        model=model,
        model_sha256=bundle.info.sha256,
        policy=policy,
        keep_media_s=_seconds(options, "keep_media_s", default_media_s, most=settings.keep_result_s),
        keep_result_s=_seconds(options, "keep_result_s", settings.keep_result_s, most=settings.keep_result_s),
        external_id=options.get("external_id"),
        callback_url=options.get("callback_url"),
        batch_id=options.get("batch_id"),
        filename=options.get("filename"),
        source_url=options.get("source_url"),
        retention_chosen=any(options.get(name) is not None for name in ("keep_media_s", "keep_result_s")),
    )


def _seconds(options: dict[str, Any], name: str, default: float, *, most: float) -> float:
    if options.get(name) is None:
        return default
    try:
        value = _SECONDS.validate_python(options[name])
    except ValidationError as error:
        raise Problem("unprocessable", f"{name}: expected a number of seconds") from error
    if not 0 <= value <= most:
        raise Problem("unprocessable", f"{name}: expected 0 to {most:g} seconds")
    return value


def _wait_of(prefer: str | None) -> float:
    """Seconds of `Prefer: wait=10` (RFC 7240); what cannot be read is passed over, as the RFC has it."""
    for part in (prefer or "").split(","):
        name, _, value = part.strip().partition("=")
        if name.strip().lower() == "wait" and value.strip().isdigit():
            return float(min(int(value), MOST_WAIT_S))
    return 0.0


async def _accepted(request: Request, service: Service, access: Access, accepted: Accepted, wait_s: float) -> Response:
    until = asyncio.get_running_loop().time() + wait_s
    while True:
        row = await run_in_threadpool(row_of, service.engine, access, accepted.scan_id)
        over = row is not None and row["status"] in OVER
        if over or asyncio.get_running_loop().time() >= until or await request.is_disconnected():
            break
        await asyncio.sleep(_WAIT_STEP_S)
    return await run_in_threadpool(_answered, service, access, accepted.scan_id, status=200 if over else 202)


def _answered(service: Service, access: Access, scan_id: str, *, status: int) -> Response:
    row = known(service, access, scan_id)
    with reading(service.engine) as connection:
        body = whole(connection, row)
    headers = {"location": f"/v1/scans/{scan_id}"}
    if status == 202:
        headers["retry-after"] = "1"
    return JSONResponse(body, status_code=status, headers=headers)
