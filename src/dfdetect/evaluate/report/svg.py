"""Charts as inline SVG, drawn by hand: small, crisp at any size, in the colours of the page, by day, night or on paper.

Coordinates are of a view box of WIDTH x HEIGHT; the page scales it. Every text is escaped here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape

from dfdetect.detect.wording import plain

WIDTH, HEIGHT = 360, 306
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 12, 50  # around the frame, for the labels
SPACE = "\u00a0"  # that no line breaks at
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Axis:
    """low..high on a line; ticks: (value, label). logarithmic: low > 0."""

    label: str
    ticks: tuple[tuple[float, str], ...]
    low: float = 0.0
    high: float = 1.0
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Where a value lies, 0..1; values beyond the ends lie on them."""
        value = min(max(value, self.low), self.high)
        if self.logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def share_axis(label: str) -> Axis:
    """0..100 % in steps of 20 %."""
    return Axis(label, tuple((n / 5, f"{20 * n}{SPACE}%") for n in range(6)))


def unit_axis(label: str) -> Axis:
    """0..1 in steps of 0.2."""
    return Axis(label, tuple((n / 5, f"{n / 5:.1f}") for n in range(6)))


def small_share_axis(label: str, least: float = 0.001) -> Axis:
    """least..100 % on a logarithmic scale: where a false-positive rate is decided."""
    powers = range(math.floor(math.log10(least)), 1)
    return Axis(label, tuple((10.0**n, f"{100 * 10.0**n:g}{SPACE}%") for n in powers), 10.0 ** powers[0], 1.0, True)


def top_axis(label: str, highest: float) -> Axis:
    """0 up to a round share not below `highest`."""
    top = next((top for top in (0.05, 0.1, 0.2, 0.25, 0.5) if highest <= top), 1.0)
    return Axis(label, tuple((top * n / 5, f"{100 * top * n / 5:g}{SPACE}%") for n in range(6)), 0.0, top)


