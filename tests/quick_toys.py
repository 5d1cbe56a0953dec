"""Toy datasets with a few bytes in place of every picture: for tests of readers, which open none."""

from __future__ import annotations

from pathlib import Path

import pytest

from dfdetect.data.toy import make_toy, painter
from dfdetect.data.toy.painter import N_FRAMES, Toy


def make_quick_toy(name: str, root: Path) -> Toy:
    """All folders, names and lists of a toy dataset, in milliseconds; media are not media."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(painter, "pictures", lambda *_: [None] * N_FRAMES)
        patch.setattr(painter, "masks", lambda *_: [None] * N_FRAMES)
        patch.setattr(painter, "_crops", lambda *_: [None] * N_FRAMES)
        patch.setattr(painter, "_white", lambda _: None)
        patch.setattr(painter, "_encoded", lambda *_: b"picture")
        patch.setattr(painter, "write_video", lambda path, *_, **__: path.write_bytes(b"video"))
        patch.setattr(Toy, "mask_crops", lambda self, folder, *_, **__: self.text(f"{folder}/000.png", "mask"))
        return make_toy(name, root)
