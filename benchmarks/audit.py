"""Seconds and peak memory of `data audit` on splits of a million samples, each in a fresh process.

    python benchmarks/audit.py [--rows 1000000] [--rounds 3]

The splits are generated: an index of ours with all its keys; a CSV of frames of a re-arranged FaceForensics++, whose
keys must be told from a million paths; one crop a line as DeepFake-Detect names them, split by frame; a JSON in the
form of DeepfakeBench; and a CSV of video files with no known names. All but the last leak.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from machine import WORK, conditions, run, spread, verdict
from memory import peak_rss_mb

MOST_SECONDS, MOST_MB = 60, 2000
SPLITS = np.array(["train", "val", "test"])
METHODS = np.array(["Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures"])


def by_chance(n: int, rng: np.random.Generator) -> np.ndarray:
    return SPLITS[rng.choice(3, n, p=[0.8, 0.1, 0.1])]


def write_index(path: Path, n: int) -> None:
    """A million clips: 3,000 people swapped at random, 50,000 uploads."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    target, donor, clip = rng.integers(0, 3000, n), rng.integers(0, 3000, n), np.arange(n)
    fake = rng.random(n) < 0.8
    original = np.where(fake, clip - clip % 5, clip)
    columns = {
        "path": [f"/data/big/{'fake' if f else 'real'}/{c:07d}.mp4" for f, c in zip(fake, clip, strict=True)],
        "label": np.where(fake, "fake", "real"),
        "dataset": np.full(n, "big"),
        "method": np.where(fake, METHODS[clip % 4], ""),
        "compression": np.full(n, "c23"),
        "video_id": [f"big/{c:07d}" for c in clip],
        "target_id": [f"big:{t}" for t in target],
        "donor_id": [f"big:{d}" if f else "" for d, f in zip(donor, fake, strict=True)],
        "pair_key": [f"big/{o:07d}" for o in original],
        "source_key": [f"upload:{c // 20}" for c in clip],
        "split": by_chance(n, rng),
        "kind": np.full(n, "video"),
    }
    pq.write_table(pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}), path)


def frame_paths(n: int) -> list[str]:
    """Frames of FaceForensics++ fakes in the folders of DeepfakeBench, 250 a clip."""
    above = "/data/rgb/FaceForensics++/manipulated_sequences"
    out = []
    for i in range(n):
        clip = i // 250
        name = f"{clip % 1000:03d}_{(clip * 7 + 1) % 1000:03d}"
        out.append(f"{above}/{METHODS[clip // 1000 % 4]}/c23/frames/{name}/{i % 250:03d}.png")
    return out


def write_frames(path: Path, n: int) -> None:
    _write_csv(path, frame_paths(n), by_chance(n, np.random.default_rng(0)))


def write_crops(path: Path, n: int) -> None:
    """Twenty crops of each of n/20 DFDC clips, dealt out one by one."""
    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    names = ["".join(row) for row in letters[rng.integers(0, 26, (-(-n // 20), 10))]]
    paths = [
        f"train_dataset/{'real' if i % 40 < 20 else 'fake'}/{names[i // 20]}-{i % 20:03d}-00.png" for i in range(n)
    ]
    _write_csv(path, paths, by_chance(n, rng))


def write_videos(path: Path, n: int) -> None:
    rng = np.random.default_rng(0)
    paths = [f"/somewhere/{'fake' if i % 2 else 'real'}/clip number {i}.mp4" for i in range(n)]
    _write_csv(path, paths, by_chance(n, rng))


def _write_csv(path: Path, paths: list[str], splits: np.ndarray) -> None:
    with path.open("w") as file:
        file.write("path,label,split\n")
        file.writelines(
            f"{p},{'fake' if '/fake/' in p or 'manip' in p else 'real'},{s}\n"
            for p, s in zip(paths, splits, strict=True)
        )


def write_json(path: Path, n: int) -> None:
    paths, found = frame_paths(n), {}
    for start in range(0, n, 250):
        frames = paths[start : start + 250]
        split = ("train", "val", "test")[start // 250 % 3]
        method, name = frames[0].split("/")[5], frames[0].split("/")[8]
        found.setdefault(f"FF-{method}", {}).setdefault(split, {}).setdefault("c23", {})[name] = {
            "label": f"FF-{method}", "frames": frames,
        }  # fmt: skip
    path.write_text(json.dumps({"FaceForensics++": found}))


CASES: dict[str, tuple[str, Callable[[Path, int], None]]] = {
    "index (Parquet)": ("index.parquet", write_index),
    "frame paths (CSV)": ("frames.csv", write_frames),
    "crops, split by frame (CSV)": ("crops.csv", write_crops),
    "DeepfakeBench (JSON)": ("bench.json", write_json),
    "videos of unknown names (CSV)": ("videos.csv", write_videos),
}


def measure(path: Path) -> None:
    from dfdetect.data.audit import audit

    start = time.perf_counter()
    report = audit(path)
    seconds = time.perf_counter() - start
    kinds = sorted({leak.kind for leak in report.leaks})
    print(json.dumps({"seconds": seconds, "peak_mb": peak_rss_mb(), "kinds": kinds}))


def compare(n: int, rounds: int) -> int:
    """Print the table; 1 when a goal is missed."""
    WORK.mkdir(parents=True, exist_ok=True)
    print(f"{conditions()}; {n:,} samples, {rounds} rounds\n")
    print("| split | seconds, median (range) | peak MB | leaks found | |\n|---|---|---|---|---|")
    missed = False
    for name, (file_name, write) in CASES.items():
        path = WORK / f"audit_{n}_{file_name}"
        if not path.exists():
            write(path, n)
        found = [run([sys.executable, __file__, "--measure", path]).answer for _ in range(rounds)]
        seconds, peak = [row["seconds"] for row in found], max(row["peak_mb"] for row in found)
        held = max(seconds) <= MOST_SECONDS and peak <= MOST_MB
        missed |= not held
        print(f"| {name} | {spread(seconds, 1)} | {peak:.0f} | {', '.join(found[0]['kinds'])} | {verdict(held)} |")
    print(f"\naim: at most {MOST_SECONDS} s and {MOST_MB} MB")
    return int(missed)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure)
        return 0
    return compare(options.rows, options.rounds)


if __name__ == "__main__":
    sys.exit(main())
