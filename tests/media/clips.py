"""Small files for the media tests, made on the spot: clips whose frames tell their own number, and pictures."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

UInt8Array = NDArray[np.uint8]
# The old codecs know only constant rates; real times need a finer clock.
CONSTANT_RATE, FINE_CLOCK = Fraction(1, 25), Fraction(1, 90_000)


def numbered_frame(number: int, width_px: int = 96, height_px: int = 64) -> UInt8Array:
    """Eight vertical bars, white for a 1 and black for a 0 of the number's bits; the lowest bit is at the left."""
    bits = [(number >> bit) & 1 for bit in range(8)]
    edges = np.linspace(0, width_px, 9).astype(int)
    frame = np.zeros((height_px, width_px, 3), np.uint8)
    for bit, (left, right) in zip(bits, pairwise(edges), strict=True):
        frame[:, left:right] = 255 * bit
    return frame


def number_of(frame: UInt8Array) -> int:
    """The number that `numbered_frame` drew."""
    edges = np.linspace(0, frame.shape[1], 9).astype(int)
    means = [frame[:, left:right].mean() for left, right in pairwise(edges)]
    return sum(1 << bit for bit, mean in enumerate(means) if mean > 127)


def write_clip(
    path: Path,
    frames: Sequence[UInt8Array],
    *,
    times_s: Sequence[float] | None = None,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    rotation_clockwise_deg: int = 0,
) -> Path:
    """Encode RGB frames; 25 a second where no times are given. The extension names the container."""
    clock = CONSTANT_RATE if times_s is None else FINE_CLOCK
    times = times_s if times_s is not None else [i / 25 for i in range(len(frames))]
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.options = pix_fmt, options or {}
        stream.codec_context.time_base = clock
        if rotation_clockwise_deg:
            stream.set_display_rotation(-rotation_clockwise_deg)
        for image, time_s in zip(frames, times, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = round(time_s / clock), clock
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def numbered_clip(path: Path, count: int = 30, **how: object) -> Path:
    return write_clip(path, [numbered_frame(i) for i in range(count)], **how)  # type: ignore[arg-type]


def audio_file(path: Path) -> Path:
    """Half a second of silence and no picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44_100)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 22_050), np.float32), format="fltp", layout="stereo")
        frame.sample_rate = 44_100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def corner_marked(width_px: int = 48, height_px: int = 32) -> UInt8Array:
    """Red top left, green top right, blue bottom left, white bottom right: shows every turn and mirror."""
    image = np.zeros((height_px, width_px, 3), np.uint8)
    half_h, half_w = height_px // 2, width_px // 2
    image[:half_h, :half_w] = (255, 0, 0)
    image[:half_h, half_w:] = (0, 255, 0)
    image[half_h:, :half_w] = (0, 0, 255)
    image[half_h:, half_w:] = (255, 255, 255)
    return image
