"""Bytes that we encoded ourselves: JPEG, WebP, PNG and video codecs there and back.

The one exception to "only the reader decodes": augmentation, laundering tests, shard images and reports encode a
picture and decode the very same bytes, so nothing here meets untrusted data. Pictures are (H, W, 3) uint8 RGB.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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


def encode_avif(image: UInt8Array, quality: int) -> bytes:
    """RGB picture -> AVIF bytes. quality: 0..100."""
    return _encode(".avif", image, [cv2.IMWRITE_AVIF_QUALITY, quality, cv2.IMWRITE_AVIF_SPEED, 8])


def encode_png(image: UInt8Array, *, effort: int = 6) -> bytes:
    """RGB picture, or a gray one (H, W), -> PNG bytes. effort: 0..9, more is smaller and slower."""
    return _encode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, effort])


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


def avif_round_trip(image: UInt8Array, quality: int) -> UInt8Array:
    """What a picture looks like after lossy AVIF at this quality."""
    return decode(encode_avif(image, quality))


@dataclass(frozen=True, slots=True)
class Codec:
    """A lossy video codec. at_crf: its own quality for an x264 crf, at about the same error on faces of 240 px."""

    encoder: str
    decoder: str
    at_crf: Callable[[int], float]
    options: Callable[[float], dict[str, str]]


def _between(x264: Sequence[float], own: Sequence[float]) -> Callable[[int], float]:
    return lambda crf: float(np.interp(crf, x264, own))


def _mpeg_options(quality: float) -> dict[str, str]:
    return {"qmin": f"{quality:.0f}", "qmax": f"{quality:.0f}"}


# The numbers make the mean PSNR of three frames of eleven photographs agree: 37.2, 35.4, 33.3, 30.9 and 28.3 dB.
_MPEG_SCALE = _between((18, 23, 28, 33, 38), (2, 4, 7, 13, 31))
CODECS: dict[str, Codec] = {
    "h264": Codec("libx264", "h264", float, lambda q: {"crf": f"{q:.0f}", "preset": "veryfast", "tune": "zerolatency"}),
    "vp9": Codec(
        "libvpx-vp9",
        "vp9",
        _between((18, 23, 28, 33, 36), (28, 39, 49, 58, 63)),
        lambda q: {"crf": f"{q:.0f}", "b": "0", "deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"},
    ),
    "mpeg4": Codec("mpeg4", "mpeg4", _MPEG_SCALE, _mpeg_options),
    "mpeg2": Codec("mpeg2video", "mpeg2video", _MPEG_SCALE, _mpeg_options),
    "mpeg1": Codec("mpeg1video", "mpeg1video", _MPEG_SCALE, _mpeg_options),
}


def video_round_trip(frames: Iterable[UInt8Array], *, crf: int, codec: str = "h264") -> list[UInt8Array]:
    """What the frames of a clip look like after a video codec of CODECS (yuv420p, one thread). All of one size.

    crf: on x264's scale, 0..51: 18 is nearly invisible, 23 the usual, 40 bad. Odd sizes are padded by one pixel and
    cut again.
    """
    pictures = list(frames)
    height, width = pictures[0].shape[:2]
    to_rgb = _reformatter()
    return [_cut(to_rgb.reformat(f, format="rgb24"), height, width) for f in _through(pictures, crf, codec)]


def last_after_video(frames: Iterable[UInt8Array], *, crf: int, codec: str = "h264") -> UInt8Array:
    """The last picture of `video_round_trip`, without the work of converting the others."""
    pictures = list(frames)
    height, width = pictures[0].shape[:2]
    return _cut(_reformatter().reformat(_through(pictures, crf, codec)[-1], format="rgb24"), height, width)


def _reformatter() -> Any:
    from av.video.reformatter import VideoReformatter

    return VideoReformatter()  # keeps its tables from frame to frame; a frame's own method makes them anew


def _through(pictures: Sequence[UInt8Array], crf: int, codec: str) -> list[Any]:
    """The decoded frames, as many as went in."""
    import av
    from av.video.codeccontext import VideoCodecContext

    if codec not in CODECS:
        raise unknown_name("video codec", codec, CODECS)
    chosen = CODECS[codec]
    height, width = pictures[0].shape[:2]
    encoder = av.CodecContext.create(chosen.encoder, "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height = width + width % 2, height + height % 2
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, 25)
    encoder.framerate = Fraction(25, 1)
    encoder.thread_count = 1
    encoder.options = chosen.options(chosen.at_crf(crf))
    decoder = av.CodecContext.create(chosen.decoder, "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.thread_count = 1
    to_yuv = _reformatter()
    out: list[Any] = []
    for number, picture in enumerate(pictures):
        if height % 2 or width % 2:
            picture = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        frame = to_yuv.reformat(frame, format="yuv420p")
        frame.pts = number
        for packet in encoder.encode(frame):
            out += decoder.decode(packet)
    for packet in encoder.encode(None):
        out += decoder.decode(packet)
    return out + decoder.decode(None)


def _cut(frame: Any, height: int, width: int) -> UInt8Array:
    return np.ascontiguousarray(frame.to_ndarray()[:height, :width])


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
        _encode_into(container, stream, itertools.chain([first], pictures))


def _encode_into(container: Any, stream: Any, pictures: Iterable[UInt8Array]) -> None:
    import av

    for picture in pictures:
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
    container.mux(stream.encode(None))


@dataclass(frozen=True, slots=True)
class ClipCodec:
    """How a clip is written into memory. options: without its rate, which is `crf` on the encoder's own scale."""

    encoder: str
    container: str
    pix_fmt: str
    options: Mapping[str, str]


