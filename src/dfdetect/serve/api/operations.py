"""For those who run the service: is it up, can it work, what has it done."""

from __future__ import annotations

import shutil
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from dfdetect.serve.api.service import TheService, needs
from dfdetect.serve.problems import described
from dfdetect.serve.store.engine import now_s, reading
from dfdetect.serve.store.tables import deliveries, scans, workers

router = APIRouter(tags=["operations"])

WORKER_SILENT_S = 30.0

_registry = CollectorRegistry()
_requests = Counter("dfdetect_requests", "Requests by route", ["method", "route", "status"], registry=_registry)
_seconds = Histogram("dfdetect_request_seconds", "Time to answer", ["route"], registry=_registry)
_scans = Gauge("dfdetect_scans", "Scans on record", ["status"], registry=_registry)
_oldest = Gauge("dfdetect_queue_oldest_seconds", "Age of the scan that waits longest", registry=_registry)
_dead = Gauge("dfdetect_dead_letters", "Scans set aside after every attempt ended abnormally", registry=_registry)
_workers = Gauge("dfdetect_workers", "Workers seen lately", registry=_registry)
_messages = Gauge("dfdetect_webhooks", "Webhook messages on record", ["status"], registry=_registry)
_free = Gauge("dfdetect_free_bytes", "Room on the disk of the uploads", registry=_registry)


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """Routes, not paths: an id in a label would make one more series for every scan."""
    _requests.labels(method, route, str(status)).inc()
    _seconds.labels(route).observe(seconds)


@router.get("/healthz")
def health() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", response_model=None)
def ready(service: TheService) -> Response:
    """The store can be reached and there is room, else 503. `workers`: those seen lately."""
    facts: dict[str, Any] = {"store": True, "room": True, "workers": 0}
    seen = sa.select(sa.func.count()).select_from(workers).where(workers.c.seen_at > now_s() - WORKER_SILENT_S)
    try:
        with reading(service.engine) as connection:
            facts["workers"] = connection.execute(seen).scalar_one()
    except sa.exc.DBAPIError:
        facts["store"] = False
    free = shutil.disk_usage(service.settings.spool).free
    facts["room"] = free >= service.settings.free_reserve_bytes
    good = facts["store"] and facts["room"]
    return JSONResponse({"status": "ok" if good else "not ready", **facts}, status_code=200 if good else 503)


@router.get("/metrics", response_class=Response, responses=described("no_key", "forbidden"))
def metrics(request: Request, service: TheService) -> Response:
    """Prometheus. Beyond the loopback it needs a key with the scope `admin`."""
    if not service.settings.is_loopback:
        needs("admin")(request)
    parked = scans.c.error["dead_letter"].as_boolean()
    dead = sa.select(sa.func.count()).select_from(scans).where(scans.c.status == "failed", parked)
    with reading(service.engine) as connection:
        for gauge, table in ((_scans, scans), (_messages, deliveries)):
            gauge.clear()
            for row in connection.execute(sa.select(table.c.status, sa.func.count()).group_by(table.c.status)):
                gauge.labels(row[0]).set(row[1])
        first = connection.execute(sa.select(sa.func.min(scans.c.created_at)).where(scans.c.status == "queued"))
        oldest = first.scalar()
        _oldest.set(0 if oldest is None else now_s() - oldest)
        _dead.set(connection.execute(dead).scalar_one())
        seen = sa.select(sa.func.count()).select_from(workers).where(workers.c.seen_at > now_s() - WORKER_SILENT_S)
        _workers.set(connection.execute(seen).scalar_one())
    _free.set(shutil.disk_usage(service.settings.spool).free)
    return Response(generate_latest(_registry), media_type=CONTENT_TYPE_LATEST)
