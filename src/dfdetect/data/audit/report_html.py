"""An AuditReport as one self-contained HTML file: no request to anywhere, no script, readable on paper."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dfdetect import __version__
from dfdetect.data.audit.report import AuditReport, Leak, verdict
from dfdetect.data.audit.wording import KINDS, KindWords
from dfdetect.detect.page import page_template
from dfdetect.detect.wording import percent

if TYPE_CHECKING:
    from jinja2 import Template


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of leak between two splits: leaking keys, or a word in place of the number. tone: colour and icon."""

    text: str
    tone: str
    hint: str


@dataclass(frozen=True, slots=True)
class KindView:
    kind: str
    words: KindWords
    leaks: tuple[Leak, ...]


def render(report: AuditReport, *, made_at: datetime | None = None) -> str:
    """The report as HTML text. made_at: when it was made (now, in UTC, if None)."""
    made_at = made_at or datetime.now(UTC)
    kinds = [
        KindView(kind, words, tuple(leak for leak in report.leaks if leak.kind == kind))
        for kind, words in KINDS.items()
    ]
    pairs = list(itertools.combinations([split.name for split in report.splits], 2))
    return _template().render(
        report=report,
        verdict=verdict(report),
        kinds=kinds,
        words=KINDS,
        pairs=pairs,
        grid=[(view, [_cell(report, view.kind, *pair) for pair in pairs]) for view in kinds],
        made_at=made_at.strftime("%Y-%m-%d %H:%M UTC"),
        version=__version__,
    )


@functools.cache
def _template() -> Template:
    return page_template("dfdetect.data.audit", "audit.html.jinja", share=_share)


def _cell(report: AuditReport, kind: str, first: str, second: str) -> Cell:
    leak = report.leak(kind, first, second)
    if leak is not None:
        return Cell(KINDS[kind].count(leak.keys), "alarm", leak.text)
    if (kind, first, second) in report.clean:
        return Cell("none", "calm", "checked: nothing on both sides")
    return Cell("not checked", "none", "no key of this kind on both sides")


def _share(part: int, whole: int) -> str:
    return percent(part / whole) if whole else "0 %"
