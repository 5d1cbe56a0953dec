"""The page of an evaluation: self-contained, everything escaped, findings and protocol first, a level everywhere."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from dfdetect.errors import DataError
from dfdetect.evaluate.estimates import Estimate
from dfdetect.evaluate.eval_report import CrossAuc, CrossCell, EvalReport
from dfdetect.evaluate.fairness import measure_fairness
from dfdetect.evaluate.protocol_figures import Counted, ProtocolFigures
from dfdetect.evaluate.report.html import MOST_CROSSED, MOST_ROWS, render
from dfdetect.evaluate.report.markdown import to_markdown
from dfdetect.evaluate.report.words import LEVELS
from dfdetect.evaluate.score_table import ScoreTable
from dfdetect.evaluate.scores import VideoScore
from eval_reports import EVIL, block, calibration_record, comparison, eval_report, explanations, robustness

MADE_AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
RATE_OF_ELEVEN = {"false_positive_rate": Estimate(0.11, 0.09, 0.13)}
_VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Tags, attributes, text and sections of a page; checks that every tag is closed in order."""

    def __init__(self, *reports: EvalReport, **options: object) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.sections: list[str] = []
        self._open: list[str] = []
        self.source = render(reports, made_at=MADE_AT, **options)  # type: ignore[arg-type]
        self.feed(self.source)
        self.close()
        assert self._open == []
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)
        if tag == "section":
            self.sections.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        if tag in ("td", "th", "p", "li"):
            self.text += " "

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text += data
            if self.sections:
                self.sections[-1] += data


def test_findings_and_protocol_come_before_the_first_figure() -> None:
    """A number that is read before the leak that made it is the number that is remembered."""
    text = Page(eval_report()).text
    places = [
        text.index(part) for part in ("Read this first", "12 people on both sides", "Warnings", "What was measured")
    ]
    places += [text.index("Protocol hash"), text.index("Samples"), text.index("At a glance"), text.index("0.870")]
    assert places == sorted(places)


def test_the_protocol_is_told_whole_and_in_words() -> None:
    text = Page(eval_report()).text
    for said in (
        "What scan does.",
        "cd" * 32,
        "ab" * 32,
        "ef" * 32,
        "one every 0.5 s, at least 32",
        "yes" if False else "300",
    ):
        assert said in text
    assert "counted apart, never a number" in text
    assert "trimmed mean of the logits" in text
    assert "the model's own" in text
    assert "1,000 draws" in text
    assert "meso4" in text, "who was scored beside it"


def test_unknown_fields_of_a_protocol_are_shown_as_they_are() -> None:
    report = eval_report()
    protocol = {**report.run["protocol"], "stride": 5, "pooling": "median"}
    text = Page(replace(report, run={**report.run, "protocol": protocol})).text
    assert "Stride 5" in text
    assert "median" in text


def test_every_section_with_figures_says_its_level() -> None:
    page = Page(eval_report())
    for section in page.sections:
        if re.search(r"0\.\d{3}|\d\.\d\s%", section):
            assert sum(level in section for level in LEVELS.values()) == 1, section[:200]


def test_what_is_counted_adds_up() -> None:
    text = Page(eval_report()).text
    assert "real 126 120 3 2 1 24 40" in text
    assert "fake 186 180 3 2 1 36 60" in text
    drawn = next(
        a["aria-label"] or ""
        for _, a in Page(eval_report()).tags
        if "shipped thresholds:" in (a.get("aria-label") or "")
    )
    assert "real flagged 6, cleared 90, inconclusive 24, no score 6" in drawn
    assert "fake flagged 90, cleared 54, inconclusive 36, no score 6" in drawn


def test_a_headline_and_the_line_beneath_it_are_of_one_figure() -> None:
    """The rate as shipped was once drawn with the place of another setting's rate."""
    report = eval_report()
    whole = report.blocks[0]
    flagged = replace(whole.decisions["flagged"], metrics=whole.decisions["flagged"].metrics | RATE_OF_ELEVEN)
    whole = replace(whole, decisions=whole.decisions | {"flagged": flagged})
    labels = [a.get("aria-label") or "" for _, a in Page(replace(report, blocks=(whole,))).tags]
    assert [label for label in labels if label.startswith("FPR ")] == [
        "FPR 11.0\xa0% (9.0–13.0\xa0%), on a line from 0 to 1"
    ]


def test_of_one_class_the_page_says_why_and_draws_no_curve() -> None:
    only_fakes = replace(eval_report(), blocks=(block(n_real=0),), cross=())
    page = Page(only_fakes)
    assert "one class only: all 180 scored samples are fake" in page.text
    assert "ROC curve" not in page.text
    assert "fake 186 180" in page.text


def test_nothing_is_fetched_and_nothing_runs() -> None:
    for tag, attributes in Page(eval_report(hostile=EVIL), thumbnails={(EVIL, f"videos/{EVIL}"): "data:,x"}).tags:
        assert tag not in ("script", "iframe", "object", "embed", "link", "form", "base", "audio", "video")
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in ("src", "href"):
                assert (value or "").startswith("data:"), (tag, value)


