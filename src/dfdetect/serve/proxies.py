"""Small copies of kept uploads for the page to play (`media.proxy`), made by a worker when nothing waits for it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa
import structlog

from dfdetect.errors import DfdetectError
from dfdetect.media.proxy import proxy_suffix, write_proxy
from dfdetect.media.reader import OpenedMedia
from dfdetect.serve.ids import new_id
from dfdetect.serve.objects import Objects
from dfdetect.serve.store.engine import reading
from dfdetect.serve.store.tables import scans
from dfdetect.serve.sweep import proxy_folder

MOST_S = 60.0  # of one copy; a file that takes longer gets none, and the page shows its crops
MOST_WAITING = 100
_LOOK_EVERY_S = 0.5
_MOST_TRIES = 3

log = structlog.get_logger()


class _BrokenOff(Exception):  # noqa: N818 - what happened
    """Somebody waits for a scan, or the worker is asked to stop."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    scan_id: str
    media_object: str
    scored: tuple[int, ...]
    tries: int = 0


class Proxies:
    """The copies that one worker still has to make. They are forgotten when it ends: no copy is no fault."""

    def __init__(self, engine: sa.Engine, objects: Objects, spool: Path, opened: Callable[[Path], OpenedMedia]) -> None:
        self._engine, self._objects, self._spool, self._opened = engine, objects, spool, opened
        self._waiting: deque[_Wanted] = deque(maxlen=MOST_WAITING)

    def want(self, scan_id: str, media_object: str, scored: Sequence[int]) -> None:
        self._waiting.append(_Wanted(scan_id, media_object, tuple(scored)))

    def make_one(self, *, break_off: Callable[[], bool]) -> bool:
        """Make the next copy; False where none is wanted. It is broken off, and tried again later, when break_off()."""
        if not self._waiting:
            return False
        wanted = self._waiting.popleft()
        part = self._spool / new_id("px")
        try:
            self._make(wanted, part, break_off)
        except _BrokenOff:
            if wanted.tries + 1 < _MOST_TRIES:
                self._waiting.append(replace(wanted, tries=wanted.tries + 1))
        except (DfdetectError, OSError) as error:
            log.warning("no copy to play", scan=wanted.scan_id, error=str(error)[:200])
        finally:
            part.unlink(missing_ok=True)
        return True

    def _make(self, wanted: _Wanted, part: Path, break_off: Callable[[], bool]) -> None:
        until = time.monotonic() + MOST_S
        looked = time.monotonic()

        def check() -> None:
            nonlocal looked
            now = time.monotonic()
            if now > until:
                raise TimeoutError(f"it would take more than {MOST_S:g} s")
            if now - looked > _LOOK_EVERY_S:
                looked = now
                if break_off():
                    raise _BrokenOff

        self._spool.mkdir(parents=True, exist_ok=True)
        with self._objects.local_file(wanted.media_object) as path, self._opened(path) as media:
            write_proxy(part, media, wanted.scored, check=check)
            name = f"{proxy_folder(wanted.scan_id)}/copy{proxy_suffix(media)}"
        self._objects.put_file(name, part)
        if not self._is_kept(wanted.scan_id):  # deleted meanwhile: whoever did so saw no copy
            self._objects.delete_folder(proxy_folder(wanted.scan_id))

    def _is_kept(self, scan_id: str) -> bool:
        wanted = sa.select(scans.c.media_object).where(scans.c.id == scan_id)
        with reading(self._engine) as connection:
            return connection.execute(wanted).scalar() is not None
