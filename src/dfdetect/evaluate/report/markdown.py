"""An evaluation as Markdown, to be kept in a repository and read as text: the tables of the page without its charts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from dfdetect.detect.wording import plain
from dfdetect.evaluate.estimates import DECISION_FIGURES, FIGURES, Estimate
from dfdetect.evaluate.eval_report import Block, By, Comparison, CrossAuc, EvalReport, Level
from dfdetect.evaluate.fairness import Fairness, GroupRate, GroupRow
from dfdetect.evaluate.findings import Severity
from dfdetect.evaluate.protocol_figures import ProtocolFigures
from dfdetect.evaluate.report import parts, words
from dfdetect.evaluate.report.said import Said, said
from dfdetect.evaluate.worst import Worst

if TYPE_CHECKING:
    from dfdetect.evaluate.explanations import Explanations
    from dfdetect.evaluate.robustness import Robustness

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~])")
_ICONS: dict[Severity, str] = {"red": "**RED**", "warning": "Warning", "note": "Note"}
_SUBSETS: tuple[By, ...] = ("method", "dataset", "compression", "source")
MOST_ROWS = 100
MOST_CROSSED = 12  # columns beyond which a table of text cannot be read


def to_markdown(reports: Sequence[EvalReport]) -> str:
    """One model, or several one after the other with their comparison first."""
    names = words.model_names(reports)
    lines = [f"# Evaluation: {text(' and '.join(names))}", ""]
    if any(report.findings for report in reports):
        lines += ["## What to know first", ""]
        for severity, icon in _ICONS.items():
            lines += [f"- {icon}: {_line(one, names)}" for one in said(reports, severity)]
        lines.append("")
    for report in reports:
        for comparison in report.comparisons:
            lines += _comparison(comparison)
    for name, report in zip(names, reports, strict=True):
        lines += _model(
            name, report, beside=None if report is reports[0] else (names[0], reports[0]), several=len(reports) > 1
        )
    return "\n".join(lines).rstrip() + "\n"


def text(words_: str) -> str:
    """Text from outside, so that it stays text: no mark-up, no new line, no hidden character."""
    return _SPECIAL.sub(r"\\\1", plain(words_))


def _line(one: Said, names: Sequence[str]) -> str:
    of = "" if len(one.models) == len(names) else f"{text(', '.join(names[n] for n in one.models))}: "
    more = f" Likewise {len(one.likewise)} more: {text('; '.join(one.likewise[:20]))}." if one.likewise else ""
    return f"{of}{_where(one.where)}{text(one.text)}.{more}"


def _where(where: str) -> str:
    return f"`{plain(where).replace('`', '')}`: " if where else ""


def _model(name: str, report: EvalReport, *, beside: tuple[str, EvalReport] | None, several: bool) -> list[str]:
    of = f" of {text(name)}" if several else ""
    lines = [f"## What was measured{of}", ""]
    facts = words.run_facts(report, None if beside is None else beside[1])
    lines += _table(("", ""), ((text(key), text(value)) for key, value in facts))
    if beside is not None:
        lines += [f"All else as for {text(beside[0])}.", ""]
    levels: tuple[Level, ...] = ("video", "frame")
    for level in levels:
        for block in report.of(level, "all"):
            lines += [f"## Figures{of} ({words.LEVELS[level]})", "", words.LEVEL_TEXTS[level], ""]
            lines += _counts(block)
            lines += _figures(block)
            if block.decisions:
                lines += _decisions(block)
    for by in _SUBSETS:
        if blocks := report.of("video", by):
            lines += [f"## By {by}{of} ({words.LEVELS['video']})", "", *_subsets(by, blocks)]
    for cross in report.cross:
        if len(cross.reals) > 1 or len(cross.fakes) > 1:
            lines += [f"## AUC of reals of one {cross.by}, fakes of another{of} ({words.LEVELS[cross.level]})", ""]
            lines += _cross(cross)
    if (robustness := parts.robustness_of(report)) is not None:
        lines += _robustness(robustness, of)
    if report.counting is not None:
        lines += _counting(report.counting, of)
    if (fairness := parts.fairness_of(report)) is not None:
        lines += _fairness(fairness, of)
    if told := parts.calibration_lines(report):
        lines += [f"## Thresholds on somebody's own material{of}", "", *(f"- {text(line)}" for line in told), ""]
    if (explanations := parts.explanations_of(report)) is not None:
        lines += _explanations(explanations, of)
    if report.worst is not None:
        lines += _worst(report.worst, of)
    if missing := parts.not_measured(report):
        lines += [f"## Not measured{of}", "", *(f"- {one.what} ({one.how})" for one in missing), ""]
    return lines


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[int] = ()) -> list[str]:
    aligned = set(right)
    rule = ["---:" if n in aligned else "---" for n in range(len(header))]
    return [f"| {' | '.join(row)} |" for row in (header, rule, *rows)] + [""]


def _counts(block: Block) -> list[str]:
    header = ("", "asked", "scored", "no face", "failed", "missing", "abstained", "people or sources")
    rows = []
    for label, one in (("real", block.real), ("fake", block.fake)):
        codes = f" ({', '.join(f'{n:,} {code}' for code, n in one.codes.items())})" if one.codes else ""
        abstained = "not known" if one.abstained is None else f"{one.abstained:,}"
        numbers = (one.asked, one.scored, one.no_face)
        rows.append(
            (
                *(label, *(f"{n:,}" for n in numbers), text(f"{one.failed:,}{codes}")),
                *(f"{one.missing:,}", abstained, f"{one.groups:,}"),
            )
        )
    return _table(header, rows, right=range(1, 8))


def _figures(block: Block) -> list[str]:
    rows = []
    for name in (name for name in FIGURES if name in block.metrics):
        found = block.metrics[name]
        said = words.figure_of(name).text + (f". {found.why}" if found.why else "")
        rows.append((words.title(name), words.number(name, found.value), words.interval(name, found), text(said)))
    return _table(("figure", "value", f"95{words.PERCENT}", "what it says"), rows, right=(1,))


def _decisions(block: Block) -> list[str]:
    lines = [f"- **{found.name}**: {text(found.text)}." for found in block.decisions.values()]
    header = ["", *block.decisions]
    counts = [
        (label, *(f"{getattr(one, key):,}" for one in block.decisions.values()))
        for label, key in (
            ("reals flagged (FP)", "fp"),
            ("reals not flagged (TN)", "tn"),
            ("reals inconclusive", "abstained_real"),
            ("fakes flagged (TP)", "tp"),
            ("fakes not flagged (FN)", "fn"),
            ("fakes inconclusive", "abstained_fake"),
        )
    ]
    rates = [
        (
            words.title(name),
            *(words.with_interval(name, one.metrics[name]) for one in block.decisions.values()),
        )
        for name in DECISION_FIGURES
    ]
    return [*lines, "", *_table(header, [*counts, *rates], right=range(1, len(header)))]


def _subsets(by: By, blocks: Sequence[Block]) -> list[str]:
    header = (by, "real", "fake", "AUC", f"95{words.PERCENT}", words.title("tpr_at_fpr5"), "against")
    rows = []
    for block in blocks[:MOST_ROWS]:
        auc, tpr = block.metrics["roc_auc"], block.metrics["tpr_at_fpr5"]
        between = words.interval("roc_auc", auc) or text(auc.why or "")
        counts = (f"{block.real.scored:,}", f"{block.fake.scored:,}")
        values = (words.number("roc_auc", auc.value), between, words.number("tpr_at_fpr5", tpr.value))
        rows.append((text(block.name or "not given"), *counts, *values, text(block.against)))
    more = [f"and {len(blocks) - MOST_ROWS:,} more in report.json", ""] if len(blocks) > MOST_ROWS else []
    return [*_table(header, rows, right=(1, 2, 3, 5)), *more]


def _cross(cross: CrossAuc) -> list[str]:
    if max(len(cross.reals), len(cross.fakes)) > MOST_CROSSED:
        return [f"{len(cross.reals):,} sets of reals and {len(cross.fakes):,} of fakes: see report.json.", ""]
    rows = [
        (text(reals), *(words.with_interval("roc_auc", cross.cell(reals, fakes).auc) for fakes in cross.fakes))
        for reals in cross.reals
    ]
    return _table(("reals \\\\ fakes", *map(text, cross.fakes)), rows)


def _robustness(found: Robustness, of: str) -> list[str]:
    clean = found.cells[0]
    lines = [
        f"## What laundering costs{of} ({words.LEVELS['video']})",
        "",
        f"{found.files:,} files, {found.frames} frames of a clip, grid {text(found.grid)}. As they are: AUC "
        f"{words.with_interval('roc_auc', clean.auc)}, {words.rate(clean.fpr.value)} of {clean.n_real:,} reals "
        f"flagged. Over the grid the AUC changes on average by {words.lost(found.mean_loss.value)} "
        f"({words.lost_interval(found.mean_loss) or 'no interval'}).",
        "",
    ]
    checks = (
        (
            *(text(one.text), words.check_value(one.name, one.value), words.check_value(one.name, one.bound)),
            *("not measured" if one.passed is None else "met" if one.passed else "**missed**", text(one.where)),
        )
        for one in found.gate
    )
    lines += _table(("aim", "found", "at most", "", "where"), checks, right=(1, 2))
    cells = (
        (
            *(text(cell.text), "yes" if cell.mild else "no", f"{cell.n_real:,}", f"{cell.n_fake:,}", f"{cell.lost:,}"),
            *(words.with_interval("roc_auc", cell.auc), words.lost(cell.loss.value), words.lost_interval(cell.loss)),
            words.rate(cell.fpr.value),
        )
        for cell in found.cells
    )
    header = (
        "what is done",
        "mild",
        "real",
        "fake",
        "lost",
        "AUC",
        "difference",
        f"95{words.PERCENT}",
        "reals flagged",
    )
    return lines + _table(header, cells, right=(2, 3, 4, 5, 6, 8))


def _counting(found: ProtocolFigures, of: str) -> list[str]:
    rows = (
        (
            text(f"{one.name} (the right figure)" if one.ours else one.name),
            f"{one.n_real:,}",
            f"{one.n_fake:,}",
            words.number("roc_auc", one.auc),
            text(one.text),
        )
        for one in found.counted
    )
    head = ("counted", "real", "fake", "AUC", "what it says")
    title = f"## As {text(found.protocol)} counts it{of} ({words.LEVELS['video']})"
    return [title, "", *_table(head, rows, right=(1, 2, 3))]


def _fairness(found: Fairness, of: str) -> list[str]:
    lines = [f"## Groups of people{of} ({words.LEVELS['video']})", ""]
    gaps = (
        (
            *(text(" x ".join(gap.columns)), parts.GROUP_TITLES[gap.metric][0]),
            *(words.group_gap(gap.metric, gap.gap), words.group_gap(gap.metric, gap.aim)),
            *(text(", ".join(gap.highest)), text(", ".join(gap.lowest))),
        )
        for gap in found.gaps[:MOST_ROWS]
    )
    if found.gaps:
        lines += _table(("largest gap", "in", "gap", "aim, at most", "highest", "lowest"), gaps, right=(2, 3))
    titles = [title for title, _ in parts.GROUP_TITLES.values()]
    rows = (
        (_group(row), f"{row.n_real:,}", f"{row.n_fake:,}", *(_rate(*one) for one in parts.group_rates(row)))
        for row in found.groups[:MOST_ROWS]
    )
    lines += _table(("group", "real", "fake", *titles), rows, right=(1, 2))
    lines += [
        f"Rates in brackets are not claimed: fewer than {found.min_files} files of {found.min_people} people.",
        "",
        *(f"- {text(note)}" for note in found.notes),
        "",
    ]
    return lines


def _explanations(found: Explanations, of: str) -> list[str]:
    lines = [
        f"## Does the heat map show where a face was changed?{of} ({words.LEVELS['frame']})",
        "",
        f"{found.faces:,} faces of {found.files:,} fakes whose true mask is known; {words.rate(found.mask_share)} of a "
        f"face picture is fake on average. Deletion and insertion are of the {found.noticed:,} faces that the model "
        "tells from their originals. A heat map says something only where it beats a blob in the middle.",
        "",
    ]
    header = ["map", *(f"{title} ({better})" for title, _, better in parts.MAP_FIGURES.values())]
    rows = [
        [text(parts.MAP_TITLES.get(one.name, one.name)), *(_map_cell(n, getattr(one, n)) for n in parts.MAP_FIGURES)]
        for one in found.maps
    ]
    rows += [
        [
            f"heat map better than {parts.MAP_TITLES[other]} by",
            *(_map_cell(name, found.gains[f"{name}_over_{other}"], signed=True) for name in parts.MAP_FIGURES),
        ]
        for other in ("centre", "random")
    ]
    return lines + _table(header, rows, right=range(1, len(header)))


def _map_cell(name: str, found: Estimate, *, signed: bool = False) -> str:
    between = words.map_interval(name, found)
    return words.map_number(name, found.value, signed=signed) + (f" ({between})" if between else "")


def _group(row: GroupRow) -> str:
    return text(
        ", ".join(f"{name} {value or 'not given'}" for name, value in zip(row.columns, row.values, strict=True))
    )


def _rate(metric: str, rate: GroupRate) -> str:
    if rate.value is None:
        return words.NONE
    between = f" ({words.group_interval(rate.interval)})" if rate.interval else ""
    shown = f"{words.group_number(metric, rate.value)}{between}, n = {rate.n:,}"
    return shown if rate.claimed else f"({shown})"


def _worst(worst: Worst, of: str) -> list[str]:
    lines = []
    for heading, cases in (("Reals that score highest", worst.false_alarms), ("Fakes that score lowest", worst.misses)):
        if cases:
            lines += [f"## {heading}{of} ({words.LEVELS['video']})", ""]
            rows = ((text(one.path), text(one.dataset), text(one.method), f"{one.probability:.3f}") for one in cases)
            lines += _table(("file", "dataset", "method", "score"), rows, right=(3,))
    return lines


def _comparison(one: Comparison) -> list[str]:
    lines = [f"## {text(one.b)} against {text(one.a)} ({words.LEVELS[one.level]})", ""]
    lines += [
        f"{one.both:,} samples that both scored ({one.n_real:,} real, {one.n_fake:,} fake); {one.only_a:,} by "
        f"{text(one.a)} alone, {one.only_b:,} by {text(one.b)} alone.{_delong(one)}",
        "",
    ]
    rows = (
        (
            *(words.title(name), words.figure_of(name).better, words.number(name, found.a)),
            *(words.number(name, found.b), words.signed(name, found.difference.value)),
            *(words.signed_interval(name, found.difference), words.p_value(found.p_value)),
        )
        for name, found in one.metrics.items()
    )
    header = ("figure", "better", text(one.a), text(one.b), "difference", f"95{words.PERCENT}", "paired bootstrap")
    return [*lines, *_table(header, rows, right=(2, 3, 4))]


def _delong(one: Comparison) -> str:
    if one.delong is None:
        return f" {text(one.why)}." if one.why else ""
    if one.delong.p_value is None:
        return f" DeLong's test: {text(one.delong.why or 'none')}."
    return (
        f" DeLong's test of the two AUCs: z = {words.signed_number(one.delong.z)}, {words.p_value(one.delong.p_value)}."
    )
