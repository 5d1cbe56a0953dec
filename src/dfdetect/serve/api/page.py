"""The web page: files built from `web/`, committed, and served as they are."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Header, Response

from dfdetect.serve.problems import Problem, described

router = APIRouter(tags=["page"], include_in_schema=False)

# blob: is the file that the tab itself holds. No inline script or style, nothing from elsewhere.
PAGE_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class PageFile:
    """One built file. etag: of its bytes, so that a newer version is seen at once and the same one not sent again."""

    data: bytes
    media_type: str
    etag: str


@functools.cache
def page_files() -> dict[str, PageFile]:
    """Name -> file; empty in a checkout whose page was not built."""
    folder = files("dfdetect.serve") / "page"
    if not folder.is_dir():
        return {}
    found = {}
    for file in folder.iterdir():
        suffix = "." + file.name.rpartition(".")[2]
        if suffix in _TYPES:
            data = file.read_bytes()
            found[file.name] = PageFile(data, _TYPES[suffix], f'"{hashlib.sha256(data).hexdigest()[:32]}"')
    return found


@router.get("/", response_class=Response, responses=described("not_found"))
def index(if_none_match: Annotated[str | None, Header()] = None) -> Response:
    """The page itself. It holds nothing secret: what it shows, it asks for by key."""
    return _file("index.html", if_none_match)


@router.get("/page/{name}", response_class=Response, responses=described("not_found"))
def part(name: str, if_none_match: Annotated[str | None, Header()] = None) -> Response:
    return _file(name, if_none_match)


def _file(name: str, known: str | None) -> Response:
    file = page_files().get(name)
    if file is None:
        raise Problem("not_found", "there is no such file of the page")
    headers = {"etag": file.etag, "cache-control": "no-cache", "content-security-policy": PAGE_CSP}
    if known == file.etag:
        return Response(status_code=304, headers=headers)
    return Response(file.data, media_type=file.media_type, headers=headers)
