"""Own fakes make a probability of a logit: better on people left out, or refused with the reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.calibration import sigmoid
from dfdetect.errors import DataError, UsageError
from dfdetect.evaluate.own_calibration import calibrate_on_own
from dfdetect.evaluate.own_claim import Claim
from dfdetect.evaluate.probability_scale import MIN_EACH, MIN_TRACKS, fit_scale
from dfdetect.evaluate.scores import VideoScore
from own_scores import BASE, drawn, origin


def both(n: int, *, seed: int = 0) -> tuple[list[VideoScore], list[VideoScore]]:
    """Reals at -1, fakes at 1, spread 1: the true P for equal numbers is sigmoid(2 * logit)."""
    return drawn(n, mean=-1.0, seed=seed), drawn(n, label=1, mean=1.0, seed=seed)


def test_the_true_scale_is_found_and_the_error_falls() -> None:
    reals, fakes = both(2000)
    found, record = fit_scale(reals, fakes, BASE, "platt")
    assert found.scale == pytest.approx(2.0, abs=0.15)
    assert found.offset == pytest.approx(0.0, abs=0.1)
    assert record.ece_before is not None
    assert record.ece_after is not None
    assert record.ece_before > 0.05
    assert record.ece_after < 0.03
    assert found.thresholds == BASE.thresholds


def test_reals_and_fakes_weigh_the_same_whatever_their_numbers() -> None:
    """Ten reals to a fake made every probability small."""
    reals, fakes = drawn(4000, mean=-1.0), drawn(400, label=1, mean=1.0)
    found, record = fit_scale(reals, fakes, BASE, "platt")
    assert found.probability(0.0) == pytest.approx(0.5, abs=0.05)
    assert (record.n_real, record.n_fake) == (4000, 400)
    assert record.ece_after is not None
    assert record.ece_after < 0.05


def test_an_isotonic_fit_follows_what_no_sigmoid_can() -> None:
    reals = drawn(1500, mean=-1.0)
    fakes = [*drawn(750, label=1, mean=-1.0, seed=1), *drawn(750, label=1, mean=4.0, seed=2, spread=0.3)]
    fakes = [replace(score, group=f"fake-{n}") for n, score in enumerate(fakes)]
    _, platt = fit_scale(reals, fakes, BASE, "platt")
    found, isotonic = fit_scale(reals, fakes, BASE, "isotonic")
    assert isotonic.ece_after is not None
    assert platt.ece_after is not None
    assert isotonic.ece_after < 0.5 * platt.ece_after
    assert found.curve is not None
    x = np.linspace(-8, 8, 500)
    p = found.probabilities(x)
    assert np.all(np.diff(p) > 0)
    assert 0 < p[0] < p[-1] < 1
    assert found.probability(-1.0) == pytest.approx(1 / 3, abs=0.06)  # half of the fakes look like the reals


def test_the_isotonic_fit_is_that_of_scikit_learn() -> None:
    from sklearn.isotonic import IsotonicRegression

    reals, fakes = both(600)
    found, _ = fit_scale(reals, fakes, BASE, "isotonic")
    assert found.curve is not None
    logits = np.array([score.logit for score in (*reals, *fakes)], np.float64)
    labels = np.repeat([0.0, 1.0], 600)
    plain = IsotonicRegression(y_min=1 / 1202, y_max=1 - 1 / 1202, out_of_bounds="clip").fit(logits, labels)
    x = np.linspace(-4, 4, 200)
    expected = 0.99 * plain.predict(x) + 0.01 * sigmoid(found.scale * x + found.offset)
    assert found.probabilities(x) == pytest.approx(expected, abs=1e-9)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1000), method=st.sampled_from(["platt", "isotonic"]), shift=st.floats(-20, 20))
def test_the_order_of_files_never_changes(seed: int, method: str, shift: float) -> None:
    reals, fakes = both(550, seed=seed)
    moved = [[replace(score, logit=(score.logit or 0.0) + shift) for score in part] for part in (reals, fakes)]
    found, _ = fit_scale(moved[0], moved[1], BASE, method)  # type: ignore[arg-type]
    logits = np.sort(np.array([score.logit for part in moved for score in part], np.float64))
    assert np.all(np.diff(found.probabilities(np.unique(logits))) >= 0)


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_too_few_of_one_label_are_refused(method: str) -> None:
    least = MIN_EACH[method]
    reals, fakes = both(1000)
    with pytest.raises(DataError, match=rf"at least {least} usable reals and as many fakes; got 1000 and {least - 1}"):
        fit_scale(reals, fakes[: least - 1], BASE, method)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=rf"got {least - 1} and 1000"):
        fit_scale(reals[: least - 1], fakes, BASE, method)  # type: ignore[arg-type]


def test_an_isotonic_fit_of_a_few_hundred_is_refused() -> None:
    reals, fakes = both(499)
    with pytest.raises(DataError, match=rf"at least {MIN_TRACKS} tracks \(one a file\); got 998"):
        fit_scale(reals, fakes, BASE, "isotonic")


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_lists_that_are_swapped_are_named(method: str) -> None:
    reals, fakes = both(600)
    with pytest.raises(DataError, match="the wrong way round"):
        fit_scale(fakes, reals, BASE, method)  # type: ignore[arg-type]


def test_equal_logits_tell_nothing() -> None:
    reals, fakes = both(600)
    flat = [[replace(score, logit=1.0) for score in part] for part in (reals, fakes)]
    with pytest.raises(DataError, match=r"does not score these fakes above these reals"):
        fit_scale(flat[0], flat[1], BASE, "isotonic")


def test_the_kept_scale_is_measured_and_nothing_else() -> None:
    reals, fakes = both(300)
    found, record = fit_scale(reals, fakes, BASE, "kept")
    assert found == BASE
    assert record.ece_before == record.ece_after
    assert fit_scale(reals, [], BASE, "kept")[1].ece_before is None
    with pytest.raises(UsageError, match="unknown probability scale 'beta'; the options are: isotonic, kept, platt"):
        fit_scale(reals, fakes, BASE, "beta")  # type: ignore[arg-type]


def test_people_of_fakes_and_reals_are_left_out_together() -> None:
    """A face-swap of a person beside the person's own clip: left out apart, one taught what the other was asked."""
    reals, fakes = both(400)
    shared = [replace(score, group=real.group) for score, real in zip(fakes, reals, strict=True)]
    _, record = fit_scale(reals, shared, BASE, "platt")
    assert record.ece_after is not None
    assert record.ece_after < 0.08


def test_what_is_worse_or_far_off_is_said() -> None:
    reals, fakes = drawn(400, mean=-1.0), drawn(400, label=1, mean=1.0)
    as_good = replace(BASE, scale=2.0)
    _, notes = calibrate_on_own(reals, fakes, as_good, Claim(method="kept"), origin(reals, fakes))
    assert not any("uncalibrated domain" in note for note in notes)
    off = replace(BASE, scale=0.2)
    _, notes = calibrate_on_own(reals, fakes, off, Claim(method="kept"), origin(reals, fakes))
    assert any("uncalibrated domain" in note for note in notes)
