"""Pictures that look alike on two sides of a split, found by their hashes, whatever the names say.

Hashing decodes every file, which takes hours for a million; so hashes are kept in a file, line by line, and a run that
was stopped goes on where it was. A changed file (size or time) is hashed again, an unreadable one is tried again.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfdetect.batch import pool
from dfdetect.batch.journal import drop_torn_line
from dfdetect.data.audit.hamming import MOST_DISTANCE, near_pairs
from dfdetect.data.audit.leaks import MOST_EXAMPLES, SplitRows
from dfdetect.data.audit.picture_hash import BITS, WORDS, distance, file_hashes, mirrored
from dfdetect.data.audit.report import Example, Leak, NotChecked, Note
from dfdetect.data.groups import merge
from dfdetect.errors import DataError, UsageError

HEADER = '{"dfdetect": "picture-hashes/1"}\n'
FRAMES = 5

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PixelOptions:
    """hashes: file that keeps them. most_bits: two pictures look alike if at most so many of their 256 bits differ, 0
    to 31. frames: of a video or a folder of frames. jobs: processes. root: where relative paths start, else the list's
    folder. on_progress: called with (files done, files to do)."""

    hashes: Path
    most_bits: int = MOST_DISTANCE
    frames: int = FRAMES
    jobs: int = 1
    root: Path | None = None
    on_progress: Callable[[int, int], None] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.most_bits <= MOST_DISTANCE:
            raise UsageError(
                f"pictures that look alike differ in at most 0 to {MOST_DISTANCE} bits; got {self.most_bits}"
            )
        if self.frames < 1 or self.jobs < 1:
            raise UsageError(f"frames and jobs must be at least 1; got {self.frames} and {self.jobs}")


@dataclass(frozen=True, slots=True)
class Hashed:
    """hashes: (n, 4) uint64 of `row` (n,), the sample that each picture is of. sha256: a string a sample, "" where it
    is not known. unreadable: code -> files."""

    hashes: NDArray[np.uint64]
    row: Ints
    sha256: list[str]
    unreadable: dict[str, list[str]]

    def about(self, options: PixelOptions) -> dict[str, Any]:
        """What was looked at, for the report."""
        return {
            "pictures": len(self.row),
            "samples": len(np.unique(self.row)),
            "most_bits": options.most_bits,
            "of_bits": BITS,
            "frames": options.frames,
            "unreadable": {code: len(files) for code, files in sorted(self.unreadable.items())},
        }

    def not_checked(self, n_samples: int) -> list[NotChecked]:
        """Samples without a picture that could be compared."""
        lacking = n_samples - len(np.unique(self.row))
        why = "their files could not be looked at, or show nothing but one colour"
        return [NotChecked("near_duplicate", "", lacking, n_samples, why)] if lacking else []

    def notes(self) -> list[Note]:
        return [
            Note("unreadable_file", f"{len(files):,} files could not be looked at: {code}", tuple(files[:3]))
            for code, files in sorted(self.unreadable.items())
        ]


def hash_files(files: Sequence[str], options: PixelOptions) -> Hashed:
    """Hashes of every sample's file, video or folder, from the file of hashes where they are there already."""
    known = _Kept(options.hashes)
    rows_of: dict[str, list[int]] = {}
    for row, file in enumerate(files):
        rows_of.setdefault(file, []).append(row)
    bits: list[bytes] = []
    owner: list[int] = []
    sha256 = [""] * len(files)
    unreadable: dict[str, list[str]] = {}
    with known:
        for done, (file, found) in enumerate(_hash_all(list(rows_of), known, options), start=1):
            if isinstance(found, str):
                unreadable.setdefault(found, []).append(file)
            else:
                for row in rows_of[file]:
                    sha256[row] = found.sha256
                    bits += found.hashes
                    owner += [row] * len(found.hashes)
            if options.on_progress:
                options.on_progress(done, len(rows_of))
    if unreadable and len(unreadable_files := [file for some in unreadable.values() for file in some]) == len(rows_of):
        raise DataError(
            f"--pixels: none of {len(rows_of):,} files could be looked at, {unreadable_files[0]} for one "
            f"({', '.join(unreadable)}); say where relative paths start with --root DIR"
        )
    hashes = np.frombuffer(b"".join(bits), np.uint64).reshape(-1, WORDS)
    return Hashed(hashes, np.array(owner, np.int64), sha256, unreadable)


@dataclass(frozen=True, slots=True)
class _Picture:
    """What one file gave: hashes of 32 bytes each."""

    hashes: list[bytes]
    sha256: str


def _hash_all(files: Sequence[str], known: _Kept, options: PixelOptions) -> Iterator[tuple[str, _Picture | str]]:
    """(file, what it gave, or the code of why nothing)."""
    todo = []
    for file in files:
        found = known.get(file, options.frames)
        if found is None:
            todo.append(file)
        else:
            yield file, found
    worker = functools.partial(_make_worker, options.frames)
    for outcome in pool.run(todo, worker, jobs=min(options.jobs, max(1, len(todo)))):
        if outcome.result is None:
            assert outcome.error is not None
            yield outcome.item, outcome.error.code
        else:
            known.add(outcome.item, options.frames, outcome.result)
            yield outcome.item, outcome.result


def _make_worker(frames: int) -> Callable[[str], _Picture]:
    def work(file: str) -> _Picture:
        hashes, sha256 = file_hashes(Path(file), frames)
        return _Picture([bits.tobytes() for bits in hashes], sha256)

    return work


