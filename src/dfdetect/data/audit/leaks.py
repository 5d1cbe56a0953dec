"""Keys on both sides of a split, kind by kind, for every pair of its parts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dfdetect.data.audit.report import Example, Leak, NotChecked, SplitSize
from dfdetect.data.audit.wording import KINDS, why_not
from dfdetect.data.groups import NONE, Keys, present_in

if TYPE_CHECKING:
    import pyarrow as pa

Bools = NDArray[np.bool_]

MOST_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class SplitRows:
    """A split in integers, one row a sample.

    splits: names; split: (n,) codes into them. label: (n,) 0 real, 1 fake, -1 unknown. path: as shown in examples.
    dataset: one role, NONE where it is not known. keys: file, content, video, source (one role each); pair (video,
    pair_key) and identity (target, donor), each over one list of names.
    """

    splits: tuple[str, ...]
    split: NDArray[np.int16]
    label: NDArray[np.int8]
    path: pa.ChunkedArray
    dataset: Keys
    keys: dict[str, Keys]

    def __len__(self) -> int:
        return len(self.split)


@dataclass(frozen=True, slots=True)
class _Side:
    """Which keys leak when they are in one split as `left` and in another as `right`; both (n_keys, n_splits).

    in_split: what counts as a key of a split. keys: whose samples are touched.
    """

    left: Bools
    right: Bools
    in_split: Bools
    keys: Keys


def find_leaks(rows: SplitRows) -> tuple[list[Leak], list[tuple[str, str, str]]]:
    """(leaks, what was checked and is clean), kinds in the order of KINDS. A kind without a key on both sides is
    neither."""
    leaks, clean = [], []
    sizes = np.bincount(rows.split, minlength=len(rows.splits))
    for kind, side in _sides(rows):
        for a, b in itertools.combinations(range(len(rows.splits)), 2):
            if not (side.in_split[:, a].any() and side.in_split[:, b].any()):
                continue
            both = np.asarray((side.left[:, a] & side.right[:, b]) | (side.right[:, a] & side.left[:, b]))
            if not both.any():
                clean.append((kind, rows.splits[a], rows.splits[b]))
                continue
            leaks.append(_leak(rows, kind, side, both, (a, b), sizes))
    return leaks, clean


def _leak(rows: SplitRows, kind: str, side: _Side, both: Bools, pair: tuple[int, int], sizes: NDArray[np.intp]) -> Leak:
    touched = np.zeros(len(rows), bool)
    for codes in side.keys.codes:
        has = codes != NONE
        touched[has] |= both[codes[has]]
    a, b = pair
    return Leak(
        kind=kind,
        splits=(rows.splits[a], rows.splits[b]),
        keys=int(both.sum()),
        keys_in=(int(side.in_split[:, a].sum()), int(side.in_split[:, b].sum())),
        samples=(int((touched & (rows.split == a)).sum()), int((touched & (rows.split == b)).sum())),
        samples_in=(int(sizes[a]), int(sizes[b])),
        examples=tuple(
            Example(side.keys.name(code), *(_first_path(rows, side.keys, code, part, kind) for part in pair))
            for code in np.flatnonzero(both)[:MOST_EXAMPLES].tolist()
        ),
    )


def _first_path(rows: SplitRows, keys: Keys, code: int, split: int, kind: str) -> str:
    """A sample of a key that shows best what is shared: an original, or for a donor a fake with this face."""
    inside = np.zeros(len(rows), bool)
    for codes in keys.codes:
        inside |= codes == code
    found = np.flatnonzero(inside & (rows.split == split))
    best = found[keys.codes[-1][found] == code if kind == "donor" else rows.label[found] == 0]
    return str(rows.path[int((best if len(best) else found)[0])].as_py())


def _sides(rows: SplitRows) -> Iterator[tuple[str, _Side]]:
    n_splits = len(rows.splits)
    for kind in KINDS:
        keys = rows.keys.get("identity" if kind == "donor" else kind)
        if keys is None or len(keys) == 0:
            continue
        seen = present_in(keys, rows.split, n_splits)
        if kind == "pair":
            originals = np.isin(np.arange(len(keys)), keys.codes[1])
            several = seen & _of_several_videos(keys)[:, None]
            yield kind, _Side(several, several, seen & originals[:, None], keys)
        elif kind == "donor":
            given = present_in(Keys(keys.codes[1:], keys.names), rows.split, n_splits)
            if given.any():
                yield kind, _Side(given, seen, given | (seen & given.any(axis=1, keepdims=True)), keys)
        else:
            yield kind, _Side(seen, seen, seen, keys)


def _of_several_videos(pair: Keys) -> Bools:
    """Originals that more than one video hangs on: with one alone there is no pair, only the same video again."""
    video, original = (codes.astype(np.int64) for codes in pair.codes)
    made, own = original != NONE, video != NONE
    cells = np.concatenate([original[made] * len(pair) + video[made], video[own] * len(pair) + video[own]])
    return np.bincount(np.unique(cells) // max(1, len(pair)), minlength=len(pair)) > 1


def split_sizes(rows: SplitRows) -> tuple[SplitSize, ...]:
    """How large each split is, in samples and in keys."""
    n_splits = len(rows.splits)
    counted = {
        kind: present_in(rows.keys[kind], rows.split, n_splits).sum(axis=0) if kind in rows.keys else np.zeros(n_splits)
        for kind in ("video", "identity", "source")
    }
    return tuple(
        SplitSize(
            name=name,
            samples=int((rows.split == number).sum()),
            real=int(((rows.split == number) & (rows.label == 0)).sum()),
            fake=int(((rows.split == number) & (rows.label == 1)).sum()),
            videos=int(counted["video"][number]),
            people=int(counted["identity"][number]),
            uploads=int(counted["source"][number]),
        )
        for number, name in enumerate(rows.splits)
    )


def not_checked(rows: SplitRows) -> list[NotChecked]:
    """For each dataset and kind, the samples without a key. A pair and a donor are asked of fakes alone."""
    found = []
    dataset = rows.dataset.codes[0]
    for kind in ("video", "pair", "donor", "identity", "source"):
        keys = rows.keys.get("identity" if kind == "donor" else kind)
        lacks = np.ones(len(rows), bool)
        for codes in () if keys is None else keys.codes[1:] if kind in ("pair", "donor") else keys.codes:
            lacks &= codes == NONE
        asked = rows.label != 0 if kind in ("pair", "donor") else np.ones(len(rows), bool)
        for code in np.unique(dataset[lacks & asked]).tolist():
            inside = asked & (dataset == code)
            name = "" if code == NONE else rows.dataset.name(code)
            found.append(NotChecked(kind, name, int((lacks & inside).sum()), int(inside.sum()), why_not(name, kind)))
    return found
