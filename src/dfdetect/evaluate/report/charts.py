"""The charts of a report, from what an EvalReport holds. Nothing is computed here but where a point lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dfdetect.evaluate.estimates import Estimate
from dfdetect.evaluate.eval_report import Block, Counts, Decisions
from dfdetect.evaluate.report.svg import (
    SPACE,
    Axis,
    Chart,
    drawing,
    share_axis,
    small_share_axis,
    top_axis,
    unit_axis,
)

if TYPE_CHECKING:
    from dfdetect.evaluate.explanations import Explanations
    from dfdetect.evaluate.robustness import CellResult

_LEAST_COVERAGE = 0.05  # below it a curve is the luck of a handful of samples
_CLASSES = ("real", "fake")
_CELLS_WIDTH, _CELLS_LEFT, _CELLS_TOP, _CELL_HEIGHT = 310, 36, 26, 60  # of a confusion matrix
SERIES = 6  # colours with a dash of their own; more models share them
ANSWERS = {"shipped": "the shipped thresholds", "flagged": "flagged or not", "half": "threshold 0.5"}


@dataclass(frozen=True, slots=True)
class Line:
    """One model's block in a chart of several. tone: class of its colour and dash."""

    name: str
    block: Block
    tone: str


def roc(lines: Sequence[Line], *, logarithmic: bool = False) -> str:
    """True-positive over false-positive rate; the filled dot is the shipped threshold, the hollow one is 0.5."""
    names = " and ".join(line.name for line in lines)
    n_real = max(line.block.real.scored for line in lines)
    label = "false-positive rate: reals flagged"
    x = small_share_axis(label, 0.001 if n_real > 200 else 0.01) if logarithmic else share_axis(label)
    chart = Chart(f"ROC curve of {names}", x, share_axis("true-positive rate: fakes flagged"))
    chart.diagonal()
    for line in lines:
        assert line.block.curves is not None
        if line.block.curves.roc_band:
            chart.band(line.block.curves.roc_band, line.tone)
    for line in lines:
        assert line.block.curves is not None
        chart.line(line.block.curves.roc, line.tone)
        for name, hollow in (("half", True), ("flagged", False)):
            found = line.block.decisions.get(name)
            at = None if found is None else _operating_point(found)
            if at is not None:
                hint = f"{line.name}, {ANSWERS[name]}: FPR {100 * at[0]:.1f} %, TPR {100 * at[1]:.1f} %"
                chart.dot(*at, line.tone, hint, hollow=hollow)
    return chart.svg()


def _operating_point(found: Decisions) -> tuple[float, float] | None:
    fpr, tpr = found.metrics["false_positive_rate"].value, found.metrics["recall"].value
    return None if fpr is None or tpr is None else (fpr, tpr)


def precision_recall(lines: Sequence[Line]) -> str:
    chart = Chart(
        "Precision over recall", share_axis("recall: fakes flagged"), share_axis("precision: fakes among the flagged")
    )
    for line in lines:
        assert line.block.curves is not None
        chart.line(line.block.curves.precision_recall, line.tone)
    return chart.svg()


def histogram(block: Block) -> str:
    """Reals upwards, fakes downwards, each as a share of its class."""
    assert block.curves is not None
    steps = block.curves.histogram
    n_real, n_fake = (max(sum(step[n] for step in steps), 1) for n in (2, 3))
    most = max(max(step[2] / n_real, step[3] / n_fake) for step in steps)
    top = next((top for top in (0.1, 0.2, 0.4, 0.6, 0.8) if most <= top), 1.0)
    ticks = tuple((top * n / 2, f"{100 * abs(top * n / 2):g} %") for n in range(-2, 3))
    chart = Chart(
        "How reals and fakes score",
        unit_axis("score: probability of a manipulation"),
        Axis("share of its class", ticks, -top, top),
    )
    for left, right, reals, fakes in steps:
        between = f"{left:.2f} to {right:.2f}"
        if reals:
            chart.bar(left, right, 0, reals / n_real, "real", f"{reals:,} of {n_real:,} reals score {between}")
        if fakes:
            chart.bar(left, right, 0, -fakes / n_fake, "fake", f"{fakes:,} of {n_fake:,} fakes score {between}")
    chart.say(0.98, top, "real", anchor="end", dy=15)
    chart.say(0.02, -top, "fake", dy=-7)
    return chart.svg()


