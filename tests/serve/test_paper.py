"""Reports as PDF."""

from __future__ import annotations

import base64
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dfdetect.serve import paper
from dfdetect.serve.paper import as_pdf, can_print
from dfdetect.serve.problems import Problem
from serve.served import picture

_DOT = base64.b64encode(picture()).decode()


@pytest.fixture
def asked_for() -> Iterator[tuple[str, list[str]]]:
    """Address of a server on this computer, and the paths that it was asked for."""
    paths: list[str] = []

    class Ear(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ear)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", paths
    server.shutdown()
    server.server_close()


def _needs_pango() -> None:
    if not can_print():
        pytest.skip("NOT RUN: PDF, because WeasyPrint or Pango is not here (Debian: apt-get install libpangoft2-1.0-0)")


def test_a_page_is_printed_and_loads_nothing_from_outside(asked_for: tuple[str, list[str]], tmp_path: Path) -> None:
    """WeasyPrint 70 takes no function as its fetcher: every report.pdf answered 500, and no test printed one."""
    _needs_pango()
    address, paths = asked_for
    secret = tmp_path / "secret.css"
    secret.write_text("p { color: red }")
    sheets = "".join(f"<link rel=stylesheet href='{one}'>" for one in (f"{address}/b.css", secret.as_uri()))
    pictures = f"<img src='{address}/a.png'><img src='data:image/png;base64,{_DOT}'>"
    with_them = as_pdf(f"{sheets}<p>verdict</p>{pictures}".encode())
    assert with_them.startswith(b"%PDF-")
    assert b"/Subtype /Image" in with_them
    assert paths == []


def test_without_the_library_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper, "_weasyprint", lambda: None)
    assert not can_print()
    with pytest.raises(Problem, match="Pango"):
        as_pdf(b"<p>verdict</p>")
