"""Faces out of clips per second: `dfdetect prepare` against the usual loop, in alternating fresh processes.

    benchmarks/peers/setup                                   # once; builds the peer's environment
    python benchmarks/prepare.py ../shared/data/eval.csv [--rounds 3] [--clips 20] [--times 5] [--only 32]
    python benchmarks/prepare.py --memory                    # peak memory of 2, 20 and 200 clips

The clips are 20 of a CSV list, spread evenly over it and cut to their first two seconds for "every frame", and 10 s of
1080p (benchmarks/clip.py). Both sides look at the same number of frames. Three ratios of faces a second: both from the
start of their processes; ours from the call of `prepare`, which starts processes, and the peer from the moment its
networks are warm; and by processor time of the second kind, which other work on the machine disturbs least. --times
takes the list so many times under other names, so that the start counts for less. Recall: frames with a face, of those
in which either side found one. The peer keeps what MTCNN is 90 % sure of; ours keeps faces of 20 px and more, as
MTCNN's own limit is, with --faces all.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
from machine import WORK, conditions, run, spread, verdict

LEAST_OF_PEER = 8.0
PEER = Path(__file__).parent / "peers" / "usual_faces.py"
PEER_PYTHON = Path(__file__).parents[1] / ".venv-peer" / "bin" / "python"
EVERY_FRAME_S = 2.0
FLAT = 1.1


def start_of(path: Path, seconds: float, target: Path) -> Path:
    """The first seconds of a clip, its packets as they are."""
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path)) as source, av.open(str(target), "w") as copy:
        stream = source.streams.video[0]
        out = copy.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.dts is None or float(packet.dts * packet.time_base) > seconds:
                continue
            packet.stream = out
            copy.mux(packet)
    return target


def measure_ours(clips: Sequence[Path], frames: int, out: Path) -> dict[str, Any]:
    """Seconds of one call of `prepare`, with the start of its processes."""
    from dfdetect.data.prepare import PrepareOptions
    from dfdetect.data.prepare.run import prepare
    from dfdetect.data.sample import Sample
    from dfdetect.data.shards import read_columns
    from dfdetect.values import Label

    samples = [
        Sample(str(c), str(c.parent), Label.REAL, "clips", f"{n}-{c.name}", "video") for n, c in enumerate(clips)
    ]
    every = {"every_s": 1e-3} if frames == 0 else {"frames": frames}
    options = PrepareOptions(min_face_px=20, faces="all", **every)  # type: ignore[arg-type]
    start, cpu_s = time.perf_counter(), _cpu_s()
    done = prepare(samples, out, options, jobs=2)
    seconds, cpu_s = time.perf_counter() - start, _cpu_s() - cpu_s
    columns = read_columns(out, ["video_id", "frame_index"]).to_pydict()
    with_face: dict[str, set[int]] = {str(clip): set() for clip in clips}
    for video, frame in zip(columns["video_id"], columns["frame_index"], strict=True):
        with_face[str(clips[int(video.split("-")[0])])].add(frame)
    return {
        "seconds": seconds,
        "cpu_s": cpu_s,
        "frames": done.manifest["frames"],
        "faces": done.manifest["records"],
        "left_out": done.manifest["left_out"],
        "with_face": {clip: sorted(numbers) for clip, numbers in with_face.items()},
    }


def _cpu_s() -> float:
    """Of this process and of its children that ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def renamed(clips: Sequence[Path], times: int, folder: Path) -> list[Path]:
    """The clips so many times. Copies have a byte more at their end, else they are one file under many names."""
    folder.mkdir(parents=True, exist_ok=True)
    out = list(clips)
    for time_ in range(1, times):
        for number, clip in enumerate(clips):
            out.append(folder / f"{time_}-{number}-{clip.name}")
            out[-1].write_bytes(clip.read_bytes() + bytes([time_]))
    return out


