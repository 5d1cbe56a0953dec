"""The files of a bundle as they come from a disk: plain, bounded, read once, and hashed before they are used."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from dfdetect.errors import ModelUnusable

MOST_MODEL_BYTES = 2**31 - 1  # what one protobuf file can hold
MOST_TEXT_BYTES = 2**20  # spec, calibration, card, manifest: a thousand times what they need
_PICKLE_SUFFIXES = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin", ".joblib")
_PICKLE_MAGIC = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")  # PyTorch's zip; bare pickles


def read_plain(path: Path) -> bytes:
    """The whole of a regular file of a bundle.

    Raises:
        ModelUnusable: it is not there, a link, no regular file, larger than such a file can be, or a pickle.
    """
    most = MOST_MODEL_BYTES if path.suffix == ".onnx" else MOST_TEXT_BYTES
    try:
        found = path.lstat()
        _refuse_unplain(path, found.st_mode)
        if found.st_size > most:
            raise ModelUnusable(f"{path}: expected at most {most:,} bytes; found {found.st_size:,}")
        with _open_plain(path) as opened:
            data = opened.read(most + 1)
    except OSError as error:
        raise ModelUnusable(f"{path}: expected a file of the bundle; {error.strerror or error}") from error
    if len(data) > most:
        raise ModelUnusable(f"{path}: expected at most {most:,} bytes; it grew while it was read")
    refuse_pickle(path, data[:4])
    return data


def read_sealed(path: Path, sha256: str) -> bytes:
    """The bytes of a file, once read and once hashed, so what was checked is what is used."""
    data = read_plain(path)
    actual = sha256_of(data)
    if actual != sha256.lower():
        raise ModelUnusable(
            f"{path}: expected SHA-256 {sha256}, found {actual}; the file was altered: get the bundle again"
        )
    return data


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def as_text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelUnusable(f"{name}: expected UTF-8 text; {error}") from error


def refuse_pickle(path: Path, head: bytes) -> None:
    """ModelUnusable for a file that is a pickle by its name or its first bytes."""
    if path.suffix.lower() in _PICKLE_SUFFIXES or head.startswith(_PICKLE_MAGIC):
        raise ModelUnusable(
            f"{path}: a pickle (PyTorch checkpoint) can run code when it is opened and is never loaded; "
            "export the model with `dfdetect export` and use that folder"
        )


def check_folder(folder: Path, expected: Iterable[str]) -> None:
    """A folder holds nothing but what is expected; hidden files are passed over, they are never opened.

    Raises:
        ModelUnusable: no folder, a link in it, a pickle, or a name too many.
    """
    wanted, extra = set(expected), []
    for path in _visible(folder):
        refuse_link(path)
        if path.suffix.lower() in _PICKLE_SUFFIXES:
            refuse_pickle(path, b"")
        if path.name not in wanted:
            extra.append(path.name)
    if extra:
        raise ModelUnusable(f"{folder}: files that the manifest does not name: {', '.join(sorted(extra))}; remove them")


def refuse_pickles(folder: Path) -> None:
    """ModelUnusable for the first pickle of a folder: before anything else, for its message says what to do."""
    for path in _visible(folder):
        head = b""
        with contextlib.suppress(OSError):  # what cannot be read is told when it is needed
            if path.is_file() and not path.is_symlink():
                with _open_plain(path) as opened:
                    head = opened.read(4)
        refuse_pickle(path, head)


def _visible(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise ModelUnusable(f"{folder}: expected the folder of a model bundle; there is none")
    try:
        yield from sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise ModelUnusable(f"{folder}: expected the folder of a model bundle; {error.strerror or error}") from error


def _refuse_unplain(path: Path, mode: int) -> None:
    refuse_link(path)
    if not stat.S_ISREG(mode):
        raise ModelUnusable(f"{path}: expected a file of the bundle; found a folder, pipe or device")


def refuse_link(path: Path) -> None:
    """ModelUnusable for a symbolic link."""
    if path.is_symlink():
        raise ModelUnusable(f"{path}: a symbolic link can lead anywhere and is not followed; put a copy in its place")


def _open_plain(path: Path) -> BinaryIO:
    """Opened without following a link that was put there meanwhile, where the system can."""
    return os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)), "rb")
