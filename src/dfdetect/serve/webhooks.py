"""Telling others: signed messages after Standard Webhooks, tried again for a day.

A message is written in the transaction of what it tells, so neither is there without the other. Deliveries are claimed
with a lease like jobs: a message may arrive twice (its `webhook-id` is then the same), never not at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from standardwebhooks.webhooks import Webhook

from dfdetect.serve.guard import AddressRefused, Target, check_url
from dfdetect.serve.ids import new_id
from dfdetect.serve.outward import calling
from dfdetect.serve.store.engine import now_s, reading
from dfdetect.serve.store.tables import deliveries, webhook_secrets

EVENTS = ("scan.completed", "scan.failed", "scan.updated", "batch.completed")
WAITS_S = (5.0, 30.0, 120.0, 600.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0, 21_600.0, 36_000.0)  # 24 h in all
LEASE_S = 60.0
MOST_LIVE_SECRETS = 2
_TIMEOUT_S = 10.0
_MOST_ANSWER_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said. status None: it could not be reached; error says why."""

    status: int | None
    error: str | None = None

    @property
    def is_good(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


Post = Callable[[Target, Mapping[str, str], bytes], Answer]


def enqueue(
    connection: sa.Connection, *, key_id: str, subject_id: str, event: str, url: str, data: Mapping[str, Any]
) -> str:
    """Write a message within the caller's transaction; returns its id."""
    now = now_s()
    message = new_id("msg")
    body = {"type": event, "timestamp": datetime.fromtimestamp(now, UTC).isoformat(), "data": dict(data)}
    connection.execute(
        sa.insert(deliveries).values(
            id=message,
            key_id=key_id,
            subject_id=subject_id,
            event=event,
            url=url,
            body=json.dumps(body),
            status="waiting",
            attempts=0,
            next_at=now,
            created_at=now,
        )
    )
    return message


class Dispatcher:
    """Sends what waits. Any number of processes may run one."""

    def __init__(self, engine: sa.Engine, *, callback_hosts: Sequence[str] = (), post: Post | None = None) -> None:
        self._engine, self._callback_hosts = engine, tuple(callback_hosts)
        self._post = post or post_over_http

    def send_one(self, *, now: float | None = None) -> bool:
        """Try the message that has waited longest; False where none is due."""
        now = now_s() if now is None else now
        row = self._claim(now)
        if row is None:
            return False
        try:
            target = check_callback(row["url"], self._callback_hosts)
        except AddressRefused as error:  # the name may point elsewhere than when it was accepted
            answer = Answer(None, error.message)
        else:
            answer = self._post(target, self._headers(row, now), row["body"].encode())
        self._note(row, answer, now)
        return True

    def _claim(self, now: float) -> Mapping[str, Any] | None:
        free = sa.or_(deliveries.c.lease_until.is_(None), deliveries.c.lease_until < now)
        first = (
            sa.select(deliveries.c.id)
            .where(deliveries.c.status == "waiting", deliveries.c.next_at <= now, free)
            .order_by(deliveries.c.next_at, deliveries.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
        claim = (
            sa.update(deliveries)
            .where(deliveries.c.id == first, deliveries.c.status == "waiting")
            .values(lease_until=now + LEASE_S, attempts=deliveries.c.attempts + 1)
            .returning(*deliveries.c)
        )
        with self._engine.begin() as connection:
            row = connection.execute(claim).mappings().first()
        return None if row is None else dict(row)

    def _headers(self, row: Mapping[str, Any], now: float) -> dict[str, str]:
        live = (
            sa.select(webhook_secrets.c.secret)
            .where(
                webhook_secrets.c.key_id == row["key_id"],
                sa.or_(webhook_secrets.c.expires_at.is_(None), webhook_secrets.c.expires_at > now),
            )
            .order_by(webhook_secrets.c.created_at.desc())
            .limit(MOST_LIVE_SECRETS)
        )
        with reading(self._engine) as connection:
            secrets = list(connection.execute(live).scalars())
        at = datetime.fromtimestamp(int(now), UTC)
        headers = {
            "content-type": "application/json",
            "user-agent": "dfdetect-webhooks/1",
            "webhook-id": row["id"],
            "webhook-timestamp": str(int(now)),
        }
        if secrets:
            headers["webhook-signature"] = " ".join(Webhook(one).sign(row["id"], at, row["body"]) for one in secrets)
        return headers

    def _note(self, row: Mapping[str, Any], answer: Answer, now: float) -> None:
        tried = row["attempts"]
        if answer.is_good:
            outcome = {"status": "delivered", "done_at": now}
        elif tried > len(WAITS_S):
            outcome = {"status": "given_up", "done_at": now}
        else:
            outcome = {"status": "waiting", "next_at": now + WAITS_S[tried - 1]}
        error = None if answer.error is None else answer.error[:500]
        changed = sa.update(deliveries).where(deliveries.c.id == row["id"], deliveries.c.attempts == tried)
        with self._engine.begin() as connection:
            connection.execute(changed.values(lease_until=None, last_status=answer.status, last_error=error, **outcome))


def redeliver(connection: sa.Connection, message: str) -> bool:
    """Send a message once more, with the same id, whatever became of it; False where there is none."""
    again = sa.update(deliveries).where(deliveries.c.id == message)
    values = {"status": "waiting", "attempts": 0, "next_at": now_s(), "lease_until": None, "done_at": None}
    return connection.execute(again.values(**values)).rowcount == 1


def check_callback(url: str, callback_hosts: Sequence[str] = ()) -> Target:
    """Target of a callback: a public address, or one of the operator's own `host:port`. AddressRefused otherwise."""
    try:
        parts = urlsplit(url)
        own = f"{parts.hostname}:{parts.port}"
    except ValueError:
        own = ""
    if own in callback_hosts and parts.hostname and parts.port and parts.scheme in ("http", "https"):
        return Target(url, parts.scheme, parts.hostname, parts.port, parts.hostname)
    return check_url(url)


def post_over_http(target: Target, headers: Mapping[str, str], body: bytes) -> Answer:
    """POST to the address that was checked; no redirects; at most 64 KiB of the answer are read."""
    import httpx2

    try:
        with calling("POST", target, headers, timeout_s=_TIMEOUT_S, body=body) as answer:
            read = 0
            for piece in answer.iter_bytes():
                read += len(piece)
                if read > _MOST_ANSWER_BYTES:
                    break
            return Answer(answer.status_code)
    except httpx2.HTTPError as error:
        return Answer(None, f"{type(error).__name__}: {error}")
