"""The processes beside the API: workers, and the clerk (webhooks, forgetting). `dfdetect serve` starts them.

python -m dfdetect.serve.processes worker|clerk        settings from DFDETECT_SERVE_* and DATABASE_URL
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import sqlalchemy as sa
import structlog

from dfdetect.errors import UsageError, unknown_name
from dfdetect.serve.logs import set_up_logs
from dfdetect.serve.objects import Objects
from dfdetect.serve.settings import PREFIX, ServeSettings, load_serve_settings
from dfdetect.serve.store.engine import open_store
from dfdetect.serve.sweep import forget_left_behind, forget_media, forget_results
from dfdetect.serve.webhooks import Dispatcher
from dfdetect.serve.worker import Worker

PARENT_VARIABLE = f"{PREFIX}PARENT_PID"  # set by `supervise`
_IDLE_S = 0.5
_NICE = 5
_SWEEP_EVERY_S = 10.0
_CLEAN_EVERY_S = 600.0

log = structlog.get_logger()


def run_worker(settings: ServeSettings) -> None:
    """Work until SIGTERM or SIGINT."""
    _step_back()
    engine = open_store(settings.store_url)
    worker = Worker(engine, settings)
    on_stop(worker.end_soon)
    _end_with_parent(worker.end_soon)
    log.info("worker started", worker=worker.name)
    worker.run()
    engine.dispose()
    log.info("worker ended", worker=worker.name)


def _step_back() -> None:
    """Requests are answered before scans are worked on, where both want the same processor; children inherit it."""
    os.nice(_NICE)
    with contextlib.suppress(OSError):  # where sessions are weighed against each other and not processes (Linux)
        Path("/proc/self/autogroup").write_text(str(_NICE))


def run_clerk(settings: ServeSettings) -> None:
    """Send webhooks and forget what is due until SIGTERM or SIGINT. Several may run."""
    engine = open_store(settings.store_url)
    stop = threading.Event()
    on_stop(stop.set)
    _end_with_parent(stop.set)
    clerk = Clerk(engine, settings)
    while not stop.is_set():
        with contextlib.suppress(sa.exc.DBAPIError):  # the store is away for a moment: later
            if clerk.work_once():
                continue
        stop.wait(_IDLE_S)
    engine.dispose()


class Clerk:
    """One look at everything that is due."""

    def __init__(self, engine: sa.Engine, settings: ServeSettings) -> None:
        self._engine, self._settings = engine, settings
        self._objects = Objects(settings.files_url)
        self._dispatcher = Dispatcher(engine, callback_hosts=settings.callback_hosts)
        self._swept = self._cleaned = float("-inf")

    def work_once(self) -> bool:
        """True while there is more to do at once."""
        at = time.monotonic()
        if at - self._swept >= _SWEEP_EVERY_S:
            self._swept = at
            forget_media(self._engine, self._objects)
            forget_results(self._engine, self._objects, keep_idempotency_s=self._settings.keep_idempotency_s)
        if at - self._cleaned >= _CLEAN_EVERY_S:
            self._cleaned = at
            forget_left_behind(self._engine, self._objects, self._settings.spool)
        return self._dispatcher.send_one()


def on_stop(act: Callable[[], None]) -> None:
    """Call `act` at SIGTERM and SIGINT, instead of dying in the middle of something."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        act()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def _end_with_parent(act: Callable[[], None]) -> None:
    """Call `act` once the supervisor that started this process is gone: the next one starts workers of its own."""
    parent = os.environ.get(PARENT_VARIABLE)
    if parent is None:
        return

    def watch() -> None:
        while os.getppid() == int(parent):
            time.sleep(_IDLE_S)
        act()

    threading.Thread(target=watch, name="dfdetect-parent", daemon=True).start()


PROCESSES: dict[str, Callable[[ServeSettings], None]] = {"worker": run_worker, "clerk": run_clerk}


def main(arguments: list[str]) -> None:
    if len(arguments) != 1:
        raise UsageError(f"expected one of {', '.join(PROCESSES)}")
    if arguments[0] not in PROCESSES:
        raise unknown_name("process", arguments[0], PROCESSES)
    set_up_logs(as_json=not sys.stderr.isatty())
    PROCESSES[arguments[0]](load_serve_settings())


if __name__ == "__main__":
    main(sys.argv[1:])
