"""A ScanResult as one self-contained HTML file: no request to anywhere, no script, readable on paper and in the dark.

Everything that came from a file is escaped by the template engine; pictures are ours (re-encoded crops).
"""

from __future__ import annotations

import base64
import functools
import importlib.metadata
import itertools
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from dfdetect import __version__
from dfdetect.calibration import NOT_CALIBRATED
from dfdetect.detect.page import page_template
from dfdetect.detect.wording import (
    CANNOT_TELL,
    MACHINE_MADE,
    VERDICT_WORDS,
    VerdictWords,
    clock,
    false_positive_text,
    moment,
    percent,
    plain,
    probability_text,
    words_of,
)
from dfdetect.values import FaceScore, ScanResult, Thresholds, TrackResult, UInt8Array

if TYPE_CHECKING:
    from jinja2 import Template

PLOT_HEIGHT_PX = 120
_PLOT_TOP_PX, _PLOT_BOTTOM_PX = 8, 100  # y of the scores 1 and 0; the rest is for the labels
_JPEG_QUALITY = 88
_LIBRARIES = ("onnxruntime", "opencv-python-headless", "av", "numpy")


@dataclass(frozen=True, slots=True)
class Dot:
    """One scored frame in a plot: x_pct of the width, y_px from the top."""

    x_pct: float
    y_px: float
    tone: str
    label: str


@dataclass(frozen=True, slots=True)
class Level:
    """A threshold line."""

    y_px: float
    label: str

    @property
    def label_y_px(self) -> float:
        """Above the line, or below it where it is too near to the top edge."""
        return self.y_px - 4 if self.y_px > _PLOT_TOP_PX + 14 else self.y_px + 13


