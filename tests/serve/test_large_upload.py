"""An upload of any size costs the service the limit on disk, and hardly any memory."""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path

import pytest

from dfdetect.serve.access import create_key
from dfdetect.serve.settings import ServeSettings
from dfdetect.serve.supervise import ready_store
from serve.killing import Service
from tiny_bundle import make_tiny_bundle

LIMIT_BYTES = 64_000_000
SENT_BYTES = 2_000_000_000
MOST_BUFFERED_BYTES = 16_000_000  # what the two ends of a loopback socket may hold between them
MOST_MORE_MB = 20.0
PIECE = bytes(1 << 16)


def peak_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory of a process in /proc")
@pytest.mark.parametrize("told", [True, False], ids=["length told", "chunked"])
def test_two_gigabytes_are_refused_at_the_limit(tmp_path: Path, told: bool) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = ServeSettings(
        data=tmp_path / "data", port=port, workers=0, model=str(make_tiny_bundle(tmp_path / "tiny")),
        max_upload_bytes=LIMIT_BYTES, free_reserve_bytes=0,
    )  # fmt: skip
    key = create_key(ready_store(settings), "a")[1]
    service = Service(settings, tmp_path)
    service.start()
    try:
        service.wait_ready()
        pid = service.pids()[0]
        before = peak_mb(pid)
        sent, answer = _send(port, key, told=told)
        assert b" 413 " in answer.split(b"\r\n", 1)[0]
        assert sent <= (MOST_BUFFERED_BYTES if told else LIMIT_BYTES + (1 << 16) + MOST_BUFFERED_BYTES)
        assert peak_mb(pid) - before <= MOST_MORE_MB
        assert list(settings.spool.iterdir()) == []
    finally:
        service.stop()


def _send(port: int, key: str, *, told: bool) -> tuple[int, bytes]:
    """(bytes that the service let come, its answer)."""
    length = f"Content-Length: {SENT_BYTES}" if told else "Transfer-Encoding: chunked"
    head = (
        f"POST /v1/scans HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/octet-stream\r\n{length}\r\n\r\n"
    )
    piece = PIECE if told else f"{len(PIECE):x}\r\n".encode() + PIECE + b"\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(head.encode())
        connection.setblocking(False)
        sent, left, until = 0, b"", time.monotonic() + 60
        while sent < SENT_BYTES and time.monotonic() < until:
            try:
                answer = connection.recv(4096)
                return sent, answer
            except BlockingIOError:
                pass
            left = left or piece
            try:
                done = connection.send(left)
            except BlockingIOError:
                time.sleep(0.001)
                continue
            except OSError:  # it has closed its end: what it said may be read still
                return sent, connection.recv(4096)
            sent, left = sent + done, left[done:]
    return sent, b""
