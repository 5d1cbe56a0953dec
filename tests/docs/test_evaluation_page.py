"""docs/evaluation.md names every figure and every finding that a report may hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from dfdetect.evaluate.estimates import FIGURES
from dfdetect.evaluate.findings import FindingCode

PAGE = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", [*FindingCode])
def test_every_finding_is_described(code: FindingCode) -> None:
    assert f"`{code.value}`" in PAGE


@pytest.mark.parametrize("title", [figure.title for figure in FIGURES.values()])
def test_every_figure_is_described(title: str) -> None:
    assert title.replace("TPR at FPR 5 %", "TPR at FPR 1 %, 5 %") in PAGE
