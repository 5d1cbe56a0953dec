"""The API as its users meet it: from an upload to its deletion, and everything that is asked for wrongly."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from dfdetect.detect.result_json import ScanDocument
from dfdetect.media.child.reader import DecodeServer
from dfdetect.serve.jobs import dead_letter
from dfdetect.serve.problems import BASE, PROBLEMS
from dfdetect.serve.settings import ServeSettings
from dfdetect.serve.store.tables import audit, deliveries, idempotency, results, scans
from serve.served import Served, picture, serving, spooled


@pytest.fixture
def settings(tmp_path: Path, store_url: str, bundle: Path) -> ServeSettings:
    return ServeSettings(
        data=tmp_path / "data", database_url=store_url, model=str(bundle), frames=4, free_reserve_bytes=0,
        keep_media_s=3600.0, max_upload_bytes=200_000,
    )  # fmt: skip


@pytest.fixture
def served(settings: ServeSettings, server: DecodeServer) -> Iterator[Served]:
    with serving(settings, server) as one:
        yield one


def _problem(answer: Any, code: str) -> dict[str, Any]:
    found = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, found["code"]) == (PROBLEMS[code][0], code), found
    assert found["type"] == BASE + code
    assert found["request_id"] == answer.headers["x-request-id"]
    assert found["detail"]
    return dict(found)


def test_from_an_upload_to_its_deletion(served: Served) -> None:
    answer = served.post(picture(), params={"filename": "C:\\me\\<i>clip.png", "external_id": "post-77"})
    assert answer.status_code == 202
    scan = answer.json()
    where = answer.headers["location"]
    assert where == f"/v1/scans/{scan['id']}" == scan["links"]["self"]
    assert (scan["status"], scan["filename"], scan["external_id"]) == ("queued", "<i>clip.png", "post-77")
    assert scan["result"] is None
    for part in ("tracks", "frames", "report.html", "report.json", "crops/1/0.png"):
        _problem(served.get(f"{where}/{part}"), "not_ready")

    served.work()
    answer = served.get(where)
    scan = answer.json()
    assert (scan["status"], scan["decided_by"], scan["attempts"]) == ("completed", "policy:balanced@1", 1)
    document = ScanDocument.model_validate(scan["result"])
    assert document.input.path == "<i>clip.png"
    assert served.get(where, headers={"if-none-match": answer.headers["etag"]}).status_code == 304
    assert served.get(f"{where}/report.json").json() == scan["result"]
    [track] = served.get(f"{where}/tracks").json()["items"]
    assert "frames" not in track
    frames = served.get(track["frames_url"]).json()
    assert [one["index"] for one in frames["items"]] == [0]
    assert frames["next_cursor"] is None
    table = pq.read_table(io.BytesIO(served.get(f"{where}/frames.parquet").content)).to_pylist()
    assert [(row["track"], row["index"]) for row in table] == [(1, 0)]
    assert [table[0][name] for name in ("left_px", "bottom_px")] == pytest.approx(
        [frames["items"][0]["box_xyxy"][n] for n in (0, 3)]
    )
    report = served.get(f"{where}/report.html")
    assert b"<i>clip" not in report.content
    assert "sandbox" in report.headers["content-security-policy"]
    printed = served.get(f"{where}/report.pdf")
    if served.get("/v1/service").json()["pdf"]:
        assert (printed.content[:5], printed.headers["content-type"]) == (b"%PDF-", "application/pdf")
    else:
        _problem(printed, "not_available")
    for kind in ("heatmaps", "crops"):
        assert served.get(f"{where}/{kind}/1/0.png").content.startswith(b"\x89PNG")
        _problem(served.get(f"{where}/{kind}/9/9.png"), "not_found")

    assert served.client.delete(where, headers=served.a).status_code == 204
    _problem(served.get(where), "not_found")
    assert list(served.worker._objects.names()) == []
    with served.engine.connect() as connection:
        for table in (scans, results, idempotency):
            assert connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() == 0
        assert connection.execute(sa.select(audit.c.action)).scalars().all() == ["delete"]


def test_a_form_is_taken_as_well_and_a_wait_gives_the_answer_at_once(served: Served) -> None:
    thread = threading.Thread(target=served.worker.run)
    thread.start()
    try:
        answer = served.client.post(
            "/v1/scans",
            files={"file": ("a.png", picture(), "image/png")},
            data={"external_id": "x", "policy": "strict"},
            headers={**served.a, "prefer": "respond-async, wait=20"},
        )
        ready = served.client.get("/readyz").json()
    finally:
        served.worker.stop.set()
        thread.join()
    assert answer.status_code == 200
    scan = answer.json()
    assert (scan["status"], scan["filename"], scan["decided_by"]) == ("completed", "a.png", "policy:strict@1")
    assert (ready["status"], ready["workers"]) == ("ok", 1)


def test_the_same_file_gets_its_earlier_answer_but_never_another_keys(served: Served) -> None:
    first = served.post(picture()).json()["id"]
    assert served.post(picture()).json()["id"] == first
    served.work()
    again = served.post(picture(), headers={"prefer": "wait=1"})
    assert (again.status_code, again.json()["id"]) == (200, first)
    assert served.post(picture(), served.b).json()["id"] != first
    assert served.post(picture(), params={"policy": "strict"}).json()["id"] != first
    assert served.post(picture(), params={"again": "true"}).json()["id"] != first
    assert spooled(served.settings) == []


def test_fifty_posts_with_one_idempotency_key_are_one_scan(served: Served) -> None:
    data, headers = picture(), {"idempotency-key": "one"}

    def send(_: int) -> str:
        answer = served.post(data, headers=headers, params={"again": "true"})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    with ThreadPoolExecutor(10) as threads:
        made = set(threads.map(send, range(50)))
    assert len(made) == 1
    assert len(list(served.worker._objects.names("media"))) == 1
    _problem(served.post(picture(4), headers=headers), "key_reused")
    assert served.post(picture(4), served.b, headers=headers).status_code == 202


def test_nobody_sees_what_is_anothers(served: Served) -> None:
    where = f"/v1/scans/{served.post(picture()).json()['id']}"
    served.work()
    mine = f"/v1/batches/{served.client.post('/v1/batches', json={}, headers=served.a).json()['id']}"
    nowhere = "/v1/scans/scn_" + "0" * 26
    for path in ("", "/events", "/tracks", "/frames", "/report.html", "/report.json", "/report.pdf", "/crops/1/0.png"):
        answers = [served.get(where + path, served.b), served.get(nowhere + path), served.get("/v1/scans/x" + path)]
        assert len({(one.status_code, one.json()["detail"]) for one in answers}) == 1
        _problem(answers[0], "not_found")
    for method, path, body in (
        ("DELETE", where, None), ("POST", f"{where}/cancel", None), ("POST", f"{where}/rescan", {}),
        ("POST", f"{where}/feedback", {"label": "unsure"}), ("GET", mine, None), ("POST", f"{mine}/close", None),
    ):  # fmt: skip
        _problem(served.client.request(method, path, json=body, headers=served.b), "not_found")
    assert served.get("/v1/scans", served.b).json()["items"] == []
    assert served.get(where).status_code == 200


def test_without_a_key_nothing_is_told(served: Served) -> None:
    paths = ("/v1/scans", "/v1/scans/scn_1", "/v1/models", "/v1/policies", "/v1/stats", "/v1/keys", "/v1/deliveries")
    wrong = ({}, {"authorization": "Bearer dfk_wrong"}, {"authorization": "Basic x"}, {"authorization": "dfk"})
    for path in paths:
        for headers in wrong:
            _problem(served.client.get(path, headers=headers), "no_key")
    _problem(served.client.post("/v1/scans", content=b"x"), "no_key")
    assert served.client.get("/healthz").json() == {"status": "ok"}


def test_scopes_hold(served: Served) -> None:
    _problem(served.get("/v1/keys"), "forbidden")
    made = served.client.post("/v1/keys", json={"name": "reader", "scopes": ["read"]}, headers=served.admin).json()
    reader = {"authorization": f"Bearer {made['secret']}"}
    _problem(served.post(picture(), reader), "forbidden")
    assert served.get("/v1/scans", reader).status_code == 200
    listed = served.get("/v1/keys", served.admin).json()
    assert {one["name"] for one in listed} == {"a", "b", "admin", "reader"}
    assert all(one["secret"] is None for one in listed)
    assert served.client.delete(f"/v1/keys/{made['id']}", headers=served.admin).status_code == 204
    _problem(served.get("/v1/scans", reader), "no_key")


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({"content-type": "text/html"}, b"<p>", "not_media"),
        ({"content-type": "video/mp4"}, b"", "malformed"),
        ({"content-type": "application/json"}, b'{"url": "https://example.com/"}', "not_available"),
        ({"content-type": "multipart/form-data"}, b"--x", "malformed"),
        ({"content-type": "multipart/form-data; boundary=x"}, b"--x\r\nno headers", "malformed"),
        (
            {"content-type": "multipart/form-data; boundary=x"},
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf a part',
            "malformed",
        ),
        (
            {"content-type": "multipart/form-data; boundary=x"},
            b'--x\r\nContent-Disposition: form-data; name="policy"\r\n\r\nstrict\r\n--x--\r\n',
            "malformed",
        ),
        (
            {"content-type": "multipart/form-data; boundary=x"},
            b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\n1\r\n'
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n--x--\r\n',
            "unprocessable",
        ),
        (
            {"content-type": "multipart/form-data; boundary=x"},
            b'--x\r\nContent-Disposition: form-data; name="policy"\r\n\r\n' + b"s" * 5000 + b"\r\n--x--\r\n",
            "malformed",
        ),
        (
            {"content-type": "multipart/form-data; boundary=x"},
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 40 + b"--x--\r\n",
            "malformed",
        ),
        ({"content-type": "video/mp4"}, b"x" * 300_000, "too_large"),
    ],
)
def test_what_cannot_be_taken_is_refused_and_leaves_nothing(
    served: Served, headers: dict[str, str], body: bytes, code: str
) -> None:
    _problem(served.client.post("/v1/scans", content=body, headers={**served.a, **headers}), code)
    assert spooled(served.settings) == []
    assert served.get("/v1/scans").json()["items"] == []


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"policy": "lenient"}, "unprocessable"),
        ({"model": "../../etc"}, "unprocessable"),
        ({"keep_media_s": "-1"}, "unprocessable"),
        ({"keep_media_s": "soon"}, "unprocessable"),
        ({"keep_result_s": "1e99"}, "unprocessable"),
        ({"external_id": "x" * 300}, "unprocessable"),
        ({"batch_id": "bat_none"}, "not_found"),
        ({"callback_url": "http://169.254.169.254/"}, "address_refused"),
    ],
)
def test_options_that_are_wrong_are_named(served: Served, params: dict[str, str], code: str) -> None:
    _problem(served.post(picture(), params=params), code)
    assert spooled(served.settings) == []
    assert list(served.worker._objects.names()) == []


def test_a_body_without_a_length_is_counted_and_cut_at_the_limit(served: Served) -> None:
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 10_000
            yield b"x" * 10_000

    _problem(served.post(pieces()), "too_large")  # type: ignore[arg-type]
    assert spooled(served.settings) == []


def test_quotas_and_a_full_queue_are_told_with_a_time_to_come_back(
    settings: ServeSettings, server: DecodeServer
) -> None:
    with serving(settings.model_copy(update={"max_queued": 3}), server) as served:
        made = served.client.post(
            "/v1/keys", json={"name": "small", "scans_at_once": 1, "scans_per_hour": 2}, headers=served.admin
        ).json()
        small = {"authorization": f"Bearer {made['secret']}"}
        assert served.post(picture(1, face=False), small).status_code == 202
        answer = served.post(picture(2, face=False), small)
        assert _problem(answer, "quota")["retryable"] is True
        assert answer.headers["retry-after"] == "10"
        served.work()
        assert served.post(picture(2, face=False), small).status_code == 202
        served.work()
        assert "an hour" in _problem(served.post(picture(3, face=False), small), "quota")["detail"]
        for n in range(3):
            assert served.post(picture(10 + n, face=False)).status_code == 202
        answer = served.post(picture(20, face=False))
        _problem(answer, "queue_full")
        assert answer.headers["retry-after"] == "30"
    with serving(settings.model_copy(update={"free_reserve_bytes": 1 << 60}), server) as served:
        _problem(served.post(picture()), "disk_full")
        assert served.client.get("/readyz").status_code == 503


def test_events_tell_how_far_it_is_and_end_with_the_whole(served: Served) -> None:
    where = f"/v1/scans/{served.post(picture()).json()['id']}"
    timer = threading.Timer(0.8, served.work)
    timer.start()
    with served.client.stream("GET", f"{where}/events", headers=served.a) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in stream.iter_lines() if line]
    timer.join()
    names = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    assert names[0] == "progress"
    assert names[-1] == "done"
    whole = json.loads(lines[-1].removeprefix("data: "))
    assert whole == served.get(where).json()


def test_a_persons_word_goes_above_the_policy_and_is_kept_apart(served: Served) -> None:
    where = f"/v1/scans/{served.post(picture()).json()['id']}"
    served.work()
    before = served.get(where)
    said = {"label": "manipulated", "note": "<script>", "by": "desk"}
    after = served.client.post(f"{where}/feedback", json=said, headers=served.a).json()
    assert (after["decision"], after["decided_by"]) == ("block", "human")
    assert after["policy_decision"] == before.json()["decision"]
    assert after["result"] == before.json()["result"]
    assert served.get(where).headers["etag"] != before.headers["etag"]
    _problem(served.client.post(f"{where}/feedback", json={"label": "fake"}, headers=served.a), "unprocessable")
    assert served.get("/v1/stats").json()["overridden_by_humans"] == 1


def test_a_rescan_is_a_scan_of_its_own_while_the_upload_is_kept(served: Served) -> None:
    where = f"/v1/scans/{served.post(picture(), params={'external_id': 'e'}).json()['id']}"
    served.work()
    second = served.client.post(f"{where}/rescan", json={"policy": "strict"}, headers=served.a)
    assert second.status_code == 202
    assert second.json()["rescan_of"] == where.rpartition("/")[2]
    assert (second.json()["external_id"], second.json()["policy"]) == ("e", "strict")
    served.work()
    assert served.get(second.headers["location"]).json()["status"] == "completed"
    _problem(served.client.post(f"{where}/rescan", json={"model": "none"}, headers=served.a), "unprocessable")
    third = served.post(picture(9), params={"keep_media_s": "0"}).json()
    served.work()
    _problem(served.client.post(f"/v1/scans/{third['id']}/rescan", json={}, headers=served.a), "gone")


def test_a_scan_that_waits_is_cancelled_at_once(served: Served) -> None:
    where = f"/v1/scans/{served.post(picture()).json()['id']}"
    assert served.client.post(f"{where}/cancel", headers=served.a).json()["status"] == "cancelled"
    served.work()
    assert served.get(where).json()["status"] == "cancelled"
    assert served.post(picture()).json()["id"] != where.rpartition("/")[2]


def test_a_batch_goes_behind_and_is_counted(served: Served) -> None:
    batch = served.client.post("/v1/batches", json={"external_id": "week"}, headers=served.a).json()
    ids = [served.post(picture(n, face=False), params={"batch_id": batch["id"]}).json()["id"] for n in range(3)]
    live = served.post(picture(7, face=False)).json()["id"]
    assert served.worker._jobs.claim("w").id == live  # type: ignore[union-attr]
    served.work()
    closed = served.client.post(f"/v1/batches/{batch['id']}/close", headers=served.a).json()
    assert (closed["closed"], closed["counts"]) == (True, {"completed": 3})
    _problem(served.post(picture(8, face=False), params={"batch_id": batch["id"]}), "unprocessable")
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = served.get(
            closed["links"]["scans"], params={"limit": 2, **({"cursor": cursor} if cursor else {})}
        ).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ids[::-1]
    for wrong in ("x", "e30", "W10", "WzFd"):
        _problem(served.get("/v1/scans", params={"cursor": wrong}), "bad_cursor")


def test_lists_are_filtered(served: Served) -> None:
    for n, name in enumerate(("first.png", "second%.png")):
        served.post(picture(n, face=False), params={"filename": name, "external_id": f"e{n}"})
    served.work()

    def names(**params: str) -> list[str]:
        return [one["filename"] for one in served.get("/v1/scans", params=params).json()["items"]]

    assert names() == ["second%.png", "first.png"]
    assert names(search="FIRST") == ["first.png"]
    assert names(search="%") == ["second%.png"]
    assert names(verdict="not_applicable", external_id="e0") == ["first.png"]
    assert names(status="failed") == []


def test_the_pages_log_in_is_a_cookie_that_other_sites_cannot_use(served: Served) -> None:
    client = served.client
    _problem(client.post("/v1/session", headers={"authorization": "Bearer dfk_no"}), "no_key")
    _problem(client.post("/v1/session"), "no_key")
    answer = client.post("/v1/session", headers=served.a)
    assert answer.status_code == 204
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert client.get("/v1/scans").status_code == 200
    _problem(client.post("/v1/batches", json={}), "cross_site")
    _problem(client.post("/v1/batches", json={}, headers={"origin": "https://evil.example"}), "cross_site")
    assert client.post("/v1/batches", json={}, headers={"origin": "http://testserver"}).status_code == 201
    assert client.delete("/v1/session").status_code == 204
    _problem(client.get("/v1/scans"), "no_key")


def test_visitors_of_a_public_page_have_their_own_scans_and_small_limits(
    settings: ServeSettings, server: DecodeServer
) -> None:
    with serving(settings.model_copy(update={"public": True}), server) as served:
        client, page = served.client, {"origin": "http://testserver"}
        assert client.post("/v1/session").status_code == 204
        how = {**page, "content-type": "image/png"}
        made = client.post("/v1/scans", content=picture(), headers=how).json()
        served.work()
        scan = client.get(f"/v1/scans/{made['id']}").json()
        assert scan["status"] == "completed"
        assert scan["retention"]["media_kept"] is True
        for option in ("callback_url", "batch_id", "keep_media_s"):
            answer = client.post("/v1/scans", content=picture(), headers=how, params={option: "1"})
            _problem(answer, "forbidden")
        assert client.get("/v1/keys").status_code == 403
        client.cookies.clear()
        _problem(client.get(f"/v1/scans/{made['id']}"), "no_key")
        client.post("/v1/session")
        _problem(client.get(f"/v1/scans/{made['id']}"), "not_found")
        assert client.get("/v1/scans").json()["items"] == []


def test_webhook_secrets_rotate_without_a_gap(served: Served) -> None:
    made = [served.client.post("/v1/webhook-secrets", headers=served.a).json() for _ in range(3)]
    assert all(one["secret"].startswith("whsec_") for one in made)
    listed = served.get("/v1/webhook-secrets").json()
    assert [one["id"] for one in listed] == [made[2]["id"], made[1]["id"]]
    assert [one["expires_at"] is None for one in listed] == [True, False]
    assert all(one["secret"] is None for one in listed)


def test_messages_are_listed_and_sent_again(settings: ServeSettings, server: DecodeServer) -> None:
    with serving(settings.model_copy(update={"callback_hosts": ("127.0.0.1:9",)}), server) as served:
        served.post(picture(), params={"callback_url": "http://127.0.0.1:9/hook"})
        served.work()
        [message] = served.get("/v1/deliveries").json()
        assert (message["event"], message["status"]) == ("scan.completed", "waiting")
        again = served.client.post(f"/v1/deliveries/{message['id']}/redeliver", headers=served.a)
        assert again.status_code == 202
        _problem(served.client.post(f"/v1/deliveries/{message['id']}/redeliver", headers=served.b), "not_found")
        assert served.get("/v1/deliveries", served.b).json() == []


def test_operators_see_figures(served: Served) -> None:
    served.post(picture())
    text = served.client.get("/metrics").text
    assert 'dfdetect_scans{status="queued"} 1.0' in text
    assert 'route="/v1/scans",status="202"' in text
    assert "dfdetect_dead_letters 0.0" in text
    with served.engine.begin() as connection:
        worn_out = {"status": "failed", "attempts": 3}
        connection.execute(sa.update(scans).values(**worn_out, error={"code": "corrupt_data"}))
    assert (
        "dfdetect_dead_letters 0.0" in served.client.get("/metrics").text
    )  # failed at the third try, by its own fault
    with served.engine.begin() as connection:
        connection.execute(sa.update(scans).values(error=dead_letter(3)))
    assert "dfdetect_dead_letters 1.0" in served.client.get("/metrics").text
    models = {one["name"]: one for one in served.get("/v1/models").json()}
    assert models["tiny"]["thresholds"]["image"]["1"]["measured_fpr"] == 0.02
    assert set(models) >= {"tiny", "default"}  # by name: where an operator keeps a bundle is nobody's business
    assert [one["name"] for one in served.get("/v1/policies").json()] == ["balanced", "newsroom", "strict"]


def test_every_answer_has_the_headers_that_keep_a_browser_safe(served: Served) -> None:
    for path in ("/healthz", "/v1/scans", "/nowhere", "/v1/scans/x"):
        headers = served.client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
    assert served.client.get("/healthz", headers={"host": "evil.example"}).status_code == 400


def test_the_openapi_document_says_what_may_come(served: Served) -> None:
    document = served.client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert {"202", "200", "413", "429", "503", "507"} <= set(document["paths"]["/v1/scans"]["post"]["responses"])


def test_a_lookup_knows_only_what_this_key_had_examined(served: Served) -> None:
    """The latest completed scan of each hash, a person's word over it; another key's scans do not exist."""
    unknown = "0" * 64

    def look_up(key: dict[str, str]) -> list[Any]:
        answer = served.client.post("/v1/lookups", json={"sha256": [unknown, sha256]}, headers=key)
        assert [one["sha256"] for one in answer.json()["items"]] == [unknown, sha256]
        return [one["scan"] for one in answer.json()["items"]]

    sha256 = served.post(picture()).json()["sha256"]
    assert look_up(served.a) == [None, None]  # it waits still
    served.work()
    again = served.post(picture(), params={"again": "true"}).json()
    served.work()
    served.client.post(f"/v1/scans/{again['id']}/feedback", json={"label": "manipulated"}, headers=served.a)
    nothing, found = look_up(served.a)
    assert nothing is None
    assert (found["id"], found["decision"], found["decided_by"], found["result"]) == (
        again["id"],
        "block",
        "human",
        None,
    )
    assert look_up(served.b) == [None, None]
    _problem(served.client.post("/v1/lookups", json={"sha256": ["ABC"]}, headers=served.a), "unprocessable")


def test_a_listed_file_is_decided_before_it_is_scored(served: Served) -> None:
    waiting = served.post(picture()).json()
    one, sha256 = f"/v1/hashes/{waiting['sha256']}", waiting["sha256"]
    assert (waiting["decision"], waiting["listed"]) == (None, None)
    asked = {"decision": "block", "reason": "known since 12 November"}
    made = served.client.put(one, json=asked, headers=served.a)
    assert (made.status_code, made.json()["reason"]) == (201, asked["reason"])

    def shown(url: str, key: dict[str, str]) -> Any:
        return served.client.get(url, headers=key).json()

    before = shown(f"/v1/scans/{waiting['id']}", served.a)
    assert (before["status"], before["decision"], before["decided_by"]) == ("queued", "block", "hash_list")
    served.work()
    after = shown(f"/v1/scans/{waiting['id']}", served.a)
    assert (after["status"], after["decision"], after["decided_by"]) == ("completed", "block", "hash_list")
    assert (after["listed"], after["policy_decision"]) == (made.json(), "allow")
    looked_up = served.client.post("/v1/lookups", json={"sha256": [sha256]}, headers=served.a).json()["items"][0]
    assert (looked_up["listed"], looked_up["scan"]["decision"]) == (made.json(), "block")

    # a person's word on the scan itself goes above it
    served.client.post(f"/v1/scans/{waiting['id']}/feedback", json={"label": "not_manipulated"}, headers=served.a)
    assert shown(f"/v1/scans/{waiting['id']}", served.a)["decided_by"] == "human"

    # of another key nothing is seen or changed
    other = served.post(picture(), key=served.b).json()
    assert (other["sha256"], other["decision"]) == (sha256, None)
    _problem(served.client.get(one, headers=served.b), "not_found")
    _problem(served.client.delete(one, headers=served.b), "not_found")
    assert shown("/v1/hashes", served.b) == {"items": [], "next_cursor": None}


def test_the_list_of_known_files_is_changed_paged_and_emptied(served: Served) -> None:
    hashes = [f"{n:064x}" for n in range(3)]
    for sha256 in hashes:
        served.client.put(f"/v1/hashes/{sha256}", json={"decision": "allow"}, headers=served.a)
    changed = served.client.put(f"/v1/hashes/{hashes[1]}", json={"decision": "review"}, headers=served.a)
    assert changed.status_code == 200
    first = served.client.get("/v1/hashes", params={"limit": 2}, headers=served.a).json()
    assert [(one["sha256"], one["decision"]) for one in first["items"]] == [(hashes[0], "allow"), (hashes[1], "review")]
    rest = {"limit": 2, "cursor": first["next_cursor"]}
    second = served.client.get("/v1/hashes", params=rest, headers=served.a).json()
    assert ([one["sha256"] for one in second["items"]], second["next_cursor"]) == ([hashes[2]], None)
    for sha256 in hashes:
        assert served.client.delete(f"/v1/hashes/{sha256}", headers=served.a).status_code == 204
    _problem(served.client.delete(f"/v1/hashes/{hashes[0]}", headers=served.a), "not_found")
    _problem(served.client.put("/v1/hashes/abc", json={"decision": "allow"}, headers=served.a), "unprocessable")
    _problem(served.client.put(f"/v1/hashes/{hashes[0]}", json={"decision": "ban"}, headers=served.a), "unprocessable")


def test_an_etag_changes_with_the_list(served: Served) -> None:
    scan = served.post(picture()).json()
    served.work()
    url = f"/v1/scans/{scan['id']}"
    tag = served.client.get(url, headers=served.a).headers["etag"]
    served.client.put(f"/v1/hashes/{scan['sha256']}", json={"decision": "allow"}, headers=served.a)
    answer = served.client.get(url, headers={**served.a, "if-none-match": tag})
    assert (answer.status_code, answer.json()["decision"]) == (200, "allow")


def test_a_known_answer_is_not_given_to_somebody_who_asked_for_more(served: Served) -> None:
    """`external_id`, another callback and another retention were dropped without a word: its asker waited for ever."""
    first = served.post(picture(), params={"external_id": "one"}).json()
    served.work()

    def sent(**params: str) -> str:
        return str(served.post(picture(), params=params).json()["id"])

    assert sent() == sent(external_id="one") == first["id"]
    others = [sent(external_id="two"), sent(keep_media_s="60"), sent(callback_url="https://93.184.216.34/hook")]
    assert len({*others, first["id"]}) == 4
    assert sent(keep_media_s="60") == others[1]


def test_an_idempotency_key_stands_for_all_options(served: Served) -> None:
    headers = {"idempotency-key": "one"}
    assert served.post(picture(), headers=headers, params={"keep_media_s": "600"}).status_code == 202
    _problem(served.post(picture(), headers=headers, params={"keep_media_s": "1"}), "key_reused")


def test_scans_are_found_and_counted_by_the_decision_that_is_shown(served: Served) -> None:
    """The filter knew the policy's alone: what a person had blocked was found under `allow`."""
    scans = [served.post(picture(seed)).json() for seed in (3, 4, 5)]
    served.work()
    served.client.post(f"/v1/scans/{scans[0]['id']}/feedback", json={"label": "unsure"}, headers=served.a)
    served.client.post(f"/v1/scans/{scans[0]['id']}/feedback", json={"label": "manipulated"}, headers=served.a)
    served.client.put(f"/v1/hashes/{scans[1]['sha256']}", json={"decision": "review"}, headers=served.a)
    found = {
        word: [one["id"] for one in served.get("/v1/scans", params={"decision": word}).json()["items"]]
        for word in ("allow", "review", "block")
    }
    assert found == {"block": [scans[0]["id"]], "review": [scans[1]["id"]], "allow": [scans[2]["id"]]}
    assert served.get("/v1/stats").json()["by_decision"] == {"allow": 1, "block": 1, "review": 1}


