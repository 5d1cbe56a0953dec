"""The end of `dfdetect evaluate`: figures of kept scores, the report's files, and a summary on standard output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dfdetect.errors import DfdetectError, UsageError

if TYPE_CHECKING:
    from dfdetect.evaluate.assemble import ReportOptions
    from dfdetect.evaluate.estimates import Estimate
    from dfdetect.evaluate.eval_report import Block, Comparison, EvalReport
    from dfdetect.evaluate.score_set import ScoreSet

LINES_EVERY_S = 30.0  # progress where standard error is no terminal
_FIGURES = (
    ("roc_auc", "AUC"),
    ("tpr_at_fpr1", "TPR at FPR 1 %"),
    ("tpr_at_fpr5", "TPR at FPR 5 %"),
    ("equal_error_rate", "EER"),
    ("brier", "Brier score"),
    ("ece", "ECE"),
)
_RATES = (("false_positive_rate", "reals flagged"), ("recall", "fakes flagged"))
_MOST_WARNINGS = 8


def report(
    sets: Sequence[ScoreSet], options: ReportOptions, out: Path, *, thumbnails: Path | None, quiet: bool
) -> list[EvalReport]:
    """Measure, write report.html, report.json and report.md into `out`, and say the main figures."""
    from dfdetect.cli.progress import progress_bar
    from dfdetect.evaluate.assemble import reports_of
    from dfdetect.evaluate.report.write import write_report

    if out.exists() and not out.is_dir():
        raise UsageError(f"{out}: expected a folder for the report, this is a file")
    with progress_bar(0, quiet=quiet, what="figures", lines_every_s=LINES_EVERY_S) as bar:
        before = 0

        def show(done: int, total: int) -> None:
            nonlocal before
            bar.begin(total * len(sets))
            bar.advance(done - before if done >= before else 1)
            before = done

        reports = reports_of(sets, options, on_progress=show)
    try:
        paths = write_report(out, reports, media_root=thumbnails)
    except OSError as error:
        raise DfdetectError(f"{out}: the report cannot be written: {error.strerror or error}") from error
    for one, found in zip(sets, reports, strict=True):
        for line in _summary(one, found):
            typer.echo(line)
    for comparison in reports[0].comparisons:
        for line in _compared(comparison):
            typer.echo(line)
    typer.echo(f"report: {paths[0]}")
    return reports


def _summary(one: ScoreSet, found: EvalReport) -> Iterator[str]:
    run = one.run or {}
    about = ", ".join(str(part["name"]) for part in (run.get("protocol"), run.get("data")) if part and part.get("name"))
    yield f"{one.name}{f' ({about})' if about else ''}"
    yield from _findings(found)
    files = found.block("video", "all", found.of("video", "all")[0].name)
    yield f"  files: {_counted(files)}"
    for name, title in _FIGURES:
        yield f"  {title}: {_told(files.metrics[name])}"
    flagged = files.decisions.get("flagged")
    for name, title in _RATES if flagged is not None else ():
        assert flagged is not None
        yield f"  {title} at the shipped thresholds: {_told(flagged.metrics[name])}"
    for frames in found.of("frame", "all"):
        yield f"  of single frames (never to be compared with files): AUC {_told(frames.metrics['roc_auc'])}"
    for way in found.counting.counted if found.counting is not None else ():
        auc = "refused, one class only" if way.auc is None else f"{way.auc:.4f}"
        yield f"  files counted as by {(run.get('protocol') or {}).get('name')}, {way.name}: AUC {auc}"


def _findings(found: EvalReport) -> Iterator[str]:
    from dfdetect.evaluate.report.said import said

    for line in said([found], "red"):
        yield typer.style(f"  RED: {line.where}{': ' if line.where else ''}{line.text}", fg=typer.colors.RED, bold=True)
    warnings = said([found], "warning")
    for line in warnings[:_MOST_WARNINGS]:
        more = f" (and {len(line.likewise)} more of this kind)" if line.likewise else ""
        yield f"  WARNING: {line.where}{': ' if line.where else ''}{line.text}{more}"
    if len(warnings) > _MOST_WARNINGS:
        yield f"  and {len(warnings) - _MOST_WARNINGS} more warnings in the report"


def _counted(block: Block) -> str:
    parts = []
    for label, counts in (("real", block.real), ("fake", block.fake)):
        lost = {"no face": counts.no_face, "failed": counts.failed, "missing": counts.missing}
        told = "".join(f", {n} {what}" for what, n in lost.items() if n)
        parts.append(f"{counts.scored} of {counts.asked} {label} scored{told}")
    return "; ".join(parts)


def _compared(one: Comparison) -> Iterator[str]:
    difference = one.metrics.get("roc_auc")
    if difference is None:
        yield f"{one.b} against {one.a}: {one.why or 'not compared'}"
        return
    p = "" if one.delong is None or one.delong.p_value is None else f"; DeLong p = {one.delong.p_value:.3g}"
    yield (
        f"{one.b} against {one.a}, {one.both} files that both scored: AUC {difference.b:.4f} - {difference.a:.4f} = "
        f"{_told(difference.difference, signed=True)}{p}"
    )


def _told(figure: Estimate, *, signed: bool = False) -> str:
    if figure.value is None:
        return f"refused: {figure.why}"
    sign = "+" if signed else ""
    interval = "" if figure.interval is None else " ({0:{2}.4f} to {1:{2}.4f})".format(*figure.interval, sign)
    return f"{figure.value:{sign}.4f}{interval}"