def test_hostile_names_stay_text() -> None:
    """Names of files come from whoever made the dataset, or sent the scores."""
    page = Page(eval_report(hostile=EVIL))
    shown = EVIL.replace("\x1b", "\ufffd").replace("\u202e", "\ufffd").replace("\r", "\ufffd").replace("\n", "\ufffd")
    assert shown in page.text
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e]", page.source)
    assert {tag for tag, _ in page.tags} <= {
        *(
            "html",
            "head",
            "meta",
            "title",
            "style",
            "body",
            "main",
            "header",
            "footer",
            "section",
            "div",
            "p",
            "ul",
            "li",
        ),
        *(
            "h1",
            "h2",
            "h3",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "span",
            "strong",
            "small",
            "code",
            "br",
            "img",
        ),
        *("figure", "figcaption", "svg", "line", "text", "polyline", "polygon", "circle", "rect", "g"),
    } | {"title"}


def test_charts_are_well_formed_and_their_points_lie_inside() -> None:
    source = render([eval_report(hostile=EVIL)])
    drawings = re.findall(r"<svg.*?</svg>", source, re.DOTALL)
    assert len(drawings) > 10
    for drawing in drawings:
        root = ElementTree.fromstring(drawing)
        _, _, width, height = map(float, root.attrib["viewBox"].split())
        for one in root.iter("polyline"):
            for point in one.attrib["points"].split():
                x, y = map(float, point.split(","))
                assert 0 <= x <= width
                assert 0 <= y <= height


def test_the_band_is_drawn_where_there_is_one() -> None:
    report = eval_report()
    whole = report.blocks[0]
    assert whole.curves is not None
    band = tuple((fpr / 10, fpr / 20, (fpr + 10) / 20) for fpr in range(1, 11))
    banded = replace(whole, curves=replace(whole.curves, roc_band=band))
    for one, drawn in ((whole, 0), (banded, 2)):
        page = Page(replace(report, blocks=(one,)))
        assert sum(tag == "polygon" for tag, _ in page.tags) == drawn


def test_several_models_stand_side_by_side() -> None:
    first = replace(eval_report(), comparisons=(comparison(),))
    page = Page(first, eval_report("meso4", auc=0.74))
    assert "default 1.0 and meso4 1.0 on test.csv" in page.text
    assert "AUC (high is better) 0.870 0.740 −0.130 −0.160 to −0.100" in page.text
    assert "50.0 % 46.0 % −4.0 points −9.0 to +2.0" in page.text
    assert "p < 0.001" in page.text
    assert "10 by default 1.0 alone, 4 by meso4 1.0 alone" in page.text
    labels = [attributes.get("aria-label") for _, attributes in page.tags]
    assert labels.count("ROC curve of default 1.0 and meso4 1.0") == 2, "with even and with logarithmic false alarms"
    assert page.text.count("Fake is the positive class") == 1


def test_of_a_further_model_only_what_differs_is_told() -> None:
    first = eval_report()
    run = {key: value for key, value in first.run.items() if key != "frames"}
    other = replace(eval_report("meso4"), run={**run, "model": {"name": "meso4", "sha256": "77" * 32}, "seed": 8})
    page = Page(first, other)
    (section,) = [" ".join(part.split()) for part in page.sections if "What was measured: meso4" in part]
    assert "All else as for default 1.0" in section
    assert "77" * 32 in section
    assert "Protocol hash" not in section
    assert "Seed8" in section.replace(" ", "")
    assert "one every 0.5 s" in section, "how many frames at least is told of the first alone, so the row differs"


def test_long_tables_are_cut_and_say_so() -> None:
    many = [block(by="method", name=f"set/m{n:04d}") for n in range(MOST_ROWS + 40)]
    page = Page(replace(eval_report(), blocks=(block(), *many)))
    assert f"set/m{MOST_ROWS - 1:04d}" in page.text
    assert f"set/m{MOST_ROWS:04d}" not in page.text
    assert "and 40 more in report.json" in page.text


def test_a_table_of_too_many_pairings_is_left_to_the_json() -> None:
    """A thousand sources of one dataset would be a page of a million cells."""
    names = tuple(f"source {n:03d}" for n in range(MOST_CROSSED + 1))
    cells = tuple(CrossCell(a, b, 1, 1, Estimate(0.5)) for a in names for b in names)
    report = replace(eval_report(), cross=(CrossAuc("video", "source", names, names, cells),))
    page = Page(report)
    assert "31 sets of reals and 31 of fakes are too many for a table" in page.text
    assert "source 030" not in page.text
    assert "source 030" not in to_markdown([report])


def test_scores_without_a_run_can_be_reported() -> None:
    text = Page(replace(eval_report(), run={})).text
    assert "scores without a run" in text
    assert "Protocol not known: the scores came without one" in text
    assert "1,000 draws" in text


