"""Findings as a reader can bear them: what several models, or many sets, have in common is said once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dfdetect.evaluate.eval_report import EvalReport
from dfdetect.evaluate.findings import Finding, Severity

MOST_ALIKE = 2  # findings of one kind that are told one by one; of more the first is told, and where the others are


@dataclass(frozen=True, slots=True)
class Said:
    """One line. models: numbers of the reports that it is true of. where: "" = all samples. likewise: where else."""

    models: tuple[int, ...]
    where: str
    text: str
    likewise: tuple[str, ...] = ()


def said(reports: Sequence[EvalReport], severity: Severity) -> list[Said]:
    """Every finding of a severity, in their order."""
    by_text: dict[tuple[str, str, str], list[int]] = {}
    for number, report in enumerate(reports):
        for found in report.findings:
            if found.severity == severity:
                by_text.setdefault((found.code, found.where, found.text), []).append(number)
    alike: dict[tuple[str, tuple[int, ...]], list[Finding]] = {}
    for (code, where, text), models in by_text.items():
        alike.setdefault((code, tuple(models)), []).append(Finding(code, severity, where, text))
    lines = []
    for (_, of), findings in alike.items():
        if len(findings) <= MOST_ALIKE:
            lines += [Said(of, found.where, found.text) for found in findings]
        else:
            first, *others = findings
            lines.append(Said(of, first.where, first.text, tuple(found.where or "all" for found in others)))
    return lines
