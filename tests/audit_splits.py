"""Small splits with one fault each, in the forms that other projects write, for tests of the auditor."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def write_ff_lists(folder: Path, *, straddle: bool = True) -> Path:
    """Twelve clips in two-way pairs as FaceForensics++ publishes them; with `straddle`, clip 001 of train and clip 004
    of val were cut from one upload: the made-up twin of the published fault."""
    pairs = {"train": [["000", "001"], ["002", "003"]], "val": [["004", "005"]], "test": [["006", "007"]]}
    folder.mkdir(parents=True, exist_ok=True)
    for split, names in pairs.items():
        (folder / f"{split}.json").write_text(json.dumps(names))
    uploads = {f"{n:03d}": f"video-{n:03d} 0" for n in range(8)}
    if straddle:
        uploads["004"] = "video-001 1"
    (folder / "conversion_dict.json").write_text(json.dumps(uploads))
    return folder


def deepfakebench(dataset: str, classes: Mapping[str, Mapping[str, Iterable[str]]], above: str = "") -> dict[str, Any]:
    """{class: {split: videos}} -> DeepfakeBench's JSON with three frames a video, without a level of compression."""
    return {
        dataset: {
            name: {
                split: {
                    video: {
                        "label": name,
                        "frames": [f"{above or dataset}/{name}/frames/{video}/{n:03d}.png" for n in (0, 9, 18)],
                    }
                    for video in videos
                }
                for split, videos in splits.items()
            }
            for name, splits in classes.items()
        }
    }


def ten_letters(number: int) -> str:
    """A name as DFDC's videos have."""
    return "".join(chr(97 + number // 26**place % 26) for place in range(9, -1, -1))
