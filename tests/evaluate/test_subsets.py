"""Which reals a method's fakes are compared with, and how that is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dfdetect.evaluate.levels import videos_of
from dfdetect.evaluate.measure import measure
from dfdetect.evaluate.score_table import ScoreTable
from dfdetect.evaluate.subsets import Subset, cross_sets, subsets
from drawn_scores import table, videos

P = [0.1 + n / 20 for n in range(12)]


def found(scores: ScoreTable, by: str, **more: object) -> dict[str, Subset]:
    samples = videos_of(scores, bounds=None)
    return {subset.name: subset for subset in subsets(samples, **more) if subset.by == by}  # type: ignore[arg-type]


def reals_in(scores: ScoreTable, subset: Subset) -> set[str]:
    return {path.split("/")[0] for path in scores["path"][subset.rows & (scores["label"] == 0)].tolist()}


def test_a_method_meets_reals_of_its_own_dataset_source_and_compression() -> None:
    """Fakes of c40 against originals of c23 measure compression."""
    scores = table(
        videos(P, 0, name="c23", compression="c23"),
        videos(P, 0, name="c40", compression="c40"),
        videos(P, 0, name="street", compression="c40", source="street"),
        videos(P, 0, name="other", dataset="other", compression="c40"),
        videos(P, 1, name="fake", compression="c40", method="swap"),
    )
    subset = found(scores, "method")["set/swap"]
    assert reals_in(scores, subset) == {"c40"}
    assert subset.against == "reals of the same dataset, source and compression"


@pytest.mark.parametrize(
    ("real", "against", "foreign"),
    [
        ({"source": "street"}, "reals of the same dataset and compression", False),
        ({"source": "street", "compression": "c23"}, "reals of the same dataset", False),
        ({"dataset": "other"}, "reals of the same source and compression", False),
        ({"dataset": "other", "compression": "c23"}, "reals of the same source", False),
        ({"dataset": "other", "source": "street"}, "all reals: its dataset and its source have none", True),
    ],
)
def test_farther_reals_are_taken_where_there_are_no_nearer_ones(
    real: dict[str, str], against: str, foreign: bool
) -> None:
    scores = table(videos(P, 0, name="real", **real), videos(P, 1, name="fake", method="swap"))
    subset = found(scores, "method")["set/swap"]
    assert (subset.against, subset.foreign, reals_in(scores, subset)) == (against, foreign, {"real"})


def test_a_handful_of_own_reals_is_said() -> None:
    scores = table(videos(P[:3], 0), videos(P, 1, method="swap"))
    against = found(scores, "method")["set/swap"].against
    assert against == "reals of the same dataset, source and compression, of which there are few"


def test_reals_of_other_sets_are_a_warning() -> None:
    scores = table(
        videos(P, 0, dataset="other", source="street"),
        videos(P, 1, method="swap"),
        videos(P, 1, name="b", method="morph"),
    )
    report = measure(scores, bounds=None, rng=np.random.default_rng(0), draws=20, run={})
    (finding,) = [one for one in report.findings if one.code == "reals_of_other_sets"]
    assert "2 methods" in finding.text
    assert "(set/morph, set/swap)" in finding.text
    (lone,) = [one for one in report.findings if one.code == "one_class_sets"]
    assert "2 of 2 datasets hold reals alone or fakes alone (other, set)" in lone.text


def test_fakes_of_two_datasets_by_one_method_are_two_methods() -> None:
    scores = table(
        videos(P, 0), videos(P, 1, method="swap"), videos(P, 1, name="b", dataset="other", method="swap"),
        videos(P, 1, name="c"),
    )  # fmt: skip
    assert set(found(scores, "method")) == {"set/swap", "other/swap", "set/not stated"}


def test_the_caller_may_say_which_reals() -> None:
    scores = table(videos(P, 0, name="a", source="a"), videos(P, 0, name="b", source="b"), videos(P, 1, source="fakes"))
    assert reals_in(scores, found(scores, "source")["fakes"]) == set()
    subset = found(scores, "source", reals_of={"fakes": ["b"]})["fakes"]
    assert (reals_in(scores, subset), subset.against) == ({"b"}, "reals of b")


def test_a_column_that_nobody_filled_makes_no_blocks() -> None:
    scores = table(videos(P, 0), videos(P, 1))
    assert found(scores, "compression") == {}
    mixed = table(videos(P, 0, compression="c23"), videos(P, 1, name="b"))
    assert set(found(mixed, "compression")) == {"c23", "not stated"}


def test_sets_are_crossed_by_source_where_there_is_one_dataset() -> None:
    one = table(videos(P, 0, source="a"), videos(P, 1, name="b", source="b"))
    crossed = cross_sets(videos_of(one, bounds=None))
    assert crossed is not None
    assert (crossed.by, crossed.reals, crossed.fakes) == ("source", ("a",), ("b",))
    same = table(videos(P, 0), videos(P, 1))
    assert cross_sets(videos_of(same, bounds=None)) is None


def test_sets_without_a_score_are_not_crossed() -> None:
    rows = [*videos(P, 0), *videos(P, 1), *videos([None], 1, name="b", dataset="failed")]
    assert cross_sets(videos_of(table(rows), bounds=None)) is None
    assert cross_sets(videos_of(table([replace(row, dataset="") for row in rows]), bounds=None)) is None
