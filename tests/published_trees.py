"""Name-only trees of public datasets at their full published size: no file of a dataset, only how they are called."""

from __future__ import annotations

import json
import random
import string
from pathlib import Path

from dfdetect.data.tree import NamedFile, Tree

_FFPP_METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter")


def _tree(root: Path, names: list[str]) -> Tree:
    return Tree(root, [NamedFile(name, 1000) for name in sorted(names)])


def faceforensics(root: Path, *, compressions: tuple[str, ...] = ("c23",)) -> Tree:
    """1,000 originals and 1,000 fakes of each of the five methods; 033 is paired with 034, 034 with 033."""
    names = []
    for c in compressions:
        names += [f"original_sequences/youtube/{c}/videos/{n:03d}.mp4" for n in range(1000)]
        for method in _FFPP_METHODS:
            names += [f"manipulated_sequences/{method}/{c}/videos/{n:03d}_{n ^ 1:03d}.mp4" for n in range(1000)]
    return _tree(root, names)


def google_dfd(root: Path) -> Tree:
    """363 reals of 28 actors and 3,068 fakes."""
    rng = random.Random(5)
    scenes = [f"scene_{a}{b}" for a, b in zip("abcdefghijklmnop", "qrstuvwxyzabcdef", strict=True)]
    reals = [(actor, scene) for scene in scenes for actor in range(1, 29)][:363]
    names = [f"original_sequences/actors/c23/videos/{actor:02d}__{scene}.mp4" for actor, scene in reals]
    folder = "manipulated_sequences/DeepFakeDetection/c23/videos"
    for number in range(3068):
        actor, scene = reals[number % len(reals)]
        donor = (actor + rng.randrange(1, 28) - 1) % 28 + 1
        code = f"{number:04d}" + "".join(rng.choices(string.ascii_uppercase, k=4))
        names.append(f"{folder}/{actor:02d}_{donor:02d}__{scene}__{code}.mp4")
    return _tree(root, names)


def celeb_df_v2(root: Path) -> Tree:
    """590 clips of 59 celebrities, 300 YouTube reals, 5,639 swaps."""
    people = [number for number in range(62) if number not in (14, 15, 18)]  # numbers that the dataset leaves out
    reals = [(person, clip) for person in people for clip in range(10)]
    names = [f"Celeb-real/id{person}_{clip:04d}.mp4" for person, clip in reals]
    names += [f"YouTube-real/{number:05d}.mp4" for number in range(300)]
    swaps = [(p, d, c) for c in range(10) for p in people for d in people if p != d]
    names += [f"Celeb-synthesis/id{p}_id{d}_{c:04d}.mp4" for p, d, c in swaps[:5639]]
    return _tree(root, names)


def deepfake_timit(root: Path) -> Tree:
    """32 subjects in 16 pairs, ten utterances, two qualities: 640 fakes."""
    subjects = [f"{'fm'[n % 2]}{'abcdefghijklmnop'[n // 2]}{'xy'[n % 2]}z0" for n in range(32)]
    names = []
    for quality in ("higher_quality", "lower_quality"):
        for number, subject in enumerate(subjects):
            names += [f"{quality}/{subject}/sa{u}-video-{subjects[number ^ 1]}.avi" for u in range(10)]
    return _tree(root / "DeepfakeTIMIT", names)


def dfdc_train(root: Path) -> Tree:
    """50 parts, 119,146 clips, five fakes to every real; metadata.json is written, since it is read."""
    rng = random.Random(7)
    sizes = [119_146 // 50 + (part < 119_146 % 50) for part in range(50)]
    names = []
    for part, size in enumerate(sizes):
        folder = f"dfdc_train_part_{part}"
        count = size // 6
        clips = ["".join(rng.choices(string.ascii_lowercase, k=10)) + ".mp4" for _ in range(size)]
        rows: dict[str, dict[str, str]] = {name: {"label": "REAL", "split": "train"} for name in clips[:count]}
        for number, name in enumerate(clips[count:]):
            rows[name] = {"label": "FAKE", "split": "train", "original": clips[number % count]}
        (root / folder).mkdir(parents=True)
        (root / folder / "metadata.json").write_text(json.dumps(rows))
        names += [f"{folder}/{name}" for name in [*rows, "metadata.json"]]
    return _tree(root, names)