@pytest.mark.parametrize("shown", [True, False])
def test_pictures_only_where_they_are_given(shown: bool) -> None:
    thumbnails = {("celeb_df_v2", "videos/id0_0001.mp4"): "data:image/jpeg;base64,AA=="} if shown else None
    pictures = [a for tag, a in Page(eval_report(), thumbnails=thumbnails).tags if tag == "img"]
    assert len(pictures) == (2 if shown else 0)


def with_groups() -> EvalReport:
    """Two groups of 200 reals and 200 fakes, all false alarms in one of them; and one of 10 files."""
    rows = []
    for n in range(810):
        tone = "tiny" if n >= 800 else "dark" if n % 2 else "light"
        verdict = "likely_manipulated" if n % 20 == 1 else "no_manipulation_found"
        rows.append(
            VideoScore(
                f"v{n}", n // 2 % 2, "d", group=f"p{n % 80}", probability=0.3, verdict=verdict, extra={"skin": tone}
            )
        )
    return replace(eval_report(), fairness=measure_fairness(ScoreTable.from_rows(rows)).as_dict())


def test_groups_show_their_numbers_and_what_is_not_claimed() -> None:
    page = Page(with_groups())
    (section,) = [part for part in page.sections if part.strip().startswith("Groups of people")]
    said = " ".join(section.split())
    assert "skin FPR 20.0 points 3.0 points ▲ above" in " ".join(page.text.split())
    assert "200 files of 20 people" in said
    assert "skintiny" in said.replace(" ", "")
    greyed = [attributes for tag, attributes in page.tags if attributes.get("class") == "unclaimed"]
    assert len(greyed) >= 5


def test_what_was_not_measured_is_said() -> None:
    """Silence about groups of people reads as if there were no difference."""
    text = Page(eval_report()).text
    assert "Not measured" in text
    assert "whether groups of people are treated alike" in text
    assert "whether groups of people are treated alike" not in Page(with_groups()).text
    empty = replace(eval_report(), fairness=measure_fairness(ScoreTable.from_rows([VideoScore("v", 0, "d")])).as_dict())
    assert "whether groups of people are treated alike" in Page(empty).text


def test_every_cell_of_laundering_is_there_with_its_false_alarms() -> None:
    found = robustness()
    page = Page(replace(eval_report(), robustness=found.as_dict()))
    (section,) = [" ".join(part.split()) for part in page.sections if "What laundering costs" in part]
    for cell in found.cells[1:]:
        assert cell.name.replace("_", " ") in section
    assert section.count("flagged") >= len(found.cells) - 1
    assert "▲ missed" in page.text
    severities = [a for _, a in page.tags if (a.get("aria-label") or "").startswith("AUC by severity of ")]
    assert len(severities) == len({cell.family for cell in found.cells if cell.severity >= 3})
    assert "what compression, resizing" not in page.text, "it is not among what was not measured"


def test_the_heat_map_stands_beside_a_blob_in_the_middle() -> None:
    found = explanations()
    page = Page(replace(eval_report(), explanation=found.as_dict()))
    (section,) = [" ".join(part.split()) for part in page.sections if "Does the heat map show" in part]
    assert LEVELS["frame"] in section
    assert "20 faces of 20 fakes" in section
    pointing = found.map("heatmap").pointing.value
    assert pointing is not None
    assert f"the heat map {100 * pointing:.1f} %" in page.text
    assert "a blob in the middle −" in page.text, "it points less well than the blob, and that is said"
    assert "lost.png: no face" in page.text
    assert sum("score over the share of cells" in (a.get("aria-label") or "") for _, a in page.tags) == 2


def test_what_a_user_calibrated_on_is_told() -> None:
    record = calibration_record()
    page = Page(replace(eval_report(), calibration=asdict(record)))
    for line in record.lines():
        assert " ".join(line.split()) in page.text


def test_a_part_that_somebody_changed_is_refused() -> None:
    with pytest.raises(DataError, match="expected a Robustness of this version"):
        render([replace(eval_report(), robustness={"cells": "none"})])


def test_the_benchmarks_counting_stands_apart_and_the_right_figure_is_marked() -> None:
    counted = (
        Counted("no face left out", "files with a score", True, 90, 80, 0.81),
        Counted("grouped by folder name", EVIL, False, 60, 50, 0.77),
        Counted("first 8 of 32 frames", "the first 8", False, 0, 8, None),
    )
    page = Page(replace(eval_report(), counting=ProtocolFigures("dfb", counted)))
    (section,) = (one for one in page.sections if "As dfb counts it" in one)
    for said in ("0.810", "0.770", "The right figure of its kind", LEVELS["video"], "\u2013"):
        assert said in section
    assert "<script>" not in page.source
    assert "As dfb counts it" not in Page(eval_report()).text


def test_the_shipped_thresholds_are_told() -> None:
    bounds = {"likely_manipulated": 0.912, "no_manipulation_found": 0.5, "target_fpr": 0.02, "measured_on": "80 clips"}
    report = eval_report()
    page = Page(replace(report, run={**report.run, "thresholds": {"video": bounds}}))
    said = "flagged above 0.912, cleared below 0.500; set to flag 2.0\u00a0% of reals (80 clips)"
    assert " ".join(said.split()) in page.text
