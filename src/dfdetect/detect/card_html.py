"""The card of a model as one self-contained HTML page: what it is, its thresholds with their errors, and its text.

The text of a bundle may be anybody's: its Markdown is rendered without raw HTML, and without pictures, which would be
requests to somewhere.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dfdetect import __version__
from dfdetect.calibration import NOT_CALIBRATED
from dfdetect.detect.page import page_template
from dfdetect.detect.wording import percent
from dfdetect.models.bundle import Bundle

if TYPE_CHECKING:
    from jinja2 import Template


@dataclass(frozen=True, slots=True)
class PointRow:
    """One operating point as text. flagged: the measured share of real files above the upper bound."""

    kind: str
    faces: str
    likely_manipulated: str
    no_manipulation_found: str
    flagged: str
    measured_on: str


def render_card(bundle: Bundle) -> str:
    """The page as HTML text, the same for the same bundle."""
    calibration = bundle.calibration
    return _template().render(
        bundle=bundle,
        manifest=bundle.manifest,
        points=operating_points(bundle),
        target=None if calibration.target_fpr is None else percent(calibration.target_fpr),
        not_calibrated=NOT_CALIBRATED,
        text=markdown_html(_without_title(bundle.card)),
        version=__version__,
    )


def operating_points(bundle: Bundle) -> list[PointRow]:
    """A row for each kind of file and number of faces; none where the bundle is not calibrated."""
    if not bundle.calibration.is_measured:
        return []
    return [
        PointRow(
            kind,
            faces,
            f"{point.likely_manipulated:.2f}",
            f"{point.no_manipulation_found:.2f}",
            "not measured" if point.measured_fpr is None else percent(point.measured_fpr),
            point.measured_on,
        )
        for kind, rows in bundle.calibration.thresholds.items()
        for faces, point in rows.items()
    ]


def markdown_html(text: str) -> str:
    """CommonMark with tables as HTML. Tags in it are shown, not obeyed; pictures become their text."""
    from markdown_it import MarkdownIt

    return str(MarkdownIt("commonmark", {"html": False}).enable("table").disable("image").render(text))


def _without_title(card: str) -> str:
    first, _, rest = card.lstrip().partition("\n")
    return rest if first.startswith("# ") else card


@functools.cache
def _template() -> Template:
    return page_template("dfdetect.detect", "card.html.jinja")
