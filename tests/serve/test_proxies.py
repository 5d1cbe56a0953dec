"""The copy that the page plays: made after the answer while the upload is kept, in pieces, gone with the upload."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from dfdetect.media.child.reader import DecodeServer
from dfdetect.media.sample_clips import sample_clips
from dfdetect.serve.api.media_parts import byte_range
from dfdetect.serve.objects import Objects
from dfdetect.serve.problems import Problem
from dfdetect.serve.settings import ServeSettings
from dfdetect.serve.store.engine import now_s
from dfdetect.serve.sweep import forget_media
from serve.served import Served, picture, serving, spooled
from serve.stores import fresh_store


@pytest.fixture
def served(tmp_path: Path, bundle: Path, server: DecodeServer) -> Iterator[Served]:
    with fresh_store("sqlite", tmp_path, None) as url:
        settings = ServeSettings(
            data=tmp_path / "data", database_url=url, model=str(bundle), frames=4, free_reserve_bytes=0,
            keep_media_s=3600.0,
        )  # fmt: skip
        with serving(settings, server) as one:
            yield one


def _objects(served: Served) -> list[str]:
    return [name for name in Objects(served.settings.files_url).names() if not name.startswith("results/")]


def test_a_clip_can_be_played_in_pieces_while_it_is_kept(served: Served) -> None:
    clip = sample_clips()[0].path.read_bytes()
    scan = served.post(clip).json()
    where = scan["links"]["self"]
    assert served.get(f"{where}/media").json() == {"kept": True, "deletes_at": None, "proxy": None}
    assert served.get(f"{where}/proxy").json()["code"] == "gone"
    served.work()
    shown = served.get(f"{where}/media").json()
    assert shown["deletes_at"] == served.get(where).json()["retention"]["media_deletes_at"]
    proxy = shown["proxy"]
    assert (proxy["kind"], proxy["media_type"]) == ("video", "video/mp4")
    whole = served.get(proxy["url"])
    assert (whole.status_code, len(whole.content)) == (200, proxy["bytes"])
    assert whole.content[4:8] == b"ftyp"
    piece = served.get(proxy["url"], headers={"range": "bytes=100-299"})
    assert (piece.status_code, piece.content) == (206, whole.content[100:300])
    assert piece.headers["content-range"] == f"bytes 100-299/{proxy['bytes']}"
    past = served.get(proxy["url"], headers={"range": f"bytes={proxy['bytes']}-"})
    assert (past.status_code, past.headers["content-range"]) == (416, f"bytes */{proxy['bytes']}")
    assert served.get(proxy["url"], served.b).status_code == 404
    assert spooled(served.settings) == []

    assert forget_media(served.engine, Objects(served.settings.files_url), now=now_s() + 4_000) == 1
    assert _objects(served) == []
    assert served.get(f"{where}/media").json() == {"kept": False, "deletes_at": None, "proxy": None}


def test_a_still_has_a_copy_too_and_deleting_removes_it(served: Served) -> None:
    where = served.post(picture()).json()["links"]["self"]
    served.work()
    proxy = served.get(f"{where}/media").json()["proxy"]
    assert proxy["kind"] == "image"
    with Image.open(io.BytesIO(served.get(proxy["url"]).content)) as shown:
        assert shown.size == (192, 192)
    served.client.delete(where, headers=served.a)
    assert _objects(served) == []


def test_none_is_made_of_what_is_not_kept_or_not_read(served: Served) -> None:
    for data, params in ((picture(), {"keep_media_s": "0"}), (b"no media at all", {})):
        where = served.post(data, params=params).json()["links"]["self"]
        served.work()
        assert served.get(f"{where}/media").json()["proxy"] is None


def test_a_scan_goes_before_a_copy(served: Served) -> None:
    """A copy of a long clip once held the only worker while somebody waited for a verdict."""
    first = served.post(sample_clips()[0].path.read_bytes()).json()["links"]["self"]
    assert served.worker.work_once()
    second = served.post(picture()).json()["links"]["self"]
    served.worker.work_once()
    assert served.get(second).json()["status"] == "completed"
    assert served.get(f"{first}/media").json()["proxy"] is None
    served.work()
    assert served.get(f"{first}/media").json()["proxy"] is not None


def test_it_is_broken_off_for_a_scan_and_started_over(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dfdetect.serve.proxies._LOOK_EVERY_S", -1.0)
    where = served.post(sample_clips()[0].path.read_bytes()).json()["links"]["self"]
    served.worker.work_once()
    proxies = served.worker._proxies
    assert proxies.make_one(break_off=lambda: True)
    assert served.get(f"{where}/media").json()["proxy"] is None
    assert proxies.make_one(break_off=lambda: False)
    assert served.get(f"{where}/media").json()["proxy"] is not None
    assert not proxies.make_one(break_off=lambda: False)


def test_one_that_takes_too_long_is_given_up(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dfdetect.serve.proxies.MOST_S", 0.0)
    where = served.post(sample_clips()[0].path.read_bytes()).json()["links"]["self"]
    served.work()
    assert served.get(f"{where}/media").json()["proxy"] is None
    assert spooled(served.settings) == []


def test_a_scan_that_is_deleted_meanwhile_leaves_no_copy(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    where = served.post(picture()).json()["links"]["self"]
    put = Objects.put_file

    def delete_first(self: Objects, name: str, path: Path) -> None:
        if name.startswith("proxy/"):
            served.client.delete(where, headers=served.a)
        put(self, name, path)

    monkeypatch.setattr(Objects, "put_file", delete_first)
    served.work()
    assert _objects(served) == []


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("bytes=0-", (0, 1000)),
        ("bytes=10-19", (10, 20)),
        ("bytes=990-5000", (990, 1000)),
        ("bytes=-1", (999, 1000)),
        ("bytes=-5000", (0, 1000)),
        ("bytes=20-10", None),
        ("bytes=0-1,4-5", None),
        ("bytes=-", None),
        ("lines=1-2", None),
    ],
)
def test_ranges_are_read_as_the_rfc_has_them(asked: str, expected: tuple[int, int] | None) -> None:
    assert byte_range(asked, 1000) == expected


@pytest.mark.parametrize("asked", ["bytes=1000-", "bytes=2000-3000", "bytes=-0"])
def test_a_range_outside_is_refused(asked: str) -> None:
    with pytest.raises(Problem) as refused:
        byte_range(asked, 1000)
    assert refused.value.status == 416