class _Kept:
    """The file of hashes: a line a file, the last one may be torn by a crash and is then dropped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: dict[tuple[str, int, int, int], _Picture] = {}
        if path.exists() and path.stat().st_size:
            with path.open(encoding="utf-8", errors="replace") as file:
                if file.readline() != HEADER:
                    raise UsageError(f"{path}: not a file of hashes (no line {HEADER.strip()}); name another")
            drop_torn_line(path)
            with path.open(encoding="utf-8") as file:
                next(file)
                for line in file:
                    name, *stamp, hashes, sha256 = json.loads(line)
                    self._lines[name, stamp[0], stamp[1], stamp[2]] = _Picture(_from_hex(hashes), sha256)
        if not path.absolute().parent.is_dir():
            raise UsageError(f"--hashes {path}: there is no folder {path.parent}; make it first")
        self._file = path.open("a", encoding="utf-8", buffering=1)
        if path.stat().st_size == 0:
            self._file.write(HEADER)

    def get(self, file: str, frames: int) -> _Picture | None:
        key = _stamp(file, frames)
        return None if key is None else self._lines.get(key)

    def add(self, file: str, frames: int, picture: _Picture) -> None:
        key = _stamp(file, frames)
        if key is not None:
            hashes = b"".join(picture.hashes).hex()
            self._file.write(json.dumps([*key, hashes, picture.sha256]) + "\n")

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _from_hex(text: str) -> list[bytes]:
    data = bytes.fromhex(text)
    return [data[start : start + BITS // 8] for start in range(0, len(data), BITS // 8)]


def _stamp(file: str, frames: int) -> tuple[str, int, int, int] | None:
    """What makes two files the same one; None where there is none."""
    try:
        stat = os.stat(file)  # noqa: PTH116 - a million files
    except (OSError, ValueError):
        return None
    return file, stat.st_size, stat.st_mtime_ns, frames


def find_look_alikes(rows: SplitRows, hashed: Hashed, most_bits: int) -> tuple[list[Leak], list[tuple[str, str, str]]]:
    """(leaks of kind near_duplicate, pairs of splits without one). A key is a group of pictures that look alike, as
    they are or one of them mirrored."""
    pictures, place = np.unique(hashed.hashes, axis=0, return_inverse=True)
    seen = np.zeros((len(pictures), len(rows.splits)), bool)
    seen[place, rows.split[hashed.row]] = True
    leaks, clean = [], []
    for a, b in itertools.combinations(range(len(rows.splits)), 2):
        if not (seen[:, a].any() and seen[:, b].any()):
            continue
        leak = _look_alikes_of(rows, hashed, pictures, place, seen, (a, b), most_bits)
        if leak is None:
            clean.append(("near_duplicate", rows.splits[a], rows.splits[b]))
        else:
            leaks.append(leak)
    return leaks, clean


def _look_alikes_of(
    rows: SplitRows,
    hashed: Hashed,
    pictures: NDArray[np.uint64],
    place: Ints,
    seen: NDArray[np.bool_],
    pair: tuple[int, int],
    most_bits: int,
) -> Leak | None:
    large, small = sorted(pair, key=lambda split: int(seen[:, split].sum()), reverse=True)
    left, right = np.flatnonzero(seen[:, small]), np.flatnonzero(seen[:, large])
    group = np.arange(len(pictures))
    touched = np.zeros((len(pictures), len(rows.splits)), bool)
    shown: dict[int, tuple[int, str]] = {}
    for turn, how in ((np.asarray, ""), (mirrored, ", mirrored")):
        for some, others in near_pairs(turn(pictures[left]), pictures[right], most_bits):
            first, second = left[some], right[others]
            group = merge(group, first, second)
            touched[first, small] = touched[second, large] = True
            for one, other in zip(first[:MOST_EXAMPLES].tolist(), second[:MOST_EXAMPLES].tolist(), strict=True):
                if len(shown) < MOST_EXAMPLES:
                    differ = distance(turn(pictures[one]), pictures[other])
                    shown.setdefault(one, (other, f"{differ} of {BITS} bits differ{how}"))
    if not shown:
        return None
    a, b = pair
    of_row = np.zeros((2, len(rows)), bool)
    for side, split in enumerate(pair):
        inside = rows.split[hashed.row] == split
        of_row[side, hashed.row[inside & touched[place, split]]] = True
    examples = []
    for one, (other, text) in shown.items():
        paths = {small: _path(rows, hashed, place == one, small), large: _path(rows, hashed, place == other, large)}
        examples.append(Example(text, paths[a], paths[b]))
    return Leak(
        kind="near_duplicate",
        splits=(rows.splits[a], rows.splits[b]),
        keys=len(np.unique(group[touched.any(axis=1)])),
        keys_in=(int(seen[:, a].sum()), int(seen[:, b].sum())),
        samples=(int(of_row[0].sum()), int(of_row[1].sum())),
        samples_in=(int((rows.split == a).sum()), int((rows.split == b).sum())),
        examples=tuple(examples),
    )


def _path(rows: SplitRows, hashed: Hashed, of_picture: NDArray[np.bool_], split: int) -> str:
    owners = hashed.row[of_picture]
    return str(rows.path[int(owners[rows.split[owners] == split][0])].as_py())
