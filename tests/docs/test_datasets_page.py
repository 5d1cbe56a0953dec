"""docs/datasets.md says of every dataset what its reader says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dfdetect.data.readers import READERS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "datasets.md").read_text(encoding="utf-8")
SECTIONS = {match[1]: match[0] for match in re.finditer(r"^###? .*?\(`(\w+)`\)$.*?(?=^##|\Z)", PAGE, re.M | re.S)}


@pytest.mark.parametrize("name", sorted(SECTIONS))
def test_layout_and_its_source_are_those_of_the_reader(name: str) -> None:
    """A page that draws another tree than the reader expects sends people to re-arrange their data."""
    reader, section = READERS[name], SECTIONS[name]
    assert reader.title in section
    assert reader.layout.strip("\n") in section
    assert reader.source in " ".join(section.split())
    assert ("Layout not verified" in section) == (not reader.verified)


def test_every_reader_has_its_section() -> None:
    assert set(SECTIONS) == set(READERS)
