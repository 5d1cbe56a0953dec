"""Requests made by hand over raw sockets (threat T9): each ends with a typed answer or a closed connection, nothing is
left on the disk, and others are served meanwhile."""

from __future__ import annotations

import asyncio
import json
import socket
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from dfdetect.serve.intake import steady
from dfdetect.serve.problems import Problem
from serve.running import MAX_UPLOAD_BYTES

Service = tuple[str, str, Path]

POST = "POST /v1/scans HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
GET = "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n"
BINARY = "Content-Type: application/octet-stream\r\n"
FORM = "Content-Type: multipart/form-data; boundary=x\r\n"
FILE_PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'


def _chunked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        yield b"%x\r\n%s\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def _many(piece: bytes, n: int) -> Iterator[bytes]:
    for _ in range(n):
        yield piece


# name -> (head, body, statuses that are fine; 0 = the connection was closed without an answer)
ATTACKS: dict[str, tuple[str, Iterator[bytes] | bytes, set[int]]] = {
    "no length, no body": (POST + BINARY, b"", {400, 411}),
    "length that lies high": (POST + BINARY + "Content-Length: 1000000\r\n", b"short", {0, 400}),
    "length over the limit": (POST + BINARY + f"Content-Length: {MAX_UPLOAD_BYTES * 10}\r\n", b"", {413}),
    "negative length": (POST + BINARY + "Content-Length: -1\r\n", b"", {400}),
    "length that is no number": (POST + BINARY + "Content-Length: 1e3\r\n", b"", {400}),
    "huge length": (POST + BINARY + "Content-Length: 99999999999999999999999\r\n", b"", {400, 413}),
    "two lengths": (POST + BINARY + "Content-Length: 5\r\nContent-Length: 6\r\n", b"hello", {400}),
    "length and chunked": (
        POST + BINARY + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n", {400},
    ),
    "endless chunks": (
        POST + BINARY + "Transfer-Encoding: chunked\r\n", _chunked(_many(b"x" * 65_536, 1000)), {0, 413},
    ),
    "broken chunk": (POST + BINARY + "Transfer-Encoding: chunked\r\n", b"zz\r\nhello\r\n", {0, 400}),
    "unknown transfer": (POST + BINARY + "Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n", {400, 501}),
    "gzip body": (POST + BINARY + "Content-Encoding: gzip\r\nContent-Length: 4\r\n", b"\x1f\x8b\x08\x00", {415}),
    "huge header": (POST + "X-Big: " + "a" * 200_000 + "\r\n", b"", {0, 400, 431}),
    "thousand headers": (POST + "".join(f"X-{n}: 1\r\n" for n in range(3000)), b"", {0, 400, 401, 415, 431}),
    "line break in a header": (POST + BINARY + "X-A: 1\r\n X: 2\r\nContent-Length: 0\r\n", b"", {400}),
    "huge path": ("GET /" + "a" * 100_000 + " HTTP/1.1\r\nHost: localhost\r\n", b"", {0, 400, 404, 414, 431}),
    "path that climbs": (GET.replace("{path}", "/v1/scans/../../../etc/passwd"), b"", {404}),
    "path in code": (GET.replace("{path}", "/v1/scans/%2e%2e%2f%2e%2e%2fetc%2fpasswd"), b"", {404}),
    "zero byte in a path": (GET.replace("{path}", "/v1/scans/scn%00"), b"", {404}),
    "no host": ("GET /healthz HTTP/1.1\r\n", b"", {400}),
    "another host": ("GET /v1/scans HTTP/1.1\r\nHost: evil.example\r\n", b"", {400}),
    "not http": ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"", {0, 400}),
    "ten thousand parts": (
        POST + FORM + "Transfer-Encoding: chunked\r\n",
        _chunked(_many(b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 100, 100)), {0, 400},
    ),
    "part with endless headers": (
        POST + FORM + "Transfer-Encoding: chunked\r\n", _chunked(_many(b"--x\r\n" + b"A: b\r\n" * 5000, 2)), {0, 400},
    ),
    "field without end": (
        POST + FORM + "Transfer-Encoding: chunked\r\n",
        _chunked(_many(b'--x\r\nContent-Disposition: form-data; name="policy"\r\n\r\n' + b"a" * 100_000, 1)), {0, 400},
    ),
    "file without end": (
        POST + FORM + "Transfer-Encoding: chunked\r\n", _chunked(_many(FILE_PART + b"a" * 65_536, 100)), {0, 400, 413},
    ),
    "boundary of kilobytes": (
        POST + f"Content-Type: multipart/form-data; boundary={'b' * 5000}\r\nContent-Length: 2\r\n", b"--", {400},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_a_hand_made_request_gets_a_typed_answer_and_leaves_nothing(service: Service, name: str) -> None:
    head, body, fine = ATTACKS[name]
    url, key, bundle = service
    status, answer = _send(url, (head + "\r\n").replace("{key}", key).encode("latin-1"), body, cut_off=0 in fine)
    assert status in fine, (status, answer[:300])
    if status >= 400 and b"problem+json" in answer:
        document = json.loads(answer.partition(b"\r\n\r\n")[2])
        assert {"type", "title", "status", "detail", "code", "request_id", "retryable"} <= set(document)
    assert b"Traceback" not in answer
    spool = bundle.parent / "data" / "spool"
    until = time.monotonic() + 5
    while any(spool.iterdir()) and time.monotonic() < until:
        time.sleep(0.05)
    assert list(spool.iterdir()) == []
    with urllib.request.urlopen(f"{url}/healthz", timeout=5) as health:
        assert health.status == 200


def test_hundreds_of_idle_connections_do_not_keep_others_out(service: Service) -> None:
    url, key, _ = service
    place = urlsplit(url)
    idle = [socket.create_connection((place.hostname, place.port), timeout=5) for _ in range(300)]
    try:
        for n, one in enumerate(idle):
            one.sendall((POST.replace("{key}", key) if n % 2 else "GET /v1/sc").encode())  # half of them stop in a head
        start = time.monotonic()
        with urllib.request.urlopen(f"{url}/healthz", timeout=5) as health:
            assert health.status == 200
        assert time.monotonic() - start < 3
    finally:
        for one in idle:
            one.close()


def _send(url: str, head: bytes, body: Iterator[bytes] | bytes, *, cut_off: bool) -> tuple[int, bytes]:
    """Status and all of the answer; 0 where the connection was closed without one. cut_off: nothing more will come."""
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), timeout=15) as wire:
        try:
            wire.sendall(head)
            for piece in [body] if isinstance(body, bytes) else body:
                wire.sendall(piece)
            if cut_off:
                wire.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused in the middle: the answer may have come before
        got = b""
        wire.settimeout(15)
        try:
            while True:
                piece = wire.recv(65_536)
                if not piece:
                    break
                got += piece
                if b"\r\n\r\n" in got and _is_whole(got):
                    break
        except (ConnectionResetError, TimeoutError):
            pass
    return (int(got.split(b" ", 2)[1]) if got.startswith(b"HTTP/1.") else 0), got


def _is_whole(got: bytes) -> bool:
    head, _, body = got.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.partition(b":")[2])
    return False


def test_a_body_that_stops_coming_is_given_up() -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.sleep(60)

    async def read() -> list[bytes]:
        return [piece async for piece in steady(slow(), piece_s=0.05)]

    with pytest.raises(Problem) as caught:
        asyncio.run(read())
    assert (caught.value.code, caught.value.status) == ("too_slow", 408)
