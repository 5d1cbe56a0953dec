"""The clips that come with the package: what an answer looks like, on files that may be shown to anybody."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from dfdetect.errors import DfdetectError

_CLIPS = {
    "astronaut_fake.mp4": (
        "Test fake",
        "The face of the other clip, blended onto itself: a self-blended test picture, marked TEST FAKE",
    ),
    "astronaut_real.mp4": ("Unchanged portrait", "A portrait by NASA (public domain) with a slow pan and zoom"),
}


@dataclass(frozen=True, slots=True)
class SampleClip:
    """path: on the disk of this installation. title, about: in plain English."""

    path: Path
    title: str
    about: str


def sample_clips() -> list[SampleClip]:
    """By name. DfdetectError where the installation lacks them."""
    folder = Path(str(files("dfdetect"))) / "samples"
    missing = [name for name in _CLIPS if not (folder / name).is_file()]
    if missing:
        raise DfdetectError(f"no sample clip {missing[0]} in {folder}; install dfdetect again")
    return [SampleClip(folder / name, title, about) for name, (title, about) in _CLIPS.items()]
