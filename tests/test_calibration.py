"""Calibration: probabilities are fitted rightly, bounds are honest about what they were measured on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.calibration import (
    MIN_REALS,
    Calibration,
    OperatingPoint,
    RealScore,
    bucket_of,
    fit_platt,
    real_thresholds,
    sigmoid,
    uncalibrated,
    upper_quantile,
)


def test_fit_platt_finds_the_true_map() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 3, 40_000)
    labels = (rng.random(40_000) < sigmoid(0.7 * logits - 0.4)).astype(int)
    scale, offset = fit_platt(logits, labels)
    assert scale == pytest.approx(0.7, abs=0.03)
    assert offset == pytest.approx(-0.4, abs=0.05)


@pytest.mark.parametrize("stretch", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("shift", [-50.0, 0.0, 50.0])
def test_fit_platt_does_not_depend_on_the_scale_of_the_logits(stretch: float, shift: float) -> None:
    rng = np.random.default_rng(2)
    logits = np.concatenate([rng.normal(-1, 1, 300), rng.normal(1, 1, 300)])
    labels = np.repeat([0, 1], 300)
    scale, offset = fit_platt(logits, labels)
    other_scale, other_offset = fit_platt(stretch * logits + shift, labels)
    assert other_scale * (stretch * 0.3 + shift) + other_offset == pytest.approx(scale * 0.3 + offset, abs=1e-6)


def test_fit_platt_stays_finite_when_the_labels_part_perfectly() -> None:
    """Without Platt's smoothed targets the best scale is infinite and every probability becomes 0 or 1."""
    scale, offset = fit_platt([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0], [0, 0, 0, 1, 1, 1])
    assert 0 < scale < 20
    assert 0.7 < float(sigmoid(scale * 3 + offset)) < 0.99


def test_fit_platt_weights_count_like_copies() -> None:
    logits, labels = [-2.0, -1.0, 0.5, 0.2, 1.0, 3.0], [0, 0, 0, 1, 1, 1]
    even = fit_platt(logits, labels, weights=[2.0] * 6)
    assert even == pytest.approx(fit_platt(logits, labels), abs=1e-9)
    heavy_real = fit_platt(logits, labels, weights=[5.0, 5.0, 5.0, 1.0, 1.0, 1.0])
    assert sigmoid(heavy_real[1]) < sigmoid(even[1])


@pytest.mark.parametrize(
    ("logits", "labels", "match"),
    [
        ([1.0, 2.0], [1, 1], "both present"),
        ([1.0, 2.0, 3.0], [0, 1, 2], "labels 0 and 1"),
        ([2.0, 1.5, -1.0, -2.0], [0, 0, 1, 1], "higher logits"),
    ],
)
def test_fit_platt_refuses(logits: list[float], labels: list[int], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        fit_platt(logits, labels)


def test_sigmoid_never_overflows() -> None:
    with np.errstate(all="raise"):
        assert sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]


@settings(deadline=None)
@given(
    values=st.lists(st.floats(0, 1), min_size=1, max_size=300),
    share=st.floats(0.5, 0.99),
)
def test_upper_quantile_is_never_below_the_plain_one(values: list[float], share: float) -> None:
    bound = upper_quantile(values, share)
    assert bound == 1.0 or np.mean(np.asarray(values) <= bound) >= share
    assert bound >= np.quantile(values, share, method="lower")


def test_upper_quantile_keeps_its_promise_on_new_files() -> None:
    """The plain 98th percentile of 60 files is passed by 3 % of new ones, not 2 %."""
    rng = np.random.default_rng(3)
    passed = [np.mean(rng.random(500) > upper_quantile(rng.random(60).tolist(), 0.98)) for _ in range(400)]
    assert np.mean(passed) <= 0.02 + 0.002


def test_upper_quantile_of_too_few_is_never_reached() -> None:
    assert upper_quantile([0.1] * 30, 0.98) == 1.0


@pytest.mark.parametrize(("n", "bucket"), [(0, "1"), (1, "1"), (2, "2"), (3, "3+"), (40, "3+")])
def test_bucket_of(n: int, bucket: str) -> None:
    assert bucket_of(n) == bucket


def reals(kind: str, n_tracks: int, n: int, seed: int) -> list[RealScore]:
    rng = np.random.default_rng(seed)
    return [RealScore(kind, n_tracks, float(p)) for p in rng.random((n, max(n_tracks, 1))).max(axis=1)]


def test_real_thresholds_by_kind_and_number_of_tracks() -> None:
    fit = reals("image", 1, 400, 1) + reals("video", 1, 400, 2) + reals("video", 2, 400, 3)
    other = reals("image", 1, 1000, 4) + reals("video", 2, 1000, 5)
    table = real_thresholds(fit, other, measured_on="test faces")
    assert set(table) == {"image", "video"}
    one, two = table["video"]["1"], table["video"]["2"]
    assert one.likely_manipulated == pytest.approx(0.98, abs=0.02)
    assert one.no_manipulation_found == pytest.approx(0.90, abs=0.04)
    assert two.likely_manipulated > one.likely_manipulated - 0.01
    assert table["image"]["1"].measured_fpr == pytest.approx(0.02, abs=0.02)
    assert one.measured_fpr is None
    assert "0 real videos" in one.measured_on
    assert two.n_reals == 400


def test_rows_without_files_are_derived_from_single_faces() -> None:
    """A maximum over many faces passes a single face's bound far too often: 1 - 0.98**4 is 8 %, not 2 %."""
    table = real_thresholds(reals("video", 1, 2000, 1), reals("video", 4, 3000, 2), measured_on="test faces")
    row = table["video"]["3+"]
    assert row.likely_manipulated == pytest.approx(0.98**0.25, abs=0.005)
    assert row.measured_fpr == pytest.approx(0.02, abs=0.015)
    assert "derived" in row.measured_on


def test_a_kind_with_too_few_reals_gets_no_row() -> None:
    assert real_thresholds(reals("video", 1, MIN_REALS - 1, 1), [], measured_on="x") == {}


def test_bounds_of_a_kind_that_was_not_measured_are_the_most_careful() -> None:
    rows = {"video": {"1": OperatingPoint(0.8, 0.5, 0.02, "a", 90), "2": OperatingPoint(0.9, 0.4, 0.02, "b", 90)}}
    calibration = Calibration(1.0, 0.0, 0.02, rows)
    bounds, measured = calibration.bounds("video", 1)
    assert (bounds.likely_manipulated, bounds.no_manipulation_found, measured) == (0.8, 0.5, True)
    for kind, n in (("video", 5), ("image", 1)):
        bounds, measured = calibration.bounds(kind, n)
        assert (bounds.likely_manipulated, bounds.no_manipulation_found, measured) == (0.9, 0.4, False)
        assert bounds.measured_fpr is None


@pytest.mark.parametrize("kind", ["image", "video"])
@pytest.mark.parametrize("n_tracks", [1, 2, 9])
@pytest.mark.parametrize("logit", [-1e6, -3.0, 0.0, 3.0, 1e6])
def test_no_score_decides_before_calibration(kind: str, n_tracks: int, logit: float) -> None:
    calibration = uncalibrated()
    bounds, _ = calibration.bounds(kind, n_tracks)  # type: ignore[arg-type]
    assert not calibration.probability(logit) > bounds.likely_manipulated
    assert not calibration.probability(logit) < bounds.no_manipulation_found
    assert bounds.measured_fpr is None
    assert "not calibrated" in bounds.measured_on
