"""Peak memory of a scan of 10 s, 1 min and 10 min of 1080p, each in a fresh process.

    python benchmarks/memory.py [--model FOLDER] [--seconds 10 60 600]

The longer clips repeat the packets of the first one.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from machine import WORK, conditions, run, verdict

MOST_MB = 500
FLAT = 1.1  # the largest peak over the smallest


def peak_rss_mb() -> float:
    """Of this process. Linux keeps what a parent used in ru_maxrss of its child, so /proc is asked first."""
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def scan(clip: Path, model: str) -> dict[str, Any]:
    from dfdetect import Scanner

    scanner = Scanner(model)
    loaded_mb = peak_rss_mb()
    start = time.perf_counter()
    result = scanner.scan(clip)
    seconds = time.perf_counter() - start
    if result.media is None:
        raise SystemExit(f"the scan failed: {result.error}")
    return {
        "peak_mb": peak_rss_mb(),
        "loaded_mb": loaded_mb,
        "seconds": seconds,
        "frames_read": result.media.frames_read,
        "frame_count": result.media.info.frame_count,
    }


def compare(lengths_s: list[int], model: str) -> int:
    """Print the table; 1 when a goal is missed."""
    from clip import write_clip, write_long_clip

    short = write_clip(WORK / f"face_1080p_{lengths_s[0]}s.mp4", lengths_s[0])
    print(f"{conditions()}\n")
    print("| clip | peak MB | after loading | frames in it | looked at | scan s |\n|---|---|---|---|---|---|")
    peaks = []
    for length_s in lengths_s:
        clip = write_long_clip(WORK / f"face_1080p_{length_s}s.mp4", short, round(length_s / lengths_s[0]))
        found = run([sys.executable, __file__, "--measure", clip, "--model", model]).answer
        peaks.append(found["peak_mb"])
        print(
            f"| {length_s} s | {found['peak_mb']:.0f} | {found['loaded_mb']:.0f} | {found['frame_count']} "
            f"| {found['frames_read']} | {found['seconds']:.1f} |"
        )
    low, flat = max(peaks) <= MOST_MB, max(peaks) <= FLAT * min(peaks)
    print(f"\npeak {max(peaks):.0f} MB; aim <= {MOST_MB}: {verdict(low)}")
    print(f"largest / smallest {max(peaks) / min(peaks):.2f}; aim <= {FLAT} (flat): {verdict(flat)}")
    return int(not (low and flat))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="default", help="name or folder of a bundle")
    parser.add_argument("--seconds", type=int, nargs="+", default=[10, 60, 600], help="lengths of the clips")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(scan(options.measure, options.model)))
        return 0
    return compare(options.seconds, options.model)


if __name__ == "__main__":
    sys.exit(main())
