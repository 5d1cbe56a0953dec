"""Seconds and memory of `dfdetect data index` on 120,000 names: a DFDC-sized tree of one-byte files, made here.

    python benchmarks/index.py [--videos 120000] [--rounds 3]

The tree lies in the disk cache of the operating system when it is read, as after a download.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import string
import sys
from pathlib import Path

from machine import WORK, conditions, run, spread, verdict

PARTS = 50
AIM_S = 20.0


def make_tree(root: Path, videos: int) -> None:
    """dfdc_train_part_N/{metadata.json, NAME.mp4}: five fakes to every real, as in the published set."""
    names = random.Random(20200331)
    for part in range(PARTS):
        folder = root / f"dfdc_train_part_{part}"
        if (folder / "metadata.json").exists():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        rows: dict[str, dict[str, str | None]] = {}
        original = ""
        while len(rows) < videos // PARTS:
            name = "".join(names.choices(string.ascii_lowercase, k=10)) + ".mp4"
            fake = len(rows) % 6 != 0
            original = original if fake else name
            rows[name] = {"label": "FAKE" if fake else "REAL", "split": "train", "original": original if fake else None}
            (folder / name).write_bytes(b"x")
        (folder / "metadata.json").write_text(json.dumps(rows))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=120_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    root = WORK / f"dfdc_{options.videos}"
    make_tree(root, options.videos)
    command = [sys.executable, "-m", "dfdetect", "data", "index", root, "-o", WORK / "index.parquet"]
    runs = [run(command) for _ in range(options.rounds)]
    seconds = [one.seconds for one in runs]
    held = statistics.median(seconds) <= AIM_S
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{conditions()}\n\n| what | measured | aim | |\n|---|---|---|---|")
    print(f"| index of {options.videos:,} names, seconds | {spread(seconds)} | <= {AIM_S:g} | {verdict(held)} |")
    print(f"| peak memory | {peak_mb:.0f} MB | | |")
    print(f"\n{runs[-1].output}")
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
