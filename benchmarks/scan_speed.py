"""Seconds for one clip: dfdetect, the usual pipeline, and the floor under dfdetect, in alternating fresh processes.

    benchmarks/peers/setup                                     # once; builds the peer's environment
    python benchmarks/scan_speed.py [--model FOLDER] [--rounds 5] [--no-peer]

The clip is 10 s of 1080p at 30 frames a second, 32 frames are looked at. Each process loads everything, runs once to
warm up and reports its second run. The floor is what no scan of this clip can do without, each part alone on all
cores, added up: a bare loop that decodes the frames that are wanted or that others are predicted from (same decode
threads, RGB for the wanted ones), the face detector on those frames, the network on those crops. Not in the floor, but
in a scan: hashing and probing the file, cuts, the face mesh, quality, crops, tracks and the verdict.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from machine import WORK, conditions, quiet_run, spread, verdict

FRAMES = 32
MOST_OF_FLOOR = 1.2
LEAST_OF_PEER = 8.0
PEER = Path(__file__).parent / "peers" / "usual_pipeline.py"
PEER_PYTHON = Path(__file__).parents[1] / ".venv-peer" / "bin" / "python"


def measure_ours(clip: Path, model: str, runs: int) -> dict[str, Any]:
    from dfdetect import Scanner

    scanner = Scanner(model, frames=FRAMES)
    results: list[Any] = []
    seconds, cpu_s = seconds_of(lambda: results.append(scanner.scan(clip)), runs)
    result = results[-1]
    if result.media is None:
        raise SystemExit(f"the scan failed: {result.error}")
    faces = sum(len(track.scores) for track in result.tracks)
    stages = {name: round(value, 3) for name, value in result.timing_s.items()}
    return {"seconds": seconds, "cpu_s": cpu_s, "frames": result.media.frames_read, "faces": faces, "stages_s": stages}


def measure_floor(clip: Path, model: str, runs: int) -> dict[str, Any]:
    import cv2
    import numpy as np

    from dfdetect.detect.backend import make_backend
    from dfdetect.detect.crop_scores import BATCH
    from dfdetect.faces.detector import make_detector
    from dfdetect.faces.extract import FaceStream
    from dfdetect.faces.mesh import FaceMesh
    from dfdetect.media.limits import DEFAULT_LIMITS
    from dfdetect.media.reader import open_media
    from dfdetect.media.sampling import scan_indices
    from dfdetect.models.bundle import find_bundle, load_bundle
    from dfdetect.models.preprocess import to_input

    bundle, detector = load_bundle(find_bundle(model)), make_detector()
    threads = min(DEFAULT_LIMITS.decode_threads, os.cpu_count() or 1)
    with open_media(clip) as reader:
        indices = scan_indices(reader.times_s, at_least=FRAMES)
        shown, *others = bundle.views
        stream = FaceStream(
            reader,
            indices,
            detector=detector,
            mesh=FaceMesh(),
            margin=shown.margin,
            size_px=shown.size_px,
            more_views=others,
        )
        faces = [(crop.image, *crop.views) for found in stream for crop in found.crops]
    fed = {
        network.name: to_input(np.stack([cuts[bundle.views.index(network.spec.view)] for cuts in faces]), network.spec)
        for network in bundle.networks
    }
    backends = {network.name: make_backend(network, maps=bundle.heatmap) for network in bundle.networks}
    wanted_pts = pts_of(clip, indices)
    frames = bare_decode(clip, wanted_pts, threads)

    def find_faces() -> None:
        for frame in frames:
            detector.detect(frame)

    def score() -> None:
        for name, backend in backends.items():
            for at in range(0, len(faces), BATCH):
                backend.logits_and_maps(fed[name][at : at + BATCH])

    work = {"decode": lambda: bare_decode(clip, wanted_pts, threads), "faces": find_faces, "network": score}
    spent = {part: seconds_of(do, runs) for part, do in work.items()}
    shown = {"decode": threads, "opencv": cv2.getNumThreads(), "onnxruntime": "its own choice: one a core"}
    return {
        "seconds": sum(seconds for seconds, _ in spent.values()),
        "cpu_s": sum(cpu_s for _, cpu_s in spent.values()),
        "parts_s": {part: seconds for part, (seconds, _) in spent.items()},
        "frames": len(frames),
        "faces": len(faces),
        "threads": shown,
    }


def pts_of(clip: Path, indices: Sequence[int]) -> frozenset[int]:
    """Time stamps of frames, by their place in presentation order."""
    import av

    with av.open(str(clip)) as container:
        pts = sorted(packet.pts for packet in container.demux(video=0) if packet.pts is not None)
    return frozenset(pts[index] for index in indices)


def bare_decode(clip: Path, wanted_pts: Collection[int], threads: int) -> list[Any]:
    """Decode the frames that are wanted or needed for others, convert the wanted ones: nothing else."""
    import av

    from dfdetect.media.disposable import DisposablePictures

    found = []
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = threads
        disposable = DisposablePictures(stream.codec_context)
        for packet in container.demux(stream):
            if packet.pts is not None and packet.pts not in wanted_pts and packet in disposable:
                continue
            found += [frame.to_ndarray(format="rgb24") for frame in packet.decode() if frame.pts in wanted_pts]
    return found


def seconds_of(work: Callable[[], object], runs: int) -> tuple[float, float]:
    """(seconds, CPU seconds of all threads) of the last run."""
    for _ in range(runs):
        start, cpu = time.perf_counter(), time.process_time()
        work()
        spent = time.perf_counter() - start, time.process_time() - cpu
    return spent


MEASURES: dict[str, Callable[[Path, str, int], dict[str, Any]]] = {"ours": measure_ours, "floor": measure_floor}


def compare(clip: Path, options: argparse.Namespace) -> int:
    """Run the rounds, print the table; 1 when a goal is missed."""
    runs = ["--runs", str(options.runs)]
    commands: dict[str, list[str | Path]] = {
        name: [sys.executable, __file__, "--measure", name, "--clip", clip, "--model", options.model, *runs]
        for name in MEASURES
    }
    if not options.no_peer:
        if not PEER_PYTHON.is_file():
            sys.exit(f"expected the peer's environment at {PEER_PYTHON}: run benchmarks/peers/setup, or use --no-peer")
        commands["peer"] = [PEER_PYTHON, PEER, clip, "--frames", str(FRAMES), *runs]
    answers: dict[str, list[dict[str, Any]]] = {name: [] for name in commands}
    for number in range(options.rounds):
        for name, command in commands.items():
            answers[name].append(quiet_run(command).answer)
            print(f"round {number + 1} {name}: {answers[name][-1]['seconds']:.2f} s", file=sys.stderr)
    return report(clip, answers)


def report(clip: Path, answers: dict[str, list[dict[str, Any]]]) -> int:
    rounds = len(answers["ours"])
    print(f"\n{conditions()}\n{clip.name}, {clip.stat().st_size / 1e6:.1f} MB; {rounds} rounds\n")
    print("| what | seconds, median (range) | frames | faces |\n|---|---|---|---|")
    for name, found in answers.items():
        row = found[-1]
        print(f"| {name} | {spread([one['seconds'] for one in found])} | {row['frames']} | {row['faces']} |")
    for part in ("decode", "faces", "network"):
        print(f"| floor: {part} alone | {spread([one['parts_s'][part] for one in answers['floor']])} | | |")
    if "peer" in answers:
        for part in ("decode_s", "faces_s", "network_at_once_s", "network_one_by_one_s"):
            print(f"| peer: {part[:-2].replace('_', ' ')} | {spread([one[part] for one in answers['peer']])} | | |")
    ours = [one["seconds"] for one in answers["ours"]]
    print(f"\nours: busy seconds of each stage, last round (they overlap): {answers['ours'][-1]['stages_s']}")
    for name in MEASURES:
        print(f"{name}: CPU seconds of all threads {spread([one['cpu_s'] for one in answers[name]])}")
    print(f"threads: ours and floor {answers['floor'][-1]['threads']}")
    to_floor = [mine / one["seconds"] for mine, one in zip(ours, answers["floor"], strict=True)]
    held = [statistics.median(to_floor) <= MOST_OF_FLOOR]
    print(f"ours / floor, pair by pair: {spread(to_floor)}; aim <= {MOST_OF_FLOOR}: {verdict(held[0])}")
    if "peer" in answers:
        print(f"threads: peer {answers['peer'][-1]['threads']}, {answers['peer'][-1]['versions']}")
        to_peer = [one["seconds"] / mine for mine, one in zip(ours, answers["peer"], strict=True)]
        held.append(statistics.median(to_peer) >= LEAST_OF_PEER)
        print(f"peer / ours, pair by pair: {spread(to_peer, 1)}; aim >= {LEAST_OF_PEER:g}: {verdict(held[1])}")
    return int(not all(held))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="default", help="name or folder of a bundle")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=2, help="runs in a process; the last one counts")
    parser.add_argument("--seconds", type=int, default=10, help="of the clip")
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--clip", type=Path, help="measure on this clip; default: one is made")
    parser.add_argument("--measure", choices=MEASURES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(MEASURES[options.measure](options.clip, options.model, options.runs)))
        return 0
    from clip import write_clip

    clip = options.clip or write_clip(WORK / f"face_1080p_{options.seconds}s.mp4", options.seconds)
    return compare(clip, options)


if __name__ == "__main__":
    sys.exit(main())
