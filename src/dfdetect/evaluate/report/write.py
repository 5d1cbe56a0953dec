"""report.html, report.json and report.md of one evaluation, or of several models on the same samples."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from dfdetect.batch.whole_file import whole_file
from dfdetect.evaluate.eval_report import EvalReport
from dfdetect.evaluate.report import words
from dfdetect.evaluate.report.html import render
from dfdetect.evaluate.report.markdown import to_markdown
from dfdetect.evaluate.report.thumbnails import thumbnails

HTML, JSON, MARKDOWN = "report.html", "report.json", "report.md"


def write_report(
    folder: Path, reports: Sequence[EvalReport], *, media_root: Path | None = None, made_at: datetime | None = None
) -> list[Path]:
    """Write the three files, each whole or not at all, and return their paths; the page first.

    report.json is the first model's, with the comparisons; a further model's is report-NAME.json. media_root: where the
    files of the scores lie, for thumbnails of the worst cases; None = none, since they show faces.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pictures = None
    if media_root is not None:
        pictures = thumbnails([report.worst for report in reports if report.worst is not None], media_root)
    contents = {HTML: render(reports, made_at=made_at, thumbnails=pictures), MARKDOWN: to_markdown(reports)}
    contents |= dict(zip(_json_names(reports), (report.to_json() for report in reports), strict=True))
    for name, content in contents.items():
        with whole_file(folder / name) as part:
            part.write_text(content, encoding="utf-8", errors="backslashreplace")
    return [folder / name for name in contents]


def _json_names(reports: Sequence[EvalReport]) -> list[str]:
    names = [JSON]
    for report in reports[1:]:
        part = re.sub(r"[^A-Za-z0-9._-]+", "-", words.model_name(report, "model")).strip("-.") or "model"
        name = f"report-{part}.json"
        names.append(name if name not in names else f"report-{part}-{len(names)}.json")
    return names
