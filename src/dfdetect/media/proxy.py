"""A small copy of a file to look at: at most 720p, without sound or metadata, encoded anew from its pixels.

The page plays it when the browser does not have the file itself. Nothing of the original's bytes is in it; every frame
keeps the time that it has in the original, and every scored frame is there, so that boxes lie where they belong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dfdetect.media.reader import OpenedMedia
from dfdetect.media.roundtrip import encode_jpeg
from dfdetect.values import Frame, UInt8Array

LONG_SIDE_PX, SHORT_SIDE_PX = 1280, 720
STILL_SIDE_PX = 1600  # a still is looked at closely
MOST_FPS = 30.0
MOST_FRAMES = 3_000  # a longer clip gets fewer frames a second
_TIME_BASE = Fraction(1, 90_000)
_ENCODING = {"preset": "veryfast", "crf": "26", "g": "30", "bf": "0"}  # a key frame a second: seeking is quick


def proxy_suffix(media: OpenedMedia) -> str:
    """.mp4 for what moves, .jpg for a still."""
    return ".mp4" if media.info.kind == "video" else ".jpg"


def write_proxy(path: Path, media: OpenedMedia, scored: Iterable[int], *, check: Callable[[], None]) -> None:
    """Write the copy as H.264 in MP4, or JPEG. scored: indices of frames that must be in it.

    check is called before every frame; what it raises breaks the work off (the file is then not whole).
    Errors: MediaError of `media.frames`.
    """
    if media.info.kind != "video":
        [still] = media.frames([0], find_cuts=False)
        path.write_bytes(encode_jpeg(_fitted(still.image, STILL_SIDE_PX, STILL_SIDE_PX), 88))
        return
    indices = proxy_indices(media.times_s, scored)
    _write_video(path, _checked(media.frames(indices, find_cuts=False), check))


def proxy_indices(times_s: NDArray[np.float64], scored: Iterable[int]) -> list[int]:
    """Frames at most `MOST_FPS` apart, at most about `MOST_FRAMES`, and all that were scored.

    times_s: (N,) seconds of the frames of the file, sorted.
    """
    step_s = max(1 / MOST_FPS, float(times_s[-1]) / MOST_FRAMES)
    slots = np.floor(times_s / step_s + 1e-3).astype(np.int64)
    _, first = np.unique(slots, return_index=True)
    return sorted({*first.tolist(), *scored})


def _checked(frames: Iterator[Frame], check: Callable[[], None]) -> Iterator[Frame]:
    for frame in frames:
        check()
        yield frame


def _fitted(image: UInt8Array, long_px: int, short_px: int) -> UInt8Array:
    """The picture within these sides, never larger than it is; both sides even."""
    height, width = image.shape[:2]
    scale = min(1.0, long_px / max(height, width), short_px / min(height, width))
    size = (max(2, 2 * round(width * scale / 2)), max(2, 2 * round(height * scale / 2)))
    if size == (width, height):
        return image
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _write_video(path: Path, frames: Iterator[Frame]) -> None:
    import av

    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream: Any = None
        for frame in frames:
            picture = _fitted(frame.image, LONG_SIDE_PX, SHORT_SIDE_PX)
            if stream is None:
                stream = container.add_stream("libx264", rate=Fraction(30))
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.time_base = stream.codec_context.time_base = _TIME_BASE
                stream.options = _ENCODING
                stream.thread_count = 1
            shown = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            shown.pts, shown.time_base = round(frame.time_s / _TIME_BASE), _TIME_BASE
            container.mux(stream.encode(shown))
        container.mux(stream.encode(None))
