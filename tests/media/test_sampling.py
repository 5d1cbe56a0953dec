"""Frames are chosen evenly over time: first, last and spacing, for any presentation times."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfdetect.errors import UsageError
from dfdetect.media.sampling import even_indices, every_indices, numbered_indices, scan_indices

_gaps_s = st.lists(st.floats(0.0, 5.0), min_size=0, max_size=300)


def _times_s(gaps_s: list[float]) -> np.ndarray:
    return np.concatenate(([0.0], np.cumsum(gaps_s)))


@given(gaps_s=_gaps_s, n=st.integers(2, 64))
def test_first_and_last_frame_unique_and_increasing(gaps_s: list[float], n: int) -> None:
    times_s = _times_s(gaps_s)
    chosen = even_indices(times_s, n)
    assert len(chosen) == min(n, len(times_s))
    assert chosen[0] == 0
    assert chosen[-1] == len(times_s) - 1
    assert all(a < b for a, b in pairwise(chosen))


@given(count=st.integers(2, 2000), n=st.integers(2, 64), fps=st.floats(1, 120))
def test_at_a_constant_rate_each_frame_is_within_half_a_frame_of_its_target(count: int, n: int, fps: float) -> None:
    """A loop that took the first n frames and called them evenly spread (seen in several detectors)."""
    times_s = np.arange(count) / fps
    chosen = even_indices(times_s, n)
    if count < n:
        assert chosen == list(range(count))
        return
    targets_s = np.linspace(0, times_s[-1], n)
    assert np.abs(times_s[chosen] - targets_s).max() <= 0.5 / fps + 1e-9


@given(n=st.integers(4, 40))
def test_with_variable_frame_rate_time_counts_not_the_frame_number(n: int) -> None:
    """Half of the frames lie in the first second of ten: even frame numbers would spend half of the sample there."""
    times_s = np.concatenate((np.linspace(0, 1, 500), np.linspace(1.02, 10, 500)))
    chosen_s = times_s[even_indices(times_s, n)]
    assert np.abs(chosen_s - np.linspace(0, 10, n)).max() <= 0.02


def test_a_long_still_stretch_gives_distinct_frames() -> None:
    """All targets of the still middle fall on the same two frames; each may be taken once only."""
    times_s = [0.0, 0.1, 0.2, 9.8, 9.9, 10.0]
    assert even_indices(times_s, 5) == sorted(set(even_indices(times_s, 5)))
    assert len(even_indices(times_s, 5)) == 5


@pytest.mark.parametrize(("times_s", "n", "expected"), [([], 4, []), ([0.0], 4, [0]), ([0.0, 1.0, 2.0], 1, [1])])
def test_few_frames(times_s: list[float], n: int, expected: list[int]) -> None:
    assert even_indices(times_s, n) == expected


def test_zero_frames_asked_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="at least 1"):
        even_indices([0.0, 1.0], 0)


@pytest.mark.parametrize(
    ("duration_s", "expected"),
    [(0.5, 13), (10.0, 32), (15.4, 32), (20.0, 41), (60.0, 121), (600.0, 256)],
)
def test_scan_takes_one_frame_per_half_second_between_32_and_256(duration_s: float, expected: int) -> None:
    times_s = np.arange(round(duration_s * 25) + 1) / 25
    chosen = scan_indices(times_s)
    assert len(chosen) == min(expected, len(times_s))
    assert (chosen[0], chosen[-1]) == (0, len(times_s) - 1)


def test_scan_of_nothing() -> None:
    assert scan_indices([]) == []


@pytest.mark.parametrize(
    ("times_s", "every_s", "expected"),
    [
        ([], 1.0, []),
        ([0.0], 1.0, [0]),
        ([0.0, 0.4, 0.8, 1.2, 1.6, 2.0], 1.0, [0, 2, 5]),  # 1.0 lies between: the earlier one
        ([0.0, 5.0, 10.0], 1.0, [0, 1, 2]),  # a frame is taken once, however long it stays
        ([0.0, 0.1, 0.2], 5.0, [0]),
        ([3.0, 3.5, 4.0], 0.5, [0, 1, 2]),
    ],
)
def test_a_frame_every_so_often(times_s: list[float], every_s: float, expected: list[int]) -> None:
    assert every_indices(times_s, every_s) == expected


@given(
    st.lists(st.floats(0.001, 2.0), min_size=1, max_size=60).map(np.cumsum),
    st.floats(0.01, 3.0),
)
def test_every_is_never_further_off_than_the_frames_allow(times_s: np.ndarray, every_s: float) -> None:
    chosen = every_indices(times_s, every_s)
    assert chosen == sorted(set(chosen))
    targets = np.arange(0.0, times_s[-1] - times_s[0] + 1e-9, every_s) + times_s[0]
    for target in targets:
        assert np.abs(times_s[chosen] - target).min() == pytest.approx(np.abs(times_s - target).min(), abs=1e-9)


@pytest.mark.parametrize("every_s", [0.0, -1.0, float("nan")])
def test_no_time_between_frames_is_a_usage_error(every_s: float) -> None:
    with pytest.raises(UsageError, match="more than 0 seconds"):
        every_indices([0.0, 1.0], every_s)


@given(st.integers(1, 2000), st.integers(1, 64))
def test_numbered_frames_go_from_first_to_last_in_even_steps(frame_count: int, n: int) -> None:
    chosen = numbered_indices(frame_count, n)
    assert chosen[0] == 0
    assert chosen[-1] == (frame_count - 1 if n > 1 else 0)
    assert chosen == sorted(set(chosen))
    assert len(chosen) == min(n, frame_count)
    steps = {b - a for a, b in pairwise(chosen)}
    assert not steps or max(steps) - min(steps) <= 1


def test_numbered_frames_of_nothing() -> None:
    assert numbered_indices(0, 32) == []
    with pytest.raises(UsageError, match="at least 1 frame"):
        numbered_indices(10, 0)
