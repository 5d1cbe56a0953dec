"""The report in its three forms: what others may rely on, and that nothing in a name can break a page."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from dfdetect.data.audit import AuditReport, audit
from dfdetect.data.audit.report import SCHEMA, to_text, verdict
from dfdetect.data.audit.report_html import render
from dfdetect.data.audit.wording import KINDS, UNKNOWABLE
from dfdetect.data.readers import READERS

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "leakage.md").read_text(encoding="utf-8")

SPLIT = {
    "path": ["a/1.png", "a/2.png", "b/<script>.png", "b/2.png"],
    "label": ["real", "fake", "real", "fake"],
    "split": ["train", "train", "test", "test"],
    "person": ["ann", "bob & co", "carl", "bob & co"],
    "video_id": ["v1", "v2", "v3", "v4"],
    "donor_id": [None, "carl", None, None],
}


@pytest.fixture(scope="module")
def report() -> AuditReport:
    return audit(SPLIT)


def test_json_has_the_documented_form(report: AuditReport) -> None:
    data = json.loads(json.dumps(report.to_json()))
    assert data["schema"] == SCHEMA == "dfdetect.audit/1"
    assert data["leaks_found"] is True
    identity = next(leak for leak in data["leaks"] if leak["kind"] == "identity")
    assert identity["splits"] == ["train", "test"]
    assert (identity["keys"], identity["keys_in"]) == (2, {"train": 3, "test": 2})
    assert (identity["samples"], identity["samples_in"]) == ({"train": 1, "test": 2}, {"train": 2, "test": 2})
    assert identity["examples"][0] == {"key": "bob & co", "train": "a/2.png", "test": "b/2.png"}
    assert {"kind": "video", "splits": ["train", "test"]} in data["clean"]
    fields = {
        name
        for part in data.values()
        if isinstance(part, list)
        for row in part
        if isinstance(row, dict)
        for name in row
    }
    for name in [*data, *fields - {"train", "test"}]:
        assert f"`{name}`" in PAGE, f"docs/leakage.md does not say what {name} is"


def test_text_names_leaks_what_they_mean_and_what_was_not_checked(report: AuditReport) -> None:
    text = to_text(report)
    assert (
        "LEAK same person: 2 people are in both train (of 3) and test (of 2), touching 1 of 2 and 2 of 2 samples"
        in text
    )
    assert KINDS["identity"].meaning in text
    assert "clean  same file: train/test" in text
    assert "not checked  same upload, unknown dataset (4 of 4 samples)" in text
    assert text.endswith("This split leaks: same donor, same person.")


def test_verdicts() -> None:
    assert "in what could be checked" in verdict(audit({"path": ["a", "b"], "split": ["train", "test"]}))
    whole = {
        **SPLIT,
        "person": list("abcd"),
        "donor_id": [None, "e", None, "f"],
        "pair_key": list("abcd"),
        "source_key": list("abcd"),
    }
    assert verdict(audit(whole)) == "No leak was found."


class Page(HTMLParser):
    """Tags in balance, attributes that would load something, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br", "link", "img"):
            self.open.append(tag)
        self.loads += [f"{name}={value}" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_html_is_whole_and_loads_nothing(report: AuditReport) -> None:
    html = render(report, made_at=datetime(2026, 5, 4, tzinfo=UTC))
    page = Page(html)
    assert page.open == page.loads == []
    assert "<script" not in html
    text = " ".join(" ".join(page.words).split())
    assert "made 2026-05-04 00:00 UTC" in text
    assert "b/<script>.png" in text
    assert "▲ 2 people" in text
    assert "○ not checked" in text
    assert "● none" in text


def test_html_of_a_clean_split() -> None:
    html = render(audit({"path": ["a", "b"], "split": ["train", "test"]}))
    assert "No leak was found in what could be checked" in html
    assert 'class="verdict unsure"' in html


def test_every_kind_is_explained_in_the_documentation() -> None:
    for kind, words in KINDS.items():
        assert f"| `{kind}` |" in PAGE, kind
        assert words.meaning.endswith(".")


def test_reasons_are_about_datasets_that_exist() -> None:
    assert {dataset for dataset, _ in UNKNOWABLE} <= set(READERS)
