"""Parts of a scan: progress events, tracks, frames, pictures, reports."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

import numpy as np
import sqlalchemy as sa
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from dfdetect.errors import ModelUnusable
from dfdetect.faces.align import square_around
from dfdetect.serve.access import Access
from dfdetect.serve.answers import REPORT, crop_name, crop_of_name, heatmap_name
from dfdetect.serve.api.scans import known
from dfdetect.serve.api.service import OWN_PAGE_CSP, Read, Service, TheService
from dfdetect.serve.paper import as_pdf
from dfdetect.serve.problems import Problem, described
from dfdetect.serve.schemas import FramePage
from dfdetect.serve.store.engine import reading
from dfdetect.serve.store.tables import results
from dfdetect.serve.submit import row_of
from dfdetect.serve.views import OVER, cursor_of, read_cursor, whole

router = APIRouter(prefix="/v1/scans/{scan_id}", tags=["parts of a scan"])

_LOOK_EVERY_S = 0.4
_LOOK_SOON_S = 0.1  # a picture is done within a second: whoever waits for one is not kept waiting by us
_SOON_LOOKS = 30
_KEEP_ALIVE_LOOKS = 30  # a comment every 12 s at the most, so that proxies do not close the stream
_MOST_EVENTS_S = 3_600.0


@router.get("/events", responses={200: {"content": {"text/event-stream": {}}}, **described("no_key", "not_found")})
async def events(request: Request, service: TheService, access: Read, scan_id: str) -> StreamingResponse:
    """Server-sent events: `progress` with status, stage and progress, then `done` with the whole envelope, once."""
    await run_in_threadpool(known, service, access, scan_id)
    return StreamingResponse(
        _events(request, service, access, scan_id), media_type="text/event-stream", headers={"x-accel-buffering": "no"}
    )


async def _events(request: Request, service: Service, access: Access, scan_id: str) -> AsyncIterator[str]:
    told: Any = None
    looks = 0
    until = asyncio.get_running_loop().time() + _MOST_EVENTS_S
    while asyncio.get_running_loop().time() < until and not await request.is_disconnected():
        row = await run_in_threadpool(row_of, service.engine, access, scan_id)
        if row is None:
            yield _event("deleted", {"id": scan_id})
            return
        if row["status"] in OVER:
            yield _event("done", await run_in_threadpool(_whole, service, row))
            return
        now = {name: row[name] for name in ("status", "stage", "progress")}
        if now != told:
            told = now
            yield _event("progress", now)
        looks += 1
        if looks % _KEEP_ALIVE_LOOKS == 0:
            yield ": still here\n\n"
        await asyncio.sleep(_LOOK_SOON_S if looks < _SOON_LOOKS else _LOOK_EVERY_S)


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


def _whole(service: Service, row: Any) -> dict[str, Any]:
    with reading(service.engine) as connection:
        return whole(connection, row)


@router.get("/tracks", responses=described("no_key", "not_found", "not_ready"))
def tracks(service: TheService, access: Read, scan_id: str) -> dict[str, Any]:
    """Every face over the file, without its frames, with addresses of the pictures that weighed most."""
    body = _result(service, access, scan_id)
    pictures = _pictures(service, access, scan_id, body)
    shown = []
    for track in body["tracks"]:
        frames = track["frames"]
        sizes, blurs = [f["face_px"] for f in frames], [f["blur"] for f in frames]
        about = {key: value for key, value in track.items() if key != "frames"}
        quality = {"min_face_px": min(sizes, default=None), "max_blur": max(blurs, default=None)}
        frames_url = f"/v1/scans/{scan_id}/frames?track={track['id']}"
        more = {"frames_url": frames_url, "pictures": pictures.get(track["id"], [])}
        shown.append({**about, "frame_count": len(frames), "quality": quality, **more})
    return {"items": shown}


@router.get("/frames", response_model=FramePage, responses=described("no_key", "not_found", "not_ready", "bad_cursor"))
def frames(
    service: TheService,
    access: Read,
    scan_id: str,
    track: Annotated[int, Query(ge=0)] = 1,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> dict[str, Any]:
    """Frames of one track with box and score, in time order."""
    body = _result(service, access, scan_id)
    found = next((one["frames"] for one in body["tracks"] if one["id"] == track), None)
    if found is None:
        raise Problem("not_found", f"this scan has no track {track}")
    start = read_cursor(cursor, (int,))[0] if cursor is not None else 0
    end = start + limit
    following = cursor_of(end) if end < len(found) else None
    return {"track": track, "items": found[start:end] if start >= 0 else [], "next_cursor": following}


_PARQUET: dict[int | str, dict[str, Any]] = {200: {"content": {"application/vnd.apache.parquet": {}}}}


@router.get(
    "/frames.parquet",
    response_class=Response,
    responses={**_PARQUET, **described("no_key", "not_found", "not_ready")},
)
def frames_parquet(service: TheService, access: Read, scan_id: str) -> Response:
    """Frames of all tracks as one table: `track`, then the columns of a frame, its box as four of them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        {"track": track["id"], **_flat(frame)}
        for track in _result(service, access, scan_id)["tracks"]
        for frame in track["frames"]
    ]
    table = pa.Table.from_pylist(
        rows, schema=pa.schema([(name, getattr(pa, kind)()) for name, kind in _COLUMNS.items()])
    )
    out = io.BytesIO()
    pq.write_table(table, out)
    headers = {"content-disposition": f'attachment; filename="{scan_id}.parquet"'}
    return Response(out.getvalue(), 200, headers, "application/vnd.apache.parquet")


_COLUMNS = {
    "track": "int32", "index": "int64", "time_s": "float64", "left_px": "float32", "top_px": "float32",
    "right_px": "float32", "bottom_px": "float32", "p_manipulated": "float32", "face_px": "float32", "blur": "float32",
    "yaw_deg": "float32", "detector_score": "float32",
}  # fmt: skip


