"""The HTML report: self-contained, everything escaped, and it says what the result says."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

import scan_results as results
from dfdetect.calibration import uncalibrated
from dfdetect.detect.report_html import render
from dfdetect.detect.wording import CANNOT_TELL, MACHINE_MADE, words_of
from dfdetect.errors import LimitCode, ReasonCode
from dfdetect.values import ErrorInfo, InputInfo, Limit, Reason, ScanResult, TrackResult, Verdict

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
_VOID = {"meta", "img", "br", "link", "input"}


class Reader(HTMLParser):
    """Collects tags, attributes and text, and checks that every tag is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def close(self) -> None:
        super().close()
        assert self._open == []


def read(result: ScanResult) -> Reader:
    reader = Reader()
    reader.feed(render(result, made_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC)))
    reader.close()
    return reader


@pytest.mark.parametrize("result", results.every_result(), ids=lambda r: r.verdict or "error")
def test_every_result_gives_a_page_that_says_so(result: ScanResult) -> None:
    page = read(result)
    text = " ".join(page.text.split())
    assert words_of(result).title in text
    assert words_of(result).meaning in text
    assert CANNOT_TELL in text
    assert MACHINE_MADE in text
    assert result.input.path in text
    assert "2026-01-02 03:04 UTC" in text
    if result.error is not None:
        assert result.error.code in text
    if result.thresholds is not None:
        assert result.thresholds.measured_on in text
        assert "3 % of real files" in text
    for reason in result.reasons:
        assert reason.text in text


@pytest.mark.parametrize("result", results.every_result(), ids=lambda r: r.verdict or "error")
def test_nothing_is_fetched_and_nothing_runs(result: ScanResult) -> None:
    """A report that loads a font or a script tells a third party who looks at which evidence."""
    for tag, attributes in read(result).tags:
        assert tag not in ("script", "iframe", "object", "embed", "link", "form", "base", "audio", "video")
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("src", "href", "action", "data", "poster"):
                assert (value or "").startswith("data:image/jpeg;base64,")
    html = render(result)
    assert "default-src 'none'" in html
    assert not re.search(r"https?://|@import|url\(", html)


def test_what_comes_from_the_file_is_escaped() -> None:
    """A file name is the attacker's text."""
    base = results.video_result()
    evil = replace(
        base,
        input=InputInfo(EVIL, base.input.sha256, 1),
        reasons=(Reason(ReasonCode.SCORE_HIGH, EVIL),),
        limits=(Limit(LimitCode.FEW_FRAMES, EVIL),),
        thresholds=replace(results.THRESHOLDS, measured_on=EVIL),
        model=replace(results.MODEL, name=EVIL, version=EVIL),
    )
    failed = replace(results.error_result(path=EVIL), error=ErrorInfo("internal", EVIL, "decode"))
    for result in (evil, failed):
        page = read(result)
        assert EVIL in page.text
        assert "script" not in {tag for tag, _ in page.tags}
        assert all(not name.startswith("on") for _, attributes in page.tags for name in attributes)


def test_control_characters_do_not_reach_the_page() -> None:
    page = read(results.error_result(path="gpj\u202eexe\x1b[31m.mp4"))
    assert "\u202e" not in page.text
    assert "\x1b" not in page.text


def test_pictures_come_with_their_heatmap_and_place() -> None:
    page = read(results.video_result())
    assert sum(tag == "img" for tag, _ in page.tags) == 4  # two frames, each with its overlay
    boxes = [a for tag, a in page.tags if tag == "rect" and a.get("class") == "box"]
    assert boxes[0]["x"] == "32.03%"
    assert boxes[0]["height"] == "29.17%"


def test_no_heatmap_where_the_model_has_none() -> None:
    base = results.video_result()
    bare = tuple(replace(t, scores=tuple(replace(s, cam=None) for s in t.scores)) for t in base.tracks)
    page = read(replace(base, tracks=bare))
    assert sum(tag == "img" for tag, _ in page.tags) == 2
    assert "This model has no map of where it reads its evidence." in page.text
    assert "Where the network read" not in page.text


def track_page(track: TrackResult) -> Reader:
    return read(replace(results.video_result(), tracks=(track,)))


def test_the_timeline_breaks_at_a_gap_and_shows_cuts() -> None:
    page = track_page(results.video_result().tracks[0])
    dots = [a for tag, a in page.tags if tag == "circle" and a.get("class") == "dot"]
    steps = [a for tag, a in page.tags if tag == "line" and a.get("class") == "step"]
    assert len(dots) == 10
    assert len(steps) == 8  # nine pairs, one of them across the gap
    assert sum(a.get("class") == "gap" for _, a in page.tags) == 1
    assert sum(a.get("class") == "cut" for _, a in page.tags) == 1
    assert sum(a.get("class") == "level" for _, a in page.tags) == 2


def test_a_still_has_no_timeline() -> None:
    page = read(results.image_result())
    assert not [a for _, a in page.tags if a.get("class") == "dot"]


def test_numbers_lie_inside_the_plot() -> None:
    for track in results.video_result().tracks:
        for tag, attributes in track_page(track).tags:
            if tag == "circle":
                assert 0 <= float((attributes["cx"] or "").rstrip("%")) <= 100
                assert 0 <= float(attributes["cy"] or "") <= 120


def test_a_track_without_probability_is_shown() -> None:
    base = results.video_result()
    odd = replace(base.tracks[0], probability=None, scores=(), gaps_s=())
    assert "Face 1" in track_page(odd).text


def test_bounds_that_were_never_measured_are_not_shown() -> None:
    """A network just exported showed "flagged above 1.00" as if somebody had set it."""
    bare, _ = uncalibrated().bounds("video", 1)
    page = read(replace(results.video_result(Verdict.INCONCLUSIVE), thresholds=bare))
    assert "not calibrated: every verdict is inconclusive" in page.text
    assert "lagged above" not in page.text
    assert "Aimed at" not in page.text


def test_shapes_keep_their_colours_on_paper() -> None:
    """The PDF showed a black bar and black squares: its printer applies no style sheet inside an SVG."""
    page = read(results.video_result())
    shapes = [a for tag, a in page.tags if tag in ("rect", "line", "circle")]
    seen = {a["class"]: a for a in shapes}
    assert set(seen) >= {"zone", "range", "marker", "axis", "level", "step", "dot", "gap", "cut", "frame", "box"}
    black_is_right = {"range", "marker", "box"}
    assert all("fill" in a or "stroke" in a for name, a in seen.items() if name not in black_is_right)
    assert seen["frame"]["fill"] == "none"
    assert all(float(seen[name]["fill-opacity"] or 1) < 1 for name in ("zone", "range", "gap"))


def test_the_sheet_for_paper_ends_before_the_sheet_for_the_screen() -> None:
    """A brace was lost once while the rules for paper were moved: the page had no style on screen."""
    sheet = render(results.video_result()).partition("<style>")[2].partition("</style>")[0]
    outside = sheet
    while (shorter := re.sub(r"\{[^{}]*\}", "", outside)) != outside:
        outside = shorter
    assert not re.search("[{}]", outside)
    assert re.search(r"(?m)^body$|^body ", outside)
