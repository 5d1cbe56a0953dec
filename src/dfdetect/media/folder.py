"""A folder of still images as a clip: how VidTIMIT, Dacon and most pre-cropped copies of datasets come.

The same interface as `reader.MediaReader`, and the same decoder behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from dfdetect.errors import ErrorCode, MediaError
from dfdetect.media.boundary import media_errors
from dfdetect.media.image import read_rgb
from dfdetect.media.limits import DEFAULT_LIMITS, MIN_DECODED_PART, Limits
from dfdetect.values import Frame, MediaInfo, UInt8Array

FRAMES_PER_S = 25  # assumed: a folder of images does not tell; VidTIMIT, the one recorded as such, has it
IMAGE_SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"))


class FrameFolder:
    """The images of one folder in the order of their numbers.

    info: kind "video", no fps; width_px and height_px are the first image's. numbers: (N,) the number at the end of
    each name ("frame_012.png" -> 12), or 0, 1, 2 ... where not every name has its own. times_s: (N,) numbers / 25 from
    the first one. sha256 is "" and cuts_s is empty: nothing but the wanted images is read.
    """

    def __init__(self, folder: Path, *, limits: Limits = DEFAULT_LIMITS) -> None:
        """Errors: MediaError: io_error, permission_denied, no_frame (no image in it), and those of its first image."""
        self._limits = limits
        with media_errors("open"):
            names = [entry.name for entry in folder.iterdir() if _is_image(entry)]
        if not names:
            raise MediaError(ErrorCode.NO_FRAME, "expected a folder of images, there is none in it", stage="open")
        self._paths, self.numbers = _in_order(folder, names)
        self.sha256 = ""
        self.bytes = sum(path.stat().st_size for path in self._paths)
        self.cuts_s: tuple[float, ...] = ()
        self.times_s: NDArray[np.float64] = (self.numbers - self.numbers[0]) / FRAMES_PER_S
        height_px, width_px = self._first_readable().shape[:2]
        self.info = MediaInfo(
            kind="video",
            container="folder",
            codec="images",
            width_px=width_px,
            height_px=height_px,
            frame_count=len(self._paths),
            duration_s=float(self.times_s[-1]) + 1 / FRAMES_PER_S,
        )

    def frames(self, indices: Sequence[int], *, find_cuts: bool = True) -> Iterator[Frame]:
        """The images at these places, upright RGB; find_cuts is ignored. What cannot be read is left out.

        Errors: MediaError: corrupt_data at the end when less than 90 % of them could be read.
        """
        wanted = sorted(set(indices))
        lost: list[str] = []
        for index in wanted:
            try:
                image = read_rgb(self._paths[index], limits=self._limits)
            except MediaError:
                lost.append(self._paths[index].name)
                continue
            yield Frame(image, index, float(self.times_s[index]))
        if len(wanted) - len(lost) < MIN_DECODED_PART * len(wanted):
            raise MediaError(
                ErrorCode.CORRUPT_DATA,
                f"{len(lost)} of the {len(wanted)} images wanted of this folder cannot be read, the first is {lost[0]}",
            )

    def close(self) -> None:
        """Nothing is held between two calls."""

    def __enter__(self) -> FrameFolder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _first_readable(self) -> UInt8Array:
        failed: MediaError | None = None
        for path in self._paths[:10]:
            try:
                return read_rgb(path, limits=self._limits)
            except MediaError as error:
                failed = failed or error
        assert failed is not None
        raise failed


def _is_image(entry: Path) -> bool:
    """By its suffix; VidTIMIT's images are called 001, 002, ... without one."""
    named = entry.suffix.lower() in IMAGE_SUFFIXES or (not entry.suffix and entry.name.isdecimal())
    return named and not entry.name.startswith(".") and entry.is_file()


def _in_order(folder: Path, names: list[str]) -> tuple[list[Path], NDArray[np.int64]]:
    """Paths by number where every name ends in one of its own, else by name."""
    found = [re.search(r"(\d+)$", name.rpartition(".")[0] or name) for name in names]
    numbers = [int(match[1]) for match in found if match is not None and len(match[1]) < 10]
    if len(set(numbers)) == len(names):
        order = sorted(range(len(names)), key=lambda place: numbers[place])
        return [folder / names[place] for place in order], np.array([numbers[place] for place in order], np.int64)
    return [folder / name for name in sorted(names)], np.arange(len(names))
