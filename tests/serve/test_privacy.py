"""What is planted in an upload and its name: never in a log or another's answer, and nowhere once it is deleted."""

from __future__ import annotations

import html
import io
import json
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dfdetect.data.drawn_faces import draw_face

Service = tuple[str, str, Path]

PLANTED = "Xq7PLANTEDx"

# Names that have run scripts, broken tables, climbed out of folders or moved cursors elsewhere.
NAMES = (
    "<script>alert(1)</script>.png", "<img src=x onerror=alert(1)>.png", "\"><svg onload=alert(1)>.png",
    "'><script>alert(1)</script>.png", "javascript:alert(1).png", "a.png\" onmouseover=\"alert(1)", "{{7*7}}.png",
    "${7*7}.png", "{% raw %}.png", "%3Cscript%3E.png", "&lt;b&gt;.png", "</title><script>1</script>.png",
    "</style><script>1</script>.png", "<!--.png", "]]>.png", "=1+1.png", "+1.png", "-1+1.png", "@SUM(A1).png",
    "\t=1.png", "a,b.png", "a;b.png", 'a"b.png', "../../etc/passwd", "..\\..\\windows\\win.ini", "/etc/passwd",
    "C:\\x\\y.png", "con.png", ".htaccess", "a\x00b.png", "a\r\nSet-Cookie: x=1.png", "a\nb.png", "\x1b[31mred.png",
    "\x1b]0;title\x07.png", "\u202egnp.exe", "a\u2028b.png", "e\u0301\u4e2d\U0001f600.png", "a" * 400 + ".png", " ",
    "\ud83d.png",
)  # fmt: skip


def _picture_with_gps() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = f"{PLANTED}-description"
    exif.get_ifd(0x8825)[29] = f"{PLANTED}-gps"
    out = io.BytesIO()
    Image.fromarray(draw_face(np.random.default_rng(11), 192)).save(out, "JPEG", exif=exif, quality=95)
    data = out.getvalue()
    assert f"{PLANTED}-gps".encode() in data
    return data


def _ask(url: str, key: str, path: str, data: bytes | None = None, method: str | None = None) -> tuple[Any, bytes]:
    headers = {"authorization": f"Bearer {key}", "content-type": "image/jpeg", "prefer": "wait=30"}
    request = urllib.request.Request(url + path, data=data, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer, answer.read()


def _holding(folder: Path, needle: bytes) -> list[str]:
    """Files that hold it; the store's write-ahead log too."""
    return [path.name for path in folder.rglob("*") if path.is_file() and needle in path.read_bytes()]


def test_there_are_forty_names() -> None:
    assert len(set(NAMES)) == 40


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_shown_as_text_and_does_nothing(service: Service, name: str) -> None:
    url, key, _ = service
    query = urllib.parse.urlencode({"filename": name.encode("utf-8", "surrogatepass"), "again": "true"})
    answer, body = _ask(url, key, f"/v1/scans?{query}", b"not a picture at all")
    scan = json.loads(body)
    shown = scan["filename"]
    assert shown is None or (len(shown) <= 255 and shown.isprintable())
    assert shown is None or ("/" not in shown and "\\" not in shown)
    assert "x=1" not in (answer.headers.get("set-cookie") or "")
    answer, page = _ask(url, key, f"/v1/scans/{scan['id']}/report.html")
    assert scan["id"] in answer.headers["content-disposition"]
    text = page.decode()
    assert "<script" not in text.lower()
    assert "onerror=" not in html.unescape(text).lower() or "<img src=x" not in text
    for raw in ("<img src=x", "<svg onload", '" onmouseover="'):
        assert raw not in text


def test_metadata_and_names_are_nowhere_once_a_scan_is_deleted(service: Service) -> None:
    url, key, bundle = service
    folder = bundle.parent
    query = urllib.parse.urlencode({"filename": f"{PLANTED}-name.jpg", "keep_media_s": 60})
    _, body = _ask(url, key, f"/v1/scans?{query}", _picture_with_gps())
    scan = json.loads(body)
    assert scan["status"] == "completed", scan
    assert f"{PLANTED}-gps" not in body.decode()
    parts = ["report.html", "report.json", "tracks", "crops/1/0.png", "heatmaps/1/0.png"]
    for part in parts:
        _, content = _ask(url, key, f"/v1/scans/{scan['id']}/{part}")
        assert f"{PLANTED}-gps".encode() not in content
        assert f"{PLANTED}-description".encode() not in content
    assert _holding(folder / "data" / "objects", b"-gps") == [scan["id"]]  # the upload itself, while it is kept
    assert PLANTED.encode() not in (folder / "log").read_bytes()
    _ask(url, key, f"/v1/scans/{scan['id']}", method="DELETE")
    assert _holding(folder / "data" / "objects", PLANTED.encode()) == []
    assert _holding(folder / "data" / "spool", PLANTED.encode()) == []
    assert f"{PLANTED}-name" not in json.dumps(json.loads(_ask(url, key, "/v1/scans?limit=200")[1]))
