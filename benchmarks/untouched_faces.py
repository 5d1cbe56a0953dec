"""Is an untouched face of a fake clip told from a changed one? (docs/face_shards.md)

    python benchmarks/untouched_faces.py ../shared/data/train_video.csv [--every 7]

Of every n-th real clip of a CSV list, 40 frames are encoded twice by x264: once as they are (the original), once from a
slightly noisy copy, in which the face is untouched or self-blended. Each pair is cut as `prepare` cuts it. Prints, for
three pairs of qualities, how far the difference in the face stands out, and how many are called changed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from machine import conditions

from dfdetect.data.blend import BlendInvisible
from dfdetect.data.lists import read_list
from dfdetect.data.prepare.cut import Tools, cut_alike, find_faces, open_clip
from dfdetect.data.prepare.manipulated import FaceDifference, difference_of, is_aligned
from dfdetect.data.prepare.options import PrepareOptions
from dfdetect.data.self_blend import self_blend
from dfdetect.errors import MediaError
from dfdetect.media.roundtrip import write_video
from dfdetect.media.sampling import even_indices
from dfdetect.values import UInt8Array

QUALITIES = ((23, 23), (40, 40), (23, 40))
FRAMES, LOOKED_AT = 40, 8
NOISE = 2  # grey levels


def frames_of(path: str, tools: Tools) -> list[UInt8Array]:
    """The first frames, of even size."""
    with open_clip(path, tools) as clip:
        wanted = range(min(FRAMES, len(clip.times_s)))
        images = [frame.image for frame in clip.frames(wanted, find_cuts=False)]
    return [image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2] for image in images]


def blended(frames: Sequence[UInt8Array], tools: Tools) -> list[UInt8Array]:
    """The best face of every frame self-blended, alike in all of them."""
    out = []
    for frame in frames:
        found = tools.detector.detect(frame)
        fit = tools.mesh.fit(frame, found)
        try:
            out.append(self_blend(frame, fit.points[0], np.random.default_rng(7)).fake if len(found) else frame)
        except BlendInvisible:
            out.append(frame)
    return out


def measure(folder: Path, frames: list[UInt8Array], tools: Tools) -> dict[tuple[int, int, str], FaceDifference]:
    rng = np.random.default_rng(5)
    noise = [rng.integers(-NOISE, NOISE + 1, frame.shape) for frame in frames]
    copies = {"untouched": frames, "self-blended": blended(frames, tools)}
    out: dict[tuple[int, int, str], FaceDifference] = {}
    for first, second in QUALITIES:
        write_video(folder / "original.mp4", frames, crf=first)
        with open_clip(str(folder / "original.mp4"), tools) as clip:
            faces = list(find_faces(clip, even_indices(clip.times_s, LOOKED_AT), tools).faces)
        faces = [face for face in faces if face.track_id == 1]
        if not faces:
            return {}
        for name, images in copies.items():
            noisy = [np.clip(a.astype(int) + n, 0, 255).astype(np.uint8) for a, n in zip(images, noise, strict=True)]
            write_video(folder / "copy.mp4", noisy, crf=second)
            with open_clip(str(folder / "copy.mp4"), tools) as clip:
                pairs = list(zip(cut_alike(clip, faces, tools).faces, faces, strict=True))
            if not is_aligned(pairs):
                print(f"not aligned: crf {first}, {second}, {name}", file=sys.stderr)
            out[first, second, name] = difference_of(pairs)
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list", type=Path)
    parser.add_argument("--every", type=int, default=7)
    parser.add_argument("--first", type=int, default=3)
    parser.add_argument("--widest", type=int, default=1300, help="leave out wider clips, for time")
    options = parser.parse_args()
    tools = Tools(PrepareOptions(min_face_px=40))
    found: dict[tuple[int, int, str], list[FaceDifference]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        for sample in read_list(options.list)[options.first :: options.every]:
            try:
                frames = frames_of(sample.path, tools)
            except MediaError:
                continue
            if frames[0].shape[1] <= options.widest:
                for key, one in measure(Path(folder), frames, tools).items():
                    found[key].append(one)
    print(f"{conditions()}\n\n| crf of original, copy | face | clips | inside | inside / around | called changed |")
    print("|---|---|---|---|---|---|")
    for (first, second, name), some in found.items():
        inside = [one.inside for one in some]
        ratio = [one.inside / one.around for one in some]
        touched = sum(one.is_touched for one in some)
        print(
            f"| {first}, {second} | {name} | {len(some)} | {min(inside):.1f}-{max(inside):.1f} "
            f"| {min(ratio):.2f}-{max(ratio):.2f} | {touched} |"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
