"""How long one training pair takes on one core, beside the straightforward OpenCV version, in the same run.

    python benchmarks/self_blend.py work/faces [--pairs 200] [--size 256]

Per pair: the median and the smallest process CPU time of --pairs pairs, made in turn with the peer's, OpenCV on one
thread. CPU time, because it does not count what other programs take of the core; the smallest, because a shared
cache still slows it. Aims: 12 ms without and 20 ms with everything that happens to the finished pair. "Without" is
decoding, framing, the fake and the resize to the network; "with" adds the history, video codecs as often as they are
drawn. The peer (benchmarks/peers/naive_self_blend.py) has colour and JPEG after the blend, no video, and is given the
decoded picture.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from machine import conditions
from peers.naive_self_blend import self_blended_pair

from dfdetect.data.augment import AugmentOptions
from dfdetect.data.pairs import PairMaker
from dfdetect.data.shards import FaceRecord, read_shards

WITHOUT_HISTORY = replace(
    AugmentOptions(), p_colour=0, p_gray=0, p_retouch=0, p_blur=0, p_noise=0, p_shrink=0, p_photo_jpeg=0, p_webp=0,
    p_video=0, p_cutout=0,
)  # fmt: skip


def ways(records: list[FaceRecord], size_px: int) -> dict[str, Callable[[int], object]]:
    """What is timed: name -> maker of pair k."""
    plain = PairMaker(records, seed=1, augment=WITHOUT_HISTORY)
    whole = PairMaker(records, seed=1)
    decoded = [(record.picture(), record.mesh) for record in records[:64]]

    def naive(k: int) -> object:
        picture, mesh = decoded[k % len(decoded)]
        assert mesh is not None
        return self_blended_pair(picture, mesh[:, :2], np.random.default_rng(k), size_px)

    found: dict[str, Callable[[int], object]] = {"straightforward OpenCV, with JPEG": naive}
    found["self_blend, without history"] = lambda k: plain.make(k, size_px=size_px, family="self_blend")
    for family in whole.families:
        found[f"{family}, with history"] = lambda k, f=family: whole.make(k, size_px=size_px, family=f)  # type: ignore[misc]
    found["as drawn, with history"] = lambda k: whole.make(k, size_px=size_px)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("shards", type=Path)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--size", type=int, default=256, help="side of the crops")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    records = [record for record in read_shards(asked.shards) if record.label == 0 and record.mesh is not None][:400]
    makers = ways(records, asked.size)
    spent: dict[str, list[float]] = {name: [] for name in makers}
    for make in makers.values():
        make(0)  # opens the auto-encoder, fills tables
    for k in range(asked.pairs):
        for name, make in makers.items():
            before = time.process_time()
            make(k)
            spent[name].append((time.process_time() - before) * 1e3)
    print(f"{conditions()}; {len(records)} faces, {asked.pairs} pairs at {asked.size} px, ms of CPU a pair on one core")
    print(f"{'what':36} {'median':>7} {'mean':>7} {'least':>7}")
    for name, times in spent.items():
        print(f"{name:36} {np.median(times):7.1f} {np.mean(times):7.1f} {min(times):7.1f}")


if __name__ == "__main__":
    main()
