"""Many items through a few processes on this computer. Knows no stage: an item goes in, an outcome comes out.

A worker that dies (killed, out of memory, a crash in native code) costs the one item it was at: that item gets an
error, a new worker takes its place, and the others never notice.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Generic, TypeVar

from dfdetect.errors import DfdetectError, ErrorCode, UsageError
from dfdetect.values import ErrorInfo

Item = TypeVar("Item")
Result = TypeVar("Result")

_STOP_S = 5.0  # a worker that does not end by itself within this is killed
_READY, _DONE, _FAILED, _NOT_STARTED = "ready", "done", "failed", "not_started"


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Item, Result]):
    """One item and what came of it: a result, or an error (then `result` is None)."""

    item: Item
    result: Result | None
    error: ErrorInfo | None = None


def run(
    items: Iterable[Item], make_worker: Callable[[], Callable[[Item], Result]], *, jobs: int
) -> Iterator[Outcome[Item, Result]]:
    """Work on every item; outcomes come in the order in which they are done.

    make_worker: called once in each process, returns the function that does one item; with jobs > 1 it, the items and
    the results must be picklable. jobs=1 works in this process: no start-up cost, no protection from a crash.
    Raises what make_worker raises, since nothing can be done without a worker. Closing the iterator, or Ctrl-C, ends
    every process.
    """
    if jobs < 1:
        raise UsageError(f"jobs must be at least 1; got {jobs}")
    if jobs == 1:
        work = make_worker()
        for item in items:
            yield Outcome(item, *attempt(work, item))
    else:
        yield from _run_in_processes(iter(items), functools.partial(with_its_cores, make_worker, jobs), jobs)


def with_its_cores(make_worker: Callable[[], Callable[[Item], Result]], jobs: int) -> Callable[[Item], Result]:
    """Make the worker of a fresh process, one of `jobs`: OpenCV has threads for its share of the cores.

    Processes with all cores each would only wait for one another. OpenCV reads the variable at its first parallel loop,
    so that a worker without OpenCV pays nothing; one that is set from outside stays.
    """
    os.environ.setdefault("OPENCV_FOR_THREADS_NUM", str(max(1, (os.cpu_count() or 1) // jobs)))
    return make_worker()


def attempt(work: Callable[[Item], Result], item: Item) -> tuple[Result | None, ErrorInfo | None]:
    """The result of one item, or the error that it ended with."""
    try:
        return work(item), None
    except DfdetectError as error:
        return None, ErrorInfo(str(error.code), error.message, getattr(error, "stage", "open"))
    except Exception as error:  # noqa: BLE001 - one item's bug must not end the others; it is named in its record
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        return None, ErrorInfo(ErrorCode.INTERNAL, f"{type(error).__name__} at {place}: {error}", "open")


def _serve(pipe: Connection, make_worker: Callable[[], Callable[[Any], Any]]) -> None:
    """What a worker process does until its pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    try:
        work = make_worker()
    except Exception as error:  # noqa: BLE001 - handed to the parent, which raises it
        pipe.send((_NOT_STARTED, sendable(error)))
        return
    with contextlib.suppress(EOFError, ConnectionError):  # the parent is gone or done
        pipe.send((_READY, None))
        while True:
            result, error_info = attempt(work, pipe.recv())
            pipe.send((_DONE, result) if error_info is None else (_FAILED, error_info))


def sendable(error: Exception) -> DfdetectError:
    """An error that survives pickling: one with the base's constructor as it is, any other as its text."""
    if isinstance(error, DfdetectError) and type(error).__init__ is DfdetectError.__init__:
        return error
    return DfdetectError(f"{type(error).__name__}: {error}")


class _Worker:
    """One process with its pipe and the item it is at."""

    def __init__(self, make_worker: Callable[[], Callable[[Any], Any]], item: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, child_pipe = context.Pipe()
        self.process = context.Process(target=_serve, args=(child_pipe, make_worker), daemon=True)
        self.item = item
        self.ready = False
        with _ctrl_c_held_back():
            self.process.start()
        child_pipe.close()

    def give(self, item: Any) -> None:
        self.item = item
        with contextlib.suppress(OSError):  # it just died: the closed pipe tells the same in a moment
            self.pipe.send(item)

    def end(self) -> None:
        self.pipe.close()
        self.process.join(timeout=0 if self.process.is_alive() and not self.ready else _STOP_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


@contextlib.contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """A child starts with the signal ignored, so that Ctrl-C during its imports prints no traceback."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _run_in_processes(
    items: Iterator[Item], make_worker: Callable[[], Callable[[Item], Result]], jobs: int
) -> Iterator[Outcome[Item, Result]]:
    workers: dict[Connection, _Worker] = {}
    try:
        for item in itertools.islice(items, jobs):
            _add(workers, make_worker, item)
        while workers:
            for pipe in wait(list(workers)):
                assert isinstance(pipe, Connection)
                yield from _hear(workers, pipe, items, make_worker)
    except BaseException:
        for worker in workers.values():
            worker.process.terminate()  # in the middle of an item: no reason to wait for it
        raise
    finally:
        for worker in workers.values():
            worker.end()


def _add(workers: dict[Connection, _Worker], make_worker: Callable[[], Callable[[Any], Any]], item: Any) -> None:
    worker = _Worker(make_worker, item)
    workers[worker.pipe] = worker


def _hear(
    workers: dict[Connection, _Worker],
    pipe: Connection,
    items: Iterator[Item],
    make_worker: Callable[[], Callable[[Item], Result]],
) -> Iterator[Outcome[Item, Result]]:
    """Take one message of one worker (or its death) and keep it busy."""
    worker = workers[pipe]
    try:
        kind, payload = pipe.recv()
    except (EOFError, OSError):
        del workers[pipe]
        worker.process.join()
        worker.end()
        error = _death(worker)
        for item in itertools.islice(items, 1):
            _add(workers, make_worker, item)
        yield Outcome(worker.item, None, error)
        return
    if kind == _NOT_STARTED:
        raise payload
    if kind == _READY:
        worker.ready = True
        worker.give(worker.item)
        return
    finished, upcoming = worker.item, list(itertools.islice(items, 1))
    if upcoming:
        worker.give(upcoming[0])
    else:
        del workers[pipe]
        worker.end()
    yield Outcome(finished, payload, None) if kind == _DONE else Outcome(finished, None, payload)


def _death(worker: _Worker) -> ErrorInfo:
    code = worker.process.exitcode
    how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
    if not worker.ready:
        raise DfdetectError(f"a worker process died before it could start ({how}); try --jobs 1 to see why")
    return ErrorInfo(ErrorCode.DECODER_CRASHED, f"the process that worked on it died ({how})", "decode")
