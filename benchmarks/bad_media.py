"""What the media reader says of a folder of hostile and odd files: a table of codes, and what must not happen.

    python benchmarks/bad_media.py FOLDER [--frames 8] [--seconds 10] [--out FILE.csv]

Every file is opened and its first frames are taken, in child processes that each work through files until one takes
longer than the limit; that file reads `timeout`, a child that dies reads `crashed`. Exit code 1 when there was an
uncaught exception, an `internal`, a crash or a time-out.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing as mp
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

_BAD = ("internal", "uncaught", "crashed", "timeout")
_SLOW_S = 1.0
_MOST_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Outcome:
    path: str
    code: str
    note: str
    seconds: float
    peak_mb: float


def read_one(path: str, max_frames: int) -> tuple[str, str]:
    """(code, note): "ok" and what was read, an error code and its message, or "uncaught"."""
    from dfdetect.errors import MediaError
    from dfdetect.media.reader import open_media

    try:
        with open_media(path) as media:
            indices = range(min(max_frames, media.info.frame_count))
            given = [(frame.index, frame.image.shape) for frame in media.frames(indices)]
            info = media.info
    except MediaError as error:
        return str(error.code), f"[{error.stage}] {error.message}"
    except BaseException as error:  # noqa: BLE001 - to count what gets past the boundary is the point here
        return "uncaught", f"{type(error).__name__}: {error}"
    if any(shape != (info.height_px, info.width_px, 3) for _, shape in given):
        return "uncaught", f"frames of {given} where info says {info.width_px} x {info.height_px}"
    return "ok", f"{info.kind} {info.container} {info.codec} {info.frame_count} frames, {len(given)} given"


def _child(connection: Connection, max_frames: int) -> None:
    while (path := connection.recv()) is not None:
        started = time.monotonic()
        code, note = read_one(path, max_frames)
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        connection.send(Outcome(path, code, note, time.monotonic() - started, peak_mb))


def read_all(paths: Iterable[Path], max_frames: int, limit_s: float) -> list[Outcome]:
    """One outcome a path. A child lives until it hangs, dies, or its peak memory passes 1 GB."""
    context = mp.get_context("spawn")
    outcomes: list[Outcome] = []
    child = None
    for path in paths:
        if child is None:
            here, there = context.Pipe()
            child = context.Process(target=_child, args=(there, max_frames), daemon=True)
            child.start()
            there.close()
        here.send(str(path))
        outcome = _answer(here, str(path), limit_s)
        outcomes.append(outcome)
        if outcome.code in ("timeout", "crashed") or outcome.peak_mb > 1000:
            child.kill()
            child.join()
            child = None
    if child is not None:
        here.send(None)
        child.join()
    return outcomes


def _answer(here: Connection, path: str, limit_s: float) -> Outcome:
    try:
        if not here.poll(limit_s):
            return Outcome(path, "timeout", f"no answer within {limit_s:g} s", limit_s, 0.0)
        outcome: Outcome = here.recv()
        return outcome
    except (EOFError, ConnectionError):
        return Outcome(path, "crashed", "the child process died", 0.0, 0.0)


def report(outcomes: list[Outcome]) -> int:
    counts = Counter(outcome.code for outcome in outcomes)
    print(f"| outcome | files of {len(outcomes)} |\n|---|---|")
    for code, n in counts.most_common():
        print(f"| {code} | {n} |")
    seconds = sorted(outcome.seconds for outcome in outcomes)
    print(f"\nseconds a file: median {seconds[len(seconds) // 2]:.3f}, longest {seconds[-1]:.2f}")
    print(f"peak memory of a child: {max(outcome.peak_mb for outcome in outcomes):.0f} MB")
    print(f"{', '.join(f'{code} {counts[code]}' for code in _BAD)} (aim: 0 each)")
    notable = [outcome for outcome in outcomes if outcome.code in _BAD or outcome.seconds > _SLOW_S]
    for outcome in notable[:_MOST_SHOWN]:
        print(f"  {outcome.code} {outcome.seconds:.2f} s {outcome.path}: {outcome.note}")
    return int(any(counts[code] for code in _BAD))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--frames", type=int, default=8, help="take the first N frames of each file")
    parser.add_argument("--seconds", type=float, default=10.0, help="time limit a file")
    parser.add_argument("--out", type=Path, help="write every outcome to this CSV file")
    options = parser.parse_args()
    paths = sorted(path for path in options.folder.rglob("*") if path.is_file())
    if not paths:
        parser.error(f"no files under {options.folder}")
    outcomes = read_all(paths, options.frames, options.seconds)
    if options.out:
        with options.out.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("path", "code", "seconds", "peak_mb", "note"))
            writer.writerows((o.path, o.code, f"{o.seconds:.3f}", f"{o.peak_mb:.0f}", o.note) for o in outcomes)
    return report(outcomes)


if __name__ == "__main__":
    sys.exit(main())