@dataclass(frozen=True, slots=True)
class Plot:
    """The score of one face over time. Spans are (x_pct, width_pct); steps join dots with no gap between them."""

    dots: tuple[Dot, ...]
    steps: tuple[tuple[Dot, Dot], ...]
    gaps: tuple[tuple[float, float], ...]
    cuts_pct: tuple[float, ...]
    ticks: tuple[tuple[float, str], ...]
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame that weighed most: crop and overlay as data: URIs, and where the face is in the frame (percent)."""

    crop: str
    overlay: str | None
    score: FaceScore
    when: str
    place: tuple[float, float, float, float] | None


@dataclass(frozen=True, slots=True)
class TrackView:
    track: TrackResult
    words: VerdictWords
    plot: Plot | None
    pictures: tuple[Picture, ...]


def render(result: ScanResult, *, made_at: datetime | None = None) -> str:
    """The report as HTML text. made_at: when it was made (now, in UTC, if None)."""
    made_at = made_at or datetime.now(UTC)
    return _template().render(
        result=result,
        words=words_of(result),
        probability=probability_text(result),
        measured_bounds=_has_bounds(result),
        scale=None if result.probability is None else _scale(result),
        tracks=[_track_view(result, track) for track in _ranked(result)],
        facts=_facts(result),
        model_facts=_model_facts(result),
        caption=_caption(result),
        cannot_tell=CANNOT_TELL,
        machine_made=MACHINE_MADE,
        made_at=made_at.strftime("%Y-%m-%d %H:%M UTC"),
        versions=_versions(),
        plot_height_px=PLOT_HEIGHT_PX,
        plot_top_px=_PLOT_TOP_PX,
        plot_bottom_px=_PLOT_BOTTOM_PX,
    )


@functools.cache
def _template() -> Template:
    return page_template("dfdetect.detect", "report.html.jinja")


def _caption(result: ScanResult) -> str:
    from dfdetect.detect.explain import CAPTIONS

    return CAPTIONS[(result.model.heatmap if result.model is not None else None) or "cam"]


def _ranked(result: ScanResult) -> list[TrackResult]:
    return sorted(result.tracks, key=lambda track: -1.0 if track.probability is None else -track.probability)


def _has_bounds(result: ScanResult) -> bool:
    return result.thresholds is not None and result.thresholds.measured_on != NOT_CALIBRATED


def _scale(result: ScanResult) -> Mapping[str, Any]:
    """The probability on a line from 0 to 1, in percent of its width."""
    assert result.probability is not None
    low, high = result.interval or (result.probability, result.probability)
    return {"at": 100 * result.probability, "low": 100 * low, "width": 100 * (high - low)}


def _track_view(result: ScanResult, track: TrackResult) -> TrackView:
    video = result.media is not None and result.media.info.kind == "video"
    return TrackView(
        track=track,
        words=VERDICT_WORDS[track.verdict],
        plot=_plot(result, track) if video and track.scores else None,
        pictures=_pictures(result, track),
    )


def _y_px(probability: float) -> float:
    return round(_PLOT_BOTTOM_PX - (_PLOT_BOTTOM_PX - _PLOT_TOP_PX) * probability, 2)


def _tone(probability: float, thresholds: Thresholds | None) -> str:
    if thresholds is None:
        return "none"
    if probability > thresholds.likely_manipulated:
        return "alarm"
    return "calm" if probability < thresholds.no_manipulation_found else "unsure"


def _plot(result: ScanResult, track: TrackResult) -> Plot:
    assert result.media is not None
    duration_s = max(result.media.info.duration_s, track.last_s, 1e-9)

    def x_pct(time_s: float) -> float:
        return round(100 * min(max(time_s / duration_s, 0.0), 1.0), 3)

    dots = tuple(
        Dot(
            x_pct(score.time_s),
            _y_px(score.p_manipulated),
            _tone(score.p_manipulated, result.thresholds),
            f"{moment(score.time_s, duration_s)}, frame {score.frame_index}: {score.p_manipulated:.2f}",
        )
        for score in track.scores
    )
    times_s = [score.time_s for score in track.scores]
    joined = [
        not any(start_s < after_s and before_s < end_s for start_s, end_s in track.gaps_s)
        for before_s, after_s in itertools.pairwise(times_s)
    ]
    levels: tuple[Level, ...] = ()
    if result.thresholds is not None and _has_bounds(result):
        upper, lower = result.thresholds.likely_manipulated, result.thresholds.no_manipulation_found
        levels = (
            Level(_y_px(upper), f"flagged above {upper:.2f}"),
            Level(_y_px(lower), f"nothing found below {lower:.2f}"),
        )
    return Plot(
        dots=dots,
        steps=tuple(pair for pair, join in zip(itertools.pairwise(dots), joined, strict=True) if join),
        gaps=tuple((x_pct(start_s), round(x_pct(end_s) - x_pct(start_s), 3)) for start_s, end_s in track.gaps_s),
        cuts_pct=tuple(x_pct(cut_s) for cut_s in result.media.cuts_s),
        ticks=tuple((25.0 * quarter, moment(duration_s * quarter / 4, duration_s)) for quarter in range(5)),
        levels=levels,
    )


def _pictures(result: ScanResult, track: TrackResult) -> tuple[Picture, ...]:
    """The crops that weighed most, in time order; one scale for the colours of all of them, so that they compare."""
    shown = [score for score in track.scores if (track.id, score.frame_index) in result.evidence]
    strongest = _full_scale(result, shown)
    pictures = []
    for score in shown:
        crop = result.evidence[track.id, score.frame_index]
        pictures.append(
            Picture(
                crop=_data_uri(crop),
                overlay=None if score.cam is None else _data_uri(_overlay(crop, score, strongest)),
                score=score,
                when=_when(result, score),
                place=_place(result, score),
            )
        )
    return tuple(pictures)


def _when(result: ScanResult, score: FaceScore) -> str:
    if result.media is None or result.media.info.kind == "image":
        return "the image"
    return f"{moment(score.time_s, result.media.info.duration_s)}, frame {score.frame_index}"


def _full_scale(result: ScanResult, shown: list[FaceScore]) -> float | None:
    from dfdetect.detect.explain import full_scale

    return full_scale(None if result.model is None else result.model.heatmap, (score.cam for score in shown))


def _overlay(crop: UInt8Array, score: FaceScore, strongest: float | None) -> UInt8Array:
    from dfdetect.detect.explain import heatmap_overlay

    assert score.cam is not None
    return heatmap_overlay(crop, score.cam, full_scale=strongest)


def _data_uri(image: UInt8Array) -> str:
    from dfdetect.media.roundtrip import encode_jpeg

    data = encode_jpeg(np.ascontiguousarray(image), _JPEG_QUALITY, subsampling="444")
    return "data:image/jpeg;base64," + base64.b64encode(data).decode("ascii")


def _place(result: ScanResult, score: FaceScore) -> tuple[float, float, float, float] | None:
    """The face box as x, y, width, height in percent of the frame, cut at its edges."""
    if result.media is None:
        return None
    info = result.media.info
    x1, y1, x2, y2 = (
        100 * min(max(edge / side, 0.0), 1.0)
        for edge, side in zip(score.box_xyxy, (info.width_px, info.height_px) * 2, strict=True)
    )
    return round(x1, 2), round(y1, 2), round(x2 - x1, 2), round(y2 - y1, 2)


def _facts(result: ScanResult) -> list[tuple[str, str]]:
    rows = [("File", plain(result.input.path))]
    if result.input.bytes is not None:
        rows.append(("Size", f"{result.input.bytes:,} bytes"))
    if result.input.sha256 is not None:
        rows.append(("SHA-256", result.input.sha256))
    if result.media is not None:
        media, info = result.media, result.media.info
        rows.append(("Kind", f"{info.kind}, {plain(info.container)}, {plain(info.codec)}"))
        turned = f", turned by {info.rotation_deg}°" if info.rotation_deg else ""
        rows.append(("Picture", f"{info.width_px} × {info.height_px} px{turned}"))
        if info.kind == "video":
            fps = f", {float(info.fps):.2f} frames a second" if info.fps is not None else ""
            rows.append(
                ("Length", f"{clock(info.duration_s)} ({info.duration_s:.2f} s, {info.frame_count} frames{fps})")
            )
            rows.append(("Cuts", ", ".join(clock(cut_s) for cut_s in media.cuts_s) or "none found"))
            rows.append(("Examined", f"{media.frames_read} frames, {media.frames_with_face} of them with a face"))
    return rows


def _model_facts(result: ScanResult) -> list[tuple[str, str]]:
    rows = []
    if result.model is not None:
        rows.append(("Model", plain(f"{result.model.name} {result.model.version}")))
        rows.append(("Model SHA-256", result.model.sha256))
    if result.thresholds is not None:
        bounds = result.thresholds
        rows.append(("False alarms", plain(false_positive_text(bounds))))
    if result.thresholds is not None and _has_bounds(result):
        bounds = result.thresholds
        rows.append(("Aimed at", f"{percent(bounds.target_fpr)} of real files flagged"))
        rows.append(("Flagged above", f"{bounds.likely_manipulated:.4f}"))
        rows.append(("Nothing found below", f"{bounds.no_manipulation_found:.4f}"))
    if result.timing_s:
        rows.append(
            ("Time", ", ".join(f"{plain(stage)} {seconds:.2f} s" for stage, seconds in result.timing_s.items()))
        )
    return rows


def _versions() -> str:
    found = [f"dfdetect {__version__}", f"Python {platform.python_version()}"]
    for library in _LIBRARIES:
        try:
            found.append(f"{library} {importlib.metadata.version(library)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join(found)
