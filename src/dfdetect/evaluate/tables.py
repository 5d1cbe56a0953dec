"""An EvalReport as tables of text: for a terminal, and single ones as Markdown; a whole report is `report.markdown`'s.

Nothing is computed here. A figure that was refused is a dash, and a line below says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dfdetect.evaluate.estimates import DECISION_FIGURES, FIGURES, Estimate
from dfdetect.evaluate.eval_report import Block, By, Comparison, CrossAuc, Decisions, EvalReport, Level
from dfdetect.evaluate.findings import Finding

DASH = "-"
MAIN_FIGURES = ("roc_auc", "average_precision", "equal_error_rate", "tpr_at_fpr1", "tpr_at_fpr5", "brier", "ece")
MAIN_RATES = ("false_positive_rate", "recall", "coverage")
_TITLES: dict[By, str] = {
    "all": "all samples",
    "dataset": "by dataset",
    "method": "by method",
    "compression": "by compression",
    "source": "by source",
}
_LEVELS: dict[Level, str] = {"video": "Files", "frame": "Single frames"}
_SETTINGS = {"shipped": "shipped thresholds", "flagged": "flagged or not", "half": "0.5"}


@dataclass(frozen=True, slots=True)
class Table:
    """Cells of text. notes: what must be read with it, one line each."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def to_text(report: EvalReport) -> str:
    """Every table, columns aligned by spaces; findings first."""
    lines = [f"{found.severity.upper()}: {_said(found)}" for found in report.findings]
    return "\n\n".join([*(["\n".join(lines)] if lines else []), *map(plain, report_tables(report))]) + "\n"


def findings_markdown(report: EvalReport) -> str:
    """A list, red ones first; nothing where there are none."""
    return "\n".join(f"- **{found.severity}**: {_said(found)}" for found in report.findings)


def _said(found: Finding) -> str:
    return f"{found.where}: {found.text}" if found.where else found.text


def report_tables(report: EvalReport) -> list[Table]:
    """The tables of a report, in the order to be read; levels never share one."""
    tables: list[Table] = []
    for level in _LEVELS:
        if not any(block.level == level for block in report.blocks):
            continue
        for by in _TITLES:
            blocks = report.of(level, by)
            if blocks:
                tables.append(figure_table(blocks, f"{_LEVELS[level]}, {_TITLES[by]}"))
            if blocks and by == "all":
                tables += [all_figures(blocks[0]), *decision_tables(blocks[0])]
            if blocks and by == "all" and level == "video":
                tables.append(count_table(blocks[0]))
            if blocks and by != "all" and any("flagged" in block.decisions for block in blocks):
                tables.append(rate_table(blocks, f"{_LEVELS[level]} flagged, {_TITLES[by]}"))
    tables += [cross_table(cross) for cross in report.cross]
    return tables + [comparison_table(one) for one in report.comparisons]


def figure_table(blocks: Sequence[Block], title: str) -> Table:
    """One line a block: how many, AUC and the like with intervals."""
    header = ("set", "real / fake", "groups", *(FIGURES[name].title for name in MAIN_FIGURES))
    rows = tuple(
        (
            block.name or "all",
            f"{block.real.scored:,} / {block.fake.scored:,}",
            f"{block.real.groups:,} / {block.fake.groups:,}",
            *(with_interval(block.metrics[name]) for name in MAIN_FIGURES),
        )
        for block in blocks
    )
    refused = [block for block in blocks if block.refused]
    notes = [f"{block.name or 'all'}: {block.refused}" for block in refused]
    if len(refused) > 1:
        names = ", ".join(block.name for block in refused)
        notes = [f"no figures where reals or fakes alone have a score: {names}"]
    if blocks[0].by == "method":
        notes += [f"{block.name}: against {block.against}" for block in blocks]
    return Table(title, header, rows, tuple(notes))


def all_figures(block: Block) -> Table:
    """Every figure of one block, with what it means."""
    rows = tuple(
        (FIGURES[name].title, with_interval(estimate), FIGURES[name].text + _why(estimate))
        for name, estimate in block.metrics.items()
    )
    return Table(f"{_LEVELS[block.level]}, every figure", ("figure", "value (95 %)", "what it is"), rows)


def _why(estimate: Estimate) -> str:
    return f" ({estimate.why})" if estimate.why else ""


