"""Reports as text and Markdown: nothing is computed, refusals are dashes with a reason."""

from __future__ import annotations

import itertools

import numpy as np

from dfdetect.evaluate.compare import compare
from dfdetect.evaluate.estimates import Estimate
from dfdetect.evaluate.eval_report import EvalReport
from dfdetect.evaluate.measure import measure
from dfdetect.evaluate.tables import comparison_table, markdown, plain, report_tables, to_text, with_interval
from dfdetect.values import Thresholds
from drawn_scores import drawn, frames, table, videos

BOUNDS = Thresholds(0.8, 0.4, 0.02, None, "")


def report(rng: np.random.Generator) -> EvalReport:
    scores = table(
        drawn(rng, 40, 30, name="a", dataset="one", method="swap"),
        drawn(rng, 40, 30, name="b", dataset="two", method="morph"),
        videos([None], 0, name="c", dataset="one"),
    )
    return measure(scores, frames(scores, 2, rng), bounds=BOUNDS, rng=rng, draws=50)


def test_levels_never_share_a_table(rng: np.random.Generator) -> None:
    tables = report_tables(report(rng))
    assert all(one.title.startswith(("Files", "Single frames")) for one in tables)
    assert sum(one.title.startswith("Single frames") for one in tables) > 3


def test_every_block_and_finding_is_printed(rng: np.random.Generator) -> None:
    found = report(rng)
    text = to_text(found)
    assert all(block.name in text for block in found.blocks)
    assert all(one.text in text for one in found.findings)
    assert "one/swap: against reals of the same dataset" in text


def test_a_column_is_as_wide_as_its_widest_cell(rng: np.random.Generator) -> None:
    for one in report_tables(report(rng)):
        lines = plain(one).splitlines()[1 : 3 + len(one.rows)]
        starts = [at for at in range(1, len(lines[1])) if lines[1][at - 1 : at + 1] == " -"]
        assert all(len(line) <= at or line[at - 1] == " " for line in lines for at in starts)


def test_markdown_tables_are_rectangular(rng: np.random.Generator) -> None:
    pages = [markdown(one) for one in report_tables(report(rng))]
    rows = [line for page in pages for line in page.splitlines() if line.startswith("|")]
    assert rows
    for above, below in itertools.pairwise(rows):
        if below.startswith("|---"):
            assert below.count("|") == above.replace("\\|", "").count("|")


def test_what_was_refused_is_a_dash_and_a_reason() -> None:
    found = measure(table(videos([0.2, 0.3], 0)), bounds=None, rng=np.random.default_rng(0), draws=10)
    text = to_text(found)
    assert "RED: every one of the 2 scored samples is real" in text
    assert "all: one class only: all 2 scored samples are real" in text
    assert with_interval(Estimate(None, why="x")) == "-"
    assert with_interval(Estimate(0.5, why="x")) == "0.500"
    assert with_interval(Estimate(0.5, 0.4, 0.6)) == "0.500 (0.400 - 0.600)"


def test_many_refusals_are_one_line() -> None:
    """Twenty-one lines below a table, all alike."""
    sets = [videos([0.2, 0.3], n % 2, name=name, dataset=name) for n, name in enumerate("abcd")]
    found = measure(table(*sets), bounds=None, rng=np.random.default_rng(0), draws=10)
    assert "no figures where reals or fakes alone have a score: a, b, c, d" in to_text(found)


def test_a_comparison_names_both_models_and_what_was_left_out(rng: np.random.Generator) -> None:
    rows = drawn(rng, 30, 30)
    found, _ = compare(table(rows), table(rows[:-4]), names=("old", "new"), rng=rng, draws=30)
    text = plain(comparison_table(found))
    assert "Files, new against old" in text
    assert "left out: 4 scored by old alone, 0 by new alone" in text
    assert "56 samples that both scored (30 real, 26 fake)" in text
