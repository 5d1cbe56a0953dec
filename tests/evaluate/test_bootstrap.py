"""Intervals: groups drawn whole, every figure of a draw right, and what cannot be drawn refused."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as sk

from dfdetect.evaluate import bootstrap
from dfdetect.evaluate.bootstrap import ABSTAINED, ROC_HEIGHTS, Scored, draw_figures, interval, score_levels
from dfdetect.metrics import rank


def scored(rng: np.random.Generator, n: int, *, apart: float = 1.5, steps: int | None = None) -> Scored:
    labels = np.repeat([0, 1], [n // 2, n - n // 2]).astype(np.int8)
    p = 1 / (1 + np.exp(-rng.normal(apart * (labels - 0.5), 1.0)))
    p = np.round(p * steps) / steps if steps else p
    answers = np.where(p > 0.7, 1, np.where(p < 0.3, 0, ABSTAINED)).astype(np.int8)
    return Scored(labels, p, {"shipped": answers, "half": (p >= 0.5).astype(np.int8)})


def slow_draws(model: Scored, groups: np.ndarray, rng: np.random.Generator, draws: int) -> list[np.ndarray]:
    """The samples of each draw, one draw after the other, as the fast way draws them for few groups."""
    n_groups = int(groups.max()) + 1
    picks = rng.integers(n_groups, size=(20 * draws, n_groups))
    found = []
    for row in picks:
        samples = np.concatenate([np.flatnonzero(groups == group) for group in row])
        if 0 < model.labels[samples].sum() < len(samples):
            found.append(samples)
    return found[:draws]


def test_heights_of_the_roc_curve_are_those_of_the_drawn_samples(rng: np.random.Generator) -> None:
    model = scored(rng, 120, steps=None)
    groups, draws, roc_at = rng.permutation(np.arange(120) % 25), 20, (0.01, 0.2, 1.0)
    (fast,) = draw_figures([model], groups, rng=np.random.default_rng(5), draws=draws, roc_at=roc_at)
    assert fast[ROC_HEIGHTS].shape == (draws, 3)
    for n, samples in enumerate(slow_draws(model, groups, np.random.default_rng(5), draws)):
        ranking = rank(model.labels[samples], model.probabilities[samples])
        assert fast[ROC_HEIGHTS][n] == pytest.approx([float(ranking.tpr_at_fpr(fpr)) for fpr in roc_at])
    (plain,) = draw_figures([model], groups, rng=np.random.default_rng(5), draws=draws)
    assert np.array_equal(plain["roc_auc"], fast["roc_auc"]), "the draws are the same"
    assert ROC_HEIGHTS not in plain


@pytest.mark.parametrize("steps", [None, 5])
def test_every_figure_of_a_draw_is_that_of_the_drawn_samples(rng: np.random.Generator, steps: int | None) -> None:
    model = scored(rng, 120, steps=steps)
    groups = rng.permutation(np.arange(120) % 25)
    draws = 40
    (fast,) = draw_figures([model], groups, rng=np.random.default_rng(5), draws=draws)
    samples_of = slow_draws(model, groups, np.random.default_rng(5), draws)
    for n, samples in enumerate(samples_of):
        y, p = model.labels[samples], model.probabilities[samples]
        ranking = rank(y, p)
        shipped, half = (model.answers[name][samples] for name in ("shipped", "half"))
        decided = shipped >= 0
        expected = {
            "roc_auc": sk.roc_auc_score(y, p),
            "partial_auc_fpr5": sk.roc_auc_score(y, p, max_fpr=0.05),
            "average_precision": sk.average_precision_score(y, p),
            "equal_error_rate": float(ranking.equal_error_rate()),
            "tpr_at_fpr1": float(ranking.tpr_at_fpr(0.01)),
            "tpr_at_fpr5": float(ranking.tpr_at_fpr(0.05)),
            "log_loss": sk.log_loss(y, p),
            "brier": sk.brier_score_loss(y, p),
            "shipped.accuracy": sk.accuracy_score(y[decided], shipped[decided]),
            "shipped.coverage": decided.mean(),
            "half.balanced_accuracy": sk.balanced_accuracy_score(y, half),
            "half.precision": sk.precision_score(y, half),
            "half.recall": sk.recall_score(y, half),
            "half.f1": sk.f1_score(y, half),
            "half.false_positive_rate": half[y == 0].mean(),
        }
        assert {name: fast[name][n] for name in expected} == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_the_interval_covers_the_true_auc(rng: np.random.Generator) -> None:
    """Two normals one apart: the AUC is 0.760, and most 95 % intervals must hold it."""
    covered = 0
    for _ in range(40):
        labels = np.repeat([0, 1], 40).astype(np.int8)
        p = 1 / (1 + np.exp(-rng.normal(labels, 1.0)))
        (drawn,) = draw_figures([Scored(labels, p, {})], np.arange(80), rng=rng, draws=200)
        low, high = interval(drawn["roc_auc"]) or (1.0, 0.0)
        covered += low <= 0.760 <= high
    assert covered >= 34  # 40 x 0.95 = 38; 34 or fewer happens once in a hundred


def test_groups_are_drawn_whole(rng: np.random.Generator) -> None:
    """Twenty frames of one clip are one observation: counted apart, the interval is far too narrow."""
    people = np.repeat(np.arange(12), 20)
    labels = (people % 2).astype(np.int8)
    p = 1 / (1 + np.exp(-np.repeat(rng.normal(np.arange(12) % 2, 1.0), 20) - rng.normal(0, 0.05, 240)))
    model = Scored(labels, p, {})
    widths = []
    for groups in (people, np.arange(240)):
        (drawn,) = draw_figures([model], groups, rng=rng, draws=200)
        low, high = interval(drawn["roc_auc"]) or (0.0, 0.0)
        widths.append(high - low)
    assert widths[0] > 2 * widths[1]


def test_one_group_of_a_class_is_refused(rng: np.random.Generator) -> None:
    """All frames of one person gave the interval 0.83 - 0.83, as if it were known exactly."""
    model = Scored(np.array([0, 0, 1, 1], np.int8), np.array([0.1, 0.2, 0.3, 0.4]), {})
    with pytest.raises(ValueError, match="needs two of each"):
        draw_figures([model], np.array([0, 1, 2, 2]), rng=rng, draws=10)


def test_no_interval_without_a_difference() -> None:
    assert interval(np.full(100, 0.5)) is None
    assert interval(np.r_[np.linspace(0, 1, 90), np.full(10, np.nan)]) is None
    assert interval(np.r_[np.linspace(0, 1, 97), np.full(3, np.nan)]) == pytest.approx((0.025, 0.975))


def test_many_groups_give_the_interval_of_few_ways_of_drawing(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From 5,000 groups on counts are Poisson numbers: the intervals must be those of drawing groups one by one."""
    model = scored(rng, 6000)
    groups = np.arange(6000)
    found = []
    for many in (5000, 10_000):
        monkeypatch.setattr(bootstrap, "_MANY_GROUPS", many)
        (drawn,) = draw_figures([model], groups, rng=np.random.default_rng(1), draws=1000)
        found.append({name: interval(values) for name, values in drawn.items()})
    for name in ("roc_auc", "tpr_at_fpr5", "brier", "log_loss", "ece", "shipped.coverage", "half.false_positive_rate"):
        fast, slow = found[0][name], found[1][name]
        assert fast is not None
        assert slow is not None
        width = slow[1] - slow[0]
        assert fast == pytest.approx(slow, abs=0.15 * width)


