"""Compressed pictures that no other picture is predicted from: what nobody wants to see of them need not be decoded.

H.264 marks them (nal_ref_idc 0, ITU-T H.264 section 7.4.1: most B-frames), and about half of the frames of a usual
file are of that kind. The others decode to the same pixels without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_SLICE = 1  # not of an IDR picture: those are referenced
_LEAVE_NO_TRACE = frozenset((6, 9, 12))  # supplemental information, delimiter, filler
_START_CODE = b"\x00\x00\x01"


class DisposablePictures:
    """Tells the disposable packets of one stream; of codecs other than H.264 none is."""

    def __init__(self, codec: Any) -> None:
        """codec: the stream's `av.CodecContext`."""
        self._is_h264 = codec.name == "h264"
        header = bytes(codec.extradata or b"")
        # MP4 and Matroska store a configuration record (ISO/IEC 14496-15) and lengths before the units, the others
        # start codes.
        self._length_bytes = (header[4] & 3) + 1 if len(header) > 4 and header[0] == 1 else 0

    def __contains__(self, packet: Any) -> bool:
        """Is the whole packet one disposable picture? False where it holds anything that later pictures may need."""
        if not self._is_h264:
            return False
        data = bytes(packet)
        has_slice = False
        for unit in _units_by_length(data, self._length_bytes) if self._length_bytes else _units_by_start_code(data):
            if unit is None:
                return False
            kind, is_referenced = unit & 0x1F, unit & 0x60
            if kind == _SLICE and not is_referenced:
                has_slice = True
            elif kind not in _LEAVE_NO_TRACE:
                return False
        return has_slice


def _units_by_length(data: bytes, length_bytes: int) -> Iterator[int | None]:
    """First byte of every unit; None where the lengths make no sense."""
    at = 0
    while at < len(data):
        start = at + length_bytes
        length = int.from_bytes(data[at:start])
        at = start + length
        yield data[start] if length and at <= len(data) else None


def _units_by_start_code(data: bytes) -> Iterator[int | None]:
    """First byte of every unit; None where the data does not begin with one."""
    at = data.find(_START_CODE)
    if at < 0 or any(data[:at]):
        yield None
        return
    while at >= 0:
        first = at + len(_START_CODE)
        yield data[first] if first < len(data) else None
        at = data.find(_START_CODE, first)
