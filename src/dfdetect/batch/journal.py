"""Which inputs are done: an append-only list that survives a crash, so that a run can be resumed.

A JSON line an input, after a first line that names the format. An input is the same one as long as its absolute path,
size, modification time and the model are: a changed file, or a new model, is work again.
"""

from __future__ import annotations

import json
import os
from dataclasses import astuple, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from dfdetect.errors import UsageError

HEADER = '{"dfdetect": "archive/1"}\n'
SYNC_EVERY = 16  # lines; a power cut costs at most so many inputs, which are then scanned again


@dataclass(frozen=True, slots=True)
class InputKey:
    """What makes two inputs the same one."""

    path: str
    size_bytes: int
    mtime_ns: int
    model_sha256: str


def input_key(path: str, model_sha256: str) -> InputKey | None:
    """The key of a file as it is now; None where there is no file (nothing to skip then)."""
    try:
        stat = Path(path).stat()
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None
    return InputKey(str(Path(path).absolute()), stat.st_size, stat.st_mtime_ns, model_sha256)


def drop_torn_line(path: Path) -> None:
    """Cut a last line without its newline off: what a crash in the middle of a write leaves behind."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - 65536)
            file.seek(start)
            newline = file.read(end - start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        file.truncate(end)


class Journal:
    """The list of done inputs in one file. One process at a time; use as a context manager.

    Raises UsageError for a file that is not such a list: it is left untouched.
    """

    def __init__(self, path: Path) -> None:
        _refuse_other_files(path)
        drop_torn_line(path)
        self._done = _read(path)
        self._file: IO[str] = path.open("a", encoding="utf-8", buffering=1)
        if path.stat().st_size == 0:
            self._file.write(HEADER)
        self._unsynced = 0

    def __len__(self) -> int:
        return len(self._done)

    def __contains__(self, key: InputKey | None) -> bool:
        return key is not None and key in self._done

    def add(self, key: InputKey) -> None:
        """Note an input as done. Call it after its result is written, never before."""
        self._file.write(json.dumps(astuple(key)) + "\n")
        self._done.add(key)
        self._unsynced += 1
        if self._unsynced >= SYNC_EVERY:
            self._sync()

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._unsynced = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._sync()
        self._file.close()


def _refuse_other_files(path: Path) -> None:
    """A wrong path must not cost the user a file: only an empty one, or one of ours, is opened for writing."""
    if not path.exists():
        if not path.parent.is_dir():
            raise UsageError(f"--archive {path}: there is no folder {path.parent}; make it first")
        return
    if not path.is_file():
        raise UsageError(f"--archive {path}: expected a file, found something else")
    with path.open("rb") as file:
        head = file.read(len(HEADER))
    if not HEADER.encode().startswith(head):
        raise UsageError(
            f"--archive {path}: not an archive of finished inputs (no {HEADER.strip()} line); name another"
        )


def _read(path: Path) -> set[InputKey]:
    done: set[InputKey] = set()
    if path.exists():
        with path.open(encoding="utf-8", errors="replace") as file:
            next(file, None)
            for line in file:
                key = _parse(line)
                if key is not None:
                    done.add(key)
    return done


def _parse(line: str) -> InputKey | None:
    """A line that cannot be read is no promise: its input is scanned again."""
    try:
        path, size_bytes, mtime_ns, model_sha256 = json.loads(line)
        return InputKey(str(path), int(size_bytes), int(mtime_ns), str(model_sha256))
    except (ValueError, TypeError):
        return None
