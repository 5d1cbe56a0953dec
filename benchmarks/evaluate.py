"""How long, and in how much memory, a large evaluation's metrics and report are made again from its stored scores.

    python benchmarks/evaluate.py                       # 100,000 videos, 8 frames each
    python benchmarks/evaluate.py --videos 10000 --frames 32 --people 0 --report out/

The scores are drawn, not scanned: 5 datasets of half reals and 4 methods, in 2 compressions; the files that they are
written to are read again by the same code as those of `dfdetect evaluate`. --people: whose clips they are; 0 = every
clip is its own group, the most work for a bootstrap.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from machine import conditions, run, verdict

from dfdetect.evaluate.assemble import ReportOptions, reports_of
from dfdetect.evaluate.report.write import write_report
from dfdetect.evaluate.run_file import FRAME_SCORES, SCORES
from dfdetect.evaluate.score_set import ScoreSet
from dfdetect.evaluate.score_table import FrameTable, ScoreTable

ASKED, MOST_S, MOST_MIB = 100_000, 60, 2e9 / 2**20
DATASETS, METHODS, COMPRESSIONS = 5, 4, ("c23", "c40")


def drawn_scores(n: int, n_frames: int, people: int, rng: np.random.Generator) -> tuple[ScoreTable, FrameTable]:
    """Logits around -1 of reals and +1 of fakes, with an offset for the dataset and one for each video's frames."""
    label = rng.integers(0, 2, n).astype(np.int8)
    dataset, method = rng.integers(0, DATASETS, n), rng.integers(0, METHODS, n)
    status = np.where(rng.random(n) < 0.02, "no_face", np.where(rng.random(n) < 0.01, "timeout", "ok"))
    ok = status == "ok"
    own = rng.normal(2.0 * label - 1.0 + 0.3 * dataset, 1.5)
    logit = np.where(ok, own, np.nan)
    probability = 1 / (1 + np.exp(-logit))
    verdict = np.where(probability > 0.8, "likely_manipulated", "inconclusive")
    verdict = np.where(probability < 0.4, "no_manipulation_found", verdict)
    number = np.arange(n)
    columns = {
        "path": np.char.add("videos/clip_", np.char.zfill(number.astype(str), 6)),
        "dataset": np.char.add("set", dataset.astype(str)),
        "source": np.char.add("source", (dataset * 2 + number % 2).astype(str)),
        "method": np.where(label == 1, np.char.add("swap", method.astype(str)), ""),
        "compression": np.array(COMPRESSIONS)[rng.integers(0, 2, n)],
        "split": np.full(n, "test"),
        "group": np.char.add("person", (rng.integers(0, people, n) if people else number).astype(str)),
        "kind": np.full(n, "video"),
        "status": status,
        "verdict": np.where(ok, verdict, ""),
        "label": label,
        "probability": probability,
        "logit": logit,
        "n_tracks": np.ones(n, np.int32),
        "n_frames": np.full(n, n_frames, np.int32),
        "usable": ok,
        "decided": ok & (verdict != "inconclusive"),
    }
    video = np.repeat(np.flatnonzero(ok), n_frames).astype(np.int32)
    m = len(video)
    frame_logit = own[video] + rng.normal(0, 0.7, m)
    frames = {
        "video": video,
        "frame_index": np.tile(np.arange(n_frames, dtype=np.int32), ok.sum()),
        "time_s": np.tile(np.arange(n_frames) / 2.0, ok.sum()),
        "track_id": np.zeros(m, np.int32),
        "probability": 1 / (1 + np.exp(-frame_logit)),
        "logit": frame_logit,
        "face_px": np.full(m, 160, np.float32),
        "blur": np.full(m, 0.1, np.float32),
        "yaw_deg": np.zeros(m, np.float32),
        "pooled": np.ones(m, bool),
    }
    return ScoreTable(columns), FrameTable(frames)


def measure_files(folder: Path, draws: int, seed: int, report: Path) -> dict[str, float]:
    """Everything from the two files to HTML, JSON and Markdown, in this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    table = ScoreTable.from_parquet(folder / SCORES)
    frames = FrameTable.from_parquet(folder / FRAME_SCORES, table) if (folder / FRAME_SCORES).is_file() else None
    read = time.process_time() - cpu
    reports = reports_of([ScoreSet("drawn", table, frames, None)], ReportOptions(seed=seed, draws=draws))
    measured = time.process_time() - cpu
    paths = write_report(report, reports)
    return {
        "seconds": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "read": read,
        "measure": measured - read,
        "blocks": len(reports[0].blocks),
        "mb": sum(path.stat().st_size for path in paths) / 1e6,
        "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=100_000)
    parser.add_argument("--frames", type=int, default=8, help="of each video; 0 = no frame scores")
    parser.add_argument("--people", type=int, default=0)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--report", type=Path, help="folder to keep the report in")
    parser.add_argument("--only", type=Path, help="measure the files of this folder, and print JSON")
    args = parser.parse_args()
    if args.only:
        print(json.dumps(measure_files(args.only, args.draws, args.seed, args.report or args.only)))
        return
    print(conditions())
    with TemporaryDirectory() as folder:
        table, frames = drawn_scores(args.videos, args.frames, args.people, np.random.default_rng(args.seed))
        table.to_parquet(Path(folder, SCORES))
        if args.frames:
            frames.to_parquet(Path(folder, FRAME_SCORES), table)
        del table, frames
        # Of its own, so that the memory is that of measuring alone.
        command = [sys.executable, __file__, "--only", folder, f"--draws={args.draws}", f"--seed={args.seed}"]
        done = run([*command, *([f"--report={args.report}"] if args.report else [])])
    found = done.answer
    groups = args.people or args.videos
    print(
        f"{args.videos:,} videos, {args.frames} frames each, {groups:,} groups, {args.draws} draws: "
        f"{found['seconds']:.1f} s; {found['cpu']:.1f} s of CPU (reading {found['read']:.1f}, measuring "
        f"{found['measure']:.1f}), {found['blocks']} blocks, {found['mb']:.1f} MB of report, largest memory "
        f"{found['mib']:.0f} MiB; others took {done.taken:.0%} of the cores"
    )
    if args.videos == ASKED:
        print(f"<= {MOST_S} s: {verdict(found['seconds'] <= MOST_S)}; <= 2 GB: {verdict(found['mib'] <= MOST_MIB)}")


if __name__ == "__main__":
    main()
