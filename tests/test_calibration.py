"""Calibration: probabilities are fitted rightly, bounds are honest about what they were measured on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.calibration import (
    MIN_REALS,
    Calibration,
    Curve,
    OperatingPoint,
    RealScore,
    bucket_of,
    fit_platt,
    lower_quantile,
    n_people,
    people_weights,
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


# ---- people with several files ----


@settings(deadline=None)
@given(
    values=st.lists(st.floats(0, 1), min_size=1, max_size=80),
    share=st.floats(0.5, 0.99),
    copies=st.integers(1, 4),
)
def test_a_person_shown_twice_is_one_person(values: list[float], share: float, copies: int) -> None:
    groups = [f"person-{n}" for n in range(len(values))]
    assert upper_quantile(values * copies, share, groups * copies) == upper_quantile(values, share)
    assert n_people(groups * copies) == len(values)


def test_one_person_in_most_files_does_not_set_the_bound() -> None:
    """90 clips of one newsreader and 30 of others: the bound was the newsreader's, who scores low."""
    rng = np.random.default_rng(0)
    values = [*(0.1 * rng.random(2000)), *(0.5 + 0.5 * rng.random(30))]
    groups = ["newsreader"] * 2000 + [f"guest-{n}" for n in range(30)]
    assert upper_quantile(values, 0.9) < 0.1
    assert upper_quantile(values, 0.9, groups) > 0.9
    assert upper_quantile(values[:2000], 0.9, groups[:2000]) == 1.0  # one person carries no claim


@pytest.mark.parametrize(("people", "files"), [(40, 1), (40, 5), (150, 3)])
def test_new_people_pass_the_bound_no_more_often_than_promised(people: int, files: int) -> None:
    """Faces of one person score alike: as many files of few people promised 5 % and flagged 8 % of new ones."""
    rng = np.random.default_rng(people + files)
    groups = np.repeat([f"p{n}" for n in range(people)], files)
    passed = []
    for _ in range(600):
        means = rng.normal(0, 1, people + 200)
        scores = sigmoid(means[: len(means), None] + 0.3 * rng.normal(size=(len(means), files)))
        bound = upper_quantile(scores[:people].ravel().tolist(), 0.95, groups.tolist())
        passed.append(np.mean(scores[people:, 0] > bound))
    assert np.mean(passed) <= 0.05 + 3 * np.std(passed) / np.sqrt(len(passed))
    assert np.mean(passed) > 0.02


@settings(deadline=None)
@given(values=st.lists(st.floats(0, 1), min_size=1, max_size=100), share=st.floats(0.02, 0.5))
def test_lower_quantile_is_the_upper_one_from_below(values: list[float], share: float) -> None:
    bound = lower_quantile(values, share)
    assert bound == 0.0 or np.mean(np.asarray(values) < bound - 1e-12) <= share


@settings(deadline=None)
@given(values=st.lists(st.floats(0, 1), max_size=60), low=st.floats(0.0, 1.0), more=st.floats(0.0, 1.0))
def test_the_bound_never_falls_when_fewer_may_pass(values: list[float], low: float, more: float) -> None:
    assert upper_quantile(values, low) <= upper_quantile(values, max(low, more))


def test_weights_of_people() -> None:
    assert people_weights(["a", "b", "a", "", ""]).tolist() == [0.5, 1.0, 0.5, 1.0, 1.0]
    assert people_weights([]).tolist() == []
    assert n_people([]) == 0


def test_real_thresholds_count_people() -> None:
    fit = [RealScore("video", 1, n / 200, f"person-{n % 40}") for n in range(200)]
    assert real_thresholds(fit, [], measured_on="x") == {}
    assert real_thresholds(fit, [], measured_on="x", likely=0.95, min_people=40)["video"]["1"].n_reals == 200


# ---- isotonic reading ----


def test_a_curve_is_read_between_its_knots_and_keeps_the_order() -> None:
    """Steps of an isotonic fit gave hundreds of files one score: a bound on it flagged all or none of them."""
    curve = Curve((-2.0, 0.0, 0.5, 3.0), (0.1, 0.1, 0.8, 0.8))
    read = Calibration(1.0, 0.0, 0.01, {}, curve)
    x = np.linspace(-9, 9, 400)
    p = read.probabilities(x)
    assert np.all(np.diff(p) > 0)
    assert 0 < p[0] < p[-1] < 1
    assert np.max(np.abs(p - np.interp(x, curve.logits, curve.probabilities))) <= 0.01
    assert read.probability(0.25) == pytest.approx(0.45, abs=0.01)


@pytest.mark.parametrize(
    ("logits", "probabilities"),
    [
        ((0.0,), (0.5,)),
        ((0.0, 0.0), (0.1, 0.2)),
        ((0.0, 1.0), (0.2, 0.1)),
        ((0.0, 1.0), (0.2, 1.1)),
        ((0.0, 1.0), (-0.1, 1.0)),
        ((0.0, 1.0, 2.0), (0.0, 1.0)),
        ((0.0, float("nan")), (0.0, 1.0)),
        ((0.0, 1.0), (0.0, float("nan"))),
        ((), ()),
    ],
)
def test_a_wrong_curve_is_refused(logits: tuple[float, ...], probabilities: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="Curve: expected"):
        Curve(logits, probabilities)


def test_a_target_of_its_own_kind_is_told() -> None:
    rows = {
        "video": {"1": OperatingPoint(0.8, 0.5, 0.01, "a", 90, 0.01)},
        "image": {"1": OperatingPoint(0.9, 0.4, 0.02, "b", 90)},
    }
    calibration = Calibration(1.0, 0.0, 0.02, rows)
    assert calibration.bounds("video", 1)[0].target_fpr == 0.01
    assert calibration.bounds("image", 1)[0].target_fpr == 0.02
    assert calibration.bounds("video", 2)[0].target_fpr == 0.01
