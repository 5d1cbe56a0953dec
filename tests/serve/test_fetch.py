"""Files from URLs: bounded, no redirects, nothing left behind. The guard itself is in test_guard."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from dfdetect.serve import fetch as fetching
from dfdetect.serve.fetch import fetch, fetch_target
from dfdetect.serve.guard import AddressRefused, Target
from dfdetect.serve.intake import Spool
from dfdetect.serve.problems import Problem


class _Files(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert self.headers["host"] == f"127.0.0.1:{self.server.server_port}"  # type: ignore[attr-defined]
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "http://169.254.169.254/latest")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"x" * (100_000 if self.path == "/large" else 1_000))

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def files() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), _Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def _target(files: HTTPServer, path: str) -> Target:
    port = files.server_port
    return Target(f"http://127.0.0.1:{port}{path}", "http", "127.0.0.1", port, "127.0.0.1")


def test_a_file_comes_into_the_spool(files: HTTPServer, tmp_path: Path) -> None:
    with Spool(tmp_path / "up", most_bytes=10_000) as spool:
        upload = fetch_target(_target(files, "/clip.mp4"), spool)
    assert (upload.bytes, upload.sha256) == (1_000, hashlib.sha256(b"x" * 1_000).hexdigest())
    assert upload.path.read_bytes() == b"x" * 1_000


@pytest.mark.parametrize(("path", "code"), [("/moved", "fetch_failed"), ("/large", "too_large")])
def test_a_redirect_and_a_file_over_the_limit_are_refused_and_leave_nothing(
    files: HTTPServer, tmp_path: Path, path: str, code: str
) -> None:
    with pytest.raises(Problem) as caught, Spool(tmp_path / "up", most_bytes=10_000) as spool:
        fetch_target(_target(files, path), spool)
    assert caught.value.code == code
    assert list(tmp_path.iterdir()) == []


def test_a_url_has_a_limit_of_its_own_and_a_time(
    files: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value, code in (("MOST_FETCH_BYTES", 999, "too_large"), ("MOST_FETCH_S", -1.0, "fetch_failed")):
        with monkeypatch.context() as changed:
            changed.setattr(fetching, name, value)
            with pytest.raises(Problem) as caught, Spool(tmp_path / "up", most_bytes=10_000) as spool:
                fetch_target(_target(files, "/clip.mp4"), spool)
            assert caught.value.code == code
    nobody = Target("http://127.0.0.1:1/", "http", "127.0.0.1", 1, "127.0.0.1")
    with pytest.raises(Problem, match="could not be fetched"), Spool(tmp_path / "up", most_bytes=10_000) as spool:
        fetch_target(nobody, spool)
    with pytest.raises(AddressRefused), Spool(tmp_path / "up", most_bytes=10_000) as spool:
        fetch("http://127.0.0.1/", spool)