@pytest.mark.parametrize("params", [{"modle": "tiny"}, {"again": "1"}])
def test_an_option_that_nobody_knows_is_refused(served: Served, params: dict[str, str]) -> None:
    _problem(served.post(picture(), params=params), "unprocessable")


@pytest.mark.parametrize("params", [{"status": "bogus"}, {"verdict": "fake"}, {"decision": "ban"}])
def test_a_filter_that_nothing_can_match_is_refused(served: Served, params: dict[str, str]) -> None:
    _problem(served.get("/v1/scans", params=params), "unprocessable")


def test_a_list_tells_those_whom_it_changes(served: Served) -> None:
    params = {"callback_url": "https://93.184.216.34/hook"}
    told, judged = (served.post(picture(seed), params=params).json() for seed in (3, 4))
    served.work()
    served.client.post(f"/v1/scans/{judged['id']}/feedback", json={"label": "unsure"}, headers=served.a)

    def updates(scan: dict[str, Any]) -> int:
        events = served.get("/v1/deliveries", params={"subject_id": scan["id"]}).json()
        return sum(one["event"] == "scan.updated" for one in events)

    for scan in (told, judged):
        served.client.put(f"/v1/hashes/{scan['sha256']}", json={"decision": "block"}, headers=served.a)
    assert (updates(told), updates(judged)) == (1, 1)  # the second by the feedback: a person's word stands
    served.client.delete(f"/v1/hashes/{told['sha256']}", headers=served.a)
    assert updates(told) == 2


