"""The edge of the trusted world: untrusted bytes come in through `Source`, library errors go out as `MediaError`.

Pillow and PyAV raise more than twenty classes of exception on damaged files (SyntaxError and TypeError among them);
behind `media_errors` there is only the closed list of codes.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from dfdetect.errors import ErrorCode, MediaError, Stage
from dfdetect.media.limits import Limits, over_limit

_CHUNK_BYTES = 1 << 20
_FARTHEST_BYTES = 1 << 40

# What decoders are known to raise on damaged data. Anything else is our own fault and reads `internal`.
_DAMAGE = (
    ValueError, TypeError, LookupError, ArithmeticError, SyntaxError, EOFError, OSError, RuntimeError,
    struct.error, zlib.error,
)  # fmt: skip


class Source:
    """The bytes of one input as a file object for decoders: they never get a path or a file descriptor."""

    def __init__(self, file: IO[bytes], size_bytes: int) -> None:
        self._file = file
        self.size_bytes = size_bytes
        self._state = self._file_state()

    def __repr__(self) -> str:
        return "<input>"  # Pillow and PyAV put it into their messages

    def read(self, n: int = -1) -> bytes:
        # A header may claim a block of 2 GiB: ask for no more than there is, so that nothing huge is allocated.
        left = max(0, self.size_bytes - self._file.tell())
        return self._file.read(left if n < 0 else min(n, left))

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_END:  # the size is the one at opening: a file that grows does not change under us
            offset, whence = offset + self.size_bytes, os.SEEK_SET
        if whence == os.SEEK_SET and not 0 <= offset <= _FARTHEST_BYTES:
            # A damaged offset, which the operating system would report as an I/O error.
            raise ValueError(f"seek to byte {offset} of a file of {self.size_bytes} bytes")
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def descriptor(self) -> int:
        """To hand to a decoding process. Not called `fileno`: libraries would use it. OSError for bytes in memory."""
        return self._file.fileno()

    def head(self, n: int) -> bytes:
        """The first n bytes; the position is the start afterwards."""
        self.seek(0)
        first = self.read(n)
        self.seek(0)
        return first

    def sha256(self) -> str:
        """Digest of all bytes, read in pieces; the position is the start afterwards."""
        digest = hashlib.sha256()
        self.seek(0)
        while chunk := self.read(_CHUNK_BYTES):
            digest.update(chunk)
        self.seek(0)
        return digest.hexdigest()

    def check_unchanged(self) -> None:
        """Raise `changed_during_read` when somebody wrote to the file since it was opened."""
        if self._file_state() != self._state:
            raise MediaError(
                ErrorCode.CHANGED_DURING_READ,
                "the file changed while it was read; try again when nobody writes to it",
            )

    def close(self) -> None:
        self._file.close()

    def _file_state(self) -> tuple[int, int] | None:
        if isinstance(self._file, io.BytesIO):
            return None
        state = os.fstat(self._file.fileno())
        return state.st_size, state.st_mtime_ns


def open_source(what: Path | str | bytes, limits: Limits) -> Source:
    """Open a regular file (or bytes in memory) for reading.

    Errors: io_error (missing), permission_denied, path_refused (folder, pipe, socket, device), empty, too_large.
    """
    if isinstance(what, bytes):
        source = Source(io.BytesIO(what), len(what))
    else:
        with media_errors("open"):
            file, size_bytes = _open_regular(os.fspath(what))
            source = Source(file, size_bytes)
    try:
        if source.size_bytes == 0:
            raise MediaError(ErrorCode.EMPTY, "expected an image or a video, got an empty file", stage="open")
        if source.size_bytes > limits.max_bytes:
            raise over_limit(
                ErrorCode.TOO_LARGE, f"{source.size_bytes} bytes", f"{limits.max_bytes} bytes", stage="open"
            )
    except MediaError:
        source.close()
        raise
    return source


def _open_regular(path: str) -> tuple[IO[bytes], int]:
    # Looked at before it is opened: opening a pipe may block and opening a device may have an effect.
    _check_regular(os.stat(path).st_mode)  # noqa: PTH116 - Path.stat would turn some errors into False
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        state = os.fstat(descriptor)
        _check_regular(state.st_mode)
    except BaseException:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb"), state.st_size


def _check_regular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a pipe, socket or device"
        raise MediaError(ErrorCode.PATH_REFUSED, f"expected a regular file, got {kind}", stage="open")


@contextmanager
def media_errors(stage: Stage) -> Iterator[None]:
    """Turn every exception of the block into a `MediaError` of the closed list; `stage` says how far it came."""
    try:
        yield
    except MediaError:
        raise
    except Exception as error:
        code = _code_for(error, stage)
        raise MediaError(code, _message_for(error, code), stage=stage) from error


def _code_for(error: Exception, stage: Stage) -> ErrorCode:
    from_ffmpeg = type(error).__module__.startswith("av.")
    if isinstance(error, MemoryError):
        # FFmpeg has no code of its own for `max_streams`; while a container is opened this is what it says.
        return ErrorCode.TOO_MANY_STREAMS if from_ffmpeg and stage == "probe" else ErrorCode.OUT_OF_MEMORY
    if type(error).__name__ == "DecompressionBombError":  # Pillow's own, much higher limit; also for later frames
        return ErrorCode.TOO_MANY_PIXELS
    if isinstance(error, OSError) and error.errno is not None and not from_ffmpeg:
        denied = error.errno in (errno.EACCES, errno.EPERM)
        return ErrorCode.PERMISSION_DENIED if denied else ErrorCode.IO_ERROR
    if stage == "open":
        # `os.stat` raises ValueError for a path with a zero byte or with undecodable characters.
        return ErrorCode.PATH_REFUSED if isinstance(error, ValueError) else ErrorCode.INTERNAL
    if from_ffmpeg or isinstance(error, _DAMAGE):
        return ErrorCode.CORRUPT_DATA if stage == "decode" else ErrorCode.CORRUPT_HEADER
    return ErrorCode.INTERNAL


_MEANING = {
    ErrorCode.CORRUPT_HEADER: "the header is damaged, or the file is not what it seems",
    ErrorCode.CORRUPT_DATA: "the picture data is damaged or cut short",
    ErrorCode.TOO_MANY_PIXELS: "the picture is far too large",
    ErrorCode.TOO_MANY_STREAMS: "the file has too many streams",
    ErrorCode.OUT_OF_MEMORY: "the file needs more memory than there is",
    ErrorCode.PERMISSION_DENIED: "the file may not be read by this user",
    ErrorCode.PATH_REFUSED: "the path is not a valid file name",
    ErrorCode.IO_ERROR: "the file could not be read",
}


def _message_for(error: Exception, code: ErrorCode) -> str:
    # The text of a decoder may quote bytes of the file: keep it short and printable.
    said = "".join(c if c.isprintable() else "?" for c in str(error))[:200]
    return f"{_MEANING.get(code, 'unexpected error while reading')} ({type(error).__name__}: {said})"
