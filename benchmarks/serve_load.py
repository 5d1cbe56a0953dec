"""The service under load, on the loopback: accepts and status reads a second, a full queue, memory over many jobs.

    python benchmarks/serve_load.py --seconds 20 --clients 16
    python benchmarks/serve_load.py --seconds 600 --clients 4 --reads 1 --kill-every 10
    python benchmarks/serve_load.py --seconds 0 --soak 20000

Run with PYTHONPATH=tests: it uses their tiny model (what is measured is the service, not the network) and their killer.
Starts `dfdetect serve` itself, with two workers and SQLite in a temporary folder (DATABASE_URL is obeyed), and prints
the figures of docs/service.md. Where workers were killed, it waits for the queue to empty and counts what came of every
accepted file.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx2
import numpy as np
import sqlalchemy as sa
from machine import conditions

from dfdetect.media.roundtrip import encode_png
from dfdetect.serve.access import create_key
from dfdetect.serve.objects import Objects
from dfdetect.serve.settings import ServeSettings
from dfdetect.serve.supervise import ready_store
from serve.killing import Service, counted, wait_until_quiet
from tiny_bundle import make_tiny_bundle

PORT = 18_933
SOAKERS = 4  # connections of the soak: two workers stay busy, and the queue short
SWEPT_S = 5.0  # the clerk takes away what a killed worker left


def picture(kilobytes: int, rng: np.random.Generator) -> bytes:
    """A PNG of noise of about this size, another one at every call."""
    side = int((kilobytes * 1024 / 3) ** 0.5)
    return encode_png(rng.integers(0, 256, (side, side, 3), dtype=np.uint8))


class Load:
    """Clients that post and read for some seconds; every answer is counted and timed."""

    def __init__(self, key: str, kilobytes: int) -> None:
        self._headers = {"authorization": f"Bearer {key}", "content-type": "image/png"}
        self._kilobytes = kilobytes
        self.post_s: list[float] = []
        self.get_s: list[float] = []
        self.refused_s: list[float] = []
        self.no_retry_after = 0
        self.statuses: Counter[int] = Counter()
        self.accepted: list[str] = []

    def run(self, clients: int, seconds: float, *, reads: int) -> None:
        until = time.monotonic() + seconds
        threads = [threading.Thread(target=self._client, args=(n, until, reads)) for n in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _client(self, number: int, until: float, reads: int) -> None:
        rng = np.random.default_rng(number)
        body = bytearray(picture(self._kilobytes, rng))
        with httpx2.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=30, headers=self._headers) as client:
            scan = ""
            while time.monotonic() < until:
                body[-8:] = rng.bytes(8)  # another file each time, at no cost
                start = time.monotonic()
                try:
                    answer = client.post("/v1/scans", content=bytes(body))
                except httpx2.TransportError:
                    self.statuses[0] += 1
                    time.sleep(0.2)
                    continue
                took_s = time.monotonic() - start
                self.post_s.append(took_s)
                if answer.status_code in (429, 503):
                    self.refused_s.append(took_s)
                    self.no_retry_after += "retry-after" not in answer.headers
                self.statuses[answer.status_code] += 1
                if answer.status_code == 202:
                    scan = answer.json()["id"]
                    self.accepted.append(scan)
                for _ in range(reads if scan else 0):
                    start = time.monotonic()
                    try:
                        client.get(f"/v1/scans/{scan}")
                    except httpx2.TransportError:
                        break
                    self.get_s.append(time.monotonic() - start)


def quantile_ms(seconds: list[float], share: float) -> float:
    return 1000 * float(np.quantile(seconds, share)) if seconds else float("nan")


def memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20, help="0: no load")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--kilobytes", type=int, default=200)
    parser.add_argument("--reads", type=int, default=6, help="status reads after each post")
    parser.add_argument("--kill-every", type=float, default=0, help="kill a worker every so many seconds")
    parser.add_argument("--full", action="store_true", help="a queue of 8, so that nearly every post is turned away")
    parser.add_argument("--soak", type=int, default=0, help="jobs to run through, with the memory before and after")
    args = parser.parse_args()
    print(conditions(), flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = ServeSettings(
            data=folder / "data", database_url=os.environ.get("DATABASE_URL", ""), port=PORT, workers=2,
            model=str(make_tiny_bundle(folder / "tiny")), frames=2, free_reserve_bytes=0,
            max_queued=8 if args.full else 1_000_000,
        )  # fmt: skip
        engine = ready_store(settings)
        key = create_key(engine, "load")[1]
        service = Service(settings, folder)
        start = time.monotonic()
        service.start()
        service.wait_ready()
        print(f"ready after {time.monotonic() - start:.1f} s (A13: 3 s)", flush=True)
        objects = Objects(settings.files_url)
        try:
            if args.seconds:
                _loaded(service, key, args, lambda load, kills: _came_of_it(engine, objects, load, kills))
            if args.soak:
                _soak(service, key, args.soak, objects)
        finally:
            print(f"drained in {service.stop():.1f} s (A13: 20 s)")


def _loaded(service: Service, key: str, args: argparse.Namespace, count: Callable[[Load, int], None]) -> None:
    stop = threading.Event()
    kills: list[float] = []
    killer = threading.Thread(target=_kill_workers, args=(service, args.kill_every, stop, kills))
    if args.kill_every:
        killer.start()
    load = Load(key, args.kilobytes)
    load.run(args.clients, args.seconds, reads=args.reads)
    stop.set()
    print(
        f"accepts {len(load.accepted) / args.seconds:.0f}/s (50), p50 {quantile_ms(load.post_s, 0.5):.0f} ms, "
        f"p99 {quantile_ms(load.post_s, 0.99):.0f} ms (500); "
        f"status reads {len(load.get_s) / args.seconds:.0f}/s (300), p99 "
        f"{quantile_ms(load.get_s, 0.99):.0f} ms (50); answers {dict(load.statuses)}"
    )
    if load.refused_s:
        print(
            f"turned away in {quantile_ms(load.refused_s, 0.5):.0f} ms, p99 {quantile_ms(load.refused_s, 0.99):.0f} ms "
            f"(50); without Retry-After: {load.no_retry_after}"
        )
    if args.kill_every:
        killer.join()
        count(load, len(kills))


def _came_of_it(engine: sa.Engine, objects: Objects, load: Load, kills: int) -> None:
    """Of every file that was accepted: on record, ended once, nothing left behind."""
    stuck = wait_until_quiet(engine, seconds=1800)
    time.sleep(SWEPT_S)
    print(counted(engine, objects, load.accepted, kills=kills, stuck=stuck, callbacks=False), flush=True)


def _kill_workers(service: Service, every_s: float, stop: threading.Event, kills: list[float]) -> None:
    while not stop.wait(every_s):
        service.kill("worker", random.Random())
        kills.append(time.monotonic())


def _soak(service: Service, key: str, jobs: int, objects: Objects) -> None:
    """Jobs one after the other over a few connections; memory, descriptors and media after a fifth, and at the end."""

    def seen() -> dict[str, float]:
        pids = service.pids()
        return {
            "memory_mb": sum(memory_mb(pid) for pid in pids),
            "descriptors": sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids),
            "media": len(list(objects.names("media"))),
        }

    headers = {"authorization": f"Bearer {key}", "content-type": "image/png"}
    statuses: Counter[str] = Counter()

    def client(number: int, n: int) -> None:
        rng = np.random.default_rng(number)
        body = bytearray(picture(4, rng))
        with httpx2.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=60, headers=headers) as http:
            for _ in range(n):
                body[-8:] = rng.bytes(8)
                answer = http.post("/v1/scans", content=bytes(body), headers={"prefer": "wait=30"})
                statuses[answer.json().get("status", answer.status_code)] += 1

    marks: list[tuple[int, dict[str, float]]] = []
    parts = 20
    for part in range(parts):
        threads = [
            threading.Thread(target=client, args=(part * SOAKERS + n, jobs // parts // SOAKERS)) for n in range(SOAKERS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        marks.append((sum(statuses.values()), seen()))
        print(f"{marks[-1][0]} jobs: {marks[-1][1]}", flush=True)
    settled = marks[parts // 5 :]
    done, memory = (
        np.array(column, float) for column in zip(*((n, one["memory_mb"]) for n, one in settled), strict=True)
    )
    slope = 1000 * np.polyfit(done, memory, 1)[0]
    held = " -> ".join(f"{one[1]['descriptors']:.0f}" for one in (settled[0], settled[-1]))
    print(
        f"soak: {dict(statuses)}, memory {slope:+.2f} MB per 1,000 jobs after the first fifth (1), descriptors {held}, "
        f"media left {settled[-1][1]['media']:.0f}"
    )


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main()
