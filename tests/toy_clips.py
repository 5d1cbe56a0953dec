"""Tiny drawn clips with their samples, for tests of `prepare`: written once a process, read only."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from dfdetect.data.prepare.options import PrepareOptions
from dfdetect.data.sample import Sample
from dfdetect.data.toy.painter import Shot, Toy
from dfdetect.values import Label

SMALL_FACES = PrepareOptions(frames=4, min_face_px=40)  # drawn clips are 320 x 240


def sample(root: Path, name: str, label: Label = Label.REAL, **keys: str) -> Sample:
    """A sample of a file under root; pair_key and the rest by keyword."""
    suffix = Path(name).suffix
    kind = {"": "frames", ".mp4": "video", ".avi": "video"}.get(suffix, "image")
    keys = {"video_id": name, "dataset": "toy", "kind": kind} | keys
    return Sample(path=f"{root.as_posix()}/{name}", root=root.as_posix(), label=label, **keys)  # type: ignore[arg-type]


def fake(root: Path, name: str, original: str, **keys: str) -> Sample:
    return sample(root, name, Label.FAKE, **({"method": "swap", "pair_key": original} | keys))


@functools.cache
def clips() -> Path:
    """The folder of clips.

    real.mp4, other.mp4: two people. swap.mp4 (its mask: mask.mp4), mouth.mp4: fakes of real. two.mp4: a person with a
    bystander; two_swap.mp4 (two_mask.mp4): only the person was changed; two_same.mp4: nobody was. real/: its frames.
    wall.mp4: nobody. empty.mp4, torn.mp4.
    """
    root = Path(tempfile.mkdtemp(prefix="toy-clips-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    toy = Toy(root)
    real, two = Shot("a"), Shot("c", bystander="d")
    for name, shot in (
        ("real", real),
        ("other", Shot("b")),
        ("swap", real.fake("b", method="swap")),
        ("mouth", real.fake("b", method="mouth", way="reenact")),
        ("two", two),
        ("two_swap", two.fake("b")),
    ):
        toy.video(f"{name}.mp4", shot)
    toy.video("two_same.mp4", two, crf=25)
    toy.mask_video("mask.mp4", real.fake("b", method="swap"))
    toy.mask_video("two_mask.mp4", two.fake("b"))
    toy.frames("real", real)
    _write_odd_ones(root)
    return root


def _write_odd_ones(root: Path) -> None:
    import numpy as np

    from dfdetect.media.roundtrip import write_video

    write_video(root / "wall.mp4", [np.full((120, 160, 3), 40 + n, np.uint8) for n in range(8)])
    write_video(root / "half_mask.mp4", [np.full((120, 100, 3), 255, np.uint8) for _ in range(8)])
    write_video(root / "no_mask.mp4", [np.zeros((240, 320, 3), np.uint8) for _ in range(8)], fps=8)
    (root / "empty.mp4").write_bytes(b"")
    (root / "torn.mp4").write_bytes((root / "real.mp4").read_bytes()[:700])
