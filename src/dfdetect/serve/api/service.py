"""What every route needs, made once at start, and who asks."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import Depends, Request, Response
from fastapi.responses import StreamingResponse

from dfdetect.models.bundle import Bundle, find_bundle, list_bundles, load_bundle
from dfdetect.serve.access import Access, access_of_key, access_of_session, asker_digest
from dfdetect.serve.objects import Objects
from dfdetect.serve.policy import Policy, load_policies
from dfdetect.serve.problems import Problem
from dfdetect.serve.settings import ServeSettings
from dfdetect.serve.store.engine import now_s, open_store
from dfdetect.serve.store.tables import audit
from dfdetect.serve.views import public_name

SESSION_COOKIE, VISITOR_COOKIE = "dfdetect_session", "dfdetect_visitor"
VISITOR_KEEPS_MEDIA_S = 3_600.0
# A report or a card is a page of its own: it may show what it carries inside, and nothing else.
OWN_PAGE_CSP = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


@dataclass(slots=True)
class Service:
    """The store, the files, the rules. One a process."""

    settings: ServeSettings
    engine: sa.Engine
    objects: Objects
    policies: dict[str, Policy]
    bundles: dict[str, Bundle] = field(default_factory=dict)

    @staticmethod
    def open(settings: ServeSettings) -> Service:
        """ModelUnusable when the default model cannot be loaded: said now, not at the first scan."""
        settings.spool.mkdir(parents=True, exist_ok=True)
        service = Service(
            settings, open_store(settings.store_url), Objects(settings.files_url), load_policies(settings.policies)
        )
        service.bundle(settings.model)
        return service

    def bundle(self, name: str) -> Bundle:
        """A model by name; only names of installed bundles, and the operator's own default, are taken."""
        if name == public_name(self.settings.model):
            name = self.settings.model
        if name not in self.bundles:
            if name != self.settings.model and name not in list_bundles():
                raise Problem("unprocessable", f"unknown model {name[:100]!r}; GET /v1/models lists them")
            self.bundles[name] = load_bundle(find_bundle(name))
        return self.bundles[name]

    def policy(self, name: str) -> Policy:
        if name not in self.policies:
            listed = ", ".join(self.policies)
            raise Problem("unprocessable", f"unknown policy {name[:100]!r}; the options are: {listed}")
        return self.policies[name]

    def asker(self, request: Request) -> str | None:
        """A visitor's address to count by; None where there is none to know."""
        return asker_digest(self.engine, request.client.host) if request.client is not None else None

    def note(
        self, connection: sa.Connection, request: Request, access: Access | None, action: str, subject: str
    ) -> None:
        """A line of the audit log, in the caller's transaction."""
        connection.execute(
            sa.insert(audit).values(
                at=now_s(),
                key_id=None if access is None else access.key_id,
                action=action,
                subject_id=subject,
                request_id=request.state.request_id,
            )
        )


def service_of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def needs(scope: str) -> Callable[[Request], Access]:
    """A dependency: the asker, who must have this scope."""

    def check(request: Request) -> Access:
        access = who(request)
        if access is None:
            detail = "send `Authorization: Bearer KEY`; `dfdetect serve` prints a key at start"
            if "authorization" in request.headers:
                detail = (
                    "this key is not known here, or was revoked; one that `dfdetect serve` printed ends with its run"
                )
            raise Problem("no_key", detail, headers={"www-authenticate": "Bearer"})
        if scope not in access.scopes:
            raise Problem("forbidden", f"this needs a key with the scope {scope!r}")
        return access

    return check


def who(request: Request) -> Access | None:
    """By key, by the page's log-in, or as a visitor of a public page."""
    service = service_of(request)
    header = request.headers.get("authorization", "")
    if header:
        kind, _, secret = header.partition(" ")
        return access_of_key(service.engine, secret.strip()) if kind.lower() == "bearer" else None
    token = request.cookies.get(SESSION_COOKIE)
    access = access_of_session(service.engine, token) if token else None
    if access is None and service.settings.public and (visitor := request.cookies.get(VISITOR_COOKIE)):
        access = access_of_key(service.engine, visitor)
        access = access if access is not None and access.visitor else None
    if access is not None:
        _refuse_other_sites(request)
    return access


def _refuse_other_sites(request: Request) -> None:
    """A cookie comes with every request of the browser, also with those that another page makes it send."""
    if request.method in _SAFE_METHODS:
        return
    origin = request.headers.get("origin")
    if origin is None or origin.partition("://")[2] != request.headers.get("host"):
        raise Problem("cross_site", "expected the request to come from this service's own page")


CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}


def csv_answer(lines: Iterator[str], name: str) -> Response:
    """A table to be saved under this name."""
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


def new_request_id() -> str:
    return secrets.token_hex(8)


Scan = Annotated[Access, Depends(needs("scan"))]
Read = Annotated[Access, Depends(needs("read"))]
Admin = Annotated[Access, Depends(needs("admin"))]


async def _the_service(request: Request) -> Service:
    return service_of(request)  # async: a plain function would cost each request a turn of the thread pool


TheService = Annotated[Service, Depends(_the_service)]