def reliability(lines: Sequence[Line]) -> str:
    """Of samples said to be fake with probability x, the share y that is; whiskers are Wilson intervals."""
    chart = Chart(
        "Reliability: share of fakes over the probability said",
        unit_axis("probability said (mean of a bin)"),
        unit_axis("share of fakes found"),
    )
    chart.diagonal()
    for line in lines:
        assert line.block.curves is not None
        bins = line.block.curves.reliability
        chart.line([(one.probability, one.fake_share) for one in bins], f"thin {line.tone}")
        for one in bins:
            chart.whisker(one.probability, one.low, one.high, line.tone)
            found = f"{one.fake_share:.2f} ({one.low:.2f}–{one.high:.2f}) are fake, n = {one.n:,}"
            chart.dot(one.probability, one.fake_share, line.tone, f"{line.name}: said {one.probability:.2f}, {found}")
    return chart.svg()


def risk_coverage(lines: Sequence[Line]) -> str:
    """Wrong answers among those that are most sure; the filled dot is what the shipped thresholds do."""
    curves = [
        [point for point in line.block.curves.risk_coverage if point[0] >= _LEAST_COVERAGE]
        for line in lines
        if line.block.curves
    ]
    highest = max((risk for curve in curves for _, risk in curve), default=1.0)
    chart = Chart(
        "Wrong answers over coverage",
        share_axis("coverage: samples answered, surest first"),
        top_axis("wrong answers among them", highest),
    )
    for line, curve in zip(lines, curves, strict=True):
        chart.line(curve, line.tone)
        shipped = line.block.decisions.get("shipped")
        if shipped is not None:
            coverage, accuracy = shipped.metrics["coverage"].value, shipped.metrics["accuracy"].value
            if coverage is not None and accuracy is not None:
                hint = f"{line.name}, shipped thresholds: {100 * (1 - accuracy):.1f} % wrong at {100 * coverage:.1f} %"
                chart.dot(coverage, 1 - accuracy, line.tone, hint)
    return chart.svg()


def severity(cells: Sequence[CellResult], clean: CellResult) -> str:
    """AUC of a family of laundering over its severity, the same files as they are first; dashed: a coin."""
    steps = [clean, *cells]
    short = [cell.name.removeprefix(f"{cell.family}_").replace("_", " ") for cell in steps]
    ticks = tuple((float(n), name) for n, name in enumerate(short))
    aucs = [_as_they_are(cells[0], clean), *(cell.auc for cell in cells)]
    found = [(n, auc) for n, auc in enumerate(aucs) if auc.value is not None]
    least = min((value for _, auc in found for value in (auc.value, auc.low) if value is not None), default=0.0)
    low = 0.4 if least >= 0.4 else 0.0
    y = Axis("AUC", tuple((low + (1 - low) * n / 3, f"{low + (1 - low) * n / 3:.1f}") for n in range(4)), low, 1.0)
    title = f"AUC by severity of {cells[0].family}"
    chart = Chart(title, Axis(_family_title(cells[0].family), ticks, 0.0, float(len(cells))), y, 240, 190)
    chart.line([(0.0, 0.5), (float(len(cells)), 0.5)], "reference")
    chart.line([(n, auc.value or 0.0) for n, auc in found], "thin series0")
    for n, auc in found:
        if auc.interval is not None:
            chart.whisker(n, *auc.interval, "series0")
        chart.dot(n, auc.value or 0.0, "series0", f"{steps[n].text}: AUC {auc.value:.3f}")
    return chart.svg()


