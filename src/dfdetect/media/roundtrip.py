"""Bytes that we encoded ourselves: JPEG, WebP, PNG and H.264 there and back.

The one exception to "only the reader decodes": augmentation, laundering tests, shard images and reports encode a
picture and decode the very same bytes, so nothing here meets untrusted data. Pictures are (H, W, 3) uint8 RGB.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dfdetect.errors import unknown_name
from dfdetect.values import UInt8Array

_SUBSAMPLING = {
    "420": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    "422": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    "444": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
}


def _encode(suffix: str, image: UInt8Array, params: list[int]) -> bytes:
    ok, data = cv2.imencode(suffix, image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR), params)
    if not ok:
        raise ValueError(f"could not encode a picture of shape {image.shape} as {suffix}")
    return bytes(data)


def encode_jpeg(image: UInt8Array, quality: int, *, subsampling: str = "420") -> bytes:
    """RGB picture -> JPEG bytes. quality: 1..100; subsampling: 420, 422 or 444."""
    if subsampling not in _SUBSAMPLING:
        raise unknown_name("chroma subsampling", subsampling, _SUBSAMPLING)
    factor = _SUBSAMPLING[subsampling]
    return _encode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor])


def encode_webp(image: UInt8Array, quality: int) -> bytes:
    """RGB picture -> WebP bytes. quality: 1..100 is lossy, 101 lossless."""
    return _encode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, quality])


def encode_png(image: UInt8Array) -> bytes:
    """RGB picture, or a gray one (H, W), -> PNG bytes."""
    return _encode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 6])


def decode(data: bytes) -> UInt8Array:
    """Bytes made by this module -> (H, W, 3) uint8 RGB."""
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise ValueError(f"not a picture that this module encoded ({len(data)} bytes)")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def jpeg_round_trip(image: UInt8Array, quality: int, *, subsampling: str = "420") -> UInt8Array:
    """What a picture looks like after JPEG at this quality."""
    return decode(encode_jpeg(image, quality, subsampling=subsampling))


def webp_round_trip(image: UInt8Array, quality: int) -> UInt8Array:
    """What a picture looks like after lossy WebP at this quality."""
    return decode(encode_webp(image, quality))


def h264_round_trip(frames: Iterable[UInt8Array], *, crf: int, preset: str = "veryfast") -> list[UInt8Array]:
    """What the frames of a clip look like after H.264 (x264, yuv420p, one thread). All of one size.

    crf: 0..51, 18 is nearly invisible, 23 the usual, 40 bad. Odd sizes are padded by one pixel and cut again.
    """
    import av
    from av.video.codeccontext import VideoCodecContext

    pictures = list(frames)
    height, width = pictures[0].shape[:2]
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height = width + width % 2, height + height % 2
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, 25)
    encoder.thread_count = 1
    encoder.options = {"crf": str(crf), "preset": preset, "tune": "zerolatency"}
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.thread_count = 1
    out: list[UInt8Array] = []
    for number, picture in enumerate(pictures):
        padded = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(padded), format="rgb24")
        frame.pts = number
        for packet in encoder.encode(frame):
            out += [_cut(decoded, height, width) for decoded in decoder.decode(packet)]
    for packet in encoder.encode(None):
        out += [_cut(decoded, height, width) for decoded in decoder.decode(packet)]
    out += [_cut(decoded, height, width) for decoded in decoder.decode(None)]
    return out


def _cut(frame: Any, height: int, width: int) -> UInt8Array:
    return np.ascontiguousarray(frame.to_ndarray(format="rgb24")[:height, :width])


def write_video(
    path: Path,
    frames: Iterable[UInt8Array],
    *,
    fps: Fraction | int = 25,
    crf: int = 23,
    codec: str = "libx264",
    repeatable: bool = False,
) -> None:
    """Write frames of one even size as a video; the container follows the suffix of `path`.

    repeatable: the same frames give the same bytes, also quicker; a little larger. Otherwise x264's look-ahead, which
    counts on more threads or fewer and now and then on memory that nobody set, gives other bytes from run to run.
    """
    import av

    pictures: Iterator[UInt8Array] = iter(frames)
    first = next(pictures)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=fps)
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": str(crf)}
        if repeatable:
            stream.thread_count = 1
            stream.options |= {"preset": "veryfast", "tune": "zerolatency"} if codec == "libx264" else {}
        for picture in (first, *pictures):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
        container.mux(stream.encode(None))
