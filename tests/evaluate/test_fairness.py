"""Rates by group: what few files say is shown and not claimed, and a gap is only between groups that are claimed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.errors import DataError, UsageError
from dfdetect.evaluate.fairness import METRICS, MIN_FILES, MOST_CROSSES, Fairness, GroupRow, measure_fairness
from dfdetect.evaluate.score_table import ScoreTable
from dfdetect.evaluate.scores import VideoScore
from dfdetect.metrics import wilson_interval

HIGH, LOW, UNSURE = "likely_manipulated", "no_manipulation_found", "inconclusive"


def files(
    n: int,
    label: int,
    told: Sequence[str],
    *,
    start: int = 0,
    people: int | None = None,
    status: str = "ok",
    **extra: str,
) -> list[VideoScore]:
    """n files with the verdicts in turn."""
    p = {HIGH: 0.9, LOW: 0.1, UNSURE: 0.6}
    scored = status == "ok"
    name = "-".join(extra.values())
    return [
        VideoScore(
            path=f"{name}/{label}/{start + k}",
            label=label,
            group=f"{name}/{k if people is None else k % people}",
            kind="video",
            status=status,
            verdict=told[k % len(told)] if scored else None,
            probability=p[told[k % len(told)]] if scored else None,
            logit=0.0 if scored else None,
            extra=extra,
        )
        for k in range(n)
    ]


def table(*parts: list[VideoScore]) -> ScoreTable:
    return ScoreTable.from_rows([row for part in parts for row in part])


def row(found: Fairness, *values: str) -> GroupRow:
    (match,) = [group for group in found.groups if group.values == values]
    return match


def two_groups() -> ScoreTable:
    return table(
        files(400, 0, [HIGH] + [LOW] * 9, skin="dark"),
        files(400, 0, [HIGH] + [LOW] * 39, skin="light"),
        files(200, 1, [HIGH, LOW], skin="dark"),
        files(250, 1, [HIGH, HIGH, HIGH, UNSURE, LOW], skin="light"),
        files(100, 0, [LOW], status="no_face", start=500, skin="dark"),
        files(7, 0, [LOW], status="timeout", start=900, skin="dark"),
    )


def test_rates_of_two_groups_by_hand() -> None:
    found = measure_fairness(two_groups())
    dark, light = row(found, "dark"), row(found, "light")
    assert (dark.n_asked, dark.n_failed, dark.n_real, dark.n_fake) == (707, 7, 507, 200)
    assert (dark.fpr.hits, dark.fpr.n, dark.fpr.value) == (40, 400, 0.1)
    assert dark.fpr.interval == pytest.approx(wilson_interval(40, 400))
    assert (light.fpr.hits, light.fpr.n) == (10, 400)
    assert (dark.tpr.value, light.tpr.value) == (0.5, 0.6)
    assert (dark.abstention.hits, light.abstention.hits) == (0, 50)
    assert (dark.face_miss.hits, dark.face_miss.n, light.face_miss.hits) == (100, 700, 0)
    gaps = {gap.metric: gap for gap in found.gaps}
    assert set(gaps) == set(METRICS)  # fakes are 33 % and 38 % of the told
    assert gaps["fpr"].gap == pytest.approx(0.075)
    assert (gaps["fpr"].highest, gaps["fpr"].lowest) == (("dark",), ("light",))
    assert gaps["tpr"].gap == pytest.approx(0.1)
    assert found.columns == ("skin",)
    assert found.notes == ()


def test_a_rate_of_few_files_is_shown_and_not_claimed() -> None:
    """Three false alarms among 40 faces of one group made a headline gap of 7 points."""
    found = measure_fairness(
        table(files(MIN_FILES, 0, [LOW], skin="a"), files(MIN_FILES - 1, 0, [HIGH, LOW], skin="b"))
    )
    assert row(found, "a").fpr.claimed
    assert not row(found, "b").fpr.claimed
    assert row(found, "b").fpr.value == pytest.approx(0.5, abs=0.01)
    assert not any(gap.metric == "fpr" for gap in found.gaps)
    assert any(
        "skin: no gap in fpr can be claimed; 1 of 2 groups have 200 files of 20 people" in n for n in found.notes
    )


def test_groups_of_another_mixture_are_not_compared_by_rates_of_both_labels() -> None:
    """Old people were mostly in the fakes, which the model doubts more: it seemed to abstain on old people."""
    old = table(files(250, 1, [UNSURE, HIGH], age="old"), files(50, 0, [LOW], age="old"))
    young = table(files(50, 1, [UNSURE, HIGH], age="young"), files(250, 0, [LOW], age="young"))
    found = measure_fairness(ScoreTable.from_rows([*old.rows(), *young.rows()]))
    assert {gap.metric for gap in found.gaps} == {"face_miss"}
    told = [note for note in found.notes if "fakes are 17% of one group and 83% of another" in note]
    assert [note.split(" can be")[0] for note in told] == ["age: no gap in abstention", "age: no gap in ece"]


def test_a_gap_of_nothing_is_still_of_two_groups() -> None:
    found = measure_fairness(table(files(300, 0, [LOW], skin="a"), files(300, 0, [LOW], skin="b")))
    (gap,) = [gap for gap in found.gaps if gap.metric == "fpr"]
    assert (gap.gap, {gap.highest, gap.lowest}) == (0.0, {("a",), ("b",)})


def test_many_files_of_few_people_are_few() -> None:
    many = measure_fairness(table(files(400, 0, [HIGH, LOW], people=400, skin="a"), files(400, 0, [LOW], skin="b")))
    few = measure_fairness(table(files(400, 0, [HIGH, LOW], people=5, skin="a"), files(400, 0, [LOW], skin="b")))
    assert row(many, "a").fpr.claimed
    assert not row(few, "a").fpr.claimed
    assert row(few, "a").fpr.n_people == 5
    assert row(few, "a").fpr.interval == pytest.approx(wilson_interval(2.5, 5))


def test_without_columns_nothing_is_claimed_and_it_is_said() -> None:
    plain = table(files(300, 0, [HIGH, LOW]))
    found = measure_fairness(plain)
    assert (found.groups, found.gaps, found.columns) == ((), (), ())
    assert "groups of people were not measured" in found.notes[0]


def test_columns_that_make_no_groups_are_left_out_and_named() -> None:
    rows = [
        replace(one, extra={"id": f"id-{n}", "set": "all", "sex": "mf"[n % 2]})
        for n, one in enumerate(files(120, 0, [LOW]))
    ]
    found = measure_fairness(ScoreTable.from_rows(rows))
    assert found.columns == ("sex",)
    assert any(note.startswith("id: not measured, 120 values") for note in found.notes)
    assert any(note.startswith("set: not measured, one value") for note in found.notes)


def test_crosses_of_columns_and_files_without_a_value() -> None:
    rows = [
        replace(one, extra={"skin": "ab"[n % 2], "age": ["young", "old", ""][n % 3]})
        for n, one in enumerate(files(1500, 0, [LOW] * 4 + [HIGH]))
    ]
    found = measure_fairness(ScoreTable.from_rows(rows))
    assert {group.columns for group in found.groups} == {("age",), ("skin",), ("age", "skin")}
    cross = [group for group in found.groups if group.columns == ("age", "skin")]
    assert sum(group.n_asked for group in cross) == 1500
    assert {group.values for group in cross if not group.is_given} == {("", "a"), ("", "b")}
    (gap,) = [gap for gap in found.gaps if gap.columns == ("age",) and gap.metric == "fpr"]
    assert gap.n_groups == 2
    assert "" not in (*gap.highest, *gap.lowest)


def test_columns_are_named_with_and_without_their_prefix_and_others_too() -> None:
    scores = two_groups()
    assert measure_fairness(scores, ["skin"]) == measure_fairness(scores, ["x_skin", "skin"])
    assert {group.values for group in measure_fairness(scores, ["status"]).groups} == {
        ("ok",),
        ("no_face",),
        ("timeout",),
    }
    with pytest.raises(UsageError, match=r"unknown column of groups 'tone'; the options are: .*skin"):
        measure_fairness(scores, ["tone"])
    with pytest.raises(UsageError, match="probability"):
        measure_fairness(scores, ["probability"])
    with pytest.raises(DataError, match="at most 50 different groups; it has"):
        measure_fairness(scores, ["path"])


def test_too_many_crosses_are_left_out_and_said() -> None:
    rows = [replace(one, extra={"a": f"{n % 23}", "b": f"{n % 29}"}) for n, one in enumerate(files(23 * 29, 0, [LOW]))]
    found = measure_fairness(ScoreTable.from_rows(rows))
    assert len(found.groups) == 23 + 29 <= MOST_CROSSES
    assert any(note.startswith("a x b: left out, 667 groups") for note in found.notes)


def test_scores_without_verdicts_have_no_rates_of_verdicts() -> None:
    rows = [replace(one, verdict=None) for one in two_groups().rows()]
    found = measure_fairness(ScoreTable.from_rows(rows))
    dark = row(found, "dark")
    assert (dark.fpr.value, dark.tpr.value, dark.abstention.value) == (None, None, None)
    assert dark.face_miss.value == pytest.approx(1 / 7)
    assert dark.ece.value is not None
    assert any("these scores carry no verdicts" in note for note in found.notes)


def test_calibration_of_a_group_of_one_label_is_not_told() -> None:
    found = measure_fairness(
        table(files(300, 0, [LOW], skin="a"), files(300, 1, [HIGH], skin="a"), files(300, 0, [LOW], skin="b"))
    )
    assert row(found, "b").ece.value is None
    assert row(found, "a").ece.value == pytest.approx(0.1, abs=1e-9)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from("abc"), st.sampled_from([HIGH, LOW, UNSURE])),
        min_size=1,
        max_size=60,
    )
)
def test_groups_share_out_every_file(drawn: list[tuple[int, str, str]]) -> None:
    rows = [part for n, (label, skin, told) in enumerate(drawn) for part in files(1, label, [told], start=n, skin=skin)]
    found = measure_fairness(ScoreTable.from_rows(rows), ["skin"])
    assert sum(group.n_asked for group in found.groups) == len(drawn)
    flagged = sum(told == HIGH for _, _, told in drawn)
    assert sum((group.fpr.hits or 0) + (group.tpr.hits or 0) for group in found.groups) == flagged
    for group in found.groups:
        for rate in (group.fpr, group.tpr, group.abstention, group.face_miss):
            assert rate.value is None or (rate.interval and rate.interval[0] <= rate.value <= rate.interval[1])


def test_it_goes_through_json_and_back() -> None:
    found = measure_fairness(two_groups())
    kept = found.as_dict()
    assert json.loads(json.dumps(kept)) == kept
    assert Fairness.from_dict(kept) == found
    with pytest.raises(DataError, match="expected the rates of groups"):
        Fairness.from_dict({"columns": 3})


def test_a_hundred_thousand_files_take_seconds() -> None:
    n = 100_000
    rng = np.random.default_rng(0)
    base = table(files(1, 0, [LOW], skin="a", age="b", sex="c"))
    columns = {name: np.repeat(column, n) for name, column in base.columns.items()}
    columns |= {
        "label": rng.integers(0, 2, n).astype(np.int8), "probability": rng.random(n),
        "group": rng.integers(0, 9000, n).astype(str), "x_skin": rng.integers(0, 3, n).astype(str),
        "x_age": rng.integers(0, 4, n).astype(str), "x_sex": rng.integers(0, 2, n).astype(str),
    }  # fmt: skip
    found = measure_fairness(ScoreTable(columns))
    assert len(found.groups) == 9 + 12 + 6 + 8 + 24
