"""A decode server whose children break as the end of their file says: `... FAULT:segv`. Run by `python -m`."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dfdetect.media.child import server, wire
from dfdetect.media.child.work import decode

MARK = b"FAULT:"
WRITTEN = Path(tempfile.gettempdir()) / "dfdetect-child-wrote"

HONEST: dict[str, Any] = {
    "kind": "image", "container": "png", "codec": "png", "width_px": 16, "height_px": 16, "fps": None,
    "frame_count": 1, "duration_s": 0.0, "rotation_deg": 0, "bit_rate_bps": None,
}  # fmt: skip


def _burn() -> None:
    while True:
        pass


def _stubborn(replies: int) -> None:
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    os.close(replies)
    time.sleep(600)


def _orphan(replies: int) -> None:
    """Starts a process of its own that would outlive it."""
    subprocess.Popen(["sleep", "611"])
    os.kill(os.getpid(), signal.SIGKILL)


def _flood_of_descriptors() -> None:
    while True:
        os.dup(0)


def _fill_memory() -> None:
    kept = []
    while True:
        kept.append(bytearray(64 << 20))


def _write(replies: int, data: bytes) -> None:
    os.write(replies, data)


def _lie(replies: int, **changes: Any) -> None:
    """Well-formed, and wrong: claims a video with impossible facts."""
    wire.send(replies, {"is": "opened", "info": {**HONEST, **changes}}, struct.pack("d", 0.0))
    time.sleep(600)


def _lie_about_a_frame(requests: int, replies: int) -> None:
    wire.send(replies, {"is": "opened", "info": HONEST}, struct.pack("d", 0.0))
    wire.receive(requests, wire.Budget(10.0))
    wire.send(replies, {"is": "frame", "index": 0, "time_s": 0.0, "height": 16, "width": 16}, b"x" * 100)
    time.sleep(600)


FAULTS: dict[str, Callable[[int, int], object]] = {
    "segv": lambda requests, replies: ctypes.string_at(0),
    "abort": lambda requests, replies: os.abort(),
    "bus": lambda requests, replies: os.kill(os.getpid(), signal.SIGBUS),
    "kill": lambda requests, replies: os.kill(os.getpid(), signal.SIGKILL),
    "exit": lambda requests, replies: os._exit(0),
    "overflow": lambda requests, replies: faulthandler._stack_overflow(),  # type: ignore[attr-defined]
    "raise": lambda requests, replies: 1 / 0,
    "descriptors": lambda requests, replies: _flood_of_descriptors(),
    "memory": lambda requests, replies: _fill_memory(),
    "orphan": lambda requests, replies: _orphan(replies),
    "file": lambda requests, replies: os.write(os.open(WRITTEN, os.O_CREAT | os.O_WRONLY), b"x"),
    "garbage": lambda requests, replies: _write(replies, b"\x93" * 64),
    "short": lambda requests, replies: _write(replies, b"dfd1\x00\x00"),
    "huge": lambda requests, replies: _write(replies, struct.pack(">4sIQ", b"dfd1", 2, 1 << 50) + b"{}"),
    "huge_head": lambda requests, replies: _write(replies, struct.pack(">4sIQ", b"dfd1", 1 << 31, 0)),
    "no_json": lambda requests, replies: _write(replies, struct.pack(">4sIQ", b"dfd1", 4, 0) + b"[1,2"),
    "deep_json": lambda requests, replies: _write(replies, struct.pack(">4sIQ", b"dfd1", 200_000, 0) + b"[" * 200_000),
    "bomb": lambda requests, replies: _lie(replies, width_px=7_000, height_px=8_000),
    "nan": lambda requests, replies: _lie(replies, duration_s=float("nan")),
    "negative": lambda requests, replies: _lie(replies, frame_count=-1),
    "no_key": lambda requests, replies: wire.send(replies, {"is": "opened", "info": {}}, b""),
    "small_frame": _lie_about_a_frame,
    "unknown_error": lambda requests, replies: wire.send(replies, {"is": "error", "code": "rm -rf", "stage": "open"}),
    "hang": lambda requests, replies: time.sleep(600),
    "stubborn": lambda requests, replies: _stubborn(replies),
    "burn": lambda requests, replies: _burn(),
}


def work(input_fd: int, requests: int, replies: int, command: dict[str, Any]) -> None:
    data = os.pread(input_fd, 1 << 20, 0)
    fault = data.rpartition(MARK)[2].decode() if MARK in data else ""
    if fault:
        FAULTS[fault](requests, replies)
    decode(input_fd, requests, replies, command)


if __name__ == "__main__":
    server.main(work)
