"""The small copy of a kept upload, in pieces as a browser's player asks for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from fastapi.responses import StreamingResponse

from dfdetect.serve.api.scans import known
from dfdetect.serve.api.service import Read, Service, TheService
from dfdetect.serve.objects import ObjectGone, Objects
from dfdetect.serve.problems import Problem, described
from dfdetect.serve.schemas import MediaShown
from dfdetect.serve.sweep import proxy_folder
from dfdetect.serve.views import when

router = APIRouter(prefix="/v1/scans/{scan_id}", tags=["parts of a scan"])

_PIECE_BYTES = 1 << 18
_KINDS = {".mp4": ("video", "video/mp4"), ".jpg": ("image", "image/jpeg")}


@router.get("/media", response_model=MediaShown, responses=described("no_key", "not_found"))
def media(service: TheService, access: Read, scan_id: str) -> dict[str, Any]:
    """Whether the upload is kept, and its small copy, which is made soon after the answer while the upload is kept."""
    row = known(service, access, scan_id)
    kept, done = row["media_object"] is not None, row["completed_at"]
    name = _proxy_name(service, row) if kept else None
    proxy = None
    if name is not None:
        kind, media_type = _kind(name)
        size = service.objects.bytes_of(name)
        proxy = {"url": f"/v1/scans/{scan_id}/proxy", "kind": kind, "media_type": media_type, "bytes": size}
    return {"kept": kept, "deletes_at": when(done + row["keep_media_s"]) if done and kept else None, "proxy": proxy}


@router.get(
    "/proxy",
    response_class=Response,
    responses={
        200: {"content": {"video/mp4": {}, "image/jpeg": {}}},
        206: {"description": "The piece that `Range` asks for"},
        **described("no_key", "not_found", "gone", "bad_range"),
    },
)
def proxy(
    service: TheService,
    access: Read,
    scan_id: str,
    asked: Annotated[str | None, Header(alias="range", max_length=200)] = None,
) -> Response:
    """The small copy itself. One `Range` of bytes is answered; a list of several gets the whole."""
    name = _proxy_name(service, known(service, access, scan_id))
    if name is None:
        raise ObjectGone(f"no copy of {scan_id}")
    size = service.objects.bytes_of(name)
    found = byte_range(asked, size) if asked else None
    start, end = found or (0, size)
    headers = {"accept-ranges": "bytes", "content-length": str(end - start)}
    if found:
        headers["content-range"] = f"bytes {start}-{end - 1}/{size}"
    pieces = _pieces(service.objects, name, start, end)
    return StreamingResponse(pieces, 206 if found else 200, headers, media_type=_kind(name)[1])


def byte_range(asked: str, size: int) -> tuple[int, int] | None:
    """(first byte, one after the last) of a `Range` header (RFC 9110, section 14); None for one to be passed over.

    Problem bad_range where it lies outside of the file.
    """
    match = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", asked.replace(" ", ""))
    if match is None or match[0] == "bytes=-":
        return None
    if match[1]:
        start, end = int(match[1]), min(size, int(match[2]) + 1 if match[2] else size)
        if match[2] and int(match[2]) < start:
            return None
    else:
        start, end = max(0, size - int(match[2])), size
    if start >= end:
        raise Problem("bad_range", f"expected a range of {size} bytes", headers={"content-range": f"bytes */{size}"})
    return start, end


def _proxy_name(service: Service, row: Any) -> str | None:
    return next((name for name in service.objects.names(proxy_folder(row["id"])) if name.endswith(tuple(_KINDS))), None)


def _kind(name: str) -> tuple[str, str]:
    return _KINDS["." + name.rpartition(".")[2]]


def _pieces(objects: Objects, name: str, start: int, end: int) -> Iterator[bytes]:
    with objects.open(name) as file:
        file.seek(start)
        while start < end and (piece := file.read(min(_PIECE_BYTES, end - start))):
            start += len(piece)
            yield piece
