"""A folder that one process at a time works in; the lock goes with the process, however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from dfdetect.errors import UsageError


@contextmanager
def held(path: Path, says: str) -> Iterator[None]:
    """Hold the lock file at `path` (made if absent). UsageError `says` where another process holds it."""
    with path.open("w") as file:
        if not _lock(file):
            raise UsageError(says)
        yield


def _lock(file: IO[str]) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows: a second process is not kept out
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
