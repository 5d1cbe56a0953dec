"""Many items through Ray Data, on this computer or on a cluster. The same contract as `pool.run`.

Each item is a row; a pool of actors works on rows, and Ray restarts an actor that dies. Outcomes travel back to the
caller, so items and results must be picklable; what a worker writes must lie where every computer of the cluster sees
it. A cluster is used where RAY_ADDRESS names one (`auto` for the one on this computer), else a local one is started.
"""

from __future__ import annotations

import functools
import logging
import os
import pickle
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from dfdetect.batch.pool import Outcome, attempt, sendable, with_its_cores
from dfdetect.errors import DfdetectError, ErrorCode, UsageError
from dfdetect.values import ErrorInfo

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_DEATHS = 2  # of actors at one item, before it is given up; one may be somebody's kill, or short memory
_ROWS_A_BLOCK = 8  # outcomes come back together
_STORE_BYTES = 512 * 1024**2  # of a cluster that we start: outcomes are small and are fetched as they come


def run(
    items: Iterable[Item], make_worker: Callable[[], Callable[[Item], Result]], *, jobs: int
) -> Iterator[Outcome[Item, Result]]:
    """Work on every item with `jobs` actors; outcomes come in the order in which they are done.

    Raises what make_worker raises; UsageError where Ray is not installed. An item that kills its actor again and again
    gets an error, as in `pool.run`. Closing the iterator ends the work.
    """
    if jobs < 1:
        raise UsageError(f"jobs must be at least 1; got {jobs}")
    listed = list(items)
    if not listed:
        return
    with _ray(jobs) as ray:
        rows = [{"number": number, "item": pickle.dumps(item)} for number, item in enumerate(listed)]
        rows_a_block = max(1, min(_ROWS_A_BLOCK, len(rows) // (4 * jobs)))
        deaths = ray.remote(_Deaths).options(num_cpus=0).remote()
        done = ray.data.from_items(rows, override_num_blocks=max(1, len(rows) // rows_a_block)).map(
            _Actor,
            fn_constructor_args=(functools.partial(with_its_cores, make_worker, jobs), deaths),
            compute=ray.data.ActorPoolStrategy(size=min(jobs, len(rows))),
            num_cpus=1,
        )
        for row in done.iter_rows():
            kind, result, error = pickle.loads(row["outcome"])  # noqa: S301 - written by our own actor a moment ago
            if kind == "not_started":
                raise error
            yield Outcome(listed[row["number"]], result, error)


class _Deaths:
    """Counts, in a process of its own, the items that were begun and never ended: Ray tries those for ever."""

    def __init__(self) -> None:
        self._begun: Counter[int] = Counter()

    def step(self, ended: int | None, begun: int) -> int:
        """One item ended and the next begins; returns how many actors died at the one that begins."""
        if ended is not None:
            self._begun[ended] -= 1
        self._begun[begun] += 1
        return self._begun[begun] - 1


class _Actor:
    """Lives in one process of the cluster."""

    def __init__(self, make_worker: Callable[[], Callable[[Any], Any]], deaths: Any) -> None:
        self._deaths, self._last = deaths, None
        self._failed: DfdetectError | None = None
        try:
            self._work = make_worker()
        except Exception as error:  # noqa: BLE001 - handed to the caller, which raises it; Ray would try for ever
            self._failed = sendable(error)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        return {"number": row["number"], "outcome": pickle.dumps(self._outcome(row))}

    def _outcome(self, row: dict[str, Any]) -> tuple[str, Any, Any]:
        if self._failed is not None:
            return "not_started", None, self._failed
        import ray

        died = ray.get(self._deaths.step.remote(self._last, row["number"]))
        self._last = row["number"]
        if died >= MOST_DEATHS:
            message = f"{died} processes that worked on it died"
            return "done", None, ErrorInfo(ErrorCode.DECODER_CRASHED, message, "decode")
        return "done", *attempt(self._work, pickle.loads(row["item"]))  # noqa: S301 - from our own caller


@contextmanager
def _ray(jobs: int) -> Iterator[Any]:
    """Ray, connected; what we started is ended again. Its usage reports are off before it is imported."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise UsageError(
            f'--engine ray needs Ray Data ({error.name} is not installed): pip install "dfdetect[batch]"'
        ) from error
    ours = not ray.is_initialized()
    if ours:
        _start(ray, jobs)
    context = ray.data.DataContext.get_current()
    before = context.enable_progress_bars
    context.enable_progress_bars = False
    try:
        yield ray
    finally:
        context.enable_progress_bars = before
        if ours:
            ray.shutdown()


def _start(ray: Any, jobs: int) -> None:
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    address = os.environ.get("RAY_ADDRESS")
    if address:
        ray.init(address=address, **quiet)
    else:
        # One processor more than actors, for what Ray Data itself runs.
        ray.init("local", num_cpus=jobs + 1, include_dashboard=False, object_store_memory=_STORE_BYTES, **quiet)
