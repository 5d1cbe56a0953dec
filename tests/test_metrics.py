"""Metrics against definitions written out the slow way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfdetect.metrics import bootstrap_interval, roc_auc, wilson_interval

cases = st.lists(st.tuples(st.integers(0, 1), st.integers(-4, 4)), min_size=2, max_size=40).filter(
    lambda rows: 0 < sum(label for label, _ in rows) < len(rows)
)


def slow_auc(labels: list[int], scores: list[float]) -> float:
    fakes = [s for y, s in zip(labels, scores, strict=True) if y == 1]
    reals = [s for y, s in zip(labels, scores, strict=True) if y == 0]
    return sum((f > r) + 0.5 * (f == r) for f in fakes for r in reals) / (len(fakes) * len(reals))


@given(cases)
def test_auc_is_the_chance_that_a_fake_scores_above_a_real(rows: list[tuple[int, int]]) -> None:
    labels, scores = [y for y, _ in rows], [float(s) for _, s in rows]
    assert roc_auc(labels, scores) == pytest.approx(slow_auc(labels, scores))


@given(cases)
def test_auc_is_blind_to_rising_maps_and_turns_with_the_sign(rows: list[tuple[int, int]]) -> None:
    labels, scores = [y for y, _ in rows], np.array([s for _, s in rows], float)
    assert roc_auc(labels, np.exp(scores)) == pytest.approx(roc_auc(labels, scores))
    assert roc_auc(labels, -scores) == pytest.approx(1 - roc_auc(labels, scores))


@pytest.mark.parametrize(
    ("labels", "scores", "auc"),
    [
        ([0, 1], [0.1, 0.9], 1.0),
        ([0, 1], [0.9, 0.1], 0.0),
        ([0, 0, 1, 1], [5, 5, 5, 5], 0.5),
        ([0, 0, 1], [1, 3, 2], 0.5),
    ],
)
def test_auc_by_hand(labels: list[int], scores: list[float], auc: float) -> None:
    assert roc_auc(labels, scores) == auc


@pytest.mark.parametrize(
    ("labels", "scores", "says"),
    [
        ([1, 1], [0.1, 0.2], "both real"),
        ([0, 0], [0.1, 0.2], "both real"),
        ([], [], "both real"),
        ([0, 2, 1], [0.1, 0.2, 0.3], "both real"),
        ([0, 1], [0.1, np.nan], "finite"),
        ([0, 1], [0.1], "one length"),
        ([[0, 1]], [[0.1, 0.2]], "one length"),
    ],
)
def test_what_has_no_auc_is_an_error(labels: list[int], scores: list[float], says: str) -> None:
    """A folder whose fakes all failed once printed an AUC of 0.5."""
    with pytest.raises(ValueError, match=says):
        roc_auc(labels, scores)


def test_bootstrap_covers_the_true_auc(rng: np.random.Generator) -> None:
    """Two normals one apart: the AUC is 0.760, and most 95 % intervals must hold it."""
    covered = 0
    for _ in range(40):
        labels = np.repeat([0, 1], 40)
        scores = rng.normal(labels, 1.0)
        low, high = bootstrap_interval(labels, scores, [str(n) for n in range(80)], roc_auc, rng=rng, draws=200)
        covered += low <= 0.760 <= high
    assert covered >= 34  # 40 x 0.95 = 38; 34 or fewer happens once in a hundred


def test_bootstrap_draws_groups_whole(rng: np.random.Generator) -> None:
    """Twenty frames of one clip are one observation: counted apart, the interval is far too narrow."""
    people = np.repeat(np.arange(12), 20)
    labels = np.repeat(np.arange(12) % 2, 20)
    scores = np.repeat(rng.normal(np.arange(12) % 2, 1.0), 20) + rng.normal(0, 0.05, 240)
    by_person = bootstrap_interval(labels, scores, [str(p) for p in people], roc_auc, rng=rng, draws=200)
    by_frame = bootstrap_interval(labels, scores, [str(n) for n in range(240)], roc_auc, rng=rng, draws=200)
    assert by_person[1] - by_person[0] > 2 * (by_frame[1] - by_frame[0])


def test_bootstrap_of_one_group_is_refused(rng: np.random.Generator) -> None:
    """All frames of one person gave the interval 0.83 - 0.83, as if it were known exactly."""
    with pytest.raises(ValueError, match="too few to draw both classes"):
        bootstrap_interval([0, 0, 1], [1, 2, 3], ["a", "a", "a"], roc_auc, rng=rng)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (2, 100, 0.0055, 0.0700)],
)
def test_wilson_by_the_published_table(hits: int, n: int, low: float, high: float) -> None:
    assert wilson_interval(hits, n) == pytest.approx((low, high), abs=5e-4)


@pytest.mark.parametrize(("hits", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_wilson_of_nothing_is_an_error(hits: int, n: int) -> None:
    with pytest.raises(ValueError, match="0 <= hits <= n"):
        wilson_interval(hits, n)
