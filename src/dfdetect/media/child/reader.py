"""The parent's end: a `MediaReader` whose file is parsed in another process."""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dfdetect.errors import ErrorCode, MediaError, Stage
from dfdetect.media.boundary import Source, media_errors, open_source
from dfdetect.media.child.forms import error_from_json, info_from_json, number, whole
from dfdetect.media.child.limits import DEFAULT_CHILD_LIMITS, ChildLimits
from dfdetect.media.child.wire import Broken, Budget, Closed, OutOfTime, receive, send
from dfdetect.media.limits import DEFAULT_LIMITS, Limits
from dfdetect.values import Frame, MediaInfo

T = TypeVar("T")

_GRACE_S = 1.0  # for a child whose pipe has closed to be seen dead with its own signal, before it is killed
_START_S = 60.0  # for the server to have imported its libraries on a busy computer


class DecodeServer:
    """The helper process that forks a child a file; started at the first file, again if it died. For one thread."""

    def __init__(self, module: str = "dfdetect.media.child.server") -> None:
        self._module = module
        self._process: subprocess.Popen[bytes] | None = None
        self._commands: socket.socket | None = None

    def start_child(self, file: int, limits: ChildLimits, facts: dict[str, Any]) -> _Child:
        """A child that reads `file`. Errors: MediaError decoder_crashed when no server can be had."""
        most_s = limits.video_s + DEFAULT_LIMITS.max_duration_s
        command = {
            "op": "start",
            "limits": {
                "memory_bytes": limits.memory_bytes,
                "cpu_s": math.ceil(limits.cpu_factor * limits.open_s),
                "most_cpu_s": math.ceil(limits.cpu_factor * most_s),
                "open_files": limits.open_files,
            },
            **facts,
        }
        request_end, requests = os.pipe()
        replies, reply_end = os.pipe()
        try:
            pid = int(self._tell(command, [file, request_end, reply_end])["pid"])
        except BaseException:
            os.close(requests)
            os.close(replies)
            raise
        finally:
            os.close(request_end)
            os.close(reply_end)
        return _Child(self, pid, requests, replies)

    def end_child(self, pid: int, grace_s: float) -> int:
        """Exit status of the child, as of waitpid; killed when it has not ended by itself within grace_s."""
        return int(self._tell({"op": "end", "pid": pid, "grace_s": grace_s}, [])["status"])

    def close(self) -> None:
        if self._commands is not None:
            self._commands.close()
            self._commands = None
        if self._process is not None:
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def _tell(self, command: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        for attempt in (1, 2):  # a server that has died since the last file is replaced once
            commands = self._started()
            try:
                socket.send_fds(commands, [json.dumps(command).encode() + b"\n"], descriptors)
                answer = _line(commands)
            except OSError as error:
                self.close()
                if command["op"] == "start" and attempt == 1:
                    continue
                raise MediaError(
                    ErrorCode.DECODER_CRASHED, f"the process that starts decoders is gone ({error})", stage="open"
                ) from error
            return answer
        raise AssertionError

    def _started(self) -> socket.socket:
        if self._commands is None or self._process is None or self._process.poll() is not None:
            self.close()
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
            with theirs:
                command = [sys.executable, "-m", self._module, str(theirs.fileno())]
                self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
            ours.settimeout(_START_S)
            self._commands = ours
        return self._commands


def _line(commands: socket.socket) -> dict[str, Any]:
    got = b""
    while not got.endswith(b"\n"):
        piece = commands.recv(1 << 16)
        if not piece:
            raise ConnectionResetError("it closed its socket")
        got += piece
    answer: dict[str, Any] = json.loads(got)
    return answer


@dataclass(slots=True)
class _Child:
    """One decoding process and the pipes to it."""

    server: DecodeServer
    pid: int
    requests: int
    replies: int

    def allow_cpu(self, seconds: float) -> None:
        """Move the soft limit on its processor time, now that the duration is known."""
        if sys.platform == "linux":
            import resource

            with contextlib.suppress(ProcessLookupError):
                _, hard = resource.prlimit(self.pid, resource.RLIMIT_CPU)
                resource.prlimit(self.pid, resource.RLIMIT_CPU, (min(math.ceil(seconds), hard), hard))

    def end(self, grace_s: float = 0.0) -> int:
        os.close(self.requests)
        os.close(self.replies)
        return self.server.end_child(self.pid, grace_s)


class ChildReader:
    """One opened input, parsed in a child. Same attributes and the same `frames` as `media.reader.MediaReader`.

    sha256 and bytes are told by the parent; info, times_s, frames and cuts_s by the child, and checked for form: a
    child that was taken over can lie about what it saw, and nothing more.
    """

    def __init__(self, source: Source, server: DecodeServer, limits: Limits, child_limits: ChildLimits) -> None:
        self._source, self._server = source, server
        self._limits, self._child_limits = limits, child_limits
        self._child: _Child | None = None
        self.bytes: int = source.size_bytes
        with media_errors("open"):
            self.sha256: str = source.sha256()
        self.cuts_s: tuple[float, ...] = ()
        self.info: MediaInfo
        self.times_s: NDArray[np.float64]
        self.info, self.times_s = self._opened()

    def frames(self, indices: Sequence[int], *, find_cuts: bool = True) -> Iterator[Frame]:
        """See `MediaReader.frames`. Besides its errors: timeout, cpu_limit, decoder_crashed."""
        wanted = sorted(set(indices))
        if wanted and not (wanted[0] >= 0 and wanted[-1] < len(self.times_s)):
            raise ValueError(f"expected frame indices in 0..{len(self.times_s) - 1}, got {wanted[0]}..{wanted[-1]}")
        return self._frames(wanted, find_cuts)

    def close(self) -> None:
        try:
            self._end_child()
        finally:
            self._source.close()

    def __enter__(self) -> ChildReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _opened(self) -> tuple[MediaInfo, NDArray[np.float64]]:
        facts = {"size_bytes": self.bytes, "sha256": self.sha256, "media_limits": asdict(self._limits)}
        self._child = self._server.start_child(self._source.descriptor(), self._child_limits, facts)
        budget = Budget(self._child_limits.open_s)
        head, body = self._heard(budget, "probe", 8 * self._limits.max_frames)
        with self._believed("probe"):
            if head.get("is") != "opened" or not isinstance(head.get("info"), dict):
                raise Broken("no answer to opening")
            info = info_from_json(head["info"], self._limits)
            times_s = np.frombuffer(body, np.float64)
            in_order = len(times_s) == info.frame_count and np.all(np.isfinite(times_s)) and times_s[0] == 0
            if not in_order or np.any(np.diff(times_s) < 0):
                raise Broken("times that are none")
        return info, times_s

    def _frames(self, wanted: list[int], find_cuts: bool) -> Iterator[Frame]:
        self.cuts_s = ()
        if self._child is None:  # an iteration that was broken off took its child with it
            self._opened()
        assert self._child is not None
        info, limits = self.info, self._child_limits
        seconds = limits.frames_s(is_video=info.kind == "video", duration_s=info.duration_s)
        self._child.allow_cpu(limits.cpu_factor * (limits.open_s + seconds))
        budget, done = Budget(seconds), False
        try:
            with self._believed("decode"), contextlib.suppress(BrokenPipeError):  # dead: the reply tells how
                send(self._child.requests, {"indices": wanted, "find_cuts": find_cuts})
            before = -1
            while True:
                head, body = self._heard(budget, "decode", 3 * info.width_px * info.height_px)
                with self._believed("decode"):
                    if head.get("is") == "end":
                        self.cuts_s = _times(head.get("cuts_s"), info.duration_s + 1)
                        break
                    frame = _frame(head, body, info, self.times_s, after=before)
                before = frame.index
                yield frame
            self._source.check_unchanged()
            done = True
        finally:
            if not done:
                self._end_child()

    def _heard(self, budget: Budget, stage: Stage, most_body_bytes: int) -> tuple[dict[str, Any], bytearray]:
        """The child's next message; an error that it reports is raised."""
        assert self._child is not None
        with self._believed(stage):
            head, body = receive(self._child.replies, budget, most_body_bytes=most_body_bytes)
            if head.get("is") != "error":
                return head, body
            told = error_from_json(head)
        self._end_child()
        raise told

    @contextlib.contextmanager
    def _believed(self, stage: Stage) -> Iterator[None]:
        """Whatever does not look like an honest child ends it, with a code of the closed list."""
        try:
            yield
        except OutOfTime:
            self._end_child()
            message = "decoding took too long and was stopped; make a shorter or smaller copy"
            raise MediaError(ErrorCode.TIMEOUT, message, stage=stage) from None
        except Closed:
            raise _death(self._end_child(_GRACE_S), stage) from None
        except Broken as error:
            self._end_child()
            message = f"the decoding process answered with {error}, not with frames; the file may be an attack"
            raise MediaError(ErrorCode.DECODER_CRASHED, message, stage=stage) from None

    def _end_child(self, grace_s: float = 0.0) -> int:
        child, self._child = self._child, None
        return child.end(grace_s) if child is not None else 0


def _death(status: int, stage: Stage) -> MediaError:
    """How a child ended that ended too early."""
    if os.WIFSIGNALED(status):
        number_of = os.WTERMSIG(status)
        if number_of == signal.SIGXCPU:
            message = "decoding used more processor time than is allowed; make a shorter or smaller copy"
            return MediaError(ErrorCode.CPU_LIMIT, message, stage=stage)
        how = f"signal {number_of}"
    else:
        how = f"exit code {os.WEXITSTATUS(status)}"
    return MediaError(ErrorCode.DECODER_CRASHED, f"the decoding process died ({how}); the file is broken", stage=stage)


def _frame(
    head: dict[str, Any], body: bytearray, info: MediaInfo, times_s: NDArray[np.float64], *, after: int
) -> Frame:
    if head.get("is") != "frame":
        raise Broken("no frame")
    index = whole(head.get("index"), after + 1, info.frame_count - 1)
    shape = whole(head.get("height"), 1, info.height_px), whole(head.get("width"), 1, info.width_px)
    if shape != (info.height_px, info.width_px) or len(body) != 3 * shape[0] * shape[1]:
        raise Broken("a frame of another size")
    image = np.frombuffer(body, np.uint8).reshape(*shape, 3)
    return Frame(image, index, float(times_s[index]))


def _times(found: object, most_s: float) -> tuple[float, ...]:
    if not isinstance(found, list):
        raise Broken("no list of cuts")
    return tuple(number(value, 0.0, most_s) for value in found)


def child_opener(
    server: DecodeServer, *, limits: Limits = DEFAULT_LIMITS, child_limits: ChildLimits = DEFAULT_CHILD_LIMITS
) -> Callable[[Path | str], ChildReader]:
    """A function like `media.reader.open_media` that parses every file in a child of `server`."""

    def open_in_child(path: Path | str) -> ChildReader:
        source = open_source(path, limits)
        try:
            return ChildReader(source, server, limits, child_limits)
        except BaseException:
            source.close()
            raise

    return open_in_child
