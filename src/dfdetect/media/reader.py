"""Open one image or video of any accepted kind and take upright RGB frames from it, one by one.

    with open_media("clip.mp4") as media:
        for frame in media.frames(even_indices(media.times_s, 32)):
            ...
        print(media.info, media.sha256, media.cuts_s)

Everything that goes wrong is a `MediaError` with a code of the closed list.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from dfdetect.media.boundary import Source, media_errors, open_source
from dfdetect.media.cuts import CutFinder
from dfdetect.media.limits import DEFAULT_LIMITS, Limits
from dfdetect.media.pictures import Pictures
from dfdetect.media.sniff import HEAD_BYTES, MediaType, sniff
from dfdetect.values import Frame, MediaInfo


class OpenedMedia(Protocol):
    """What a scan needs of an opened input: `MediaReader`, or `media.child.reader.ChildReader`."""

    info: MediaInfo
    sha256: str
    bytes: int
    times_s: NDArray[np.float64]
    cuts_s: tuple[float, ...]

    def frames(self, indices: Sequence[int], *, find_cuts: bool = True) -> Iterator[Frame]: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None: ...


class MediaReader:
    """One opened input.

    info: what it is. sha256, bytes: of the whole file. times_s: (frame_count,) float64 presentation seconds, sorted,
    first frame = 0, exact also with variable frame rate. cuts_s: first frame times of the shots after the first one,
    valid once an iterator of `frames(..., find_cuts=True)` has run to its end.
    """

    def __init__(self, source: Source, media_type: MediaType, limits: Limits, sha256: str | None = None) -> None:
        """sha256: of the source, where somebody has read it all already."""
        self._source = source
        self.bytes: int = source.size_bytes
        with media_errors("open"):
            self.sha256: str = sha256 or source.sha256()
        self._pictures = _open_pictures(source, media_type, limits)
        self.info: MediaInfo = self._pictures.info
        self.times_s: NDArray[np.float64] = self._pictures.times_s
        self.cuts_s: tuple[float, ...] = ()

    def frames(self, indices: Sequence[int], *, find_cuts: bool = True) -> Iterator[Frame]:
        """Decode once in order and yield the frames of `indices` (duplicates count once), upright RGB.

        Few frames are in memory at any time: take one, use it, drop it. One iterator at a time. With `find_cuts`
        a video is decoded to its end, else only up to the last wanted frame. Frames that are neither wanted nor needed
        to decode others are left out (`disposable`), so that a cut may be told some frames late, but never on the
        wrong side of a wanted frame. A wanted frame that the decoder had to leave out is replaced by the next decoded
        one, which carries its own index and time.

        Errors: ValueError for an index outside the file; MediaError: corrupt_data at the end when less than 90 % of
        the frames decoded, changed_during_read.
        """
        wanted = sorted(set(indices))
        if wanted and not (wanted[0] >= 0 and wanted[-1] < len(self.times_s)):
            raise ValueError(f"expected frame indices in 0..{len(self.times_s) - 1}, got {wanted[0]}..{wanted[-1]}")
        return self._frames(_Wanted(wanted), CutFinder() if find_cuts and self.info.kind == "video" else None)

    def _frames(self, wanted: _Wanted, cuts: CutFinder | None) -> Iterator[Frame]:
        self.cuts_s = ()
        for picture in self._pictures.pictures(wanted.indices):
            if cuts is not None:
                cuts.add(picture.index, picture.thumbnail_bgr())
            if wanted.takes(picture.index):
                yield Frame(picture.rgb(), picture.index, float(self.times_s[picture.index]))
            if cuts is None and wanted.is_done:
                break
        self._source.check_unchanged()
        if cuts is not None:
            self.cuts_s = tuple(float(self.times_s[index]) for index in cuts.cut_indices)

    def close(self) -> None:
        self._pictures.close()
        self._source.close()

    def __enter__(self) -> MediaReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def open_media(path: Path | str, *, limits: Limits = DEFAULT_LIMITS) -> MediaReader:
    """Open one image or video file; the type is told from its content, never from its name.

    Errors: MediaError. Of the path: io_error, permission_denied, path_refused, empty, too_large. Of the type:
    unsupported_type, external_reference, no_video, codec_refused. Of the content: corrupt_header, corrupt_data,
    no_frame, too_many_pixels, too_many_frames, too_many_streams, too_long, out_of_memory.
    """
    source = open_source(path, limits)
    try:
        return read_source(source, limits)
    except BaseException:
        source.close()
        raise


def read_source(source: Source, limits: Limits, *, sha256: str | None = None) -> MediaReader:
    """A reader of bytes that are open already; errors as of `open_media`, without those of the path."""
    with media_errors("open"):
        head = source.head(HEAD_BYTES)
    return MediaReader(source, sniff(head), limits, sha256)


def _open_pictures(source: Source, media_type: MediaType, limits: Limits) -> Pictures:
    # Imported here: a run over photographs needs no FFmpeg, one over clips needs no Pillow.
    if media_type.kind == "image":
        from dfdetect.media.image import ImageFile

        return ImageFile(source, media_type, limits)
    from dfdetect.media.video import VideoFile

    return VideoFile(source, media_type, limits)


class _Wanted:
    """Which of the decoded frames to give out."""

    def __init__(self, indices: list[int]) -> None:
        self.indices = frozenset(indices)
        self._left = deque(indices)

    @property
    def is_done(self) -> bool:
        return not self._left

    def takes(self, index: int) -> bool:
        """True when this frame is wanted, or stands in for a wanted one that did not come."""
        if not self._left or index < self._left[0]:
            return False
        if index in self._left:
            self._left.remove(index)
        else:
            self._left.popleft()
        return True
