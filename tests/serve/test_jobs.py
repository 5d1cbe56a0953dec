"""The queue on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from dfdetect.serve.jobs import BATCH, LIVE, MAX_ATTEMPTS, Jobs, LeaseLost
from dfdetect.serve.store.engine import now_s
from dfdetect.serve.store.tables import scans
from serve.rows import add_key, add_scan, status_of


def _finish(engine: sa.Engine, jobs: Jobs, job: object, verdict: str) -> None:
    with engine.begin() as connection:
        jobs.finish(connection, job, status="completed", verdict=verdict)  # type: ignore[arg-type]


def test_live_goes_before_batch_and_old_before_new(engine: sa.Engine) -> None:
    key, jobs = add_key(engine), Jobs(engine)
    for name, lane, created in (("b1", BATCH, 1.0), ("l2", LIVE, 3.0), ("l1", LIVE, 2.0), ("later", LIVE, 0.0)):
        add_scan(engine, key, name, lane=lane, created_at=created, not_before=9e12 if name == "later" else 0.0)
    assert jobs.waiting() == {LIVE: 3, BATCH: 1}
    claimed = [job.id if job else None for job in (jobs.claim("w") for _ in range(4))]
    assert claimed == ["l1", "l2", "b1", None]


def test_many_workers_never_get_the_same_job(engine: sa.Engine) -> None:
    key, jobs = add_key(engine), Jobs(engine)
    for n in range(60):
        add_scan(engine, key, f"s{n}")
    got: list[str] = []

    def work() -> None:
        while (job := jobs.claim("w")) is not None:
            got.append(job.id)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(f"s{n}" for n in range(60))


def test_a_worker_that_was_thought_dead_cannot_write_over_the_one_that_took_its_place(engine: sa.Engine) -> None:
    jobs = Jobs(engine)
    add_scan(engine, add_key(engine), "s")
    first = jobs.claim("first")
    assert first is not None
    assert jobs.reap() == []
    late = now_s() + jobs.lease_s + 1
    assert jobs.reap(now=late) == [("s", "queued")]
    second = jobs.claim("second", now=late + 1)
    assert second is not None
    assert second.fence > first.fence
    with pytest.raises(LeaseLost):
        jobs.heartbeat(first)
    with pytest.raises(LeaseLost):
        _finish(engine, jobs, first, "likely_manipulated")
    jobs.put_back(first)
    assert status_of(engine, "s") == "running"
    _finish(engine, jobs, second, "inconclusive")
    with pytest.raises(LeaseLost):
        _finish(engine, jobs, second, "again")
    with engine.connect() as connection:
        assert connection.execute(sa.select(scans.c.verdict, scans.c.status)).one() == ("inconclusive", "completed")


def test_three_silent_workers_set_a_job_aside_with_its_reason(engine: sa.Engine) -> None:
    jobs = Jobs(engine)
    add_scan(engine, add_key(engine), "s")
    now = now_s()
    for attempt in range(1, MAX_ATTEMPTS + 1):
        now += 100
        assert jobs.claim("w", now=now) is not None
        found = jobs.reap(now=now + jobs.lease_s + 1)
        assert found == [("s", "queued" if attempt < MAX_ATTEMPTS else "failed")]
    with engine.connect() as connection:
        error = connection.execute(sa.select(scans.c.error)).scalar_one()
    assert error["dead_letter"] is True
    assert error["code"] == "decoder_crashed"


def test_a_job_that_is_put_back_costs_no_attempt(engine: sa.Engine) -> None:
    jobs = Jobs(engine)
    add_scan(engine, add_key(engine), "s")
    for _ in range(MAX_ATTEMPTS + 2):
        job = jobs.claim("w")
        assert job is not None
        jobs.put_back(job)
    assert status_of(engine, "s") == "queued"


def test_cancelling_ends_at_the_next_heartbeat_or_with_the_lease(engine: sa.Engine) -> None:
    jobs = Jobs(engine)
    add_scan(engine, add_key(engine), "s")
    job = jobs.claim("w")
    assert job is not None
    jobs.heartbeat(job, stage="faces", progress=0.5)
    with engine.begin() as connection:
        connection.execute(sa.update(scans).values(cancel_asked=True))
    with pytest.raises(LeaseLost):
        jobs.heartbeat(job)
    assert jobs.reap(now=now_s() + jobs.lease_s + 1) == [("s", "cancelled")]
