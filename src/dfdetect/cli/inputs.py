"""What the user named -> the list of inputs: files, folders, globs and lists. One input is one record, always."""

from __future__ import annotations

import glob
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from dfdetect.errors import ErrorCode, MediaError, UsageError
from dfdetect.values import ErrorInfo

# Not .ts: it is TypeScript as often as MPEG-TS, so its content decides.
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff"})
NEW_IMAGE_SUFFIXES = frozenset({".avif", ".heic", ".heif"})
VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".qt", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".m2v", ".mts"})
OLD_VIDEO_SUFFIXES = frozenset({".m2ts", ".3gp", ".3g2", ".flv", ".wmv", ".asf", ".ogv", ".vob", ".mxf"})
MEDIA_SUFFIXES = IMAGE_SUFFIXES | NEW_IMAGE_SUFFIXES | VIDEO_SUFFIXES | OLD_VIDEO_SUFFIXES

_HEAD_BYTES = 4096
_NAME_BYTES = 200  # file systems take 255 bytes; the rest is for what is added to a name

IsMedia = Callable[[bytes], bool]


@dataclass(frozen=True, slots=True)
class Input:
    """One thing to scan. refusal: why it is not opened at all; it still gets its record."""

    path: str
    refusal: ErrorInfo | None = None


def collect(paths: Sequence[str], listed: Iterable[str], *, recursive: bool, is_media: IsMedia) -> list[Input]:
    """Every input once, in the order named, the files of a folder sorted.

    A file that is named twice, by itself and by its folder, as `a.jpg` and `./a.jpg`, keeps its first place. Links to
    one file are different inputs.

    paths: files, folders and globs (expanded here where the shell did not). listed: files and folders, taken literally.
    recursive: go into the folders of a folder. Symbolic links to files are followed, links to folders found inside a
    folder are not, so no loop can arise. is_media: does this head of a file (bytes) look like media?
    """
    found: list[Input] = []
    for path in paths:
        for name in _expand(path):
            found += _inputs_at(name, recursive=recursive, is_media=is_media)
    for path in listed:
        found += _inputs_at(path, recursive=recursive, is_media=is_media)
    once: dict[str, Input] = {}
    for item in found:
        once.setdefault(str(Path(item.path).absolute()) if item.path else "", item)
    return list(once.values())


def read_list(text: Iterable[str]) -> list[str]:
    """Paths of a list, one a line; blank lines are skipped."""
    return [line.rstrip("\r\n") for line in text if line.strip()]


def _expand(path: str) -> list[str]:
    """A path that exists is itself, even with * or [ in its name; a glob without a match becomes an error record."""
    if os.path.lexists(path) or not glob.has_magic(path):
        return [path]
    return sorted(glob.glob(path, recursive=True)) or [path]  # noqa: PTH207 - Path.glob takes no absolute pattern


def _inputs_at(path: str, *, recursive: bool, is_media: IsMedia) -> list[Input]:
    if not path or "\0" in path:
        return [_refused(path, ErrorCode.IO_ERROR, "not a path")]
    try:
        mode = Path(path).stat().st_mode
    except PermissionError:
        return [_refused(path, ErrorCode.PERMISSION_DENIED, "no permission to look at it")]
    except OSError as error:
        reason = "no such file or folder" if isinstance(error, FileNotFoundError) else (error.strerror or str(error))
        return [_refused(path, ErrorCode.IO_ERROR, reason)]
    if stat.S_ISDIR(mode):
        inside = list(_walk(path, recursive=recursive, is_media=is_media))
        hint = "" if recursive else " (folders inside it are searched with -r)"
        return inside or [_refused(path, ErrorCode.EMPTY, f"no image or video in this folder{hint}")]
    return [_check_kind(path, mode)]


def _check_kind(path: str, mode: int) -> Input:
    if stat.S_ISREG(mode):
        return Input(path)
    return _refused(path, ErrorCode.PATH_REFUSED, "not a regular file (pipe, socket or device)")


def _walk(folder: str, *, recursive: bool, is_media: IsMedia) -> Iterator[Input]:
    """Media of a folder, sorted by name: by suffix first, then by content. Hidden ones are skipped."""
    try:
        with os.scandir(folder) as listing:
            visible = [entry for entry in listing if not entry.name.startswith(".")]
    except OSError as error:
        code = ErrorCode.PERMISSION_DENIED if isinstance(error, PermissionError) else ErrorCode.IO_ERROR
        yield _refused(folder, code, f"cannot list this folder: {error.strerror}")
        return
    for entry in sorted(visible, key=lambda entry: entry.name):
        if entry.is_dir(follow_symlinks=False):
            if recursive:
                yield from _walk(entry.path, recursive=True, is_media=is_media)
        elif not Path(entry.path).is_dir():  # unlike entry.is_dir it takes a link to itself calmly
            yield from _file_in_folder(entry, is_media)


def _file_in_folder(entry: os.DirEntry[str], is_media: IsMedia) -> Iterator[Input]:
    named_media = Path(entry.name).suffix.lower() in MEDIA_SUFFIXES
    try:
        mode = entry.stat().st_mode
        if not stat.S_ISREG(mode):
            yield _check_kind(entry.path, mode)
        elif named_media or is_media(_head(entry.path)):
            yield Input(entry.path)
    except OSError:
        if named_media:  # a broken link or an unreadable file that calls itself media: the scan says what is wrong
            yield Input(entry.path)


def is_media(head: bytes) -> bool:
    """Whether this head of a file is an image or a video, for files of a folder whose names do not say so."""
    from dfdetect.media.sniff import sniff

    try:
        sniff(head)
    except MediaError:
        return False
    return True


def _head(path: str) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(_HEAD_BYTES)


def _refused(path: str, code: ErrorCode, message: str) -> Input:
    return Input(path, ErrorInfo(code, message, "open"))


def output_names(inputs: Sequence[Input]) -> list[str]:
    """A file name for each input's own result: the input's name, with a part of its path's hash where two share one.

    The names depend on the whole list of inputs only, so that a resumed run writes to the same places.
    """
    names = [_file_name(item.path) for item in inputs]
    times = Counter(name.casefold() for name in names)  # some file systems ignore case
    return [
        name if times[name.casefold()] == 1 else f"{name}.{_path_hash(item.path)}"
        for name, item in zip(names, inputs, strict=True)
    ]


def _file_name(path: str) -> str:
    name = Path(path).name or "folder"
    too_long = len(os.fsencode(name)) > _NAME_BYTES
    return f"{name[: _NAME_BYTES // 4]}.{_path_hash(path)}" if too_long else name


def _path_hash(path: str) -> str:
    return sha256(str(Path(path).absolute()).encode("utf-8", "surrogateescape")).hexdigest()[:8]


def open_list(name: str) -> list[str]:
    """The lines of `--list`: `-` is standard input. Raises UsageError where it cannot be read."""
    import sys

    try:
        if name == "-":
            return read_list(sys.stdin)
        with Path(name).open(encoding="utf-8", errors="surrogateescape") as file:
            return read_list(file)
    except OSError as error:
        raise UsageError(f"--list {name}: cannot read it: {error.strerror}") from None
