"""Scores -> report: every sample counted, levels apart, and what cannot be measured refused in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.errors import DataError
from dfdetect.evaluate.estimates import DECISION_FIGURES, FIGURES
from dfdetect.evaluate.eval_report import EvalReport
from dfdetect.evaluate.findings import FindingCode
from dfdetect.evaluate.measure import measure
from dfdetect.evaluate.score_table import FrameTable, ScoreTable
from dfdetect.evaluate.scores import VideoScore
from dfdetect.metrics import rank, wilson_interval
from dfdetect.values import Thresholds
from drawn_scores import drawn, frames, table, videos

BOUNDS = Thresholds(0.8, 0.4, target_fpr=0.02, measured_fpr=None, measured_on="nothing")


def report_of(
    scores: ScoreTable, of_frames: FrameTable | None = None, *, bounds: Thresholds | None = None, **more: object
) -> EvalReport:
    return measure(scores, of_frames, bounds=bounds, rng=np.random.default_rng(0), draws=100, run={}, **more)  # type: ignore[arg-type]


def codes(report: EvalReport, severity: str | None = None) -> list[str]:
    return [found.code for found in report.findings if severity in (None, found.severity)]


def test_figures_are_those_of_the_scored_files(rng: np.random.Generator) -> None:
    rows = drawn(rng, 150, 130, method="swap")
    block = report_of(table(rows, videos([None] * 3, 0, name="b"))).block("video", "all")
    y = [row.label for row in rows]
    p = [row.probability or 0.0 for row in rows]
    assert block.metrics["roc_auc"].value == pytest.approx(sk.roc_auc_score(y, p))
    assert block.metrics["partial_auc_fpr5"].value == pytest.approx(sk.roc_auc_score(y, p, max_fpr=0.05))
    assert block.metrics["average_precision"].value == pytest.approx(sk.average_precision_score(y, p))
    assert block.metrics["log_loss"].value == pytest.approx(sk.log_loss(y, p))
    assert block.decisions["half"].metrics["accuracy"].value == pytest.approx(sk.accuracy_score(y, np.array(p) >= 0.5))
    assert set(block.metrics) == set(FIGURES)
    assert set(block.decisions["half"].metrics) == set(DECISION_FIGURES)
    for name in ("roc_auc", "equal_error_rate", "tpr_at_fpr1", "brier"):
        estimate = block.metrics[name]
        assert estimate.interval is not None
        assert estimate.value is not None
        assert estimate.interval[0] <= estimate.value <= estimate.interval[1]


def test_every_file_asked_is_counted() -> None:
    """Files without a face once vanished from the denominator."""
    rows = [
        *videos([0.1, 0.2, None], 0),
        *videos([0.9, None], 1, method="swap"),
        *[replace(row, status="timeout") for row in videos([None, None], 1, name="b")],
        *[replace(row, status="missing") for row in videos([None], 1, name="c")],
    ]
    report = report_of(table(rows))
    block = report.block("video", "all")
    real, fake = block.real, block.fake
    assert (real.asked, real.scored, real.no_face, real.missing, real.failed) == (3, 2, 1, 0, 0)
    assert (fake.asked, fake.scored, fake.no_face, fake.missing, fake.failed) == (5, 1, 1, 1, 2)
    assert fake.codes == {"timeout": 2}
    assert codes(report, "red") == ["missing_scores"]
    assert {"low_coverage", "coverage_differs", "few_samples"} <= set(codes(report, "warning"))


def test_verdicts_make_the_confusion_matrix_and_the_coverage() -> None:
    rows = [*videos([0.1, 0.2, 0.5, 0.9], 0), *videos([0.3, 0.6, 0.9, 0.95], 1, method="swap")]
    words = {0: "no_manipulation_found", 1: "inconclusive", 2: "likely_manipulated"}
    rows = [replace(row, verdict=words[int(np.searchsorted([0.4, 0.8], row.probability))]) for row in rows]
    block = report_of(table(rows)).block("video", "all")
    shipped, flagged, half = (block.decisions[name] for name in ("shipped", "flagged", "half"))
    assert (shipped.tn, shipped.fp, shipped.fn, shipped.tp) == (2, 1, 1, 2)
    assert (shipped.abstained_real, shipped.abstained_fake) == (1, 1)
    assert shipped.metrics["coverage"].value == pytest.approx(6 / 8)
    assert shipped.metrics["accuracy"].value == pytest.approx(4 / 6)
    assert (flagged.tn, flagged.fp, flagged.fn, flagged.tp) == (3, 1, 2, 2)
    assert flagged.metrics["recall"].value == pytest.approx(0.5)
    assert (half.tn, half.fp, half.fn, half.tp) == (2, 2, 1, 3)
    assert (block.real.abstained, block.fake.abstained) == (1, 1)


def test_bounds_stand_in_for_verdicts_that_nobody_gave() -> None:
    scores = table(videos([0.1, 0.2, 0.5, 0.9], 0), videos([0.3, 0.6, 0.9, 0.95], 1))
    without = report_of(scores).block("video", "all")
    assert set(without.decisions) == {"half"}
    assert without.real.abstained is None
    block = report_of(scores, bounds=BOUNDS).block("video", "all")
    shipped = block.decisions["shipped"]
    assert (shipped.tn, shipped.fp, shipped.fn, shipped.tp) == (2, 1, 1, 2)
    assert "flagged above 0.8, cleared below 0.4" in shipped.text


def test_no_false_alarm_has_an_interval_of_some_width() -> None:
    """0 of 20 reals flagged was printed as 0 % (0 - 0 %)."""
    scores = table(videos([0.1 + n / 100 for n in range(20)], 0, groups=10), videos([0.9, 0.95, 0.2], 1))
    rate = report_of(scores, bounds=BOUNDS).block("video", "all").decisions["flagged"].metrics["false_positive_rate"]
    assert rate.value == 0.0
    assert rate.interval == pytest.approx(wilson_interval(0, 10))
    assert "10 groups" in (rate.why or "")


def test_a_handful_of_people_give_no_narrow_interval() -> None:
    """Five originals and their five fakes: an AUC of 0.68 had the interval 0.68 - 0.84."""
    scores = table(videos([0.1, 0.2, 0.3, 0.4, 0.85], 0), videos([0.25, 0.35, 0.45, 0.5, 0.9], 1))
    block = report_of(scores, bounds=BOUNDS).block("video", "all")
    auc = block.metrics["roc_auc"]
    low, high = wilson_interval(5 * (auc.value or 0.0), 5)
    assert auc.low is not None
    assert auc.high is not None
    assert auc.low <= low
    assert auc.high >= high
    assert "5 groups" in (auc.why or "")
    assert block.metrics["brier"].interval is None
    assert "fewer than 10 groups" in (block.metrics["brier"].why or "")
    rates = block.decisions["flagged"].metrics
    assert rates["false_positive_rate"].interval is not None
    assert rates["accuracy"].interval is None


@pytest.mark.parametrize(
    ("scores", "code", "says"),
    [
        (table(videos([0.1, 0.7, 0.4], 0)), "one_class", "all 3 scored samples are real"),
        (table(videos([0.1, 0.7], 1)), "one_class", "all 2 scored samples are fake"),
        (table(videos([0.1], 1)), "one_class", "all 1 scored samples are fake"),
        (table(videos([None], 0), videos([None], 1)), "nothing_scored", "no sample has a score"),
    ],
)
def test_what_cannot_be_measured_is_refused(scores: ScoreTable, code: str, says: str) -> None:
    report = report_of(scores, bounds=BOUNDS)
    block = report.block("video", "all")
    assert code in codes(report, "red")
    assert says in (block.refused or "")
    assert all(estimate.value is None and estimate.why for estimate in block.metrics.values())
    assert block.curves is None
    assert EvalReport.from_json(report.to_json()) == report


def test_reals_alone_still_have_a_false_positive_rate() -> None:
    block = report_of(table(videos([0.1, 0.9, 0.2, 0.3], 0)), bounds=BOUNDS).block("video", "all")
    metrics = block.decisions["flagged"].metrics
    assert metrics["false_positive_rate"].value == 0.25
    assert (metrics["recall"].value, metrics["recall"].why) == (None, "no fake was decided")
    assert metrics["balanced_accuracy"].value is None


def test_an_empty_table_is_an_error() -> None:
    with pytest.raises(DataError, match="nothing to measure"):
        report_of(table([]))


def test_constant_scores_are_said() -> None:
    report = report_of(table(videos([0.5] * 12, 0), videos([0.5] * 12, 1)))
    assert "constant_scores" in codes(report, "red")
    auc = report.block("video", "all").metrics["roc_auc"]
    assert (auc.value, auc.interval) == (0.5, None)


def test_few_reals_show_no_rate_of_one_percent(rng: np.random.Generator) -> None:
    metrics = report_of(table(drawn(rng, 50, 50))).block("video", "all").metrics
    assert metrics["tpr_at_fpr1"].value is None
    assert "at least 100 reals" in (metrics["tpr_at_fpr1"].why or "")
    assert metrics["tpr_at_fpr5"].value is not None


def test_reversed_scores_are_a_red_finding_with_a_cause(rng: np.random.Generator) -> None:
    report = report_of(table(drawn(rng, 60, 60, apart=-2.0)))
    (found,) = [found for found in report.findings if found.code == FindingCode.REVERSED_POLARITY]
    assert found.where == ""
    assert found.severity == "red"
    assert "P(real)" in found.text
    assert "1 = real" in found.text


def test_wholly_reversed_scores_are_found_too() -> None:
    """At an AUC of 0 all draws are alike, and the warning that needs an interval stayed silent."""
    report = report_of(table(videos([0.8, 0.9] * 10, 0), videos([0.1, 0.2] * 10, 1)))
    auc = report.block("video", "all").metrics["roc_auc"]
    assert (auc.value, auc.interval) == (0.0, pytest.approx(wilson_interval(0, 20)))
    assert "reversed_polarity" in codes(report, "red")


def test_one_reversed_dataset_names_its_labels(rng: np.random.Generator) -> None:
    scores = table(
        drawn(rng, 80, 80, apart=3.0, name="a", dataset="right"),
        drawn(rng, 40, 40, apart=-3.0, name="b", dataset="celeb"),
    )
    found = [one for one in report_of(scores).findings if one.code == FindingCode.REVERSED_POLARITY]
    assert [one.where for one in found] == ["dataset celeb"]
    assert "labels of this dataset" in found[0].text


def test_a_method_read_backwards_is_told_beside_a_reversed_dataset(rng: np.random.Generator) -> None:
    scores = table(
        drawn(rng, 120, 120, apart=3.0, name="a", dataset="right", method="swap"),
        drawn(rng, 0, 40, apart=-9.0, name="c", dataset="right", method="odd"),
        drawn(rng, 40, 40, apart=-3.0, name="b", dataset="celeb", method="swap"),
    )
    found = [one.where for one in report_of(scores).findings if one.code == FindingCode.REVERSED_POLARITY]
    assert found == ["dataset celeb", "method right/odd"]


def test_chance_is_not_called_reversed(rng: np.random.Generator) -> None:
    assert "reversed_polarity" not in codes(report_of(table(drawn(rng, 8, 8, apart=0.0))))


def test_levels_are_never_mixed(rng: np.random.Generator) -> None:
    """Frame AUC and video AUC once stood in one column."""
    scores = table(drawn(rng, 30, 30, method="swap"), videos([None], 0, name="b"))
    of_frames = frames(scores, 4, rng, others=2)
    report = report_of(scores, of_frames, bounds=BOUNDS)
    video, frame = report.block("video", "all"), report.block("frame", "all")
    assert (video.real.asked, video.real.scored) == (31, 30)
    assert (frame.real.scored, frame.fake.scored) == (120, 120)
    assert frame.real.groups == video.real.groups == 30
    kept = of_frames["pooled"]
    labels = scores["label"][of_frames["video"]][kept]
    assert frame.metrics["roc_auc"].value == pytest.approx(sk.roc_auc_score(labels, of_frames["probability"][kept]))
    assert "files' bounds on a single frame" in frame.decisions["shipped"].text
    assert [block.level for block in report.blocks] == sorted((b.level for b in report.blocks), reverse=True)


def test_intervals_follow_from_the_seed_and_from_nothing_else(rng: np.random.Generator) -> None:
    first = drawn(rng, 40, 40, name="a", dataset="one", method="swap")
    more = drawn(rng, 40, 40, name="b", dataset="two", method="swap")
    alone, again, together = (report_of(table(*parts)) for parts in ((first, more), (first, more), (first, more, [])))
    assert alone == again == together
    of_one = measure(table(first, more[:10]), bounds=None, rng=np.random.default_rng(0), draws=100, run={})
    assert of_one.block("video", "dataset", "one") == alone.block("video", "dataset", "one")
    other = measure(table(first, more), bounds=None, rng=np.random.default_rng(1), draws=100, run={})
    assert other != alone


def test_cross_auc_pairs_reals_of_one_set_with_fakes_of_another(rng: np.random.Generator) -> None:
    """Each set alone is told well, but the reals of one score as high as the fakes of the other."""
    low = [replace(r, probability=(r.probability or 0) * 0.4) for r in drawn(rng, 60, 60, apart=4, dataset="low")]
    high = [
        replace(r, probability=0.6 + (r.probability or 0) * 0.4)
        for r in drawn(rng, 60, 60, apart=4, name="b", dataset="high")
    ]
    report = report_of(table(low, high))
    (cross,) = report.cross
    assert (cross.by, cross.reals, cross.fakes) == ("dataset", ("high", "low"), ("high", "low"))
    assert cross.cell("high", "low").auc.value == 0.0
    assert cross.cell("low", "high").auc.value == 1.0
    assert cross.cell("low", "low").auc.value == report.block("video", "dataset", "low").metrics["roc_auc"].value
    assert "cross_auc_lower" in codes(report, "warning")


def test_more_false_alarms_than_promised_is_red() -> None:
    reals = videos([0.9] * 8 + [0.1] * 32, 0)
    fakes = videos([0.9] * 20, 1)
    assert "false_alarms_above_target" in codes(report_of(table(reals, fakes), bounds=BOUNDS), "red")
    fine = table(videos([0.9] * 1 + [0.1] * 39, 0), fakes)
    assert "false_alarms_above_target" not in codes(report_of(fine, bounds=BOUNDS))


def test_probabilities_that_do_not_hold_are_said(rng: np.random.Generator) -> None:
    rows = [replace(row, probability=0.9 + 0.1 * (row.probability or 0)) for row in drawn(rng, 200, 100, apart=4)]
    found = codes(report_of(table(rows)), "warning")
    assert "probabilities_worse_than_base_rate" in found
    assert "uncalibrated_domain" in found


def test_calibrated_probabilities_are_not_called_uncalibrated(rng: np.random.Generator) -> None:
    """ECE of honest scores is above 0 by chance, and above that again in every draw."""
    p = rng.random(400)
    fake = rng.random(400) < p
    scores = table(videos(list(p[~fake]), 0), videos(list(p[fake]), 1))
    report = report_of(scores)
    ece = report.block("video", "all").metrics["ece"]
    assert ece.low is not None
    assert ece.low < 0.02
    assert "uncalibrated_domain" not in codes(report)


def test_what_the_run_and_the_file_said_is_told() -> None:
    scores = replace(table(videos([0.1, 0.3], 0), videos([0.9, 0.8], 1)), notes=("columns left out: a",))
    run = {"notes": [{"severity": "red", "text": "trained on the test data: 3 people"}]}
    report = measure(scores, bounds=None, rng=np.random.default_rng(0), draws=20, run=run)
    assert (report.findings[0].code, report.findings[0].severity) == ("run_note", "red")
    assert any(one.code == "score_file" and "left out: a" in one.text for one in report.findings)


def test_no_draws_are_no_intervals(rng: np.random.Generator) -> None:
    report = measure(table(drawn(rng, 20, 20)), bounds=BOUNDS, rng=rng, draws=0, run={})
    auc = report.block("video", "all").metrics["roc_auc"]
    assert (auc.interval, auc.why) == (None, "no draws were asked for: no interval")
    assert auc.value is not None


ANY_ROW = st.tuples(
    st.integers(0, 1),
    st.sampled_from([None, 0.0, 0.2, 0.5, 0.5, 0.9, 1.0]),
    st.sampled_from(["a", "b"]),  # dataset
    st.sampled_from(["", "swap", "morph"]),
    st.sampled_from(["ok", "no_face", "missing", "timeout"]),
    st.integers(0, 3),  # group
)


@settings(deadline=None, max_examples=40)
@given(st.lists(ANY_ROW, min_size=1, max_size=30), st.booleans())
def test_any_table_gives_a_report_without_a_nan(rows: list[tuple[Any, ...]], bounded: bool) -> None:
    """Whatever is missing, every figure is a number within its scale or has a reason, and the JSON is read back."""
    scores = table(
        [
            VideoScore(
                f"{n}.mp4", label, dataset=dataset, method=method if label else "", group=f"p{group}",
                probability=None if status != "ok" else p, status=status if p is None or status != "ok" else "ok",
            )
            if p is not None or status != "ok"
            else VideoScore(f"{n}.mp4", label, dataset=dataset, group=f"p{group}", status="no_face")
            for n, (label, p, dataset, method, status, group) in enumerate(rows)
        ]
    )  # fmt: skip
    report = measure(scores, bounds=BOUNDS if bounded else None, rng=np.random.default_rng(0), draws=10)
    assert EvalReport.from_json(report.to_json()) == report
    for block in report.blocks:
        real, fake = block.real, block.fake
        for counts in (real, fake):
            assert counts.asked == counts.scored + counts.no_face + counts.missing + counts.failed
        for decisions in block.decisions.values():
            matrix = (decisions.tn, decisions.fp, decisions.fn, decisions.tp)
            assert sum(matrix) + decisions.abstained_real + decisions.abstained_fake == real.scored + fake.scored
        estimates = [(FIGURES[name], one) for name, one in block.metrics.items()]
        for decisions in block.decisions.values():
            estimates += [(DECISION_FIGURES[name], one) for name, one in decisions.metrics.items()]
        for figure, one in estimates:
            assert one.why if one.value is None or one.interval is None else True
            if one.value is not None:
                assert figure.lowest - 1e-9 <= one.value <= (figure.highest or np.inf) + 1e-9
            if one.interval is not None:
                assert one.interval[0] <= one.interval[1]
        if not (real.scored and fake.scored):
            assert all(one.value is None for one in block.metrics.values())
    assert sum(block.real.asked + block.fake.asked for block in report.of("video", "all")) == len(rows)


def test_progress_tells_of_every_block() -> None:
    told: list[tuple[int, int]] = []
    scores = table(videos([0.1, 0.3], 0), videos([0.9, 0.8], 1, method="swap"))
    report = report_of(scores, on_progress=lambda done, of: told.append((done, of)))
    assert told == [(n, len(report.blocks)) for n in range(len(report.blocks))]


def test_curves_end_where_they_must(rng: np.random.Generator) -> None:
    block = report_of(table(drawn(rng, 300, 300))).block("video", "all")
    curves = block.curves
    assert curves is not None
    assert (curves.roc[0], curves.roc[-1]) == ((0.0, 0.0), (1.0, 1.0))
    assert curves.precision_recall[-1] == (1.0, 0.5)
    assert curves.risk_coverage[-1][0] == 1.0
    assert max(len(curves.roc), len(curves.precision_recall), len(curves.risk_coverage)) <= 201
    assert sum(one.n for one in curves.reliability) == 600
    assert sum(reals + fakes for *_, reals, fakes in curves.histogram) == 600
    area = np.trapezoid([y for _, y in curves.roc], [x for x, _ in curves.roc])
    assert area == pytest.approx(block.metrics["roc_auc"].value, abs=0.01)


def test_the_band_of_the_roc_curve_holds_it_and_is_of_the_whole_set_only(rng: np.random.Generator) -> None:
    rows = [replace(row, compression=("c23", "c40")[n % 2]) for n, row in enumerate(drawn(rng, 300, 300))]
    scores = table(rows)
    report = report_of(scores)
    curves = report.block("video", "all").curves
    assert curves is not None
    fpr, low, high = (np.array(column) for column in zip(*curves.roc_band, strict=True))
    assert np.all(low <= high)
    assert (fpr[-1], low[-1], high[-1]) == (1.0, 1.0, 1.0)
    ranking = rank(scores["label"], scores["probability"])
    heights = np.array([float(ranking.tpr_at_fpr(at)) for at in fpr])
    assert np.all((heights >= low - 0.02) & (heights <= high + 0.02))
    parts = [block.curves for block in report.of("video", "compression")]
    assert [part is not None and part.roc_band for part in parts] == [(), ()]


def test_the_curve_keeps_its_steps_where_few_reals_are_flagged(rng: np.random.Generator) -> None:
    """Drawn over the logarithm of the rate, a curve thinned evenly was one straight line below 1 %."""
    block = report_of(table(drawn(rng, 3000, 3000))).block("video", "all")
    assert block.curves is not None
    assert sum(0.001 <= fpr <= 0.01 for fpr, _ in block.curves.roc) >= 15
