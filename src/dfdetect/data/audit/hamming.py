"""Pairs of bit strings that differ in few bits, without comparing all with all.

Multi-index hashing (Norouzi, Punjani and Fleet 2012, arXiv:1307.2982): cut into 16 bands of 16 bits, two strings that
differ in at most 31 bits have a band in which they differ in at most one; so only strings that share such a band are
compared.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Ints = NDArray[np.int64]

MOST_DISTANCE = 31
_BANDS = 16
_KEYS = 1 << 16
_CHUNK = 4_000_000  # candidates compared at a time: about 300 MB


def near_pairs(left: Hashes, right: Hashes, most: int) -> Iterator[tuple[Ints, Ints]]:
    """Yield (rows of left, rows of right) whose strings differ in at most `most` bits, 0..31; a pair may come again.

    left, right: (n, 4) uint64. Give the larger one as `right`, of which the index is made.
    """
    if not 0 <= most <= MOST_DISTANCE:
        raise ValueError(f"expected a distance of 0 to {MOST_DISTANCE} bits, got {most}")
    flips = [0, *(1 << bit for bit in range(16))] if most >= _BANDS else [0]
    left_bands, right_bands = left.view(np.uint16), right.view(np.uint16)
    for band in range(_BANDS):
        order = np.argsort(right_bands[:, band], kind="stable")
        starts = np.zeros(_KEYS + 1, np.int64)
        np.cumsum(np.bincount(right_bands[:, band], minlength=_KEYS), out=starts[1:])
        keys = left_bands[:, band].astype(np.int64)
        for flip in flips:
            yield from _compare(left, right, keys ^ flip, starts, order, most)


def _compare(
    left: Hashes, right: Hashes, keys: Ints, starts: Ints, order: Ints, most: int
) -> Iterator[tuple[Ints, Ints]]:
    counts = starts[keys + 1] - starts[keys]
    ends = np.cumsum(counts)
    first = 0
    while first < len(keys):
        done = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, done + _CHUNK, side="right")))
        rows = np.repeat(np.arange(first, last), counts[first:last])
        within = np.arange(len(rows)) - np.repeat(ends[first:last] - counts[first:last] - done, counts[first:last])
        others = order[starts[keys[rows]] + within]
        near = np.bitwise_count(left[rows] ^ right[others]).sum(axis=1, dtype=np.int64) <= most
        if near.any():
            yield rows[near], others[near]
        first = last
