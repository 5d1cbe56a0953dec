"""Seconds until something is there, in fresh processes: import, --version, and the first scan of a photo.

    python benchmarks/startup.py [--model FOLDER] [--rounds 5]

Files come from the disk cache of the operating system, as in a second call of the day.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from machine import WORK, answer_of, conditions, spread, verdict

_IMPORT = """
import json, time
start = time.perf_counter()
import dfdetect
print(json.dumps({"seconds": time.perf_counter() - start}))
"""


def seconds_of(command: list[str]) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return seconds


def import_seconds() -> float:
    return float(answer_of([sys.executable, "-c", _IMPORT])["seconds"])


def measure(photo: Path, model: str, rounds: int) -> int:
    """Print the table; 1 when a goal is missed."""
    command = [sys.executable, "-m", "dfdetect"]
    measures = [
        ("import dfdetect", 0.2, import_seconds),
        ("dfdetect --version", None, lambda: seconds_of([*command, "--version"])),
        ("dfdetect scan one.jpg", 2.0, lambda: seconds_of([*command, "scan", "--model", model, str(photo)])),
    ]
    print(f"{conditions()}\n\n| what | seconds, median (range) of {rounds} | aim | |\n|---|---|---|---|")
    missed = False
    for name, most, run in measures:
        run()  # fills the disk cache
        found = [run() for _ in range(rounds)]
        held = most is None or statistics.median(found) <= most
        missed |= not held
        print(f"| {name} | {spread(found)} | {'' if most is None else f'<= {most:g}'} | {verdict(held)} |")
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