def decision_tables(block: Block) -> list[Table]:
    """The confusion matrix at every setting of the thresholds, and the figures that follow from it."""
    counts = Table(
        f"{_LEVELS[block.level]}, confusion matrix",
        ("at", "", "flagged", "cleared", "inconclusive"),
        tuple(row for decisions in block.decisions.values() for row in _confusion(decisions)),
        tuple(f"{_SETTINGS[name]}: {one.text}" for name, one in block.decisions.items()),
    )
    rows = tuple(
        (DECISION_FIGURES[name].title, *(with_interval(one.metrics[name]) for one in block.decisions.values()))
        for name in DECISION_FIGURES
    )
    title = f"{_LEVELS[block.level]}, decisions"
    return [counts, Table(title, ("figure", *(_SETTINGS[name] for name in block.decisions)), rows)]


def _confusion(decisions: Decisions) -> list[tuple[str, ...]]:
    at = _SETTINGS[decisions.name]
    return [
        (at, "real", f"{decisions.fp:,}", f"{decisions.tn:,}", f"{decisions.abstained_real:,}"),
        (at, "fake", f"{decisions.tp:,}", f"{decisions.fn:,}", f"{decisions.abstained_fake:,}"),
    ]


def count_table(block: Block) -> Table:
    """What became of every sample that was asked."""
    rows = []
    for label, counts in (("real", block.real), ("fake", block.fake)):
        abstained = DASH if counts.abstained is None else f"{counts.abstained:,}"
        numbers = (counts.asked, counts.scored, counts.no_face, counts.missing, counts.failed)
        codes = ", ".join(f"{code} {n:,}" for code, n in counts.codes.items()) or DASH
        rows.append((label, *(f"{n:,}" for n in numbers), abstained, codes))
    header = ("samples", "asked", "scored", "no face", "no row", "failed", "inconclusive", "failures")
    return Table(f"{_LEVELS[block.level]}, counts", header, tuple(rows))


def rate_table(blocks: Sequence[Block], title: str) -> Table:
    """Reals and fakes flagged likely_manipulated, for sets of one class too."""
    rows = tuple(
        (
            block.name,
            *(with_interval(block.decisions["flagged"].metrics[name]) for name in MAIN_RATES[:2]),
            with_interval(block.decisions["shipped"].metrics["coverage"]),
        )
        for block in blocks
        if "flagged" in block.decisions
    )
    return Table(title, ("set", *(DECISION_FIGURES[name].title for name in MAIN_RATES)), rows)


def cross_table(cross: CrossAuc) -> Table:
    """Reals of one set down, fakes of another across."""
    rows = tuple(
        (reals, *(number(cross.cell(reals, fakes).auc.value) for fakes in cross.fakes)) for reals in cross.reals
    )
    title = f"{_LEVELS[cross.level]}, AUC of reals of one {cross.by} (down) against fakes of another (across)"
    return Table(title, ("reals", *cross.fakes), rows)


def comparison_table(comparison: Comparison) -> Table:
    """Two models on the samples that both scored."""
    a, b = comparison.a, comparison.b
    rows = tuple(
        (FIGURES[name].title, number(one.a), number(one.b), with_interval(one.difference), number(one.p_value))
        for name, one in comparison.metrics.items()
    )
    notes = [f"{comparison.both:,} samples that both scored ({comparison.n_real:,} real, {comparison.n_fake:,} fake)"]
    if comparison.only_a or comparison.only_b:
        notes.append(f"left out: {comparison.only_a:,} scored by {a} alone, {comparison.only_b:,} by {b} alone")
    if comparison.why:
        notes.append(comparison.why)
    delong = comparison.delong
    if delong is not None:
        said = delong.why or f"z = {number(delong.z)}, p = {number(delong.p_value)} (takes every sample as independent)"
        notes.append(f"DeLong's test of the AUCs: {said}")
    header = ("figure", a, b, f"{b} - {a} (95 %)", "p, paired bootstrap")
    return Table(f"{_LEVELS[comparison.level]}, {b} against {a}", header, rows, tuple(notes))


def number(value: float | None) -> str:
    """Three digits after the point; a dash where there is none."""
    return DASH if value is None else f"{value:.3f}"


def with_interval(estimate: Estimate) -> str:
    """`0.912 (0.88 - 0.94)`: a figure and its 95 % interval."""
    if estimate.value is None or estimate.interval is None:
        return number(estimate.value)
    low, high = estimate.interval
    return f"{estimate.value:.3f} ({low:.3f} - {high:.3f})"


def plain(table: Table) -> str:
    """Title, aligned columns, notes."""
    cells = [table.header, *table.rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(table.header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([table.title, *lines, *(f"  {note}" for note in table.notes)])


def markdown(table: Table) -> str:
    """Title in bold, the table, notes as a list."""

    def line(row: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"

    lines = [f"**{table.title}**", "", line(table.header), "|" + "---|" * len(table.header), *map(line, table.rows)]
    return "\n".join(lines + (["", *(f"- {note}" for note in table.notes)] if table.notes else []))
