"""A ScanResult for a terminal: the verdict, why, when, and how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass

from dfdetect.detect.wording import (
    CANNOT_TELL,
    VERDICT_WORDS,
    clock,
    false_positive_text,
    plain,
    probability_text,
    words_of,
)
from dfdetect.values import Reason, ScanResult, TrackResult, Verdict

TIMELINE_COLUMNS = 32
MOST_FACES = 8  # the rest are counted, so that a crowd does not fill the screen

_ANSI = {"alarm": "1;31", "unsure": "1;33", "calm": "1;32", "none": "1", "error": "1;35"}


@dataclass(frozen=True, slots=True)
class Style:
    """What the terminal can show. colour: ANSI codes; unicode: block characters and icons, else ASCII."""

    colour: bool = False
    unicode: bool = True

    @property
    def levels(self) -> str:
        """Low to high, 8 steps of a score."""
        return "▁▂▃▄▅▆▇█" if self.unicode else "_.-:=+*#"

    @property
    def dash(self) -> str:
        return "·" if self.unicode else "-"


def text_block(result: ScanResult, style: Style) -> str:
    """Several lines: what it is, the verdict, a line a face, reasons, limits, the model. Ends with a newline."""
    if result.error is not None:
        return text_line(result, style) + "\n"
    lines = [_head(result, style), "  " + _verdict(result, style)]
    ranked = sorted(result.tracks, key=lambda track: -1.0 if track.probability is None else -track.probability)
    lines += [f"    {_face(result, track, style)}" for track in sorted(ranked[:MOST_FACES], key=lambda track: track.id)]
    if len(ranked) > MOST_FACES:
        lines.append(f"    and {len(ranked) - MOST_FACES} faces more, none with a higher probability")
    several = len(result.tracks) > 1
    for reason in result.reasons:
        who = f"face {reason.track}: " if several and reason.track is not None else ""
        lines.append(f"    why     {who}{plain(reason.text)}")
    lines += [f"    limit   {plain(limit.text)}" for limit in result.limits]
    if result.model is not None:
        lines.append(f"    model   {_model(result)}")
    return _shown("\n".join(lines), style) + "\n"


def text_line(result: ScanResult, style: Style) -> str:
    """One line: verdict or error code, probability, path. No newline."""
    path = plain(result.input.path)
    if result.error is not None:
        title = _painted("error", f"{_icon(result, style)} ERROR {result.error.code}", style)
        return _shown(f"{title}  {path}: {plain(result.error.message)}", style)
    return _shown("  ".join(part for part in (_verdict(result, style), path) if part), style)


def closing_line(style: Style) -> str:
    """What no answer above can tell; printed once a run."""
    return _shown(CANNOT_TELL, style)


def _shown(text: str, style: Style) -> str:
    return (
        text if style.unicode else text.replace("–", "-").replace("×", "x").encode("ascii", "replace").decode("ascii")
    )


def _painted(tone: str, text: str, style: Style) -> str:
    return f"\x1b[{_ANSI[tone]}m{text}\x1b[0m" if style.colour else text


def _icon(result: ScanResult, style: Style) -> str:
    words = words_of(result)
    return words.icon if style.unicode else words.ascii_icon


def _head(result: ScanResult, style: Style) -> str:
    parts = [plain(result.input.path)]
    if result.media is not None:
        info = result.media.info
        length = f"video {clock(info.duration_s)}" if info.kind == "video" else "image"
        frames = f", frames read: {result.media.frames_read}" if info.kind == "video" else ""
        faces = f"{len(result.tracks)} face{'' if len(result.tracks) == 1 else 's'}{frames}"
        parts += [f"{length} {style.dash} {info.width_px}×{info.height_px} {style.dash} {plain(info.codec)}", faces]
    if "total" in result.timing_s:
        parts.append(f"{result.timing_s['total']:.1f} s")
    return "  ".join(parts)


def _verdict(result: ScanResult, style: Style) -> str:
    words = words_of(result)
    title = _painted(words.tone, f"{_icon(result, style)} {words.title.upper()}", style)
    parts = [title]
    if result.probability is not None:
        parts.append(f"probability {probability_text(result)}")
    if result.verdict is Verdict.LIKELY_MANIPULATED:
        parts += [_where(reason) for reason in result.reasons if reason.start_s is not None][:1]
    return "   ".join(parts)


def _where(reason: Reason) -> str:
    who = "" if reason.track is None else f"face {reason.track}, "
    return f"{who}{clock(reason.start_s or 0)}–{clock(reason.end_s or 0)}"


def _face(result: ScanResult, track: TrackResult, style: Style) -> str:
    line = f"face {track.id:<3}"
    if result.media is not None and result.media.info.kind == "video":
        line += f" {timeline(track, result.media.info.duration_s, style)} "
    score = "  - " if track.probability is None else f"{track.probability:.2f}"
    return f"{line} {score}  {VERDICT_WORDS[track.verdict].title.lower()}"


def timeline(track: TrackResult, duration_s: float, style: Style, columns: int = TIMELINE_COLUMNS) -> str:
    """The score of one face over the whole file, a character a slice of time; a blank where the face was not there.

    A slice shows its highest score; one without a scored frame, while the face was there, the score nearest in time.
    """
    step_s = max(duration_s, track.last_s, 1e-9) / columns
    cells = []
    for column in range(columns):
        start_s, end_s = column * step_s, (column + 1) * step_s
        last = column == columns - 1
        inside = [s.p_manipulated for s in track.scores if start_s <= s.time_s < end_s or (last and s.time_s == end_s)]
        middle_s = (start_s + end_s) / 2
        if not inside and _present(track, middle_s):
            inside = [min(track.scores, key=lambda s: abs(s.time_s - middle_s)).p_manipulated] if track.scores else []
        level = round(max(inside) * (len(style.levels) - 1)) if inside else None
        cells.append(" " if level is None else style.levels[level])
    return "".join(cells)


def _present(track: TrackResult, time_s: float) -> bool:
    lost = any(start_s < time_s < end_s for start_s, end_s in track.gaps_s)
    return track.first_s <= time_s <= track.last_s and not lost


def _model(result: ScanResult) -> str:
    assert result.model is not None
    name = plain(f"{result.model.name} {result.model.version}")
    return name if result.thresholds is None else f"{name}; {plain(false_positive_text(result.thresholds))}"
