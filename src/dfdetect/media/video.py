"""Video files to upright RGB frames, through FFmpeg (PyAV).

The file is opened twice, never sought in: once to read every packet's presentation time (nothing but the first frame
is decoded), once to decode from the start. Pixels are those stored: the pixel aspect ratio is not applied, interlaced
pictures are not split, HDR is converted without tone mapping, an alpha channel is dropped.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import av
import numpy as np
from av.stream import Discard, Disposition
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from dfdetect.errors import ErrorCode, MediaError
from dfdetect.media.boundary import Source, media_errors
from dfdetect.media.boxes import check_stands_alone
from dfdetect.media.cuts import thumbnail_size
from dfdetect.media.disposable import DisposablePictures
from dfdetect.media.limits import MIN_DECODED_PART, Limits, check_pixels
from dfdetect.media.pictures import Picture
from dfdetect.media.sniff import MediaType
from dfdetect.media.timeline import Timeline, decode_packet, next_packet, read_timeline
from dfdetect.values import MediaInfo, UInt8Array

# Names of decoders, the common codecs of the last 25 years; the many others of FFmpeg stay closed.
_CODECS = (
    "h264", "hevc", "vp8", "vp9", "libdav1d", "mpeg4", "mpeg2video", "mpeg1video", "mjpeg", "h263", "flv", "theora",
    "msmpeg4v2", "msmpeg4",
)  # fmt: skip
_DEMUXERS = {"mov": "mov,mp4,m4a,3gp,3g2,mj2", "matroska": "matroska,webm"}  # FFmpeg's long names, where they differ
_BUFFER_BYTES = 1 << 18


class VideoFile:
    """One video stream of one file, from its first to its last frame."""

    def __init__(self, source: Source, media_type: MediaType, limits: Limits) -> None:
        """Errors: see `reader.open_media`."""
        self._source = source
        self._demuxer = media_type.parser
        self._limits = limits
        if self._demuxer == "mov":
            with media_errors("probe"):
                check_stands_alone(source)
        self._timeline = self._read_timeline()
        self.times_s: NDArray[np.float64] = self._timeline.times_s
        self.info: MediaInfo = self._describe(media_type)

    def pictures(self, wanted: Collection[int] | None = None) -> Iterator[Picture]:
        """The frames that decode, in presentation order: see `Pictures.pictures`."""
        places = _Places(self._timeline.pts)
        decoded = 0
        with self._opened() as (container, stream):
            # Frame threads are up to twice as fast as slice threads on clips of one slice a frame and as safe here:
            # their known fault (VP9 references after a flush) needs a seek, and a container that was decoded from is
            # never sought in, it is opened anew.
            stream.thread_type = "AUTO"
            stream.codec_context.thread_count = min(self._limits.decode_threads, os.cpu_count() or 1)
            for other in container.streams:
                if other.index != stream.index:
                    other.discard = Discard.all
            maker = _PictureMaker(self._timeline)
            left_out = _LeftOut(stream, self._timeline, wanted)
            for frame in self._frames(container, stream, left_out):
                decoded += 1
                index = places.next_place(frame.pts)
                if index < len(self.times_s):
                    yield maker.picture(index, frame)
        self._check_complete(decoded, left_out.count)

    def close(self) -> None:
        """Nothing is held between two calls."""

    def _frames(self, container: Any, stream: Any, left_out: _LeftOut) -> Iterator[Any]:
        packets = iter(container.demux(stream))
        ended = False
        while not ended:
            with media_errors("decode"):
                packet = next_packet(packets)
                ended = packet is None
                frames = [] if packet is not None and left_out.takes(packet) else decode_packet(stream, packet)
            yield from frames

    def _check_complete(self, decoded: int, left_out: int) -> None:
        promised = len(self.times_s) / self._timeline.fields_per_frame - left_out
        if decoded < MIN_DECODED_PART * promised:
            raise MediaError(
                ErrorCode.CORRUPT_DATA,
                f"expected {promised:.0f} frames, only {decoded} could be decoded: the file is damaged or cut short",
            )

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, Any]]:
        """Container and its chosen video stream."""
        self._source.seek(0)
        with media_errors("probe"):
            container = av.open(
                self._source,
                format=self._demuxer,
                options=self._options(),
                io_open=_refuse_reference,
                buffer_size=_BUFFER_BYTES,
                **_metadata_option(),
            )
        try:
            with media_errors("probe"):
                stream = self._video_stream(container)
            yield container, stream
        finally:
            container.close()

    def _options(self) -> dict[str, str]:
        """For the demuxer and for the decoders that FFmpeg opens itself while it probes."""
        return {
            "protocol_whitelist": "none",
            "format_whitelist": _DEMUXERS.get(self._demuxer, self._demuxer),
            "codec_whitelist": ",".join(_CODECS),
            "enable_drefs": "0",
            "max_streams": str(self._limits.max_streams),
            "max_pixels": str(self._limits.max_frame_pixels),
            "probesize": "5000000",
            "analyzeduration": "5000000",
        }

    def _video_stream(self, container: Any) -> Any:
        # The cover picture of an audio file is a video stream to FFmpeg.
        cover = Disposition.attached_pic | Disposition.timed_thumbnails
        films = [s for s in container.streams.video if not s.disposition & cover]
        if not films:
            raise MediaError(
                ErrorCode.NO_VIDEO, "expected a video stream, the file has none (audio only?)", stage="probe"
            )
        stream = next((s for s in films if s.disposition & Disposition.default), films[0])
        codec = stream.codec_context
        if codec is None or codec.name not in _CODECS:
            name = "unknown" if codec is None else codec.name
            raise MediaError(
                ErrorCode.CODEC_REFUSED,
                f"expected one of the codecs {', '.join(_CODECS)}, got {name}; convert the file to H.264",
                stage="probe",
            )
        check_pixels(codec.width, codec.height, self._limits.max_frame_pixels)
        # PyAV does not hand the options of `av.open` to the decoder: without this they would be silently off.
        codec.options = {"codec_whitelist": ",".join(_CODECS), "max_pixels": str(self._limits.max_frame_pixels)}
        return stream

    def _read_timeline(self) -> Timeline:
        with self._opened() as (container, stream):
            # One thread: more would first ask for as many packets as there are threads.
            stream.thread_type = "NONE"
            with media_errors("probe"):
                return read_timeline(container, stream, self._demuxer, self._limits)

    def _describe(self, media_type: MediaType) -> MediaInfo:
        t = self._timeline
        size = (t.height_px, t.width_px) if t.turns.swaps_axes else (t.width_px, t.height_px)
        return MediaInfo(
            kind="video",
            container=media_type.name,
            codec=t.codec,
            width_px=size[0],
            height_px=size[1],
            fps=t.fps,
            frame_count=len(t.times_s),
            duration_s=t.duration_s,
            rotation_deg=t.turns.clockwise_deg,
            bit_rate_bps=round(t.video_bytes * 8 / t.duration_s) if t.duration_s > 0 else None,
        )


class _Places:
    """Place of each decoded frame among the frames of the timeline: by its time stamp, else by counting."""

    def __init__(self, pts: list[int] | None) -> None:
        self._pts = pts
        self._next = 0

    def next_place(self, pts: int | None) -> int:
        """Always beyond the last one; `len(pts)` or more for a frame that the timeline does not know."""
        place = self._next
        if self._pts is not None and pts is not None and place < len(self._pts):
            place = bisect_left(self._pts, pts, lo=place)
        self._next = place + 1
        return place


class _LeftOut:
    """The packets that the decoder is spared: disposable pictures that nobody wants. count: of them so far."""

    def __init__(self, stream: Any, timeline: Timeline, wanted: Collection[int] | None) -> None:
        self.count = 0
        self._disposable = DisposablePictures(stream.codec_context)
        self._wanted_pts: set[int] | None = None
        if wanted is not None and timeline.pts is not None and timeline.packets_are_frames:
            self._wanted_pts = {timeline.pts[index] for index in wanted}

    def takes(self, packet: Any) -> bool:
        if self._wanted_pts is None or packet.pts is None or packet.pts in self._wanted_pts:
            return False
        if packet.is_discard or packet not in self._disposable:
            return False
        self.count += 1
        return True


class _PictureMaker:
    """Decoded frames to RGB; keeps FFmpeg's scalers between frames. One thread each: the decoder has the others, and
    the work on one frame (0.8 ms for 1080p) is too small to share.
    """

    def __init__(self, timeline: Timeline) -> None:
        self._size = (timeline.width_px, timeline.height_px)
        self._small = thumbnail_size(*self._size)
        self._turns = timeline.turns
        self._to_rgb, self._to_thumbnail = VideoReformatter(), VideoReformatter()

    def picture(self, index: int, frame: Any) -> Picture:
        return Picture(index, rgb=lambda: self._rgb(frame), thumbnail_bgr=lambda: self._thumbnail_bgr(frame))

    def _rgb(self, frame: Any) -> UInt8Array:
        # The size is given because a stream may change it on the way; players scale to the first size too.
        with media_errors("decode"):
            shown = self._to_rgb.reformat(frame, *self._size, format="rgb24", threads=1)
            return self._turns.apply(np.asarray(shown.to_ndarray(), dtype=np.uint8))

    def _thumbnail_bgr(self, frame: Any) -> UInt8Array:
        # FAST_BILINEAR costs a quarter of what the other filters do.
        with media_errors("decode"):
            shown = self._to_thumbnail.reformat(
                frame, *self._small, format="bgr24", interpolation=Interpolation.FAST_BILINEAR, threads=1
            )
            return np.asarray(shown.to_ndarray(), dtype=np.uint8)


def _refuse_reference(url: str, flags: int, options: dict[str, str]) -> Any:
    raise MediaError(
        ErrorCode.EXTERNAL_REFERENCE,
        "expected a file that stands alone, got one that points to another file or address",
        stage="probe",
    )


def _metadata_option() -> dict[str, Any]:
    """PyAV 18 raises on tags that are not UTF-8 unless told to replace them; 19 has no such option and never raises."""
    return {"metadata_errors": "replace"} if int(av.__version__.split(".", 1)[0]) < 19 else {}
