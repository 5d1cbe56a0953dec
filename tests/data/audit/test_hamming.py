"""Near bit strings: the same pairs as comparing all with all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.data.audit import hamming
from dfdetect.data.audit.hamming import Hashes, near_pairs


def with_flips(hashes: Hashes, counts: np.ndarray, rng: np.random.Generator) -> Hashes:
    """Each string with so many of its bits turned round."""
    bits = np.unpackbits(hashes.view(np.uint8), axis=1)
    for row, count in enumerate(counts):
        bits[row, rng.choice(256, count, replace=False)] ^= 1
    return np.packbits(bits, axis=1).view(np.uint64)


def all_pairs(left: Hashes, right: Hashes, most: int) -> set[tuple[int, int]]:
    differ = np.bitwise_count(left[:, None, :] ^ right[None, :, :]).sum(axis=2)
    return {(int(i), int(j)) for i, j in zip(*np.nonzero(differ <= most), strict=True)}


def found(left: Hashes, right: Hashes, most: int) -> set[tuple[int, int]]:
    return {
        (int(i), int(j)) for some, others in near_pairs(left, right, most) for i, j in zip(some, others, strict=True)
    }


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 31), st.integers(0, 2**32 - 1))
def test_the_same_pairs_as_all_with_all(most: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    left = rng.integers(0, 2**64, (60, 4), dtype=np.uint64)
    right = np.concatenate(
        [with_flips(left, rng.integers(0, 45, 60), rng), rng.integers(0, 2**64, (40, 4), dtype=np.uint64)]
    )
    assert found(left, right, most) == all_pairs(left, right, most)


def test_chunks_make_no_difference(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    left = np.zeros((20, 4), np.uint64)
    right = with_flips(np.zeros((30, 4), np.uint64), rng.integers(0, 40, 30), rng)
    monkeypatch.setattr(hamming, "_CHUNK", 7)
    assert found(left, right, 31) == all_pairs(left, right, 31)


def test_nothing_to_compare_and_too_far() -> None:
    none, one = np.empty((0, 4), np.uint64), np.zeros((1, 4), np.uint64)
    assert found(none, one, 31) == found(one, none, 31) == set()
    with pytest.raises(ValueError, match="0 to 31"):
        next(near_pairs(one, one, 32))
