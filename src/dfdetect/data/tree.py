"""The names under a dataset's folder, listed once: readers work on names and sizes alone and open no video."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dfdetect.errors import DataError

VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg")
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
ARCHIVE_SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".7z", ".rar", ".gz")

_SKIPPED = ("__MACOSX", "$RECYCLE.BIN", "System Volume Information")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a dataset that is not as it should be. code: stable, counted in reports. path: inside the root."""

    code: str
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class NamedFile:
    """path: inside the root, with `/`. bytes: size."""

    path: str
    bytes: int

    @property
    def folder(self) -> str:
        """The folder inside the root, "" for the root itself."""
        return self.path.rpartition("/")[0]

    @property
    def file_name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def stem(self) -> str:
        name = self.file_name
        return name.rpartition(".")[0] or name

    @property
    def suffix(self) -> str:
        """Lower case, with the dot; "" where there is none."""
        dot = self.file_name.rfind(".")
        return self.file_name[dot:].lower() if dot > 0 else ""


@dataclass(slots=True)
class Tree:
    """Every file under `root`, sorted by path. Hidden files are left out; links to folders are followed once."""

    root: Path
    files: list[NamedFile] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def absolute(self, path: str) -> str:
        """A path inside the root -> absolute, with `/`."""
        return f"{self.root.as_posix().rstrip('/')}/{path}" if path else self.root.as_posix()

    def by_folder(self) -> dict[str, list[NamedFile]]:
        """Folder inside the root -> its files, in order."""
        found: dict[str, list[NamedFile]] = defaultdict(list)
        for file in self.files:
            found[file.folder].append(file)
        return dict(found)

    def top(self) -> list[str]:
        """Names directly under the root, folders with a `/` at the end: for messages."""
        return sorted({part + "/" if rest else part for part, _, rest in (f.path.partition("/") for f in self.files)})

    def subtree(self, folder: str) -> Tree:
        """The tree under one folder of this one, with its problems left here."""
        start = folder + "/"
        inside = [NamedFile(f.path.removeprefix(start), f.bytes) for f in self.files if f.path.startswith(start)]
        return Tree(self.root / folder, inside)


def list_tree(root: Path) -> Tree:
    """List every file under a folder.

    A CSV list is the tree of its folder with that one file in it. DataError: there is no such folder, or it is an
    archive. A folder that cannot be listed, a link that leads back to a folder above it and a broken link are problems
    of the tree.
    """
    shown = str(root)
    if not root.exists():
        raise DataError(f"{shown}: there is no such folder; name the folder that holds the dataset")
    if root.is_file():
        if root.name.lower().endswith(ARCHIVE_SUFFIXES):
            raise DataError(f"{shown} is an archive; unpack it first, then name the folder that it became")
        if root.suffix.lower() == ".csv":
            return Tree(root.resolve().parent, [NamedFile(root.name, root.stat().st_size)])
        raise DataError(f"{shown}: expected a dataset's folder or a CSV list, got another file")
    tree = Tree(root.resolve())
    tree.files.extend(sorted(_walk(tree, "", (os.path.realpath(root),)), key=lambda file: file.path))
    return tree


def _walk(tree: Tree, folder: str, above: tuple[str, ...]) -> Iterator[NamedFile]:
    try:
        with os.scandir(tree.absolute(folder)) as listing:
            entries = [e for e in listing if not e.name.startswith(".") and e.name not in _SKIPPED]
    except OSError as error:
        tree.problems.append(Problem("unreadable_folder", folder, f"cannot be listed: {error.strerror}"))
        return
    for entry in entries:
        path = f"{folder}/{entry.name}" if folder else entry.name
        try:
            if entry.is_dir():
                real = os.path.realpath(entry.path) if entry.is_symlink() else os.path.join(above[-1], entry.name)  # noqa: PTH118 - a million names
                if real in above:
                    tree.problems.append(Problem("link_loop", path, "a link to a folder above it; not followed"))
                else:
                    yield from _walk(tree, path, (*above, real))
            else:
                yield NamedFile(path, entry.stat().st_size)
        except OSError as error:
            tree.problems.append(Problem("unreadable_file", path, f"cannot be looked at: {error.strerror}"))
