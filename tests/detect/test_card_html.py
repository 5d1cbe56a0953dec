"""The page of a model: thresholds and text are on it, and a stranger's card can neither run nor request anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from dfdetect.detect.card_html import markdown_html, render_card
from dfdetect.models.bundle import find_bundle, load_bundle, seal
from tiny_bundle import make_tiny_bundle


def test_the_shipped_model_has_its_tables_on_its_page() -> None:
    bundle = load_bundle(find_bundle("default"))
    page = render_card(bundle)
    assert f"<h1>{bundle.manifest.name} {bundle.manifest.version}</h1>" in page
    assert bundle.sha256 in page
    assert page.count("<table>") >= 3  # thresholds, sources, and those of the card
    assert all(source.licence.split("(")[0].strip() in page for source in bundle.manifest.sources)
    assert page == render_card(bundle)


def test_kinds_that_it_does_not_find_are_at_the_top(tmp_path: Path) -> None:
    make_tiny_bundle(tmp_path / "m")
    page = render_card(seal(tmp_path / "m", not_covered=("whole <generated> faces (AUC .40)",)))
    assert "whole &lt;generated&gt; faces (AUC .40)" in page[: page.index("Thresholds")]


@pytest.mark.parametrize(
    "card",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[here](javascript:alert(1))",
        "![seen](https://example.org/pixel.png)",
        "[here](<data:text/html,<script>alert(1)</script>>)",
    ],
)
def test_a_strangers_card_is_text_only(card: str) -> None:
    found = markdown_html(card)
    assert "<script" not in found
    assert "<img" not in found
    assert 'href="javascript:' not in found
    assert 'href="data:' not in found


def test_a_table_of_a_card_is_a_table() -> None:
    assert "<td>0.92</td>" in markdown_html("| fakes | AUC |\n|---|---|\n| swaps | 0.92 |\n")
