"""Keys of many samples as integers, and which samples hang together through them.

The splitter and the leakage auditor both ask "does this key occur on both sides?" of a million samples, so keys are
dictionary codes in NumPy arrays here and never Python strings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

Codes = NDArray[np.int32]

NONE = -1


@dataclass(frozen=True, slots=True)
class Keys:
    """One kind of key. codes: a (n_samples,) int32 array for each role, NONE where a sample has no such key.

    names: what the codes stand for. An identity has two roles (target, donor) over one list of names.
    """

    codes: tuple[Codes, ...]
    names: pa.Array

    def __len__(self) -> int:
        return len(self.names)

    def take(self, rows: NDArray[np.intp]) -> Keys:
        """The same keys for some of the samples; the names stay whole."""
        return Keys(tuple(codes[rows] for codes in self.codes), self.names)

    def name(self, code: int) -> str:
        return str(self.names[code].as_py())


def encode(*columns: pa.ChunkedArray) -> Keys:
    """String columns of one namespace -> codes in order of first appearance; null and "" become NONE."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths = [len(column) for column in columns]
    chunks = [chunk for column in columns for chunk in column.cast(pa.large_string()).chunks]
    # One chunk: encoding many ends with as many dictionaries, which cost minutes to unify.
    encoded = pa.concat_arrays([pa.array([], pa.large_string()), *chunks]).dictionary_encode()
    names = encoded.dictionary
    codes = encoded.indices.fill_null(NONE).to_numpy(zero_copy_only=False).astype(np.int32)
    empty = pc.index(names, pa.scalar("", pa.large_string())).as_py()
    if empty >= 0:
        codes[codes == empty] = NONE
    stops = np.cumsum(lengths)
    return Keys(tuple(codes[stop - n : stop] for stop, n in zip(stops, lengths, strict=True)), names)


def components(n_samples: int, keys: Sequence[Keys]) -> NDArray[np.int32]:
    """Which samples hang together, directly or through others, by sharing any key: (n_samples,) int32 from 0 on.

    A component is numbered by the order of its first sample. Label hooking with pointer jumping (after Shiloach and
    Vishkin 1982), in NumPy: a million samples take about a second.
    """
    parent = np.arange(n_samples, dtype=np.int32)
    edges = []
    for kind in keys:
        rows = [np.flatnonzero(codes != NONE).astype(np.int32) for codes in kind.codes]
        codes = [codes[row] for codes, row in zip(kind.codes, rows, strict=True)]
        edges.append((np.concatenate(rows), np.concatenate(codes), len(kind)))
    while True:
        before = parent.copy()
        for rows_of, codes_of, n_keys in edges:
            least = np.full(n_keys, n_samples, np.int32)
            roots = parent[rows_of]
            np.minimum.at(least, codes_of, roots)
            np.minimum.at(parent, roots, least[codes_of])
            parent = _to_roots(parent)
        if np.array_equal(parent, before):
            return np.unique(parent, return_inverse=True)[1].astype(np.int32)


def _to_roots(parent: NDArray[np.int32]) -> NDArray[np.int32]:
    while True:
        above = parent[parent]
        if np.array_equal(above, parent):
            return parent
        parent = above


def merge(group: NDArray[np.intp], first: NDArray[np.intp], second: NDArray[np.intp]) -> NDArray[np.intp]:
    """Groups after `first[i]` and `second[i]` have been joined for every i; group: (n,), each numbered by a member."""
    while True:
        one, other = group[first], group[second]
        if np.array_equal(one, other):
            return group
        group = group.copy()
        np.minimum.at(group, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(group, group[group]):
            group = group[group]


def present_in(keys: Keys, split: NDArray[np.integer], n_splits: int) -> NDArray[np.bool_]:
    """Which key occurs in which split, in any role: (n_keys, n_splits). Samples with a split below 0 do not count."""
    seen = np.zeros((len(keys), n_splits), bool)
    for codes in keys.codes:
        rows = (codes != NONE) & (split >= 0)
        seen[codes[rows], split[rows]] = True
    return seen
