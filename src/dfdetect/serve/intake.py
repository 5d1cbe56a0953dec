"""An upload on its way in: streamed to the disk and counted; its size costs no memory, and a lie about it nothing."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from dfdetect.serve.problems import Problem

PIECE_S = 30.0
_FORM_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Upload:
    """A whole file in the spool."""

    path: Path
    bytes: int
    sha256: str


class Spool:
    """One file being written. Left early, it is removed; `finish` hands it over."""

    def __init__(self, path: Path, *, most_bytes: int) -> None:
        self._path, self._most = path, most_bytes
        self._digest = hashlib.sha256()
        self._bytes = 0
        self._handed_over = False

    def __enter__(self) -> Spool:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("xb")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._file.close()
        if not self._handed_over:
            self._path.unlink(missing_ok=True)

    def write(self, piece: bytes) -> None:
        """Problem too_large at the first byte over the limit; disk_full when it is."""
        self._bytes += len(piece)
        if self._bytes > self._most:
            raise too_large(self._most)
        self._digest.update(piece)
        try:
            self._file.write(piece)
        except OSError as error:
            raise Problem("disk_full", "the disk is full; try again later", headers={"retry-after": "60"}) from error

    def finish(self) -> Upload:
        """Problem malformed for an empty upload."""
        if self._bytes == 0:
            raise Problem("malformed", "expected an image or a video; the body is empty")
        self._file.flush()
        self._handed_over = True
        return Upload(self._path, self._bytes, self._digest.hexdigest())


def too_large(most_bytes: int) -> Problem:
    return Problem("too_large", f"expected at most {most_bytes} bytes; send a smaller copy", max_bytes=most_bytes)


def check_length(header: str | None, *, most_bytes: int, folder: Path, reserve_bytes: int) -> None:
    """Refuse by what the header says, before a byte is read; a header that lies is found out while reading."""
    said = 0
    if header is not None:
        if not header.isascii() or not header.isdigit() or len(header) > 18:
            raise Problem("malformed", "expected a whole number as Content-Length")
        said = int(header)
        if said > most_bytes + _FORM_BYTES:  # a form has some bytes of its own around the file
            raise too_large(most_bytes)
    free = shutil.disk_usage(folder).free
    if free - said < reserve_bytes:
        raise Problem("disk_full", "too little room is left on the disk", headers={"retry-after": "60"})


async def steady(stream: AsyncIterator[bytes], *, piece_s: float = PIECE_S) -> AsyncIterator[bytes]:
    """The same pieces. Problem too_slow when the next one does not come in time: a slow body holds a file open."""
    while True:
        try:
            piece = await asyncio.wait_for(anext(stream), piece_s)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise Problem("too_slow", f"nothing came for {piece_s:g} s", headers={"connection": "close"}) from error
        yield piece


async def read_raw(stream: AsyncIterator[bytes], spool: Spool) -> Upload:
    """The body is the file."""
    async for piece in stream:
        spool.write(piece)
    return spool.finish()
