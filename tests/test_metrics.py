"""Metrics against definitions written out the slow way."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sk = pytest.importorskip("sklearn.metrics")
brentq = pytest.importorskip("scipy.optimize").brentq
binom = pytest.importorskip("scipy.stats").binom

from dfdetect.metrics import (  # noqa: E402
    Confusion,
    FloatArray,
    Ranking,
    average_precision,
    brier_score,
    clopper_pearson_interval,
    log_loss,
    rank,
    reliability_bins,
    risk_coverage,
    roc_auc,
    wilson_interval,
)

any_speed = settings(deadline=None, max_examples=60)
cases = st.lists(st.tuples(st.integers(0, 1), st.integers(-4, 4)), min_size=2, max_size=40).filter(
    lambda rows: 0 < sum(label for label, _ in rows) < len(rows)
)

weighted_cases = st.lists(
    st.tuples(st.integers(0, 1), st.integers(-4, 4), st.integers(1, 3)), min_size=2, max_size=40
).filter(lambda rows: 0 < sum(label for label, *_ in rows) < len(rows))
probability_cases = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 1.0])),
    min_size=2,
    max_size=40,
).filter(lambda rows: 0 < sum(label for label, _ in rows) < len(rows))


def weighted(labels: FloatArray, scores: FloatArray, weights: FloatArray) -> Ranking:
    """Each sample's weight at its score, scores falling."""
    levels = np.unique(scores)[::-1]
    real, fake = (
        np.array([weights[(labels == label) & (scores == score)].sum() for score in levels]) for label in (0, 1)
    )
    return Ranking(levels, real, fake)


def slow_auc(labels: list[int], scores: list[float]) -> float:
    fakes = [s for y, s in zip(labels, scores, strict=True) if y == 1]
    reals = [s for y, s in zip(labels, scores, strict=True) if y == 0]
    return sum((f > r) + 0.5 * (f == r) for f in fakes for r in reals) / (len(fakes) * len(reals))


@any_speed
@given(cases)
def test_auc_is_the_chance_that_a_fake_scores_above_a_real(rows: list[tuple[int, int]]) -> None:
    labels, scores = [y for y, _ in rows], [float(s) for _, s in rows]
    assert roc_auc(labels, scores) == pytest.approx(slow_auc(labels, scores))


@any_speed
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


@any_speed
@given(weighted_cases)
def test_ranking_figures_by_sklearn_on_weighted_samples(rows: list[tuple[int, int, int]]) -> None:
    """What a bootstrap draw weighs must give what scikit-learn gives of the same weights."""
    y, s, w = (np.array(column, float) for column in zip(*rows, strict=True))
    ranking = weighted(y, s, w)
    assert ranking.roc_auc() == pytest.approx(sk.roc_auc_score(y, s, sample_weight=w))
    assert ranking.average_precision() == pytest.approx(sk.average_precision_score(y, s, sample_weight=w))
    assert ranking.partial_auc(0.05) == pytest.approx(sk.roc_auc_score(y, s, sample_weight=w, max_fpr=0.05))
    assert ranking.partial_auc(0.6) == pytest.approx(sk.roc_auc_score(y, s, sample_weight=w, max_fpr=0.6))


@any_speed
@given(cases)
def test_average_precision_is_sklearns(rows: list[tuple[int, int]]) -> None:
    labels, scores = zip(*rows, strict=True)
    assert average_precision(labels, scores) == pytest.approx(sk.average_precision_score(labels, scores))


@any_speed
@given(cases)
def test_equal_error_rate_is_where_the_roc_meets_the_falling_diagonal(rows: list[tuple[int, int]]) -> None:
    """The usual recipe: the root of 1 - x - ROC(x) on straight lines between the points of the curve."""
    labels, scores = zip(*rows, strict=True)
    fpr, tpr, _ = sk.roc_curve(labels, scores, drop_intermediate=False)
    rising = fpr + 1e-12 * np.arange(len(fpr))  # a curve that stands upright has no single value there
    root = brentq(lambda x: 1.0 - x - np.interp(x, rising, tpr), -1e-9, 1.0 + 1e-9)
    assert rank(labels, scores).equal_error_rate() == pytest.approx(root, abs=1e-6)


