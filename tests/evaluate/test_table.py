"""The printed tables: every file asked is counted, and what was not measured is a dash."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dfdetect.evaluate.scores import VideoScore
from dfdetect.evaluate.table import auc_markdown, auc_rows, fpr_markdown
from dfdetect.metrics import wilson_interval

ROW = VideoScore(
    "p", 0, source="studio", group="g", verdict="no_manipulation_found", probability=0.1, logit=-2.0, n_tracks=1
)


def rows_of(
    source: str, label: int, logits: list[float], *, verdict: str = "no_manipulation_found"
) -> list[VideoScore]:
    return [
        replace(ROW, path=f"{source}/{n}", source=source, label=label, group=f"{source}{n}", logit=x, verdict=verdict)
        for n, x in enumerate(logits)
    ]


def failed(source: str, label: int, status: str) -> VideoScore:
    return replace(ROW, source=source, label=label, status=status, verdict=None, probability=None, logit=None)


def test_auc_of_each_method_against_its_own_reals(rng: np.random.Generator) -> None:
    reals = rows_of("studio", 0, list(rng.normal(0, 1, 30)))
    others = rows_of("street", 0, list(rng.normal(9, 1, 30)))
    fakes = rows_of("swap", 1, list(rng.normal(6, 1, 20)), verdict="likely_manipulated")
    own, all_reals = (
        auc_rows([*reals, *others, *fakes], {"swap": names})[0] for names in (["studio"], ["studio", "street"])
    )
    assert own.auc == pytest.approx(1.0, abs=0.01)
    assert all_reals.auc is not None
    assert 0.4 < all_reals.auc < 0.6
    assert (own.n_fake, own.n_real, own.caught) == (20, 30, 20)
    assert own.interval is not None
    assert own.interval[0] <= own.auc <= own.interval[1]


def test_files_without_a_score_are_no_part_of_an_auc() -> None:
    rows = [*rows_of("a", 0, [0.0, 1.0]), failed("a", 0, "timeout"), *rows_of("b", 1, [2.0]), failed("b", 1, "no_face")]
    (line,) = auc_rows(rows, {"b": ["a"]})
    assert (line.n_fake, line.n_real, line.auc) == (1, 2, 1.0)


def test_nothing_to_compare_is_a_dash() -> None:
    (line,) = auc_rows(rows_of("a", 0, [1.0]), {"b": ["a"]})
    assert line.auc is None
    assert line.interval is None
    assert auc_markdown([line]).splitlines()[-1] == "| b | a | 0 / 1 | - | - | 0 of 0 |"


def test_the_auc_table_as_it_is_printed() -> None:
    rows = [*rows_of("a", 0, [0.0] * 4), *rows_of("b", 1, [1.0] * 4, verdict="likely_manipulated")]
    assert auc_markdown(auc_rows(rows, {"b": ["a"]})).splitlines() == [
        "| fakes | against reals | n fake / real | AUC | 95 % interval | flagged |",
        "|---|---|---|---|---|---|",
        "| b | a | 4 / 4 | 1.00 | 1.00 - 1.00 | 4 of 4 |",
    ]


def test_the_false_positive_table_counts_every_real_that_was_asked() -> None:
    rows = [
        *rows_of("a", 0, [0.0] * 8),
        *rows_of("a", 0, [5.0], verdict="likely_manipulated"),
        *rows_of("a", 0, [2.0], verdict="inconclusive"),
        failed("a", 0, "no_face"),
        failed("b", 0, "corrupt_data"),
        *rows_of("fakes", 1, [5.0] * 3, verdict="likely_manipulated"),
    ]
    low, high = wilson_interval(1, 10)
    lines = fpr_markdown(rows).splitlines()[2:]
    assert lines == [
        f"| a | 11 | 10 | 1 | 0 | 1 | 0.100 ({low:.3f} - {high:.3f}) | 1 |",
        "| b | 1 | 0 | 0 | 1 | 0 | - | 0 |",
        f"| all | 12 | 10 | 1 | 1 | 1 | 0.100 ({low:.3f} - {high:.3f}) | 1 |",
    ]