# One thread and no look-ahead: the same frames give the same bytes.
CLIP_CODECS: dict[str, ClipCodec] = {
    "h264": ClipCodec("libx264", "mp4", "yuv420p", {"preset": "veryfast", "tune": "zerolatency"}),
    "hevc": ClipCodec(
        "libx265", "mp4", "yuv420p", {"preset": "veryfast", "tune": "zerolatency", "x265-params": "log-level=none"}
    ),
    "vp9": ClipCodec(
        "libvpx-vp9", "webm", "yuv420p", {"b": "0", "deadline": "realtime", "cpu-used": "6", "lag-in-frames": "0"}
    ),
    "lossless": ClipCodec("libx264rgb", "mp4", "rgb24", {"preset": "ultrafast", "crf": "0"}),
}


def encode_clip(
    frames: Sequence[UInt8Array],
    *,
    fps: Fraction | int,
    codec: str,
    crf: int | None = None,
    bit_rate_bps: int | None = None,
) -> bytes:
    """Frames of one size -> the bytes of a file of CLIP_CODECS; even sides but for "lossless".

    crf: on the codec's own scale (H.264, HEVC 0..51, VP9 0..63), or a bit rate; neither for "lossless".
    """
    import av

    if codec not in CLIP_CODECS:
        raise unknown_name("codec of a clip", codec, CLIP_CODECS)
    chosen = CLIP_CODECS[codec]
    memory = io.BytesIO()
    with av.open(memory, "w", format=chosen.container) as container:
        stream: Any = container.add_stream(chosen.encoder, rate=fps)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = chosen.pix_fmt
        stream.thread_count = 1
        stream.options = dict(chosen.options) | ({} if crf is None else {"crf": str(crf)})
        if bit_rate_bps is not None:
            stream.bit_rate = bit_rate_bps
        _encode_into(container, stream, frames)
    return memory.getvalue()


def decode_clip(data: bytes) -> list[UInt8Array]:
    """Every frame of what `encode_clip` made, (H, W, 3) uint8 RGB."""
    import av

    with av.open(io.BytesIO(data), "r") as container:
        return [np.ascontiguousarray(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