def test_poisson_counts_have_mean_and_variance_one() -> None:
    counts = bootstrap._POISSON
    assert len(counts) == 65536
    assert counts.mean() == pytest.approx(1, abs=1e-6)
    assert counts.var() == pytest.approx(1, abs=1e-3)


def test_levels_of_many_scores_change_no_figure(rng: np.random.Generator) -> None:
    model = scored(rng, 40_000)
    levels, of_sample = score_levels(model.labels, model.probabilities)
    assert len(levels) <= 1100
    assert (np.diff(levels) < 0).all()
    exact, coarse = rank(model.labels, model.probabilities), rank(model.labels, -of_sample.astype(float))
    assert float(coarse.roc_auc()) == pytest.approx(float(exact.roc_auc()), abs=1e-4)
    assert float(coarse.partial_auc(0.05)) == pytest.approx(float(exact.partial_auc(0.05)), abs=3e-4)
    assert float(coarse.average_precision()) == pytest.approx(float(exact.average_precision()), abs=1e-3)
    assert float(coarse.tpr_at_fpr(0.01)) == pytest.approx(float(exact.tpr_at_fpr(0.01)), abs=3e-3)


def test_few_scores_are_levels_of_their_own(rng: np.random.Generator) -> None:
    model = scored(rng, 1000)
    levels, of_sample = score_levels(model.labels, model.probabilities)
    assert levels[of_sample] == pytest.approx(model.probabilities)


def test_the_same_seed_gives_the_same_draws(rng: np.random.Generator) -> None:
    model = scored(rng, 100)
    first, second = (draw_figures([model], np.arange(100), rng=np.random.default_rng(3), draws=50)[0] for _ in range(2))
    assert all(np.array_equal(first[name], second[name], equal_nan=True) for name in first)


def test_two_models_meet_the_same_draws(rng: np.random.Generator) -> None:
    model = scored(rng, 100)
    one, other = draw_figures([model, model], np.arange(100) % 30, rng=rng, draws=50)
    assert np.array_equal(one["roc_auc"], other["roc_auc"])
