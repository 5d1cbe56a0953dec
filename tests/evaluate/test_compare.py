"""Two models on the same samples: DeLong against its slow definition, and what was not the same said aloud."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.errors import DataError
from dfdetect.evaluate.compare import compare, delong_test
from dfdetect.evaluate.scores import VideoScore
from dfdetect.metrics import roc_auc
from drawn_scores import drawn, table, videos

pairs = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 6), st.integers(0, 6)), min_size=4, max_size=30
).filter(lambda rows: 2 <= sum(label for label, *_ in rows) <= len(rows) - 2)  # fmt: skip


def slow_delong(labels: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[float, float, float]:
    """(AUC of a, of b, variance of their difference), by comparing every fake with every real (DeLong et al. 1988)."""
    of_fakes, of_reals, aucs = [], [], []
    for scores in (a, b):
        fake, real = scores[labels == 1], scores[labels == 0]
        wins = (fake[:, None] > real[None, :]) + 0.5 * (fake[:, None] == real[None, :])
        of_fakes.append(wins.mean(axis=1))
        of_reals.append(wins.mean(axis=0))
        aucs.append(wins.mean())
    s_10, s_01 = np.cov(np.stack(of_fakes)), np.cov(np.stack(of_reals))
    s = s_10 / len(of_fakes[0]) + s_01 / len(of_reals[0])
    return aucs[0], aucs[1], s[0, 0] + s[1, 1] - 2 * s[0, 1]


@settings(deadline=None, max_examples=60)
@given(pairs)
def test_delong_by_comparing_every_pair(rows: list[tuple[int, int, int]]) -> None:
    labels, a, b = (np.array(column) for column in zip(*rows, strict=True))
    found = delong_test(labels.astype(np.int8), a.astype(float), b.astype(float))
    auc_a, auc_b, variance = slow_delong(labels, a, b)
    assert (found.auc_a, found.auc_b) == (pytest.approx(auc_a), pytest.approx(auc_b))
    assert found.standard_error**2 == pytest.approx(variance, abs=1e-12)
    if variance > 1e-9:
        assert found.z == pytest.approx((auc_b - auc_a) / np.sqrt(variance))


def test_delong_keeps_its_level(rng: np.random.Generator) -> None:
    """Two models equally good: p below 0.05 in about one set of twenty."""
    below = 0
    labels = np.repeat([0, 1], 60).astype(np.int8)
    for _ in range(300):
        shared = rng.normal(labels, 1.0)
        a, b = (shared + rng.normal(0, 0.7, 120) for _ in range(2))
        below += (delong_test(labels, a, b).p_value or 0.0) < 0.05
    assert 5 <= below <= 28  # 15 expected; outside once in a thousand


@pytest.mark.parametrize(
    ("labels", "a", "b", "says"),
    [
        ([0, 0, 1, 1], [1, 2, 3, 4], [1, 2, 3, 4], "alike"),
        ([0, 0, 1, 1], [5, 5, 5, 5], [1, 1, 1, 1], "alike"),
        ([0, 1], [1, 2], [2, 1], "two of each class"),
        ([0, 0, 1], [1, 2, 3], [3, 2, 1], "two of each class"),
    ],
)
def test_what_delong_cannot_tell_has_no_p_value(labels: list[int], a: list[int], b: list[int], says: str) -> None:
    found = delong_test(np.array(labels, np.int8), np.array(a, float), np.array(b, float))
    assert found.p_value is None
    assert says in (found.why or "")


def rescored(rows: list[VideoScore], rng: np.random.Generator, noise: float) -> list[VideoScore]:
    out = []
    for row in rows:
        logit = (row.logit or 0.0) + rng.normal(0, noise)
        out.append(replace(row, probability=float(1 / (1 + np.exp(-logit))), logit=logit))
    return out


def test_a_better_model_is_told_from_a_worse_one(rng: np.random.Generator) -> None:
    rows = drawn(rng, 150, 150, method="swap")
    a, b = table(rescored(rows, rng, 3.0)), table(rows)
    found, findings = compare(a, b, names=("noisy", "plain"), rng=np.random.default_rng(0), draws=300)
    auc = found.metrics["roc_auc"]
    assert (found.both, found.n_real, found.n_fake, findings) == (300, 150, 150, [])
    assert auc.difference.value == pytest.approx(
        roc_auc(b["label"], b["probability"]) - roc_auc(a["label"], a["probability"])
    )
    assert auc.difference.low is not None
    assert auc.difference.low > 0
    assert auc.p_value is not None
    assert auc.p_value < 0.01
    assert found.delong is not None
    assert (found.delong.p_value or 1.0) < 0.01


def test_paired_draws_tell_more_than_two_intervals(rng: np.random.Generator) -> None:
    """Both models err on the same files: the difference is known far better than either AUC."""
    rows = drawn(rng, 80, 80)
    a, b = table(rows), table(rescored(rows, rng, 0.3))
    found, _ = compare(a, b, names=("a", "b"), rng=np.random.default_rng(0), draws=300)
    difference = found.metrics["roc_auc"].difference
    assert difference.interval is not None
    assert difference.interval[1] - difference.interval[0] < 0.05


def test_a_model_against_itself_shows_no_difference(rng: np.random.Generator) -> None:
    scores = table(drawn(rng, 30, 30))
    found, _ = compare(scores, scores, names=("a", "b"), rng=rng, draws=50)
    auc = found.metrics["roc_auc"]
    assert (auc.difference.value, auc.difference.interval, auc.p_value) == (0.0, None, None)
    assert found.delong is not None
    assert found.delong.p_value is None


def test_samples_of_one_model_alone_are_left_out_and_counted(rng: np.random.Generator) -> None:
    rows = drawn(rng, 40, 40)
    failed = [replace(row, status="timeout", probability=None, logit=None) for row in rows[:5]]
    a, b = table(rows), table(failed, rows[5:70])
    found, findings = compare(a, b, names=("a", "b"), rng=rng, draws=50)
    assert (found.both, found.only_a, found.only_b) == (65, 15, 0)
    (finding,) = findings
    assert (finding.severity, finding.code) == ("red", "samples_differ")
    assert "15 only by a, 0 only by b; compared on 65" in finding.text


def test_order_and_missing_dataset_names_do_not_matter(rng: np.random.Generator) -> None:
    rows = drawn(rng, 30, 30)
    sent = [replace(row, dataset="") for row in rows[::-1]]
    found, findings = compare(table(rows), table(sent), names=("a", "b"), rng=rng, draws=20)
    assert (found.both, findings) == (60, [])
    assert found.metrics["roc_auc"].difference.value == 0.0


def test_tables_that_cannot_be_compared_are_refused(rng: np.random.Generator) -> None:
    rows = drawn(rng, 5, 5)
    other = [replace(row, path="elsewhere/" + row.path) for row in rows]
    with pytest.raises(DataError, match="share no sample"):
        compare(table(rows), table(other), names=("a", "b"), rng=rng)
    turned = [replace(row, label=1 - row.label) for row in rows]
    with pytest.raises(DataError, match="one list is turned round"):
        compare(table(rows), table(turned), names=("a", "b"), rng=rng)
    twice = [*rows, *[replace(row, dataset="other") for row in rows]]
    with pytest.raises(DataError, match="add a column dataset"):
        compare(table(twice), table([replace(row, dataset="") for row in rows]), names=("a", "b"), rng=rng)


def test_one_class_is_refused_in_words(rng: np.random.Generator) -> None:
    scores = table(videos([0.1, 0.2], 0))
    found, _ = compare(scores, scores, names=("a", "b"), rng=rng)
    assert (found.metrics, found.delong) == ({}, None)
    assert "one class only" in (found.why or "")
