"""The words of an answer, once for the terminal, the HTML report and the page: verdicts, rates, times, limits."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from dfdetect.calibration import NOT_CALIBRATED
from dfdetect.values import ScanResult, Thresholds, Verdict

Tone = Literal["alarm", "unsure", "calm", "none", "error"]


@dataclass(frozen=True, slots=True)
class VerdictWords:
    """How one verdict is shown: never by colour alone, so a word and an icon travel with it."""

    title: str
    icon: str
    ascii_icon: str
    tone: Tone
    meaning: str


VERDICT_WORDS: dict[Verdict, VerdictWords] = {
    Verdict.LIKELY_MANIPULATED: VerdictWords(
        "Likely manipulated",
        "▲",
        "!",
        "alarm",
        "At least one face scores as high as few real files do. Look at the marked faces and times yourself.",
    ),
    Verdict.INCONCLUSIVE: VerdictWords(
        "Inconclusive",
        "◆",
        "?",
        "unsure",
        "The evidence does not carry a verdict either way; the reasons say what was missing.",
    ),
    Verdict.NO_MANIPULATION_FOUND: VerdictWords(
        "No manipulation found",
        "●",
        "o",
        "calm",
        "The faces score like those of most real files. This is no proof that the file is genuine.",
    ),
    Verdict.NOT_APPLICABLE: VerdictWords(
        "Not applicable",
        "○",
        "-",
        "none",
        "There is no face here that can be examined, so nothing was concluded.",
    ),
}

ERROR_WORDS = VerdictWords("Could not be examined", "✕", "x", "error", "No conclusion was drawn from this input.")

CANNOT_TELL = (
    "This is an estimate made by a machine about the faces alone: it cannot prove that a file is genuine, it may miss "
    "methods it was not trained on, and it says nothing about the sound, the caption, the setting, or who made it."
)

MACHINE_MADE = "This page was made by a program without human review."

# Bidirectional overrides and isolates (UAX #9) can make "exe.mp4" out of "4pm.exe" on a screen.
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\u2028\u2029\ufeff]")


def words_of(result: ScanResult) -> VerdictWords:
    """The words for a result, an error included."""
    return ERROR_WORDS if result.verdict is None else VERDICT_WORDS[result.verdict]


def plain(text: str) -> str:
    """Text that is safe to print: control and direction characters become U+FFFD, undecodable bytes \\xNN."""
    readable = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    visible = _INVISIBLE.sub("\ufffd", readable)
    return "".join("\ufffd" if unicodedata.category(char) == "Cc" else char for char in visible)


def clock(time_s: float) -> str:
    """Seconds as a player shows them: 0:07, 12:03, 1:02:03."""
    minutes, seconds = divmod(int(time_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def moment(time_s: float, duration_s: float) -> str:
    """A time within a file: as a player shows it, or with tenths of a second where the file is short."""
    return f"{time_s:.1f} s" if duration_s < 60 else clock(time_s)


def percent(share: float) -> str:
    """A share as a percentage with one digit where it says something: 3 %, 0.5 %."""
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def probability_text(result: ScanResult) -> str:
    """`0.94 (0.88-0.97)`, without the range for a still image; empty where there is no probability."""
    if result.probability is None:
        return ""
    range_text = f" ({result.interval[0]:.2f}–{result.interval[1]:.2f})" if result.interval else ""
    return f"{result.probability:.2f}{range_text}"


def false_positive_text(thresholds: Thresholds) -> str:
    """How often real files are flagged at this threshold: the measured figure and its source, or that there is none."""
    if thresholds.measured_on == NOT_CALIBRATED:
        return thresholds.measured_on
    at = f"at the threshold {thresholds.likely_manipulated:.2f}"
    if thresholds.measured_fpr is None:
        return f"{at}, the share of real files flagged was not measured (set for {percent(thresholds.target_fpr)})"
    rate = percent(thresholds.measured_fpr)
    return f"{at}, {rate} of real files were flagged ({thresholds.measured_on})"
