"""A service whose processes are killed at random points while files come in; and the count of what came of them.

python -m serve.killing sqlite|postgresql JOBS KILLS [SEED]        (from the folder `tests`)
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import sqlalchemy as sa

from dfdetect.serve.access import create_key
from dfdetect.serve.objects import Objects
from dfdetect.serve.settings import ServeSettings
from dfdetect.serve.store.engine import open_store
from dfdetect.serve.store.tables import deliveries, results, scans
from dfdetect.serve.supervise import environment_of
from serve.served import picture
from serve.stores import fresh_store, postgres_server
from tiny_bundle import make_tiny_bundle

LEASE_S = 2.0
WHAT = ("worker", "api", "both")
KILLS_IN_CI = 20  # on each kind of store


@dataclass(frozen=True)
class Count:
    """What came of it. lost: accepted (202) and not on record. doubled: more than one result or message of a scan.
    parked: dead letters. stuck: still open long after the last kill. left: objects that belong to nothing.
    """

    accepted: int
    kills: int
    statuses: dict[str, int]
    lost: int
    doubled: int
    parked: int
    stuck: int
    left: int


class Service:
    """`dfdetect serve` in processes of its own; killed and started again."""

    def __init__(self, settings: ServeSettings, folder: Path) -> None:
        self._environment = {**os.environ, **environment_of(settings)}
        self._log = (folder / "service.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None
        self.port = settings.port

    def start(self) -> None:
        command = [sys.executable, "-m", "dfdetect", "serve"]
        self._process = subprocess.Popen(
            command, env=self._environment, stdout=self._log, stderr=self._log, start_new_session=True
        )

    def wait_ready(self, seconds: float = 60.0) -> None:
        until = time.monotonic() + seconds
        while True:
            with contextlib.suppress(httpx2.TransportError):
                if httpx2.get(f"http://127.0.0.1:{self.port}/readyz", timeout=2.0).status_code == 200:
                    return
            assert time.monotonic() < until, f"the service did not come up within {seconds:g} s"
            time.sleep(0.05)

    def kill(self, what: str, chance: random.Random) -> None:
        """SIGKILL to a worker (or the clerk), to the API, or to all at once."""
        assert self._process is not None
        children = _children_of(self._process.pid)
        if what in ("worker", "both") and children:
            for pid in children if what == "both" else [chance.choice(children)]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if what in ("api", "both"):
            self._process.kill()
            self._process.wait()
            self.start()

    def pids(self) -> list[int]:
        """Of the API and of everything that it has started."""
        assert self._process is not None
        return [self._process.pid, *_children_of(self._process.pid)]

    def stop(self) -> float:
        """Seconds that SIGTERM took."""
        assert self._process is not None
        start = time.monotonic()
        self._process.terminate()
        self._process.wait(timeout=60)
        self._log.close()
        return time.monotonic() - start


def run(url: str, folder: Path, *, jobs: int, kills: int, seed: int = 0, port: int) -> Count:
    """Send jobs, kill, wait until all is quiet, count."""
    chance = random.Random(seed)
    bundle = make_tiny_bundle(folder / "tiny")
    settings = ServeSettings(
        data=folder / "data", database_url=url, port=port, workers=2, model=str(bundle), frames=2, lease_s=LEASE_S,
        free_reserve_bytes=0, callback_hosts=("127.0.0.1:9",), max_queued=100_000,
    )  # fmt: skip
    engine = open_store(url)
    secret = create_key(engine, "asker")[1]
    service = Service(settings, folder)
    service.start()
    points = sorted(chance.random() for _ in range(kills))
    accepted: list[str] = []
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=20.0) as client:
            for number in range(jobs):
                while points and points[0] <= number / jobs:
                    points.pop(0)
                    time.sleep(chance.random() * 0.4)
                    service.kill(chance.choice(WHAT), chance)
                accepted.append(_send(client, secret, number))
        for _ in points:
            service.kill(chance.choice(WHAT), chance)
        stuck = wait_until_quiet(engine, seconds=jobs * 2 + 10 * LEASE_S + 60)
    finally:
        service.stop()
    return counted(engine, Objects(settings.files_url), accepted, kills=kills, stuck=stuck)


def _send(client: httpx2.Client, secret: str, number: int) -> str:
    """Post one file until it is accepted, as a client that knows its Idempotency-Key does."""
    headers = {
        "authorization": f"Bearer {secret}", "content-type": "image/png", "idempotency-key": f"job-{number}",
    }  # fmt: skip
    options = {"callback_url": "http://127.0.0.1:9/hook", "external_id": str(number), "again": "true"}
    until = time.monotonic() + 60
    while True:
        try:
            answer = client.post("/v1/scans", content=picture(number, face=False), headers=headers, params=options)
            if answer.status_code in (200, 202):
                return str(answer.json()["id"])
            assert answer.status_code in (503, 507), answer.text
        except httpx2.TransportError:
            pass
        assert time.monotonic() < until, "the service did not come back within a minute"
        time.sleep(0.05)


def wait_until_quiet(engine: sa.Engine, seconds: float) -> int:
    """Scans still open after so long."""
    left = sa.select(sa.func.count()).select_from(scans).where(scans.c.status.in_(("queued", "running")))
    until = time.monotonic() + seconds
    while True:
        with engine.connect() as connection:
            n = int(connection.execute(left).scalar_one())
        if n == 0 or time.monotonic() > until:
            return n
        time.sleep(0.2)


def counted(
    engine: sa.Engine, objects: Objects, accepted: list[str], *, kills: int, stuck: int, callbacks: bool = True
) -> Count:
    """callbacks: each scan asked for a message; then one that is completed and was told of none counts as doubled."""

    def grouped(column: Any) -> Counter[Any]:
        with engine.connect() as connection:
            return Counter(connection.execute(sa.select(column)).scalars().all())

    with engine.connect() as connection:
        rows = {row["id"]: dict(row) for row in connection.execute(sa.select(scans)).mappings()}
    told = grouped(deliveries.c.subject_id)
    done = grouped(results.c.scan_id)
    dead = {name for name, row in rows.items() if row["error"] and row["error"].get("dead_letter")}
    doubled = [name for name in rows if max(told[name], done[name]) > 1]
    completed = [name for name in rows if name not in dead and rows[name]["status"] == "completed"]
    doubled += [name for name in completed if callbacks and told[name] != 1]
    prefixes = {row["result_prefix"] for row in rows.values()}
    folders = {"/".join(name.split("/")[:3]) for name in objects.names("results")}
    media = [name for name in objects.names("media") if name.split("/")[1] not in rows]
    return Count(
        accepted=len(accepted),
        kills=kills,
        statuses=dict(Counter(row["status"] for row in rows.values())),
        lost=len(set(accepted) - set(rows)) + abs(len(rows) - len(set(accepted))),
        doubled=len(doubled),
        parked=len(dead),
        stuck=stuck,
        left=len(folders - prefixes) + len(media),
    )


def _children_of(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


@contextlib.contextmanager
def store_for(kind: str, folder: Path) -> Iterator[str]:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(postgres_server()) if kind == "postgresql" else None
        yield stack.enter_context(fresh_store(kind, folder, server))


def main() -> None:
    kind, jobs, kills = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    with tempfile.TemporaryDirectory() as name, store_for(kind, Path(name)) as url:
        start = time.monotonic()
        count = run(url, Path(name), jobs=jobs, kills=kills, seed=seed, port=18_473)
        sys.stdout.write(f"{kind}: {count} in {time.monotonic() - start:.0f} s\n")


if __name__ == "__main__":
    main()
