"""The queue: rows of `scans` that workers claim with a lease.

    queued --claim--> running --finish--> completed | failed
       ^                 |  heartbeat moves the lease
       +---- reap -------+  lease over: back to the queue, after MAX_ATTEMPTS dead

Every claim gets a higher `fence`; whatever a worker writes holds only while its fence is the row's. A worker that was
thought dead and comes back can therefore not write over the result of the one that took its place (Kleppmann 2016).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from dfdetect.serve.store.engine import now_s, reading
from dfdetect.serve.store.tables import scans

STATUSES = ("queued", "running", "completed", "failed", "cancelled", "expired")
LIVE, BATCH = 0, 1
LEASE_S = 30.0
HEARTBEAT_S = 5.0
MAX_ATTEMPTS = 3
RETRY_AFTER_S = (0.0, 2.0)  # before the second and the third attempt: a crash may be the computer's, not the file's


class LeaseLost(Exception):  # noqa: N818 - what happened
    """Somebody else has the job now, or it was cancelled or deleted: drop what was made and claim another."""


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed scan. row: its columns as they were claimed."""

    id: str
    fence: int
    row: Mapping[str, Any]


class Jobs:
    """The queue of one store. All times are `now_s()` unless given (tests)."""

    def __init__(self, engine: sa.Engine, *, lease_s: float = LEASE_S, max_attempts: int = MAX_ATTEMPTS) -> None:
        self._engine = engine
        self.lease_s = lease_s
        self._max_attempts = max_attempts

    def claim(self, worker: str, *, now: float | None = None) -> Job | None:
        """The next job: live lane first, oldest first; None where none waits."""
        now = now_s() if now is None else now
        first = (
            sa.select(scans.c.id)
            .where(scans.c.status == "queued", scans.c.not_before <= now)
            .order_by(scans.c.lane, scans.c.created_at, scans.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)  # PostgreSQL; SQLite has one writer at a time
            .scalar_subquery()
        )
        claim = (
            sa.update(scans)
            .where(scans.c.id == first, scans.c.status == "queued")
            .values(
                status="running",
                worker=worker,
                lease_until=now + self.lease_s,
                fence=scans.c.fence + 1,
                attempts=scans.c.attempts + 1,
                started_at=now,
                stage=None,
                progress=None,
                updated_at=now,
            )
            .returning(*scans.c)
        )
        with self._engine.begin() as connection:
            row = connection.execute(claim).mappings().first()
        return None if row is None else Job(row["id"], row["fence"], dict(row))

    def heartbeat(self, job: Job, *, stage: str | None = None, progress: float | None = None) -> None:
        """Move the lease on and say how far it is. LeaseLost: stop working on it (cancelled scans end here too)."""
        now = now_s()
        beat = self._held(job).where(sa.not_(scans.c.cancel_asked))
        told = {key: value for key, value in (("stage", stage), ("progress", progress)) if value is not None}
        with self._engine.begin() as connection:
            beat = beat.values(lease_until=now + self.lease_s, updated_at=now, **told)
            if connection.execute(beat).rowcount != 1:
                raise LeaseLost(job.id)

    def finish(self, connection: sa.Connection, job: Job, **values: Any) -> None:
        """Write the outcome within the caller's transaction. LeaseLost: nothing may be written; roll back."""
        now = now_s()
        done = self._held(job).values(
            **{"worker": None, "lease_until": None, "completed_at": now, "updated_at": now, **values}
        )
        if connection.execute(done).rowcount != 1:
            raise LeaseLost(job.id)

    def put_back(self, job: Job) -> None:
        """Give a job back that was not worked on to its end (the worker is asked to stop): costs it no attempt."""
        back = self._held(job).values(
            status="queued", worker=None, lease_until=None, attempts=scans.c.attempts - 1, stage=None, progress=None
        )
        with self._engine.begin() as connection:
            connection.execute(back)

    def reap(self, *, now: float | None = None) -> list[tuple[str, str]]:
        """Jobs whose worker has gone silent: back to the queue, or dead. Returns (id, new status) of each.

        Any process may call it at any time; every worker does so between jobs.
        """
        now = now_s() if now is None else now
        over = sa.and_(scans.c.status == "running", scans.c.lease_until < now)
        gone = {"worker": None, "lease_until": None, "stage": None, "progress": None, "updated_at": now}
        last_wait = RETRY_AFTER_S[-1]
        with self._engine.begin() as connection:
            cancelled = connection.execute(
                sa.update(scans)
                .where(over, scans.c.cancel_asked)
                .values(status="cancelled", completed_at=now, **gone)
                .returning(scans.c.id)
            ).scalars()
            found = [(name, "cancelled") for name in cancelled]
            dead = connection.execute(
                sa.update(scans)
                .where(over, scans.c.attempts >= self._max_attempts)
                .values(status="failed", completed_at=now, error=dead_letter(self._max_attempts), **gone)
                .returning(scans.c.id)
            ).scalars()
            found += [(name, "failed") for name in dead]
            wait = sa.case(*((scans.c.attempts == n, s) for n, s in enumerate(RETRY_AFTER_S, 1)), else_=last_wait)
            again = connection.execute(
                sa.update(scans)
                .where(over)
                .values(status="queued", not_before=now + wait, **gone)
                .returning(scans.c.id)
            ).scalars()
            found += [(name, "queued") for name in again]
        return found

    def waiting(self) -> dict[int, int]:
        """Lane -> queued jobs."""
        count = sa.select(scans.c.lane, sa.func.count()).where(scans.c.status == "queued").group_by(scans.c.lane)
        with reading(self._engine) as connection:
            return {row[0]: row[1] for row in connection.execute(count)}

    @staticmethod
    def _held(job: Job) -> sa.Update:
        return sa.update(scans).where(scans.c.id == job.id, scans.c.fence == job.fence, scans.c.status == "running")


def dead_letter(attempts: int) -> dict[str, Any]:
    """The error of a job whose every worker vanished over it."""
    message = (
        f"{attempts} workers in a row died or went silent over this file; it is set aside. "
        "Ask for a rescan once the cause is known"
    )
    return {"code": "decoder_crashed", "message": message, "stage": "open", "dead_letter": True}
