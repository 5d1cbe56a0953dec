"""DFDC preview in small: three actors, two methods, dataset.json with the split."""

from __future__ import annotations

from dfdetect.data.toy.painter import Shot, Toy

CLIPS = {"1260311": ("C_001", "train"), "643049": ("A_001", "train"), "1255229": ("B_002", "test")}
FAKES = (("1260311", "643049", "method_A"), ("643049", "1260311", "method_B"), ("1255229", "1260311", "method_A"))


def make(toy: Toy) -> None:
    """One original an actor, and one fake of each."""
    entries = {}
    for actor, (clip, split) in CLIPS.items():
        path = f"original_videos/{actor}/{actor}_{clip}.mp4"
        toy.video(path, Shot(f"dfdcp:{actor}", clip))
        entries[path] = {"label": "real", "set": split, "augmentations": [], "target_id": actor}
    for target, donor, method in FAKES:
        clip, split = CLIPS[target]
        path = f"{method}/{target}/{target}_{clip[0]}/{donor}_{target}_{clip}.mp4"
        toy.video(path, Shot(f"dfdcp:{target}", clip).fake(f"dfdcp:{donor}", method=method))
        entries[path] = {"label": "fake", "set": split, "augmentations": [], "target_id": target, "swapped_id": donor}
    toy.json("dataset.json", entries)
