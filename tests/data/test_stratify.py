"""Whole groups into splits: shares that are met, strata that are spread, nothing that depends on chance alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dfdetect.data.stratify import FREE, GroupCounts, assign, fill_empty

RATIOS = np.array([0.8, 0.1, 0.1])


def shares(counts: GroupCounts, result: np.ndarray, stratum: int) -> list[float]:
    of_it = counts.stratum == stratum
    got = np.bincount(result[counts.group[of_it]], counts.count[of_it], 3)
    return (got / got.sum()).tolist()


def test_single_samples_are_dealt_out_exactly() -> None:
    counts = GroupCounts.of(np.arange(1000), np.repeat([0, 1], [700, 300]))
    result = assign(counts, np.full(1000, FREE), RATIOS, np.random.default_rng(0))
    assert np.bincount(result[:700]).tolist() == [560, 70, 70]
    assert np.bincount(result[700:]).tolist() == [240, 30, 30]


@given(st.integers(0, 2**32 - 1))
def test_groups_of_mixed_sizes_come_close_in_every_stratum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 12, 200)
    group = np.repeat(np.arange(200), sizes)
    counts = GroupCounts.of(group, rng.integers(0, 3, len(group)))
    result = assign(counts, np.full(200, FREE), RATIOS, rng)
    for stratum in range(3):
        np.testing.assert_allclose(shares(counts, result, stratum), RATIOS, atol=0.04)


def test_fixed_groups_stay() -> None:
    fixed = np.full(50, FREE)
    fixed[::5] = 2
    counts = GroupCounts.of(np.arange(50), np.zeros(50, np.int64))
    result = assign(counts, fixed, RATIOS, np.random.default_rng(0))
    assert (result[::5] == 2).all()
    assert np.bincount(np.delete(result, np.s_[::5]), minlength=3).tolist() == [32, 4, 4]


def test_three_equal_groups_fill_three_splits() -> None:
    """The smallest squared error alone puts all three into train, and leaves nothing to test on."""
    counts = GroupCounts.of(np.repeat([0, 1, 2], 5), np.zeros(15, np.int64))
    free = np.ones(3, bool)
    result = assign(counts, np.full(3, FREE), RATIOS, np.random.default_rng(0))
    assert fill_empty(result, counts, free, np.ones(1, bool), RATIOS > 0) == [1, 2]
    assert sorted(result.tolist()) == [0, 1, 2]


def test_a_split_is_never_emptied_to_fill_another() -> None:
    counts = GroupCounts.of(np.repeat([0, 1], 5), np.zeros(10, np.int64))
    result = np.array([0, 1])
    assert fill_empty(result, counts, np.ones(2, bool), np.ones(1, bool), RATIOS > 0) == []
    assert result.tolist() == [0, 1]


def test_equal_counts_are_one_make() -> None:
    counts = GroupCounts.of(np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 0, 1, 0, 0]))
    make, example = counts.makes()
    assert make[0] == make[1] != make[2]
    assert counts.row(int(example[make[2]]))[1].tolist() == [2]
