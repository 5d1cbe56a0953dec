"""The worked example of docs/geometry.md."""

from __future__ import annotations

import doctest
from pathlib import Path

from dfdetect.data.augment import AugmentOptions
from dfdetect.data.prepare import LOOSE_MARGIN, MAX_LOOSE_PX
from dfdetect.models.spec import ModelSpec

PAGE = Path(__file__).resolve().parents[2] / "docs" / "geometry.md"


def test_the_worked_example_comes_out_as_printed() -> None:
    found = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert found.attempted >= 8
    assert found.failed == 0


def test_the_numbers_on_the_page_are_those_of_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    options = AugmentOptions()
    assert f"margin {LOOSE_MARGIN} of the mesh box" in text
    assert f"{MAX_LOOSE_PX} px at most" in text
    assert f"margin {options.min_margin}-{options.max_margin}" in text
    assert f"up to {options.max_off_centre:.0%} of".replace("%", " %") in text
    assert f"({ModelSpec('net', 224).margin})" in text