def _flat(frame: dict[str, Any]) -> dict[str, Any]:
    box = dict(zip(("left_px", "top_px", "right_px", "bottom_px"), frame["box_xyxy"], strict=True))
    return box | {name: value for name, value in frame.items() if name in _COLUMNS}


_PNG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {}}}}


@router.get(
    "/heatmaps/{track}/{frame_index}.png",
    response_class=Response,
    responses={**_PNG, **described("no_key", "not_found", "gone")},
)
def heatmap(service: TheService, access: Read, scan_id: str, track: int, frame_index: int) -> Response:
    """Where the network read its evidence, drawn over one of the frames that weighed most."""
    return _picture(service, access, scan_id, heatmap_name(track, frame_index))


@router.get(
    "/crops/{track}/{frame_index}.png",
    response_class=Response,
    responses={**_PNG, **described("no_key", "not_found", "gone")},
)
def crop(service: TheService, access: Read, scan_id: str, track: int, frame_index: int) -> Response:
    """One of the faces that weighed most, as the network saw it."""
    return _picture(service, access, scan_id, crop_name(track, frame_index))


@router.get(
    "/report.html",
    response_class=Response,
    responses={200: {"content": {"text/html": {}}}, **described("no_key", "not_found", "not_ready", "gone")},
)
def report_html(service: TheService, access: Read, scan_id: str) -> Response:
    """The report as one page that needs nothing else."""
    headers = {"content-security-policy": OWN_PAGE_CSP, "content-disposition": f'inline; filename="{scan_id}.html"'}
    return Response(_report(service, access, scan_id), media_type="text/html; charset=utf-8", headers=headers)


@router.get("/report.json", responses=described("no_key", "not_found", "not_ready"))
def report_json(service: TheService, access: Read, scan_id: str) -> dict[str, Any]:
    """The result alone: a document of schema dfdetect.scan/1."""
    return _result(service, access, scan_id)


@router.get(
    "/report.pdf",
    response_class=Response,
    responses={200: {"content": {"application/pdf": {}}}, **described("no_key", "not_found", "not_available")},
)
def report_pdf(service: TheService, access: Read, scan_id: str) -> Response:
    """The report on paper; needs the extra `report`."""
    headers = {"content-disposition": f'inline; filename="{scan_id}.pdf"'}
    return Response(as_pdf(_report(service, access, scan_id)), 200, headers, "application/pdf")


def _result(service: Service, access: Access, scan_id: str) -> dict[str, Any]:
    row = known(service, access, scan_id)
    wanted = sa.select(results.c.body).where(results.c.scan_id == scan_id)
    with reading(service.engine) as connection:
        body: dict[str, Any] | None = connection.execute(wanted).scalar()
    if body is None:
        _refuse_early(row)
        raise Problem("not_found", "this scan has no result")
    return body


def _pictures(service: Service, access: Access, scan_id: str, body: dict[str, Any]) -> dict[int, list[dict[str, Any]]]:
    """Track -> its pictures in time order, with the score and place of each where the result tells them."""
    row = known(service, access, scan_id)
    prefix = row["result_prefix"]
    margin = _margin(service, row["model"])
    frames = {(one["id"], frame["index"]): frame for one in body["tracks"] for frame in one["frames"]}
    names = {name.rpartition("/")[2] for name in service.objects.names(prefix)} if prefix else set()
    found: dict[int, list[dict[str, Any]]] = {}
    for track, frame_index in sorted(filter(None, map(crop_of_name, names))):
        place = f"{track}/{frame_index}.png"
        has_map = heatmap_name(track, frame_index) in names
        entry: dict[str, Any] = {"frame_index": frame_index, "crop": f"/v1/scans/{scan_id}/crops/{place}"}
        entry["heatmap"] = f"/v1/scans/{scan_id}/heatmaps/{place}" if has_map else None
        frame = frames.get((track, frame_index))
        for name in ("time_s", "p_manipulated"):
            entry[name] = None if frame is None else frame[name]
        entry["square_xyxy"] = None if frame is None or margin is None else _square(frame["box_xyxy"], margin)
        found.setdefault(track, []).append(entry)
    return found


def _margin(service: Service, model: str) -> float | None:
    """How far its crops reach beyond the face; None where the model is no longer here."""
    try:
        return service.bundle(model).views[0].margin
    except (ModelUnusable, Problem):
        return None


def _square(box_xyxy: list[float], margin: float) -> list[float]:
    left, top, side = square_around(np.asarray(box_xyxy, np.float32), margin=margin)
    return [left, top, left + side, top + side]


def _report(service: Service, access: Access, scan_id: str) -> bytes:
    row = known(service, access, scan_id)
    if row["result_prefix"] is None:
        _refuse_early(row)
        raise Problem("not_found", "this scan has no report")
    with service.objects.open(f"{row['result_prefix']}/{REPORT}") as file:
        return file.read()


def _picture(service: Service, access: Access, scan_id: str, name: str) -> Response:
    row = known(service, access, scan_id)
    if row["result_prefix"] is None:
        _refuse_early(row)
        raise Problem("not_found", "this scan has no pictures")
    place = f"{row['result_prefix']}/{name}"
    if place not in service.objects.names(row["result_prefix"]):
        raise Problem("not_found", "this scan has no picture of that face and frame")
    with service.objects.open(place) as file:
        return Response(file.read(), media_type="image/png", headers={"cache-control": "private, max-age=3600"})


def _refuse_early(row: Any) -> None:
    if row["status"] in ("queued", "running"):
        raise Problem("not_ready", "the scan is not over yet", headers={"retry-after": "1"})
