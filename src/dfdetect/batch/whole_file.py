"""Files that are there whole or not at all, whenever the process or the computer stops."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dfdetect.errors import DfdetectError, ErrorCode

PART = ".part"


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Write to the path given; when the block ends without an error, it is on disk and renamed to `path`.

    The temporary name ends with the process id, so that two processes never write into one file.
    Raises DfdetectError: disk_full, or io_error for any other failure to write.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}{PART}")
    try:
        yield part
        _sync(part)
        part.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        part.unlink(missing_ok=True)


def write_error(path: Path, error: OSError) -> DfdetectError:
    """The one error for a file that cannot be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DfdetectError(
            f"{path.name} was not written: the disk of {path.parent} is full; make room and run the same command again",
            code=ErrorCode.DISK_FULL,
        )
    return DfdetectError(f"cannot write {path}: {error}", code=ErrorCode.IO_ERROR)


def _sync(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:  # Windows opens no folders
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
