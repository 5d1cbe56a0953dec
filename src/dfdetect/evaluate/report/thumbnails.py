"""Small pictures of the worst cases, only where a person asks for them: they show faces."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from dfdetect.errors import DfdetectError
from dfdetect.evaluate.worst import Worst, WorstCase
from dfdetect.media.folder import FrameFolder
from dfdetect.media.reader import open_media
from dfdetect.media.roundtrip import encode_jpeg

SIDE_PX = 160  # of the longer side
_QUALITY = 80

Thumbnails = dict[tuple[str, str], str]  # (dataset, path) -> a data: URI


def thumbnails(worst: Iterable[Worst], root: Path) -> Thumbnails:
    """The frame that misled most (unknown: one from the middle) of every worst case that lies under root.

    root: holds the files as PATH or as DATASET/PATH. One that is not there or cannot be read has no picture:
    the page says so by showing none.
    """
    found: Thumbnails = {}
    for one in worst:
        for case in (*one.false_alarms, *one.misses):
            path = _find(root, case)
            picture = None if path is None else _picture(path, case.frame_index)
            if picture is not None:
                found[case.dataset, case.path] = picture
    return found


def _find(root: Path, case: WorstCase) -> Path | None:
    """Never outside root, whatever a score file names."""
    inside = root.resolve()
    for path in (root / case.path, root / case.dataset / case.path):
        if path.exists() and path.resolve().is_relative_to(inside):
            return path
    return None


def _picture(path: Path, frame_index: int | None) -> str | None:
    try:
        with FrameFolder(path) if path.is_dir() else open_media(path) as media:
            n = len(media.times_s)
            wanted = n // 2 if frame_index is None else min(frame_index, n - 1)
            frame = next(iter(media.frames([wanted], find_cuts=False)), None)
    except DfdetectError:
        return None
    if frame is None:
        return None
    height, width = frame.image.shape[:2]
    scale = min(1.0, SIDE_PX / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(small, _QUALITY)).decode("ascii")