def compare(name: str, clips: Sequence[Path], frames: int, rounds: int) -> tuple[bool, str]:
    """(do both aims hold?, a row of the table)."""
    listed = [str(clip) for clip in clips]
    answers: dict[str, list[dict[str, Any]]] = {"ours": [], "peer": []}
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as out:
            ours = [sys.executable, __file__, "--measure", f"{out}/ours", "--frames", str(frames), *listed]
            peer = [PEER_PYTHON, PEER, f"{out}/peer", "--frames", str(frames), *listed]
            for side, command in (("ours", ours), ("peer", peer)):
                done = run(command)
                answers[side].append({**done.answer, "whole_s": done.seconds})
                told = ", ".join(f"{key} {answers[side][-1][key]:.1f}" for key in ("whole_s", "seconds", "cpu_s"))
                print(f"{name}, round {number + 1}, {side}: {told}", file=sys.stderr)
    mine, theirs = answers["ours"][-1], answers["peer"][-1]
    ratios = {
        clock: [
            (one["faces"] / one[clock]) / (two["faces"] / two[clock])
            for one, two in zip(answers["ours"], answers["peer"], strict=True)
        ]
        for clock in ("whole_s", "seconds", "cpu_s")
    }
    found = {side: {(c, n) for c, some in answers[side][-1]["with_face"].items() for n in some} for side in answers}
    either = len(found["ours"] | found["peer"])
    recall = {side: len(some) / max(1, either) for side, some in found.items()}
    faces_a_second = {s: spread([one["faces"] / one["seconds"] for one in some], 1) for s, some in answers.items()}
    holds = statistics.median(ratios["seconds"]) >= LEAST_OF_PEER and recall["ours"] >= recall["peer"]
    row = (
        f"| {name} | {mine['frames']} / {theirs['frames']} | {mine['faces']} / {theirs['faces']} "
        f"| {recall['ours']:.3f} / {recall['peer']:.3f} | {faces_a_second['ours']} | {faces_a_second['peer']} "
        f"| {' | '.join(spread(some, 1) for some in ratios.values())} |"
    )
    return holds, row


def memory(out: Path) -> int:
    """Peak memory of the largest process, for more and more copies of one clip."""
    from clip import write_clip

    clip = write_clip(WORK / "face_1080p_2s.mp4", 2)
    peaks = []
    print(f"{conditions()}\n\n| clips | peak MB of the parent | of its largest worker |\n|---|---|---|")
    for count in (2, 20, 200):
        folder = out / str(count)
        folder.mkdir(parents=True)
        copies = [folder / f"{n}.mp4" for n in range(count)]
        for n, copy in enumerate(copies):
            # A byte at the end: else they are one file under many names, which `prepare` uses once.
            copy.write_bytes(clip.read_bytes() + bytes([n]))
        command = [sys.executable, __file__, "--measure", folder / "out", "--frames", "8", "--peak", *copies]
        answer = run(command).answer
        peaks.append((answer["parent_mb"], answer["worker_mb"]))
        print(f"| {count} | {peaks[-1][0]:.0f} | {peaks[-1][1]:.0f} |", flush=True)
    held = all(max(some) <= FLAT * min(some) for some in zip(*peaks, strict=True))
    print(f"\nlargest / smallest at most {FLAT}: {verdict(held)}")
    return int(not held)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", type=Path, nargs="*", help="the CSV list")
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--only", type=int, help="frames of a clip; 0: every one")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--frames", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--peak", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        answer = measure_ours(options.paths, options.frames, options.measure)
        if options.peak:
            import resource

            from memory import peak_rss_mb

            children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6
            answer = {"parent_mb": peak_rss_mb(), "worker_mb": children}
        print(json.dumps(answer))
        return 0
    if options.memory:
        with tempfile.TemporaryDirectory() as out:
            return memory(Path(out))
    if not PEER_PYTHON.is_file():
        sys.exit(f"expected the peer's environment at {PEER_PYTHON}: run benchmarks/peers/setup")
    from clip import write_clip

    from dfdetect.data.lists import read_list

    videos = [Path(sample.path) for sample in read_list(options.paths[0]) if sample.kind == "video"]
    count = min(options.clips, len(videos))
    clips = [videos[(2 * n + 1) * len(videos) // (2 * count)] for n in range(count)]
    folder = WORK / "prepare_starts"
    starts = [start_of(c, EVERY_FRAME_S, folder / f"{n}-{c.name}") for n, c in enumerate(clips)]
    large = [write_clip(WORK / "face_1080p_10s.mp4", 10)]
    clips = renamed(clips, options.times, WORK / "prepare_times")
    starts = renamed(starts, options.times, WORK / "prepare_times" / "starts")
    count = len(clips)
    print(f"{conditions()}; {options.rounds} rounds\n")
    print("| clips | frames, ours / peer | faces | recall | ours, faces/s | peer, faces/s ", end="")
    print("| ours / peer from process start | peer warm | by processor time |\n|---|---|---|---|---|---|---|---|---|")
    held = []
    measured = [
        (f"{count} clips of 2 s, every frame", starts, 0),
        (f"{count} clips, 32 frames each", clips, 32),
        (f"{count} clips, 8 frames each", clips, 8),
        ("1080p, 10 s, every frame", large, 0),
        ("1080p, 10 s, 32 frames", large, 32),
    ]
    for name, files, frames in measured:
        if options.only not in (None, frames):
            continue
        holds, row = compare(name, files, frames, options.rounds)
        held.append(holds)
        print(f"{row} {verdict(holds)}", flush=True)
    return int(not all(held))


if __name__ == "__main__":
    sys.exit(main())
