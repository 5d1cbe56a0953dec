"""How many people a claim needs: the numbers of the books, and simulated people who keep them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.calibration import upper_quantile
from dfdetect.errors import UsageError
from dfdetect.evaluate.claims import (
    best_rate,
    check_confidence,
    check_rate,
    people_needed,
    rate_with_confidence,
    share_below,
)
from dfdetect.metrics import clopper_pearson_interval


@pytest.mark.parametrize(
    ("rate", "confidence", "needed"),
    [(0.5, None, 1), (0.1, None, 9), (0.05, None, 19), (0.02, None, 49), (0.01, None, 99), (0.001, None, 999),
     (0.1, 0.95, 29), (0.05, 0.95, 59), (0.01, 0.95, 299), (0.01, 0.99, 459)],
)  # fmt: skip
def test_people_needed(rate: float, confidence: float | None, needed: int) -> None:
    """On average ceil(1 / rate) - 1; with a confidence the sample sizes of Wilks (1941)."""
    assert people_needed(rate, confidence) == needed


def test_as_many_as_a_clopper_pearson_bound_asks_for() -> None:
    for rate in (0.2, 0.05, 0.01):
        needed = people_needed(rate, 0.975)
        assert clopper_pearson_interval(0, needed)[1] <= rate  # the upper end of a two-sided 95 % interval
        assert clopper_pearson_interval(0, needed - 1)[1] > rate


@settings(deadline=None, max_examples=50)
@given(rate=st.floats(0.002, 0.5), confidence=st.sampled_from([None, 0.9, 0.95, 0.99]))
def test_fewest_is_fewest(rate: float, confidence: float | None) -> None:
    """One person fewer and the bound would be out of reach, so nothing would ever be flagged."""
    needed = people_needed(rate, confidence)
    scores = np.linspace(0.1, 0.9, needed).tolist()
    assert upper_quantile(scores, share_below(needed, rate, confidence)) == scores[-1]
    assert confidence is not None or needed == 1 or upper_quantile(scores[1:], 1 - rate) == 1.0
    assert best_rate(needed, confidence) <= rate + 1e-4
    assert best_rate(needed - 1, confidence) > rate or needed == 1


@settings(deadline=None)
@given(people=st.integers(1, 20_000), confidence=st.sampled_from([None, 0.5, 0.95]))
def test_what_so_many_carry_can_be_claimed(people: int, confidence: float | None) -> None:
    assert people_needed(best_rate(people, confidence), confidence) <= people


def test_nobody_carries_nothing() -> None:
    assert best_rate(0) == 1.0
    assert best_rate(0, 0.95) == 1.0


@settings(deadline=None, max_examples=50)
@given(
    people=st.integers(60, 3000),
    confidence=st.sampled_from([None, 0.95]),
    rates=st.tuples(st.floats(0.05, 0.5), st.floats(0.05, 0.5)),
)
def test_fewer_false_alarms_ask_for_a_higher_bound(
    people: int, confidence: float | None, rates: tuple[float, float]
) -> None:
    low, high = sorted(rates)
    assert share_below(people, low, confidence) >= share_below(people, high, confidence)
    assert share_below(people, low, confidence) >= share_below(people, low, None) - 1 / (people + 1)


@pytest.mark.parametrize(("people", "rate"), [(99, 0.01), (150, 0.01), (100, 0.05)])
def test_on_average_new_people_pass_no_more_often_than_claimed(people: int, rate: float) -> None:
    rng = np.random.default_rng(people)
    passed = np.array([1 - upper_quantile(rng.random(people).tolist(), share_below(people, rate)) for _ in range(3000)])
    assert passed.mean() <= rate + 3 * passed.std() / np.sqrt(len(passed))
    assert passed.mean() > 0.5 * rate


@pytest.mark.parametrize(("people", "rate"), [(299, 0.01), (400, 0.02), (59, 0.05)])
def test_with_a_confidence_so_many_samples_keep_the_claim(people: int, rate: float) -> None:
    """A bound that holds on average is passed by more than was claimed in four samples of ten."""
    rng = np.random.default_rng(people)
    share = share_below(people, rate, 0.95)
    kept = np.mean([1 - upper_quantile(rng.random(people).tolist(), share) <= rate for _ in range(2000)])
    assert kept >= 0.95 - 0.015
    on_average = [
        1 - upper_quantile(rng.random(people).tolist(), share_below(people, rate)) <= rate for _ in range(500)
    ]
    assert np.mean(on_average) < 0.9


def test_the_rate_that_is_told_with_confidence_covers() -> None:
    rng = np.random.default_rng(5)
    told = rate_with_confidence(150, 0.99)
    real = [1 - upper_quantile(rng.random(150).tolist(), 0.99) for _ in range(2000)]
    assert np.mean(np.array(real) <= told) == pytest.approx(0.95, abs=0.015)
    assert rate_with_confidence(50, 0.99) == 0.0  # the bound is out of reach: nothing is flagged
    assert rate_with_confidence(299, share_below(299, 0.01, 0.95)) == pytest.approx(0.01, abs=1e-4)


@pytest.mark.parametrize("rate", [0.0, -0.1, 0.51, 1.0, 5.0, float("nan")])
def test_a_target_that_is_no_share_is_refused(rate: float) -> None:
    with pytest.raises(UsageError, match=r"--target-fpr: expected a share between 0 and 0\.5"):
        check_rate("--target-fpr", rate)


@pytest.mark.parametrize("confidence", [0.0, 0.4, 1.0, 95.0, float("nan")])
def test_a_confidence_that_is_none_is_refused(confidence: float) -> None:
    with pytest.raises(UsageError, match=r"--confidence: expected 0\.5 to 0\.999"):
        check_confidence(confidence)
