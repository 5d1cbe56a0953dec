"""Items through processes: order of completion, crashes, errors, early end."""

from __future__ import annotations

import multiprocessing
import os

import cv2
import pytest

import pool_workers
from dfdetect.batch import pool
from dfdetect.errors import DfdetectError, ModelUnusable, UsageError


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("items", [[], [1], list(range(7))])
def test_every_item_has_one_outcome(jobs: int, items: list[int]) -> None:
    outcomes = list(pool.run(items, pool_workers.make_doubler, jobs=jobs))
    assert sorted((o.item, o.result) for o in outcomes) == [(item, 2 * item) for item in items]
    assert all(o.error is None for o in outcomes)


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_exception_is_that_item_s_error_alone(jobs: int) -> None:
    outcomes = {o.item: o for o in pool.run([1, "raise", "refuse", 2], pool_workers.make_doubler, jobs=jobs)}
    assert outcomes[1].result == 2
    assert outcomes[2].result == 4
    assert outcomes["raise"].error is not None
    assert outcomes["raise"].error.code == "internal"
    assert "ZeroDivisionError" in outcomes["raise"].error.message
    assert outcomes["refuse"].error is not None
    assert (outcomes["refuse"].error.code, outcomes["refuse"].error.stage) == ("no_video", "probe")


def test_a_worker_that_dies_costs_one_item() -> None:
    """A crash in native decoding code once took the whole folder's run with it."""
    items = ["die", 1, 2, "die", 3]
    outcomes = list(pool.run(items, pool_workers.make_doubler, jobs=2))
    assert sorted(o.result for o in outcomes if o.result is not None) == [2, 4, 6]
    errors = [o.error for o in outcomes if o.error is not None]
    assert [error.code for error in errors] == ["decoder_crashed"] * 2
    assert "exit code 9" in errors[0].message


def test_the_last_item_may_crash_too() -> None:
    (outcome,) = pool.run(["die"], pool_workers.make_doubler, jobs=2)
    assert outcome.error is not None
    assert outcome.error.code == "decoder_crashed"


def test_outcomes_come_when_done_not_in_order() -> None:
    outcomes = [o.item for o in pool.run(["slow", 1, 2, 3], pool_workers.make_doubler, jobs=2)]
    assert sorted(map(str, outcomes)) == ["1", "2", "3", "slow"]


def test_one_job_works_in_this_process_and_two_do_not() -> None:
    assert {o.result for o in pool.run([1, 2], pool_workers.make_pid, jobs=1)} == {os.getpid()}
    assert os.getpid() not in {o.result for o in pool.run([1, 2], pool_workers.make_pid, jobs=2)}


def test_opencv_has_a_share_of_the_cores_in_a_worker_and_is_left_alone_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process of an evaluation had OpenCV threads for every core, once face detectors no longer limited them."""
    monkeypatch.delenv("OPENCV_FOR_THREADS_NUM", raising=False)
    here = cv2.getNumThreads()
    jobs = max(2, os.cpu_count() or 1)
    assert {o.result for o in pool.run(range(2), pool_workers.make_opencv_threads, jobs=jobs)} == {1}
    assert {o.result for o in pool.run(range(2), pool_workers.make_opencv_threads, jobs=1)} == {here}
    assert cv2.getNumThreads() == here


def test_opencv_threads_that_were_asked_for_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENCV_FOR_THREADS_NUM", "3")
    assert {o.result for o in pool.run([1, 2], pool_workers.make_opencv_threads, jobs=2)} == {3}


@pytest.mark.parametrize("jobs", [1, 2])
def test_no_worker_at_all_is_raised(jobs: int) -> None:
    with pytest.raises(ModelUnusable, match="no model 'x'"):
        list(pool.run([1, 2], pool_workers.make_nothing, jobs=jobs))


def test_a_worker_that_dies_at_its_start_ends_the_run() -> None:
    """Replacing a worker that can never start would go on for ever."""
    with pytest.raises(DfdetectError, match="exit code 7"):
        list(pool.run([1, 2], pool_workers.make_dead, jobs=2))


def test_closing_early_ends_every_process() -> None:
    outcomes = pool.run(range(100), pool_workers.make_doubler, jobs=2)
    next(outcomes)
    assert multiprocessing.active_children()
    outcomes.close()  # type: ignore[attr-defined]
    assert not multiprocessing.active_children()


def test_ctrl_c_in_the_caller_ends_every_process() -> None:
    def interrupted() -> None:
        for _ in pool.run(range(100), pool_workers.make_doubler, jobs=2):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("jobs", [0, -1])
def test_fewer_than_one_job_is_refused(jobs: int) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        list(pool.run([1], pool_workers.make_doubler, jobs=jobs))
