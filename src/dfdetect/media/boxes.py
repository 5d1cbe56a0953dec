"""The one thing we read from an MP4 or MOV ourselves: whether its samples lie in another file."""

from __future__ import annotations

from collections.abc import Iterator

from dfdetect.errors import ErrorCode, MediaError
from dfdetect.media.boundary import Source

_WAY_DOWN = (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref")
_SELF_CONTAINED = 1
_MOST_BOXES = 10_000  # at one level; far more than any real file has


def check_stands_alone(source: Source) -> None:
    """Raise `external_reference` for a data reference that is not marked as self-contained and names a place.

    FFmpeg, told not to follow it, would skip such a track or read the wrong bytes of this file.
    Source: ISO/IEC 14496-12, 8.7.2.
    """
    for start, end in _find(source, 0, source.size_bytes, _WAY_DOWN):
        for _, entry, entry_end in _boxes(source, start + 8, end):  # after version, flags and count
            source.seek(entry)
            flags = int.from_bytes(source.read(4), "big")
            if not flags & _SELF_CONTAINED and entry_end > entry + 4:
                raise MediaError(
                    ErrorCode.EXTERNAL_REFERENCE,
                    "expected a file that stands alone, got one whose frames lie in another file",
                    stage="probe",
                )


def _find(source: Source, start: int, end: int, way: tuple[bytes, ...]) -> Iterator[tuple[int, int]]:
    for kind, body, body_end in _boxes(source, start, end):
        if kind == way[0]:
            if len(way) == 1:
                yield body, body_end
            else:
                yield from _find(source, body, body_end, way[1:])


def _boxes(source: Source, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start of the content, end) of the boxes that follow each other from `start` to `end`."""
    for _ in range(_MOST_BOXES):
        if start + 8 > end:
            return
        source.seek(start)
        header = source.read(16)
        size, kind, body = int.from_bytes(header[:4], "big"), header[4:8], start + 8
        if size == 1:
            size, body = int.from_bytes(header[8:16], "big"), start + 16
        elif size == 0:
            size = end - start
        if size < body - start:
            return
        yield kind, body, min(start + size, end)
        start += size