@any_speed
@given(cases, st.sampled_from([0.0, 0.01, 0.05, 0.25, 0.5, 1.0]))
def test_tpr_at_fpr_is_the_best_of_all_thresholds(rows: list[tuple[int, int]], most: float) -> None:
    labels, scores = (np.array(column) for column in zip(*rows, strict=True))
    found = [0.0]
    for threshold in np.unique(scores):
        flagged = scores >= threshold
        if flagged[labels == 0].mean() <= most + 1e-12:
            found.append(flagged[labels == 1].mean())
    assert rank(labels, scores).tpr_at_fpr(most) == pytest.approx(max(found))


@any_speed
@given(cases)
def test_leading_axes_are_draws(rows: list[tuple[int, int]]) -> None:
    """Several weightings at once give what each gives alone."""
    labels, scores = (np.array(column, float) for column in zip(*rows, strict=True))
    rng = np.random.default_rng(len(rows))
    one = rank(labels, scores)
    factors = rng.integers(1, 4, (3, len(one.scores))).astype(float)
    several = Ranking(one.scores, one.real * factors, one.fake * factors)
    singles = [Ranking(one.scores, one.real * row, one.fake * row) for row in factors]
    for name in ("roc_auc", "average_precision", "equal_error_rate"):
        assert getattr(several, name)() == pytest.approx([float(getattr(single, name)()) for single in singles])
    assert several.tpr_at_fpr(0.3) == pytest.approx([float(single.tpr_at_fpr(0.3)) for single in singles])
    assert several.partial_auc(0.3) == pytest.approx([float(single.partial_auc(0.3)) for single in singles])


@any_speed
@given(cases)
def test_curves_are_sklearns(rows: list[tuple[int, int]]) -> None:
    labels, scores = zip(*rows, strict=True)
    ranking = rank(labels, scores)
    fpr, tpr, _ = sk.roc_curve(labels, scores, drop_intermediate=False)
    assert [*ranking.roc()] == [pytest.approx(fpr), pytest.approx(tpr)]
    precision, recall, _ = sk.precision_recall_curve(labels, scores)
    assert [column[::-1] for column in ranking.precision_recall()] == [
        pytest.approx(precision[:-1]),
        pytest.approx(recall[:-1]),
    ]


@pytest.mark.parametrize(
    ("labels", "scores", "eer", "tpr"),
    [
        ([0, 1], [0.1, 0.9], 0.0, 1.0),
        ([0, 1], [0.9, 0.1], 1.0, 0.0),
        ([0, 1], [0.5, 0.5], 0.5, 0.0),
        ([0, 0, 1, 1], [1, 3, 2, 4], 0.5, 0.5),
    ],
)
def test_figures_by_hand(labels: list[int], scores: list[float], eer: float, tpr: float) -> None:
    ranking = rank(labels, scores)
    assert ranking.equal_error_rate() == pytest.approx(eer)
    assert ranking.tpr_at_fpr(0.0) == pytest.approx(tpr)


@any_speed
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(-1, 1)), min_size=1, max_size=40))
def test_confusion_figures_by_sklearn(rows: list[tuple[int, int]]) -> None:
    labels, answers = (np.array(column) for column in zip(*rows, strict=True))
    decided = answers >= 0
    y, flagged = labels[decided], answers[decided]
    tn, fp, fn, tp = (np.array(float(((y == a) & (flagged == b)).sum())) for a in (0, 1) for b in (0, 1))
    found = Confusion(tn, fp, fn, tp)
    nan = {"zero_division": np.nan}
    if len(y) == 0:
        assert all(np.isnan(figure()) for figure in (found.accuracy, found.precision, found.recall, found.f1))
        return
    assert found.accuracy() == pytest.approx(sk.accuracy_score(y, flagged))
    assert found.precision() == pytest.approx(sk.precision_score(y, flagged, **nan), nan_ok=True)
    assert found.recall() == pytest.approx(sk.recall_score(y, flagged, **nan), nan_ok=True)
    if len(np.unique(y)) == 2:
        assert found.balanced_accuracy() == pytest.approx(sk.balanced_accuracy_score(y, flagged))
        assert found.f1() == pytest.approx(sk.f1_score(y, flagged, zero_division=0))
    else:
        assert np.isnan(found.balanced_accuracy())


