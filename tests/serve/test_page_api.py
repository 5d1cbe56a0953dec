"""What the page asks of the service beside scans: what to say before an upload, samples, tables, cards, its log-in."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dfdetect.media.child.reader import DecodeServer
from dfdetect.serve.access import access_of_key, access_of_session, end_secret, open_session
from dfdetect.serve.api.page import page_files
from dfdetect.serve.settings import ServeSettings
from dfdetect.serve.supervise import _key_of_this_run
from serve.served import Served, picture, serving

MOST_PAGE_BYTES = 150_000  # of all its files, compressed


@pytest.fixture
def settings(tmp_path: Path, store_url: str, bundle: Path) -> ServeSettings:
    return ServeSettings(
        data=tmp_path / "data", database_url=store_url, model=str(bundle), frames=4, free_reserve_bytes=0,
        keep_media_s=3600.0, max_upload_bytes=900_000,
    )  # fmt: skip


@pytest.fixture
def served(settings: ServeSettings, server: DecodeServer) -> Iterator[Served]:
    with serving(settings, server) as one:
        yield one


def test_limits_and_what_is_kept_are_told_before_an_upload(served: Served) -> None:
    assert served.client.get("/v1/service").status_code == 401
    about = served.get("/v1/service").json()
    assert (about["model"], about["policy"]) == ("tiny", "balanced")
    assert (about["max_upload_bytes"], about["keep_media_s"], about["on_this_computer"]) == (900_000, 3600.0, True)
    assert (about["visitor"], about["may_choose_retention"], about["scopes"]) == (False, True, ["read", "scan"])


def test_a_visitor_is_told_that_his_upload_is_kept_an_hour(settings: ServeSettings, server: DecodeServer) -> None:
    with serving(settings.model_copy(update={"public": True, "keep_media_s": 0.0}), server) as served:
        served.client.post("/v1/session")
        about = served.client.get("/v1/service").json()
    assert (about["visitor"], about["may_choose_retention"], about["keep_media_s"]) == (True, False, 3600.0)


def test_a_sample_is_fetched_and_scanned_like_any_file(served: Served) -> None:
    listed = served.get("/v1/samples").json()
    assert [one["name"] for one in listed] == ["astronaut_fake.mp4", "astronaut_real.mp4"]
    clip = served.get(listed[0]["url"])
    assert (clip.headers["content-type"], len(clip.content)) == ("video/mp4", listed[0]["bytes"])
    for name in ("nothing.mp4", "README.md", "..%2F__init__.py"):
        assert served.get(f"/v1/samples/{name}").status_code == 404
    assert served.client.get(listed[0]["url"]).status_code == 401
    scan = served.post(clip.content, params={"filename": "astronaut_fake.mp4"}).json()
    served.work()
    assert served.get(scan["links"]["self"]).json()["result"]["media"]["kind"] == "video"


def test_lists_tell_the_verdict_and_its_range(served: Served) -> None:
    served.post(picture())
    served.work()
    waiting = served.post(picture(face=False)).json()
    assert (waiting["verdict"], waiting["probability"], waiting["interval"]) == (None, None, None)
    first, second = served.get("/v1/scans").json()["items"]
    assert (first["id"], first["verdict"], first["probability"]) == (waiting["id"], None, None)
    whole = served.get(second["links"]["self"]).json()
    assert second["result"] is None
    for name in ("verdict", "probability", "interval"):
        assert second[name] == whole[name] == whole["result"][name]


def test_a_batch_is_a_table_that_no_spreadsheet_runs(served: Served) -> None:
    batch = served.client.post("/v1/batches", json={}, headers=served.a).json()["id"]
    served.post(picture(), params={"batch_id": batch, "filename": "=HYPERLINK(A1).png"})
    served.post(b"no media at all", params={"batch_id": batch, "filename": "torn.mp4"})
    served.work()
    queued = served.post(picture(face=False), params={"batch_id": batch, "filename": "late.png"}).json()
    answer = served.get(f"/v1/batches/{batch}/scans.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == f'attachment; filename="{batch}.csv"'
    late, torn, first = csv.DictReader(io.StringIO(answer.text))
    assert (late["scan_id"], late["scan_status"], late["verdict"], late["path"]) == (
        queued["id"], "queued", "", "late.png"
    )  # fmt: skip
    assert (torn["scan_status"], torn["error_code"], torn["decision"]) == ("failed", "unsupported_type", "review")
    assert (first["scan_status"], first["path"]) == ("completed", "'=HYPERLINK(A1).png")
    assert 0 <= float(first["probability"]) <= 1
    assert served.get(f"/v1/batches/{batch}/scans.csv", served.b).status_code == 404
    assert served.get("/v1/scans.csv", params={"status": "failed"}).text.count("\n") == 2
    assert served.get("/v1/scans.csv", served.b).text.count("\n") == 1


def test_a_models_card_is_a_page_of_its_own(served: Served) -> None:
    listed = {one["name"]: one for one in served.get("/v1/models").json()}
    tiny = listed["tiny"]
    assert [name for name, one in listed.items() if one["is_default"]] == ["tiny"]
    assert (tiny["calibrated"], tiny["target_fpr"], tiny["not_covered"]) == (True, 0.02, [])
    assert tiny["sources"] == [{"name": "none", "licence": "none", "used_for": "two constants"}]
    assert tiny["thresholds"]["video"]["3+"]["likely_manipulated"] == 0.9
    name, card = "tiny", served.get(tiny["links"]["card"])
    assert card.headers["content-type"].startswith("text/html")
    assert "sandbox" in card.headers["content-security-policy"]
    assert name in card.text
    assert served.get("/v1/models/nothing/card.html").json()["code"] == "not_found"


def test_on_ones_own_computer_scans_and_log_ins_outlive_a_restart(served: Served) -> None:
    """A new key in every run would have hidden the history, and locked out the tab that was open."""
    key_id, secret = _key_of_this_run(served.engine)
    token = open_session(served.engine, key_id)
    end_secret(served.engine, key_id)
    assert access_of_key(served.engine, secret) is None
    assert access_of_session(served.engine, token) is None
    again, new_secret = _key_of_this_run(served.engine)
    assert again == key_id
    assert access_of_key(served.engine, secret) is None
    for found in (access_of_key(served.engine, new_secret), access_of_session(served.engine, token)):
        assert found is not None
        assert found.key_id == key_id


def test_the_page_is_small_and_whole() -> None:
    files = page_files()
    assert {"index.html", "page.js", "page.css", "icon.svg", "licences.txt"} <= set(files)
    assert sum(len(gzip.compress(file.data)) for file in files.values()) <= MOST_PAGE_BYTES
    html = files["index.html"].data.decode()
    assert "<style" not in html
    assert re.findall(r"<script[^>]*>([^<]+)</script>", html) == []
    assert re.findall(r"(?:src|href)=\"(?!/page/)([^\"]+)\"", html) == []


def test_files_come_with_a_strict_policy_and_are_not_sent_twice(served: Served) -> None:
    first = served.client.get("/")
    assert first.status_code == 200
    policy = first.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'" in policy
    assert "unsafe" not in policy
    for name, media_type in (("page.js", "text/javascript"), ("page.css", "text/css"), ("icon.svg", "image/svg+xml")):
        found = served.client.get(f"/page/{name}")
        assert found.headers["content-type"].startswith(media_type)
        again = served.client.get(f"/page/{name}", headers={"if-none-match": found.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_only_its_own_files_are_given(served: Served) -> None:
    for name in ("app.py", "..%2fapi%2fapp.py", "%2e%2e/app.py", "PAGE.JS", "page.js%00"):
        assert served.client.get(f"/page/{name}").status_code == 404


def test_a_session_is_asked_for_without_one(served: Served) -> None:
    """A page that had to provoke a 401 to learn that nobody is logged in left an error in every console."""
    answer = served.client.get("/v1/session", headers={"authorization": ""})
    assert answer.json() == {"logged_in": False, "public": False}