def test_what_is_wrong_with_a_request_is_said(served: Served) -> None:
    wrong = served.client.get("/v1/scans", headers={"authorization": "Bearer dfk_nobody"})
    assert "not known here" in _problem(wrong, "no_key")["detail"]
    plain = served.client.put(
        f"/v1/hashes/{'0' * 64}", content=b'{"decision": "block"}', headers={**served.a, "content-type": "text/plain"}
    )
    assert "Content-Type: application/json" in _problem(plain, "unprocessable")["detail"]
    assert "no such address" in _problem(served.get("/v1/nothing"), "not_found")["detail"]


def test_a_webhook_says_the_decision_that_the_document_shows(served: Served) -> None:
    """The rule was written twice: of a listed file that a person had judged, the message told the list's decision."""
    scan = served.post(picture(), params={"callback_url": "https://93.184.216.34/hook"}).json()
    served.client.put(f"/v1/hashes/{scan['sha256']}", json={"decision": "block"}, headers=served.a)
    served.client.post(f"/v1/scans/{scan['id']}/feedback", json={"label": "not_manipulated"}, headers=served.a)
    served.work()
    shown = served.get(f"/v1/scans/{scan['id']}").json()
    with served.engine.connect() as connection:
        wanted = sa.select(deliveries.c.body).where(deliveries.c.event == "scan.completed")
        told = json.loads(connection.execute(wanted).scalar_one())["data"]
    assert (shown["decision"], shown["decided_by"]) == ("allow", "human")
    assert (told["decision"], told["decided_by"]) == ("allow", "human")