@any_speed
@given(probability_cases)
def test_log_loss_and_brier_by_sklearn(rows: list[tuple[int, float]]) -> None:
    labels, p = zip(*rows, strict=True)
    assert log_loss(labels, p) == pytest.approx(sk.log_loss(labels, p, labels=[0, 1]))
    assert brier_score(labels, p) == pytest.approx(sk.brier_score_loss(labels, p))


@any_speed
@given(probability_cases)
def test_calibration_error_by_counting(rows: list[tuple[int, float]]) -> None:
    """Each sample's bin from the share of samples below it and half of those equal to it, sample by sample."""
    labels, p = (np.array(column) for column in zip(*rows, strict=True))
    bins: dict[int, list[int]] = {}
    for n, value in enumerate(p):
        middle = ((p < value).sum() + 0.5 * (p == value).sum()) / len(p)
        bins.setdefault(min(14, int(15 * middle + 1e-9)), []).append(n)
    by_hand = sum(len(own) * abs(p[own].mean() - labels[own].mean()) for own in bins.values()) / len(p)
    assert reliability_bins(labels, p).error() == pytest.approx(by_hand, abs=1e-12)


def test_bins_of_equal_mass_hold_equally_many(rng: np.random.Generator) -> None:
    p = rng.permutation(np.linspace(0.01, 0.99, 150))
    labels = rng.integers(0, 2, 150)
    bins = reliability_bins(labels, p)
    assert bins.n.tolist() == [10.0] * 15
    parts = np.array_split(np.argsort(p), 15)
    assert bins.fake_share == pytest.approx([labels[part].mean() for part in parts])


def test_a_constant_probability_is_one_bin() -> None:
    bins = reliability_bins([0, 1, 1, 1], [0.5] * 4)
    assert (bins.n.tolist(), bins.fake_share.tolist(), bins.error()) == ([4.0], [0.75], 0.25)


@any_speed
@given(probability_cases.filter(lambda rows: len(rows) <= 5))
def test_risk_coverage_is_the_mean_over_all_orders_of_equal_samples(rows: list[tuple[int, float]]) -> None:
    labels, p = (np.array(column) for column in zip(*rows, strict=True))
    found = risk_coverage(labels, p)
    wrong = (p >= 0.5) != (labels == 1)
    orders = []
    for order in permutations(range(len(p))):
        best_first = sorted(order, key=lambda n: -abs(p[n] - 0.5))
        orders.append(np.cumsum(wrong[best_first]) / np.arange(1, len(p) + 1))
    assert found.risk == pytest.approx(np.mean(orders, axis=0))
    assert found.area() == pytest.approx(np.mean(orders))


def test_risk_at_a_coverage() -> None:
    found = risk_coverage([1, 0, 1, 0, 1], [0.99, 0.02, 0.9, 0.8, 0.45])  # the fourth and fifth are wrong
    assert (found.at(0.6), found.at(0.8), found.at(1.0), found.at(0.01)) == (0.0, 0.25, 0.4, 0.0)


@pytest.mark.parametrize("measure", [log_loss, brier_score, reliability_bins, risk_coverage])
@pytest.mark.parametrize(
    ("labels", "p", "says"),
    [
        ([], [], "both real"),
        ([1], [0.4], "both real"),
        ([0, 0], [0.1, 0.2], "both real"),
        ([0, 1], [0.1, 1.2], "within 0..1"),
        ([0, 1], [0.1, np.nan], "finite"),
    ],
)
def test_probabilities_that_cannot_be_judged_are_an_error(
    measure: Callable[..., object], labels: list[int], p: list[float], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        measure(labels, p)


@any_speed
@given(st.integers(1, 400), st.data())
def test_clopper_pearson_by_the_binomial_tails(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    low, high = clopper_pearson_interval(hits, n)
    assert low == 0.0 if hits == 0 else binom.sf(hits - 1, n, low) == pytest.approx(0.025, rel=1e-6)
    assert high == 1.0 if hits == n else binom.cdf(hits, n, high) == pytest.approx(0.025, rel=1e-6)


@any_speed
@given(st.integers(1, 400), st.data())
def test_wilson_by_its_equation(n: int, data: st.DataObject) -> None:
    """Its ends are the shares whose normal test just holds the observed one."""
    hits = data.draw(st.integers(0, n))
    for end in wilson_interval(hits, n):
        if 0 < end < 1:
            assert abs(hits / n - end) == pytest.approx(1.96 * np.sqrt(end * (1 - end) / n), rel=1e-6, abs=1e-7)


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
