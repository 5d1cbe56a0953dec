"""An evaluation as one self-contained HTML file: no request to anywhere, no script, readable on paper and in the dark.

Everything that came from a file (names of videos, methods, models) is escaped by the template engine or by
`report.svg.safe`; charts are SVG that we draw.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING

from dfdetect import __version__
from dfdetect.detect.page import page_template
from dfdetect.evaluate.estimates import DECISION_FIGURES, FIGURES, Estimate
from dfdetect.evaluate.eval_report import Block, By, Comparison, CrossAuc, EvalReport, Level
from dfdetect.evaluate.findings import Severity
from dfdetect.evaluate.report import charts, parts, words
from dfdetect.evaluate.report.charts import Line
from dfdetect.evaluate.report.said import said
from dfdetect.evaluate.report.svg import interval_cell

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup

MOST_ROWS = 100  # of one table on the page; report.json has all
MOST_CROSSED = 30  # sets of reals, or of fakes, in a table of their pairings
HEADLINES = ("roc_auc", "tpr_at_fpr1", "tpr_at_fpr5", "equal_error_rate")
DECISION_HEADLINES = (
    ("flagged", "false_positive_rate", "FPR as shipped"),
    ("shipped", "coverage", "coverage as shipped"),
)
SUBSETS: tuple[tuple[By, str, str], ...] = (
    ("method", "By method", "Fakes of one method against the reals named; methods are DATASET/METHOD."),
    ("dataset", "By dataset", "Reals and fakes of one dataset."),
    ("compression", "By compression", "Reals and fakes of one compression."),
    ("source", "By source", "Reals and fakes of one source, as the list names sources."),
)
SEVERITIES: dict[Severity, tuple[str, str, str]] = {
    "red": ("▲", "alarm", "Read this first"),
    "warning": ("◆", "unsure", "Warnings"),
    "note": ("○", "none", "Notes"),
}


@dataclass(frozen=True, slots=True)
class Tile:
    """One headline figure."""

    title: str
    value: str
    interval: str
    text: str
    scale: Markup


@dataclass(frozen=True, slots=True)
class ModelView:
    """One model of the page. number: its place, and so its colour and dash."""

    report: EvalReport
    name: str
    number: int

    @property
    def tone(self) -> str:
        return f"series{self.number % charts.SERIES}"

    def whole(self, level: Level) -> Block | None:
        found = self.report.of(level, "all")
        return found[0] if found else None

    def line(self, level: Level) -> Line | None:
        """Its whole block for a chart; None where a class is missing, so that there is no curve."""
        block = self.whole(level)
        return Line(self.name, block, self.tone) if block is not None and block.curves is not None else None


def render(
    reports: Sequence[EvalReport],
    *,
    made_at: datetime | None = None,
    thumbnails: Mapping[tuple[str, str], str] | None = None,
) -> str:
    """The page of one model, or of several on the same samples; the first is the one that the others are compared with.

    made_at: when it was made (now, in UTC, if None). thumbnails: of the worst cases (`report.thumbnails`), shown where
    they are given. ValueError: no report.
    """
    if not reports:
        raise ValueError("render: expected at least one report")
    made_at = made_at or datetime.now(UTC)
    models = [ModelView(*view, n) for n, view in enumerate(zip(reports, words.model_names(reports), strict=True))]
    return _template().render(
        models=models,
        title=" and ".join(model.name for model in models),
        data=words.data_name(reports[0]),
        findings=[(*SEVERITIES[severity], said(reports, severity)) for severity in SEVERITIES],
        comparisons=[one for report in reports for one in report.comparisons],
        thumbnails=thumbnails or {},
        made_at=made_at.strftime("%Y-%m-%d %H:%M UTC"),
        version=__version__,
    )


@functools.cache
def _template() -> Template:
    from markupsafe import Markup

    room = "dfdetect.evaluate.report"
    return page_template(
        room,
        "evaluation.html.jinja",
        style=Markup((files(room) / "evaluation.css").read_text(encoding="utf-8")),
        words=words,
        FIGURES=FIGURES,
        DECISION_FIGURES=DECISION_FIGURES,
        SUBSETS=SUBSETS,
        MOST_ROWS=MOST_ROWS,
        MOST_CROSSED=MOST_CROSSED,
        ANSWERS=charts.ANSWERS,
        tiles=_tiles,
        lines=_lines,
        chart=_chart,
        cell=_cell,
        score_cell=_score_cell,
        difference_cell=_difference_cell,
        cross_tone=cross_tone,
        shared=_shared,
        lowest=_lowest,
        fairness_of=parts.fairness_of,
        group_rates=parts.group_rates,
        robustness_of=parts.robustness_of,
        families=parts.families,
        explanations_of=parts.explanations_of,
        calibration_lines=parts.calibration_lines,
        MAP_FIGURES=parts.MAP_FIGURES,
        MAP_TITLES=parts.MAP_TITLES,
        loss_tone=loss_tone,
        GROUP_TITLES=parts.GROUP_TITLES,
        not_measured=parts.not_measured,
        having=_having,
        subsets=_subsets,
    )


def _lines(models: Sequence[ModelView], level: Level) -> list[Line]:
    return [line for model in models if (line := model.line(level)) is not None]


_CHARTS = {
    "roc": charts.roc,
    "roc_log": functools.partial(charts.roc, logarithmic=True),
    "precision_recall": charts.precision_recall,
    "reliability": charts.reliability,
    "risk_coverage": charts.risk_coverage,
    "histogram": charts.histogram,
    "confusion": charts.confusion,
    "severity": charts.severity,
    "exchange": charts.exchange,
}


def _chart(name: str, *content: object) -> Markup:
    """A chart by name, as mark-up: what it holds was escaped when it was drawn."""
    from markupsafe import Markup

    return Markup(_CHARTS[name](*content))  # type: ignore[operator]


def _tiles(model: ModelView) -> list[Tile]:
    block = model.whole("video")
    if block is None:
        return []
    found = [(words.title(name), name, block.metrics[name]) for name in HEADLINES if name in block.metrics]
    for decision, name, title in DECISION_HEADLINES:
        if decision in block.decisions:
            found.append((title, name, block.decisions[decision].metrics[name]))
    return [
        Tile(
            title,
            words.number(name, estimate.value),
            words.interval(name, estimate) or (estimate.why or "no interval"),
            words.figure_of(name).text,
            _cell(name, estimate, model.tone),
        )
        for title, name, estimate in found
    ]


def _cell(name: str, estimate: Estimate, tone: str = "series0", low: float = 0.0) -> Markup:
    """A figure as a dot with its interval, on a line from low to 1."""
    from markupsafe import Markup

    hint = f"{words.title(name)} {words.with_interval(name, estimate)}, on a line from {low:g} to 1"
    reference = 0.5 if name in ("roc_auc", "partial_auc_fpr5", "balanced_accuracy") else None
    drawn = interval_cell(estimate.value, estimate.interval, hint, low=low, reference=reference, tone=tone)
    return Markup(drawn)


def _score_cell(probability: float, tone: str) -> Markup:
    """The score of one file on a line from 0 to 1, with 0.5 marked."""
    from markupsafe import Markup

    return Markup(interval_cell(probability, None, f"score {probability:.3f}", reference=0.5, tone=tone))


def _lowest(rows: Sequence[tuple[str, list[tuple[ModelView, Block]]]]) -> float:
    """Where a line for the AUC of these begins: at 0.4, or at 0 where one is lower."""
    found = [block.metrics["roc_auc"] for _, blocks in rows for _, block in blocks]
    values = [value for one in found for value in (one.value, one.low) if value is not None]
    return 0.4 if min(values, default=0.0) >= 0.4 else 0.0


def _having(models: Sequence[ModelView], level: Level) -> list[ModelView]:
    return [model for model in models if model.whole(level) is not None]


def _subsets(models: Sequence[ModelView], by: By) -> list[tuple[str, list[tuple[ModelView, Block]]]]:
    """Name of a set -> its block of every model that has one, in the order in which sets are met."""
    found: dict[str, list[tuple[ModelView, Block]]] = {}
    for model in models:
        for block in model.report.of("video", by):
            found.setdefault(block.name, []).append((model, block))
    return list(found.items())


def _difference_cell(name: str, comparison: Comparison) -> Markup:
    """The difference of a figure on a line whose middle is none."""
    from markupsafe import Markup

    found = comparison.metrics[name].difference
    most = max((abs(v) for v in (found.value, found.low, found.high) if v is not None), default=0.0)
    end = next((end for end in (0.02, 0.05, 0.1, 0.2, 0.5) if most <= end), max(1.0, most))
    hint = f"{words.title(name)}: {words.signed(name, found.value)} on a scale of {words.signed(name, end)}"
    return Markup(interval_cell(found.value, found.interval, hint, low=-end, high=end, reference=0.0))


def cross_tone(value: float | None) -> str:
    """Class of the colour of an AUC in a table: nine steps from 0.5 (and below) to 1."""
    if value is None:
        return "heat-none"
    return f"heat{min(max(int((value - 0.5) / 0.5 * 9), 0), 8)}"


def loss_tone(loss: float | None) -> str:
    """Class of the colour of a loss of AUC: none up to 0.02, then nine steps to 0.2 and beyond."""
    if loss is None:
        return "heat-none"
    return "" if loss <= 0.02 else f"loss{min(int((loss - 0.02) / 0.02), 8)}"


def _shared(cross: CrossAuc) -> bool:
    """Whether it has anything that the tables by dataset do not."""
    return len(cross.reals) > 1 or len(cross.fakes) > 1
