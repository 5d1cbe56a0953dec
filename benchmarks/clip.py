"""What is measured on: one public-domain face (NASA's portrait of Eileen Collins, in scikit-image), moving, as H.264.

Sensor noise makes decoding cost what a clip of a video platform costs: about 5 Mbit/s at 1080p. There is no cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from dfdetect.media.roundtrip import encode_jpeg, write_video

SIZE_WH = (1920, 1080)
FPS = 30
FACE_PX = 250
_FACE_PX_OF_PORTRAIT = 95
_CENTRE_XY = (256.0, 230.0)  # of the portrait; the face is a little above and left of it
_NOISE_SIGMA = 4.7
_NOISE_FIELDS = 8


def view(portrait: NDArray[np.uint8], time_s: float) -> NDArray[np.uint8]:
    """(1080, 1920, 3) RGB: the portrait as a hand-held camera sees it at this time, mirrored beyond its edges."""
    zoom = FACE_PX / _FACE_PX_OF_PORTRAIT * (1 + 0.06 * np.sin(0.7 * time_s))
    x = _CENTRE_XY[0] + 20 * np.sin(0.9 * time_s)
    y = _CENTRE_XY[1] + 10 * np.sin(1.3 * time_s)
    move = np.array([[zoom, 0, SIZE_WH[0] / 2 - zoom * x], [0, zoom, SIZE_WH[1] / 2 - zoom * y]])
    shown = cv2.warpAffine(portrait, move, SIZE_WH, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(shown, np.uint8)


def frames(duration_s: float) -> Iterator[NDArray[np.uint8]]:
    """Noisy views, FPS a second; the same ones every time."""
    from skimage.data import astronaut

    portrait: NDArray[np.uint8] = astronaut()  # type: ignore[no-untyped-call]
    rng = np.random.default_rng(0)
    height, width = SIZE_WH[1], SIZE_WH[0]
    # A few fields of noise, shifted at random, cost a tenth of fresh noise a frame and are as hard to predict.
    fields = np.rint(rng.normal(0, _NOISE_SIGMA, (_NOISE_FIELDS, height, width, 1))).astype(np.int16)
    for number in range(round(duration_s * FPS)):
        noise = np.roll(fields[rng.integers(_NOISE_FIELDS)], rng.integers(0, (height, width)), axis=(0, 1))
        yield np.clip(view(portrait, number / FPS) + noise, 0, 255).astype(np.uint8)


def write_clip(path: Path, duration_s: float) -> Path:
    """Write the clip unless it is there."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"part-{path.name}")
        write_video(part, frames(duration_s), fps=FPS, crf=23)
        part.rename(path)
    return path


def write_long_clip(path: Path, short: Path, times: int) -> Path:
    """`times` copies of a clip one after the other, its packets as they are: long clips in seconds."""
    if path.is_file():
        return path
    part = path.with_name(f"part-{path.name}")
    with av.open(str(part), "w") as target:
        out = None
        for number in range(times):
            with av.open(str(short)) as source:
                stream = source.streams.video[0]
                out = out or target.add_stream_from_template(stream)
                for packet in source.demux(stream):
                    if packet.pts is not None and packet.dts is not None:  # the last one is empty
                        shift = round(number * stream.frames / FPS / packet.time_base)
                        packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                        packet.stream = out
                        target.mux(packet)
    part.rename(path)
    return path


def write_photo(path: Path) -> Path:
    """The first view as a JPEG."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_jpeg(next(frames(1 / FPS)), 90))
    return path
