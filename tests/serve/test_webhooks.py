"""Webhooks: signed, tried again, never told twice as two messages."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import sqlalchemy as sa
from standardwebhooks.webhooks import Webhook

from dfdetect.serve.guard import AddressRefused, Target
from dfdetect.serve.store.engine import now_s
from dfdetect.serve.store.tables import deliveries, webhook_secrets
from dfdetect.serve.webhooks import WAITS_S, Answer, Dispatcher, check_callback, enqueue, post_over_http, redeliver
from serve.rows import add_key

SECRETS = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")


class _Receiver(BaseHTTPRequestHandler):
    got: list[tuple[str, dict[str, str], bytes]] = []  # noqa: RUF012 - one server a test
    status = 200

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.got.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(self.status)
        if self.status == 302:
            self.send_header("Location", "http://127.0.0.1:1/inner")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[HTTPServer]:
    _Receiver.got, _Receiver.status = [], 200
    server = HTTPServer(("127.0.0.1", 0), _Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def _message(engine: sa.Engine, url: str) -> str:
    with engine.begin() as connection:
        return enqueue(
            connection, key_id="key_a", subject_id="scn_1", event="scan.completed", url=url, data={"id": "scn_1"}
        )


def _row(engine: sa.Engine) -> Mapping[str, object]:
    with engine.connect() as connection:
        return dict(connection.execute(sa.select(deliveries)).mappings().one())


def test_a_message_arrives_signed_by_both_live_secrets(engine: sa.Engine, receiver: HTTPServer) -> None:
    key, now = add_key(engine), now_s()
    with engine.begin() as connection:
        for n, (secret, expires) in enumerate(((SECRETS[0], now + 100), (SECRETS[1], None), ("whsec_AAAA", now - 1))):
            values = {"id": str(n), "key_id": key, "secret": secret, "created_at": now + n, "expires_at": expires}
            connection.execute(sa.insert(webhook_secrets).values(values))
    own = f"127.0.0.1:{receiver.server_port}"
    message = _message(engine, f"http://{own}/hook?x=1")
    dispatcher = Dispatcher(engine, callback_hosts=[own])
    assert dispatcher.send_one()
    assert not dispatcher.send_one()
    [(path, headers, body)] = _Receiver.got
    assert path == "/hook?x=1"
    assert headers["webhook-id"] == message
    assert json.loads(body)["type"] == "scan.completed"
    for secret in SECRETS:
        assert Webhook(secret).verify(body, headers)["data"] == {"id": "scn_1"}
    assert (_row(engine)["status"], _row(engine)["last_status"]) == ("delivered", 200)


def test_a_redirect_is_not_followed_and_counts_as_refused(engine: sa.Engine, receiver: HTTPServer) -> None:
    add_key(engine)
    own = f"127.0.0.1:{receiver.server_port}"
    _Receiver.status = 302
    _message(engine, f"http://{own}/")
    Dispatcher(engine, callback_hosts=[own]).send_one()
    assert (_row(engine)["status"], _row(engine)["last_status"]) == ("waiting", 302)
    assert len(_Receiver.got) == 1


def test_a_deaf_receiver_is_tried_for_a_day_with_the_same_id_and_may_be_tried_again(engine: sa.Engine) -> None:
    add_key(engine)
    seen: list[str] = []

    def post(target: Target, headers: Mapping[str, str], body: bytes) -> Answer:
        seen.append(headers["webhook-id"])
        return Answer(503)

    message = _message(engine, "http://127.0.0.1:1/")
    dispatcher = Dispatcher(engine, callback_hosts=["127.0.0.1:1"], post=post)
    now = start = now_s()
    while _row(engine)["status"] == "waiting":
        now += 1
        if not dispatcher.send_one(now=now):
            now = float(str(_row(engine)["next_at"]))
    assert seen == [message] * (len(WAITS_S) + 1)
    assert _row(engine)["status"] == "given_up"
    assert 20 * 3600 < now - start < 30 * 3600
    with engine.begin() as connection:
        assert redeliver(connection, message)
        assert not redeliver(connection, "msg_none")
    assert dispatcher.send_one(now=now_s() + 1)
    assert seen[-1] == message


def test_a_dispatcher_that_dies_in_the_middle_does_not_lose_the_message(engine: sa.Engine) -> None:
    add_key(engine)

    def die(target: Target, headers: Mapping[str, str], body: bytes) -> Answer:
        raise KeyboardInterrupt

    _message(engine, "http://127.0.0.1:1/")
    with pytest.raises(KeyboardInterrupt):
        Dispatcher(engine, callback_hosts=["127.0.0.1:1"], post=die).send_one()
    other = Dispatcher(engine, callback_hosts=["127.0.0.1:1"], post=lambda *_: Answer(204))
    assert not other.send_one()
    assert other.send_one(now=now_s() + 100)
    assert _row(engine)["status"] == "delivered"


def test_an_inner_address_is_refused_when_it_is_given_and_when_it_is_called(engine: sa.Engine) -> None:
    for url in ("http://127.0.0.1:8080/", "http://169.254.169.254/latest", "https://localhost/"):
        with pytest.raises(AddressRefused):
            check_callback(url)
    add_key(engine)
    _message(engine, "http://127.0.0.1/")
    Dispatcher(engine, post=lambda *_: Answer(200)).send_one()
    row = _row(engine)
    assert (row["status"], row["last_status"]) == ("waiting", None)
    assert "public host" in str(row["last_error"])


def test_nobody_there_is_an_answer_too() -> None:
    answer = post_over_http(Target("http://127.0.0.1:1/", "http", "127.0.0.1", 1, "127.0.0.1"), {}, b"{}")
    assert answer.status is None
    assert "Connect" in str(answer.error)