@dataclass(slots=True)
class Chart:
    """A frame with two axes; what is drawn later lies above.

    title: what it shows, for those who cannot see it. width, height: of the view box, labels and all.
    """

    title: str
    x: Axis
    y: Axis
    width: int = WIDTH
    height: int = HEIGHT
    _parts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        right, bottom = self.width - _RIGHT, self.height - _BOTTOM
        for value, label in self.x.ticks:
            x = self.px(value)
            self._parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}"/>')
            self._parts.append(f'<text x="{x:.1f}" y="{bottom + 17}" text-anchor="middle">{safe(label)}</text>')
        for value, label in self.y.ticks:
            y = self.py(value)
            self._parts.append(f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
            self._parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
        middle_x, middle_y = (_LEFT + right) / 2, (_TOP + bottom) / 2
        self._parts.append(
            f'<text class="name" x="{middle_x:.0f}" y="{self.height - 10}" text-anchor="middle">'
            f"{safe(self.x.label)}</text>"
        )
        self._parts.append(
            f'<text class="name" x="11" y="{middle_y:.0f}" text-anchor="middle" '
            f'transform="rotate(-90 11 {middle_y:.0f})">{safe(self.y.label)}</text>'
        )

    def px(self, value: float) -> float:
        return _LEFT + (self.width - _RIGHT - _LEFT) * self.x.at(value)

    def py(self, value: float) -> float:
        bottom = self.height - _BOTTOM
        return bottom - (bottom - _TOP) * self.y.at(value)

    def line(self, points: Sequence[Point], tone: str) -> None:
        self._parts.append(f'<polyline class="curve {tone}" points="{self._points(points)}"/>')

    def band(self, points: Sequence[tuple[float, float, float]], tone: str) -> None:
        """points: (x, low, high)."""
        outline = [(x, high) for x, _, high in points] + [(x, low) for x, low, _ in reversed(points)]
        self._parts.append(f'<polygon class="band {tone}" points="{self._points(outline)}"/>')

    def diagonal(self) -> None:
        """Where x = y: a coin, or a probability that holds."""
        steps = [
            self.x.low + (self.x.high - self.x.low) * (n / 60) ** (3 if self.x.logarithmic else 1) for n in range(61)
        ]
        self._parts.append(f'<polyline class="reference" points="{self._points([(s, s) for s in steps])}"/>')

    def dot(self, x: float, y: float, tone: str, hint: str, *, hollow: bool = False) -> None:
        shape = "dot hollow" if hollow else "dot"
        self._parts.append(
            f'<circle class="{shape} {tone}" cx="{self.px(x):.1f}" cy="{self.py(y):.1f}" r="4">'
            f"<title>{safe(hint)}</title></circle>"
        )

    def whisker(self, x: float, low: float, high: float, tone: str) -> None:
        at = self.px(x)
        self._parts.append(
            f'<line class="whisker {tone}" x1="{at:.1f}" x2="{at:.1f}" '
            f'y1="{self.py(low):.1f}" y2="{self.py(high):.1f}"/>'
        )

    def bar(self, x0: float, x1: float, y0: float, y1: float, tone: str, hint: str) -> None:
        left, right, top, bottom = self.px(x0), self.px(x1), self.py(max(y0, y1)), self.py(min(y0, y1))
        self._parts.append(
            f'<rect class="bar {tone}" x="{left + 0.7:.1f}" y="{top:.1f}" width="{max(right - left - 1.4, 0.5):.1f}" '
            f'height="{bottom - top:.1f}"><title>{safe(hint)}</title></rect>'
        )

    def say(self, x: float, y: float, text: str, *, anchor: str = "start", dy: float = 0) -> None:
        self._parts.append(
            f'<text class="said" x="{self.px(x):.1f}" y="{self.py(y) + dy:.1f}" '
            f'text-anchor="{anchor}">{safe(text)}</text>'
        )

    def svg(self) -> str:
        body = "\n".join(self._parts)
        return drawing("chart", self.width, self.height, self.title, body)

    def _points(self, points: Sequence[Point]) -> str:
        return " ".join(f"{self.px(x):.1f},{self.py(y):.1f}" for x, y in points)


def interval_cell(
    value: float | None,
    interval: tuple[float, float] | None,
    hint: str,
    *,
    low: float = 0.0,
    high: float = 1.0,
    reference: float | None = None,
    tone: str = "series0",
    label: Callable[[float], str] = "{:g}".format,
) -> str:
    """A dot with its interval on a line from low to high: one row of a table of them. reference: an upright line."""
    axis = Axis("", (), low, high)
    width, middle = 150, 10

    def x(at: float) -> float:
        return 6 + (width - 12) * axis.at(at)

    parts = [f'<line class="rail" x1="6" x2="{width - 6}" y1="{middle}" y2="{middle}"/>']
    if reference is not None:
        parts.append(f'<line class="mark" x1="{x(reference):.1f}" x2="{x(reference):.1f}" y1="2" y2="18"/>')
    if interval is not None:
        left, right = x(interval[0]), x(interval[1])
        parts.append(
            f'<rect class="range {tone}" x="{left:.1f}" y="{middle - 3}" '
            f'width="{max(right - left, 1):.1f}" height="6"/>'
        )
    if value is not None:
        parts.append(f'<circle class="dot {tone}" cx="{x(value):.1f}" cy="{middle}" r="4"/>')
    return drawing("interval", width, 20, hint, f"<title>{safe(hint)}</title>{''.join(parts)}")


def drawing(kind: str, width: int, height: float, title: str, body: str) -> str:
    """An SVG element of a class; title: what it shows, for those who cannot see it."""
    return f'<svg class="{kind}" viewBox="0 0 {width} {height:g}" role="img" aria-label="{safe(title)}">{body}</svg>'


def safe(text: str) -> str:
    """Text as it may stand in SVG and in its attributes: no mark-up, no control or direction character."""
    return escape(plain(text), quote=True)