def _as_they_are(cell: CellResult, clean: CellResult) -> Estimate:
    """AUC of the very files of a cell as they are; without an interval where those are not all (clips alone)."""
    if cell.kinds == clean.kinds:
        return clean.auc
    if cell.auc.value is None or cell.loss.value is None:
        return Estimate(None)
    return Estimate(cell.auc.value + cell.loss.value)


def exchange(found: Explanations, which: str) -> str:
    """The mean score while cells are exchanged between a fake and its original, in the order of each map.

    which: "deletion" or "insertion".
    """
    curves = [getattr(one, f"{which}_curve") for one in found.maps]
    drawn = [value for curve in curves for value in curve]
    low, high = min(0.0, *drawn), max(1.0, *drawn)
    ticks = tuple((n / 4, f"{n / 4:.2f}") for n in range(-8, 13) if low <= n / 4 <= high)
    label = "score: 0 original, 1 fake"
    title = f"{which}: score over the share of cells exchanged"
    chart = Chart(title, share_axis("cells exchanged, strongest first"), Axis(label, ticks, low, high))
    for number, curve in enumerate(curves):
        last = max(len(curve) - 1, 1)
        chart.line([(n / last, value) for n, value in enumerate(curve)], f"series{number % SERIES}")
    return chart.svg()


def _family_title(family: str) -> str:
    return family.replace("_", " ")


def confusion(found: Decisions, real: Counts, fake: Counts) -> str:
    """Rows: what it is. Columns: what was answered, and those without a score, so that a row adds up to all asked."""
    columns = ["flagged", "cleared" if found.name == "shipped" else "not flagged"]
    rows = [[found.fp, found.tn], [found.tp, found.fn]]
    if found.name == "shipped":
        columns.append("inconclusive")
        rows = [[*rows[0], found.abstained_real], [*rows[1], found.abstained_fake]]
    columns.append("no score")
    rows = [[*row, one.asked - one.scored] for row, one in zip(rows, (real, fake), strict=True)]
    width = (_CELLS_WIDTH - _CELLS_LEFT) / len(columns)
    parts = [
        f'<text x="{_CELLS_LEFT + width * (n + 0.5) - 2:.1f}" y="{_CELLS_TOP - 9}" text-anchor="middle">{name}</text>'
        for n, name in enumerate(columns)
    ]
    for place, (name, row) in enumerate(zip(_CLASSES, rows, strict=True)):
        parts += _confusion_row(name, row, _CELLS_TOP + place * (_CELL_HEIGHT + 4), width)
    said = "; ".join(
        f"{name} " + ", ".join(f"{column} {n:,}" for column, n in zip(columns, row, strict=True))
        for name, row in zip(_CLASSES, rows, strict=True)
    )
    height = _CELLS_TOP + 2 * (_CELL_HEIGHT + 4)
    return drawing("chart", _CELLS_WIDTH, height, f"Confusion matrix, {ANSWERS[found.name]}: {said}", "".join(parts))


def _confusion_row(name: str, row: Sequence[int], top: float, width: float) -> list[str]:
    """Counts of one class; a cell is the fuller the larger its share of the row."""
    asked = max(sum(row), 1)
    tones = ["bad", "good"] if name == "real" else ["good", "bad"]
    parts = [f'<text x="{_CELLS_LEFT - 8}" y="{top + _CELL_HEIGHT / 2 + 4:g}" text-anchor="end">{name}</text>']
    for n, (count, tone) in enumerate(zip(row, [*tones, "none", "none"], strict=False)):
        left = _CELLS_LEFT + n * width
        middle = left + width / 2 - 2
        parts.append(
            f'<rect class="cell {tone}" x="{left:.1f}" y="{top:g}" width="{width - 4:.1f}" height="{_CELL_HEIGHT}" '
            f'rx="3" fill-opacity="{0.08 + 0.5 * count / asked:.2f}"/>'
            f'<text class="count" x="{middle:.1f}" y="{top + 31:g}" text-anchor="middle">{count:,}</text>'
            f'<text x="{middle:.1f}" y="{top + 49:g}" text-anchor="middle">{100 * count / asked:.1f}{SPACE}%</text>'
        )
    return parts
