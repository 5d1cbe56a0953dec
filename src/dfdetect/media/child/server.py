"""The helper process: imports the decoders once, then forks a child for each file (`python -m` this module).

Commands come over a socket from the one parent, one JSON line each, descriptors beside it; every command is answered:

    {"op": "start", ...}            + input, requests, replies   -> {"pid": n}
    {"op": "end", "grace_s": s}                                  -> {"status": n} as of waitpid

When the parent is gone, so are the server and its children.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from time import monotonic, sleep
from typing import Any

from dfdetect.media.child.work import decode

Work = Callable[[int, int, int, dict[str, Any]], None]

_MOST_COMMAND_BYTES = 1 << 16
_DESCRIPTORS = 3
_PR_SET_PDEATHSIG = 1


def main(work: Work = decode) -> None:
    """Serve the socket whose descriptor is the first argument. work: what a child does with its descriptors."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    with socket.socket(fileno=int(sys.argv[1])) as commands:
        _warm_up()
        _Server(commands, work).serve()


class _Server:
    def __init__(self, commands: socket.socket, work: Work) -> None:
        self._commands, self._work = commands, work
        self._children: set[int] = set()

    def serve(self) -> None:
        try:
            while True:
                line, descriptors, *_ = socket.recv_fds(self._commands, _MOST_COMMAND_BYTES, _DESCRIPTORS)
                if not line:
                    return
                command = json.loads(line)
                answer = self._start(command, descriptors) if command["op"] == "start" else self._end(command)
                self._commands.sendall(json.dumps(answer).encode() + b"\n")
        finally:
            for pid in tuple(self._children):
                self._end({"pid": pid, "grace_s": 0.0})

    def _start(self, command: dict[str, Any], descriptors: Sequence[int]) -> dict[str, Any]:
        pid = os.fork()
        if pid == 0:
            self._be_child(command, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        self._children.add(pid)
        return {"pid": pid}

    def _be_child(self, command: dict[str, Any], descriptors: Sequence[int]) -> None:
        """Never returns; whatever happens, the process ends here."""
        status = 1
        try:
            _die_with_parent()
            os.setsid()
            self._commands.close()
            _limit(command["limits"])
            self._work(descriptors[0], descriptors[1], descriptors[2], command)
            status = 0
        finally:
            os._exit(status)

    def _end(self, command: dict[str, Any]) -> dict[str, Any]:
        """Wait at most grace_s for the child to end by itself, then kill it and what it started."""
        pid = command["pid"]
        until = monotonic() + command["grace_s"]
        while True:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                break
            if monotonic() >= until:
                for kill in (os.killpg, os.kill):  # it may not have its own group yet
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        kill(pid, signal.SIGKILL)
                _, status = os.waitpid(pid, 0)
                break
            sleep(0.001)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)  # children of the child, which may have outlived it
        self._children.discard(pid)
        return {"status": status}


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _limit(limits: dict[str, int]) -> None:
    """Soft processor time is the parent's to move (it learns the duration only later); everything else is final."""
    if sys.platform == "linux":  # elsewhere an address space cannot be limited so
        resource.setrlimit(resource.RLIMIT_AS, (limits["memory_bytes"], limits["memory_bytes"]))
    resource.setrlimit(resource.RLIMIT_CPU, (limits["cpu_s"], limits["most_cpu_s"]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits["open_files"], limits["open_files"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _warm_up() -> None:
    """Everything that decoding imports lazily: a child that has limits should find it there."""
    import cv2

    cv2.setNumThreads(1)  # its pool of threads does not survive a fork
    import PIL.Image

    import dfdetect.media.cuts
    import dfdetect.media.image
    import dfdetect.media.reader
    import dfdetect.media.video  # noqa: F401

    PIL.Image.init()


if __name__ == "__main__":
    main()
