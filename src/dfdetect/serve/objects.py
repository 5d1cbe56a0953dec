"""Files of the service by name: uploads, crops, reports. A folder here, or anything that fsspec has a URL for.

A name is made of our own ids, never of what a user called a file. A file under its final name is whole.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from dfdetect.errors import DfdetectError, ErrorCode


class ObjectGone(DfdetectError):  # noqa: N818 - what happened
    """No object of that name: deleted by request or because its time was over."""

    code = ErrorCode.IO_ERROR


class Objects:
    """Objects below one URL: `file:///folder`, or `s3://bucket/folder` with the fsspec package for it installed."""

    def __init__(self, url: str) -> None:
        self._files, self._root = fsspec.core.url_to_fs(url)
        self.folder = Path(self._root) if isinstance(self._files, LocalFileSystem) else None
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)

    def put_file(self, name: str, path: Path) -> None:
        """Move a finished local file in. Returns when it is there for good (on a folder: after fsync)."""
        if self.folder is None:
            self._files.put_file(str(path), self._at(name))
            path.unlink()
            return
        target = self._local(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        sync_file(path)
        try:
            path.replace(target)
        except OSError:  # another disk
            part = target.with_name(target.name + ".part")
            shutil.copyfile(path, part)
            sync_file(part)
            part.replace(target)
            path.unlink()
        sync_folder(target.parent)

    def put_bytes(self, name: str, data: bytes) -> None:
        """Write a small object."""
        if self.folder is None:
            self._files.pipe_file(self._at(name), data)
            return
        target = self._local(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        part.write_bytes(data)
        sync_file(part)
        part.replace(target)

    def open(self, name: str) -> IO[bytes]:
        """Errors: ObjectGone."""
        try:
            found: IO[bytes] = self._files.open(self._at(name), "rb")
        except FileNotFoundError as error:
            raise ObjectGone(f"no object {name}") from error
        return found

    def bytes_of(self, name: str) -> int:
        """Size. Errors: ObjectGone."""
        try:
            return int(self._files.size(self._at(name)))
        except FileNotFoundError as error:
            raise ObjectGone(f"no object {name}") from error

    @contextlib.contextmanager
    def local_file(self, name: str) -> Iterator[Path]:
        """A path to read it by: the file itself, or a copy that is gone afterwards. Errors: ObjectGone."""
        if self.folder is not None:
            path = self._local(name)
            if not path.exists():
                raise ObjectGone(f"no object {name}")
            yield path
            return
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "media"
            try:
                self._files.get_file(self._at(name), str(copy))
            except FileNotFoundError as error:
                raise ObjectGone(f"no object {name}") from error
            yield copy

    def delete(self, name: str) -> None:
        """Remove one object; it is fine if it is not there."""
        with contextlib.suppress(FileNotFoundError):
            self._files.rm_file(self._at(name))

    def delete_folder(self, name: str) -> None:
        """Remove every object whose name starts with `name/`."""
        with contextlib.suppress(FileNotFoundError):
            self._files.rm(self._at(name), recursive=True)

    def names(self, folder: str = "") -> Iterator[str]:
        """All names below a folder: for clean-up and tests."""
        try:
            found: list[Any] = self._files.find(self._at(folder) if folder else self._root)
        except FileNotFoundError:
            return
        for path in found:
            yield str(PurePosixPath(path).relative_to(self._root))

    def _at(self, name: str) -> str:
        return f"{self._root}/{_checked(name)}"

    def _local(self, name: str) -> Path:
        assert self.folder is not None
        return self.folder / _checked(name)


def _checked(name: str) -> str:
    parts = name.split("/")
    if not all(part and part.replace("_", "").replace("-", "").replace(".", "").isalnum() for part in parts):
        raise ValueError(f"not a name that we made: {name!r}")
    if any(part.startswith(".") for part in parts):
        raise ValueError(f"not a name that we made: {name!r}")
    return name


def sync_file(path: Path) -> None:
    """What was written is on the disk when this returns."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """A new name in a folder is on the disk when this returns (POSIX)."""
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
