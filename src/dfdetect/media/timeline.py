"""When each frame of a video is shown: one pass over all packets, in which only the first frame is decoded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from av.error import FFmpegError
from av.sidedata.sidedata import SideDataContainer
from numpy.typing import NDArray

from dfdetect.errors import ErrorCode, MediaError
from dfdetect.media.limits import MIN_DECODED_PART, Limits, over_limit
from dfdetect.media.turns import QuarterTurns

# B-frames move a frame by a few places. Times that move one further are broken and not used.
_MAX_REORDER_FRAMES = 32
_RATE_WHERE_UNKNOWN = Fraction(25)
# How long the last frame is shown is often not written down: so much may be missing at the end.
_LAST_FRAME_S = 0.2
# Their parsers cut an interlaced picture into two packets, one a field; the decoder makes one frame of the two.
_SPLIT_FIELDS = frozenset(("mpegts", "mpeg", "h264"))
# They store when a packet is shown; of AVI FFmpeg guesses it, and corrects itself when the frame is decoded.
_STORES_TIMES = frozenset(("mov", "matroska", "flv"))


@dataclass(frozen=True, slots=True)
class Timeline:
    """What the first pass over a video found.

    pts: sorted time stamps of the frames as the decoder will repeat them; None where those are missing or broken and
    frames can only be counted. times_s: (n,) float64 seconds, sorted, first = 0. width_px, height_px: as stored.
    packets_are_frames: each packet is one frame, shown at the packet's own time stamp.
    """

    codec: str
    width_px: int
    height_px: int
    turns: QuarterTurns
    pts: list[int] | None
    times_s: NDArray[np.float64]
    fps: Fraction | None
    duration_s: float
    video_bytes: int
    fields_per_frame: int
    packets_are_frames: bool


@dataclass(slots=True)
class _Log:
    """Packets of the chosen stream, in file order, without those that are never shown."""

    pts: list[int | None] = field(default_factory=list)
    dts: list[int | None] = field(default_factory=list)
    durations: list[int] = field(default_factory=list)
    read: int = 0  # packets, with those never shown
    bytes: int = 0
    end_s: float = 0.0  # of all streams
    first_frame: Any = None


def read_timeline(container: Any, stream: Any, demuxer: str, limits: Limits) -> Timeline:
    """Read all packets of an open container.

    Errors: too_many_frames, too_long, no_frame, corrupt_data (less than 90 % of what the header promises is there, or
    nothing can be decoded), codec_refused (encrypted).
    """
    log = _read_packets(container, stream, limits)
    _check_promise(container, stream, demuxer, log)
    first = log.first_frame
    pts, times_s, fps = _times(log, stream)
    if times_s[-1] > limits.max_duration_s:
        raise over_limit(ErrorCode.TOO_LONG, f"{times_s[-1]:.0f} s", f"{limits.max_duration_s:.0f} s")
    last_shown_s = float(log.durations[-1] * stream.time_base) or (float(1 / fps) if fps else 0.0)
    return Timeline(
        codec=stream.codec_context.codec.canonical_name,
        width_px=first.width,
        height_px=first.height,
        turns=_turns(first),
        pts=pts,
        times_s=times_s,
        fps=fps,
        duration_s=float(times_s[-1]) + last_shown_s,
        video_bytes=log.bytes,
        fields_per_frame=2 if demuxer in _SPLIT_FIELDS and first.interlaced_frame else 1,
        packets_are_frames=demuxer in _STORES_TIMES and pts is not None and not first.interlaced_frame,
    )


def next_packet(packets: Iterator[Any]) -> Any:
    """The next packet that holds data; None at the end. A container that breaks off ends there: what is missing is
    counted afterwards.
    """
    try:
        # FFmpeg takes an empty packet (AVI: "show the last frame again") for the end of the stream: skip it.
        return next((packet for packet in packets if packet.size), None)
    except FFmpegError as error:
        if isinstance(error, MemoryError):
            raise
        return None


def decode_packet(stream: Any, packet: Any) -> list[Any]:
    """Frames that are complete after this packet (None: the ones still held back). A packet that cannot be decoded
    gives none, and frames marked as damaged are left out; what is missing is counted afterwards.
    """
    try:
        frames = stream.decode(packet)
    except FFmpegError as error:
        if isinstance(error, MemoryError):
            raise
        return []
    return [frame for frame in frames if not frame.is_corrupt]


def _read_packets(container: Any, stream: Any, limits: Limits) -> _Log:
    log = _Log()
    packets = iter(container.demux())
    while (packet := next_packet(packets)) is not None:
        started = packet.pts if packet.pts is not None else packet.dts
        if started is not None:
            log.end_s = max(log.end_s, float((started + (packet.duration or 0)) * packet.time_base))
        if packet.stream_index != stream.index:
            continue
        if not log.read and packet.has_sidedata("encryption_info"):
            raise MediaError(
                ErrorCode.CODEC_REFUSED, "expected a video that anybody can play, got an encrypted one", stage="probe"
            )
        log.read += 1
        if log.first_frame is None:
            log.first_frame = next(iter(decode_packet(stream, packet)), None)
        if packet.is_discard or _is_hidden(stream, packet):
            continue
        log.pts.append(packet.pts)
        log.dts.append(packet.dts)
        log.durations.append(packet.duration or 0)
        log.bytes += packet.size
        if len(log.pts) > limits.max_frames:
            raise over_limit(ErrorCode.TOO_MANY_FRAMES, "more frames", f"{limits.max_frames} frames")
    if log.first_frame is None:
        log.first_frame = next(iter(decode_packet(stream, None)), None)
    return log


def _is_hidden(stream: Any, packet: Any) -> bool:
    """VP8 keeps reference frames that are never shown in packets of their own (RFC 6386, 9.1: the show_frame bit)."""
    return stream.codec_context.name == "vp8" and not memoryview(packet)[0] & 0x10


def _check_promise(container: Any, stream: Any, demuxer: str, log: _Log) -> None:
    part = _part_present(container, stream, demuxer, log)
    if part < MIN_DECODED_PART:
        raise MediaError(
            ErrorCode.CORRUPT_DATA,
            f"only {part:.0%} of what the header promises is in the file: it is damaged or cut short",
        )
    if not log.pts:
        raise MediaError(ErrorCode.NO_FRAME, "expected at least one video frame, the file has none")
    if log.first_frame is None:
        raise MediaError(ErrorCode.CORRUPT_DATA, f"none of the {len(log.pts)} video frames could be decoded")


def _part_present(container: Any, stream: Any, demuxer: str, log: _Log) -> float:
    """How much of what the header promises was read, 1 where the header promises nothing.

    Only the promises that mean something: the sample table of MP4 and MOV (their durations may lie and are ignored),
    the length of AVI, Matroska and FLV. For the others FFmpeg estimates a duration from the data itself.
    """
    if demuxer == "mov":
        promised = len(stream.index_entries)
        return log.read / promised if promised else 1.0
    promised_s = 0.0
    if demuxer == "avi":  # its count is one of clock ticks; its duration was corrected by FFmpeg to what is there
        promised_s = float(stream.frames * stream.time_base)
    elif demuxer in ("matroska", "flv") and container.duration:
        promised_s = container.duration / 1e6
    return (log.end_s + _LAST_FRAME_S) / promised_s if promised_s else 1.0


def _times(log: _Log, stream: Any) -> tuple[list[int] | None, NDArray[np.float64], Fraction | None]:
    """(sorted pts or None, seconds from the first frame, average rate)."""
    count = len(log.pts)
    usable = _sorted_stamps(log.pts)
    stamps = usable or _sorted_stamps(log.dts)
    if stamps is None:
        rate = stream.average_rate or stream.guessed_rate or _RATE_WHERE_UNKNOWN
        return None, np.arange(count) / float(rate), Fraction(rate)
    span = (stamps[-1] - stamps[0]) * stream.time_base
    times_s = (np.array(stamps, dtype=np.int64) - stamps[0]) * np.float64(stream.time_base)
    return usable, times_s, _rate(Fraction(count - 1) / span if span > 0 else None, stream.average_rate)


def _rate(measured: Fraction | None, claimed: Fraction | None) -> Fraction | None:
    """Frames a second from the time stamps; the header's figure where it says the same without the rounding."""
    if measured is None:
        return claimed
    if claimed is not None and abs(claimed - measured) < measured / 1000:
        return claimed
    return measured.limit_denominator(1001)


def _sorted_stamps(stamps: list[int | None]) -> list[int] | None:
    """Sorted time stamps, None when some are missing or in no believable order."""
    known = [stamp for stamp in stamps if stamp is not None]
    if len(known) < len(stamps):
        return None
    order = np.argsort(np.array(known, dtype=np.int64), kind="stable")
    if np.abs(order - np.arange(len(order))).max(initial=0) > _MAX_REORDER_FRAMES:
        return None
    return sorted(known)


def _turns(frame: Any) -> QuarterTurns:
    # Not `frame.side_data`: that and the frame hold one another, and with them megabytes of every clip, until Python
    # looks for cycles, which it does once in hundreds of clips.
    matrix = SideDataContainer(frame).get("DISPLAYMATRIX")  # type: ignore[call-arg]  # missing in its stub
    if matrix is None:
        return QuarterTurns()
    return QuarterTurns.from_display_matrix(np.frombuffer(bytes(matrix), dtype=np.int32))
