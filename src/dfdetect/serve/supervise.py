"""`dfdetect serve`: start the API here, workers and the clerk beside it, and start again what dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import sqlalchemy as sa
import structlog
import uvicorn

from dfdetect.errors import UsageError
from dfdetect.serve.access import create_key, end_secret, renew_key
from dfdetect.serve.api.app import make_app
from dfdetect.serve.logs import set_up_logs
from dfdetect.serve.processes import PARENT_VARIABLE, on_stop
from dfdetect.serve.settings import PREFIX, ServeSettings
from dfdetect.serve.store.engine import open_store, upgrade
from dfdetect.serve.store.tables import keys
from dfdetect.serve.worker import refuse_unusable

ONE_RUN = "this run"  # name of the key that is printed at start: its secret ends with the run, its scans stay
_AGAIN_S = (0.5, 30.0)  # first wait before a process that died is started again, and the longest
_LONG_LIVED_S = 60.0

log = structlog.get_logger()


def run_service(settings: ServeSettings) -> None:
    """Serve until SIGTERM or Ctrl-C. UsageError, ModelUnusable: with what is missing, before anything is started."""
    set_up_logs(as_json=settings.log_json and not sys.stderr.isatty())
    refuse_unusable(settings.model)
    engine = ready_store(settings)
    _refuse_open_door(engine, settings)
    key_id, secret = _key_of_this_run(engine) if settings.is_loopback else ("", "")
    children = [Child("worker", settings) for _ in range(settings.workers)]
    if settings.workers:
        children.append(Child("clerk", settings))
    watch = threading.Thread(target=_watch, args=(children,), name="dfdetect-watch", daemon=True)
    server = uvicorn.Server(
        uvicorn.Config(
            make_app(settings), host=settings.host, port=settings.port, log_config=None, access_log=False,
            server_header=False, date_header=True, timeout_keep_alive=20, h11_max_incomplete_event_size=32_768,
            timeout_graceful_shutdown=5,
        )
    )  # fmt: skip
    told = threading.Thread(target=_tell, args=(server, settings, secret), name="dfdetect-tell", daemon=True)
    # uvicorn sends itself the signal again once it has ended; that must not kill us before the others are stopped.
    on_stop(lambda: None)
    try:
        for child in children:
            child.start()
        watch.start()
        told.start()
        server.run()
    finally:
        for child in children:
            child.stop()
        for child in children:
            child.wait(settings.drain_s + 4)
        if key_id:
            end_secret(engine, key_id)
        engine.dispose()


def ready_store(settings: ServeSettings) -> sa.Engine:
    """The store with the schema of this version."""
    settings.data.mkdir(parents=True, exist_ok=True)
    engine = open_store(settings.store_url)
    upgrade(engine)
    return engine


class Child:
    """One process that is started again when it dies, more slowly each time until it lives for a minute."""

    def __init__(self, what: str, settings: ServeSettings) -> None:
        self.what = what
        self._environment = {**os.environ, **environment_of(settings), PARENT_VARIABLE: str(os.getpid())}
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False
        self._started = self._wait_s = 0.0
        self._not_before = 0.0

    def start(self) -> None:
        self._started = time.monotonic()
        command = [sys.executable, "-m", "dfdetect.serve.processes", self.what]
        # A session of its own: Ctrl-C in a terminal goes to us alone, and we stop the others in order.
        self._process = subprocess.Popen(command, env=self._environment, start_new_session=True)

    def look(self) -> None:
        """Start it again if it has died and its time has come."""
        if self._stopped or self._process is None or self._process.poll() is None:
            return
        now = time.monotonic()
        if self._not_before <= self._started:
            lived = now - self._started
            self._wait_s = (
                _AGAIN_S[0] if lived > _LONG_LIVED_S else min(_AGAIN_S[1], max(_AGAIN_S[0], 2 * self._wait_s))
            )
            self._not_before = now + self._wait_s
            log.error("process died", what=self.what, code=self._process.returncode, again_in_s=self._wait_s)
        elif now >= self._not_before:
            self.start()

    def stop(self) -> None:
        self._stopped = True
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def wait(self, seconds: float) -> None:
        if self._process is None:
            return
        try:
            self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def environment_of(settings: ServeSettings) -> dict[str, str]:
    """The settings as variables, for processes beside this one."""
    found = {"DATABASE_URL": settings.store_url}
    for name, value in settings.model_dump(mode="json").items():
        if value is None or value == "":
            continue
        found[f"{PREFIX}{name.upper()}"] = value if isinstance(value, str) else json.dumps(value)
    return found


def _refuse_open_door(engine: sa.Engine, settings: ServeSettings) -> None:
    if settings.is_loopback or settings.public:
        return
    live = sa.select(sa.func.count()).select_from(keys)
    live = live.where(keys.c.revoked_at.is_(None), sa.not_(keys.c.visitor), keys.c.name != ONE_RUN)
    with engine.connect() as connection:
        if connection.execute(live).scalar_one():
            return
    raise UsageError(
        f"{settings.host} can be reached by others and there is no key yet: make one with "
        "`dfdetect serve keys add NAME`, or let anybody scan with --public"
    )


def _key_of_this_run(engine: sa.Engine) -> tuple[str, str]:
    """A secret with every scope. It is of the same key in every run, so that one's scans are there after a restart."""
    last = sa.select(keys.c.id).where(keys.c.name == ONE_RUN).order_by(keys.c.created_at.desc()).limit(1)
    with engine.connect() as connection:
        key_id = connection.execute(last).scalar()
    if key_id is None:
        return create_key(engine, ONE_RUN, ("scan", "read", "admin"))
    return key_id, renew_key(engine, key_id)


def _tell(server: uvicorn.Server, settings: ServeSettings, secret: str) -> None:
    """Print where it is once it answers: the address, and the key behind `#`, which no log and no server sees."""
    while not server.started:
        if server.should_exit:
            return
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    if secret:
        sys.stdout.write(f"dfdetect is at http://{host}:{port}/#key={secret}\n")
        sys.stdout.write(f"API key of this run: {secret}\n")
    else:
        sys.stdout.write(f"dfdetect is at http://{host}:{port}/\n")
    sys.stdout.flush()


def _watch(children: list[Child]) -> None:
    while True:
        for child in children:
            child.look()
        time.sleep(0.2)
