"""Seconds until something is there, in fresh processes: import, --version, and the first scan of a photo.

    python benchmarks/startup.py [--model FOLDER] [--rounds 5]

Files come from the disk cache of the operating system, as in a second call of the day.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

from machine import WORK, conditions, quiet_run, spread, verdict

_IMPORT = """
import json, time
start = time.perf_counter()
import dfdetect
print(json.dumps({"seconds": time.perf_counter() - start}))
"""


def measure(photo: Path, model: str, rounds: int) -> int:
    """Print the table; 1 when a goal is missed."""
    command = [sys.executable, "-m", "dfdetect"]
    measures: list[tuple[str, float | None, Callable[[], float]]] = [
        ("import dfdetect", 0.2, lambda: float(quiet_run([sys.executable, "-c", _IMPORT]).answer["seconds"])),
        ("dfdetect --version", None, lambda: quiet_run([*command, "--version"]).seconds),
        ("dfdetect scan one.jpg", 2.0, lambda: quiet_run([*command, "scan", "--model", model, photo]).seconds),
    ]
    print(f"{conditions()}\n\n| what | seconds, median (range) of {rounds} | aim | |\n|---|---|---|---|")
    missed = False
    for name, most, seconds in measures:
        seconds()  # fills the disk cache
        found = [seconds() for _ in range(rounds)]
        held = most is None or statistics.median(found) <= most
        missed |= not held
        aim = " | " if most is None else f"<= {most:g} | {verdict(held)}"
        print(f"| {name} | {spread(found)} | {aim} |")
    return int(missed)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="default", help="name or folder of a bundle")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    from clip import write_photo

    return measure(write_photo(WORK / "face_1080p.jpg"), options.model, options.rounds)


if __name__ == "__main__":
    sys.exit(main())
