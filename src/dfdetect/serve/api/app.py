"""The ASGI application."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dfdetect import __version__
from dfdetect.errors import DfdetectError
from dfdetect.serve.api import (
    accounts,
    batches,
    catalogue,
    hashes,
    lookups,
    media_parts,
    operations,
    page,
    scan_parts,
    scans,
)
from dfdetect.serve.api.service import Service, new_request_id
from dfdetect.serve.examples import add_examples
from dfdetect.serve.guard import AddressRefused
from dfdetect.serve.objects import ObjectGone
from dfdetect.serve.problems import MEDIA_TYPE, Problem, described
from dfdetect.serve.settings import ServeSettings

log = structlog.get_logger()

_HEADERS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
}
_LOOPBACK_HOSTS = ["127.0.0.1", "localhost", "[::1]", "testserver"]


def make_app(settings: ServeSettings) -> FastAPI:
    """The application for these settings; the store must have its schema (`store.engine.upgrade`)."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.service = Service.open(settings)
        yield
        app.state.service.engine.dispose()

    app = FastAPI(
        title="dfdetect",
        version=__version__,
        summary="Tells whether a face in an image or a video was manipulated, where, and how sure it is.",
        description=(
            "Scores are P(manipulated) in 0..1. `inconclusive` and `not_applicable` are completed scans, not errors. "
            "Enumerations are open: clients must accept new values. Errors are RFC 9457 documents."
        ),
        lifespan=lifespan,
        responses=described("malformed", "not_found", "unprocessable"),
        docs_url=None,  # it loads its script from elsewhere; the document itself is at /openapi.json
        redoc_url=None,
    )
    app.add_middleware(_Around)
    if settings.is_loopback:  # a name of somebody else's that resolves to this computer (DNS rebinding)
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=_LOOPBACK_HOSTS)
    for module in (scans, scan_parts, media_parts, lookups, hashes, batches, accounts, catalogue, operations, page):
        app.include_router(module.router)
    _handle_errors(app)
    plain = app.openapi
    app.openapi = lambda: add_examples(plain())  # type: ignore[method-assign]
    return app


class _Around:
    """A request id, one log line, the headers of every answer. Plain ASGI: no task and no queue for each request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        given = request.headers.get("x-request-id", "")
        request_id = given if given.isalnum() and len(given) <= 40 else new_request_id()
        request.state.request_id = request_id
        start, begun = time.perf_counter(), False

        async def answer(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                _note(request, message["status"], time.perf_counter() - start)
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers["x-request-id"] = request_id
            await send(message)

        try:
            if "\x00" in scope["path"]:  # no id has a NUL, and PostgreSQL refuses to look for one
                await _answer(request, Problem("not_found", "there is no such address"))(scope, receive, answer)
            else:
                await self._app(scope, receive, answer)
        except Exception:
            log.exception("request failed", request=request_id, method=request.method)
            if begun:  # the status is sent: cutting the answer short is the only way left to say so
                raise
            problem = Problem("internal", "the error has been logged under this request's id")
            await _answer(request, problem)(scope, receive, answer)


def _note(request: Request, status: int, seconds: float) -> None:
    route = getattr(request.scope.get("route"), "path", "-")
    operations.count_request(request.method, route, status, seconds)
    log.info("request", request=request.state.request_id, method=request.method, route=route,
             status=status, ms=round(1000 * seconds, 1))  # fmt: skip


def _answer(request: Request, problem: Problem) -> JSONResponse:
    request_id = getattr(request.state, "request_id", None) or new_request_id()
    return JSONResponse(
        problem.document(request_id), status_code=problem.status, headers=problem.headers, media_type=MEDIA_TYPE
    )


_OF_STATUS = {400: "malformed", 401: "no_key", 403: "forbidden", 404: "not_found", 405: "method_not_allowed"}


def _handle_errors(app: FastAPI) -> None:
    async def of_problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return _answer(request, error)

    async def of_framework(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = _OF_STATUS.get(error.status_code, "malformed")
        detail = {
            "not_found": "there is no such address; /openapi.json lists them",
            "method_not_allowed": f"{request.method} is not known at this address; /openapi.json lists what is",
        }.get(code, str(error.detail))
        problem = Problem(code, detail, headers=error.headers)
        problem.status = error.status_code
        return _answer(request, problem)

    async def of_values(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        wrong = [{"where": [str(part) for part in one["loc"]], "text": one["msg"]} for one in error.errors()[:20]]
        detail = "; ".join(f"{'.'.join(one['where'])}: {one['text']}" for one in wrong)
        if any(one["type"] == "model_attributes_type" for one in error.errors()):
            detail = "body: expected JSON, sent with Content-Type: application/json"
        return _answer(request, Problem("unprocessable", detail[:1000], errors=wrong))

    async def of_address(request: Request, error: Exception) -> Response:
        assert isinstance(error, AddressRefused)
        return _answer(request, Problem("address_refused", error.message))

    async def of_object(request: Request, error: Exception) -> Response:
        return _answer(request, Problem("gone", "it has been deleted, by request or because its time was over"))

    async def of_store(request: Request, error: Exception) -> Response:
        log.error("store away", request=request.state.request_id, error=type(error).__name__)
        detail = "the store cannot be reached; try again"
        return _answer(request, Problem("store_away", detail, headers={"retry-after": "5"}))

    async def of_ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, DfdetectError)
        return _answer(request, Problem("unprocessable", error.message))

    handlers: dict[Any, Any] = {
        Problem: of_problem, HTTPException: of_framework, RequestValidationError: of_values,
        AddressRefused: of_address, ObjectGone: of_object, sa.exc.OperationalError: of_store,
        sa.exc.InterfaceError: of_store, sa.exc.TimeoutError: of_store, DfdetectError: of_ours,
    }  # fmt: skip
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
