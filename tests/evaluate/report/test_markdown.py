"""Markdown of an evaluation: tables that hold together whatever a file is called, and the same figures as the page."""

from __future__ import annotations

import re
from dataclasses import asdict, replace

from dfdetect.evaluate.protocol_figures import Counted, ProtocolFigures
from dfdetect.evaluate.report.markdown import text, to_markdown
from eval_reports import EVIL, calibration_record, comparison, eval_report, explanations, robustness


def test_findings_first_then_the_protocol_then_figures_with_their_level() -> None:
    found = to_markdown([eval_report()])
    places = [found.index(part) for part in ("**RED**", "## What was measured", "| AUC | 0.870 |")]
    assert places == sorted(places)
    for heading in re.findall("^## .*$", found, re.MULTILINE):
        if heading not in ("## What to know first", "## What was measured", "## Not measured"):
            assert heading.endswith(("(level: file)", "(level: frame)")), heading


def test_every_row_of_a_table_has_the_columns_of_its_header() -> None:
    """One bar in the name of a file must not move the figures beside it under another heading."""
    parts = {"robustness": robustness().as_dict(), "explanation": explanations().as_dict()}
    whole = replace(eval_report(hostile=EVIL), calibration=asdict(calibration_record()), **parts)
    width = 0
    rows = 0
    for line in to_markdown([whole, eval_report("b")]).splitlines():
        if not line.startswith("|"):
            width = 0
            continue
        cells = len(re.findall(r"(?<!\\)\|", line))
        width = width or cells
        assert cells == width, line
        rows += 1
    assert rows > 150


def test_hostile_names_are_no_mark_up() -> None:
    found = to_markdown([eval_report(hostile=EVIL)])
    assert "\n## owned" not in found
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e]", found)
    outside_code = re.sub("`[^`\n]*`", "", found)
    assert not re.search(r"(?<!\\)<script", outside_code)


def test_text_is_escaped_and_kept() -> None:
    assert text("a_b|c*d") == r"a\_b\|c\*d"


def test_comparison_says_how_sure_the_difference_is() -> None:
    found = to_markdown([replace(eval_report(), comparisons=(comparison(),)), eval_report("meso4")])
    assert "| AUC | high | 0.870 | 0.740 | −0.130 | −0.160 to −0.100 | p < 0.001 |" in found
    assert "z = −6.50, p < 0.001" in found
    assert found.count("## What was measured of ") == 2


def test_the_benchmarks_counting_is_a_table_of_its_own() -> None:
    counted = (Counted("no face is 0.5", "2 files", False, 90, 80, 0.81),)
    text = to_markdown([replace(eval_report(), counting=ProtocolFigures("sbi", counted))])
    assert "## As sbi counts it" in text
    assert "| no face is 0.5 |" in text.replace("0\\.5", "0.5")
    assert "0.810" in text
