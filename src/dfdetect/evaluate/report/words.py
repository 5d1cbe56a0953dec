"""How the figures of a report are written, once for HTML and Markdown: digits, intervals, levels, counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dfdetect.evaluate.estimates import DECISION_FIGURES, FIGURES, Estimate, Figure
from dfdetect.evaluate.eval_report import EvalReport, Level
from dfdetect.evaluate.run_file import names_apart
from dfdetect.evaluate.worst import WorstCase

NONE = "–"
MINUS = "−"
_SAID_ELSEWHERE = ("schema", "notes", "plan_sha256", "calibration")  # of run.json: notes are among the findings
PERCENT = "\u00a0%"  # that no line breaks at
SHARES = frozenset(
    (
        *("equal_error_rate", "tpr_at_fpr1", "tpr_at_fpr5", "risk_at_coverage_80", "accuracy", "balanced_accuracy"),
        *("precision", "recall", "false_positive_rate", "coverage"),
    )
)  # written as percentages; the others as decimals
LEVELS: dict[Level, str] = {"video": "level: file", "frame": "level: frame"}
LEVEL_TEXTS: dict[Level, str] = {
    "video": "One score a file (video, clip or picture), pooled over its frames as the protocol says.",
    "frame": "One score a face of a frame, nothing pooled. Not comparable with figures of files.",
}


def figure_of(name: str) -> Figure:
    """What a figure is called and means. KeyError for a name of no list."""
    return FIGURES.get(name) or DECISION_FIGURES[name]


def title(name: str) -> str:
    """What a figure is called."""
    return figure_of(name).title.replace(" %", PERCENT).replace("<=", "≤")


def number(name: str, value: float | None) -> str:
    """A value of a figure: 0.871, or 87.1 % of those that are shares."""
    if value is None:
        return NONE
    return f"{100 * value:.1f}{PERCENT}" if name in SHARES else f"{value:.3f}"


def interval(name: str, found: Estimate) -> str:
    """`0.842–0.897`, or the empty text where there is no interval."""
    if found.interval is None:
        return ""
    low, high = found.interval
    if name in SHARES:
        return f"{100 * low:.1f}–{100 * high:.1f}{PERCENT}"
    return f"{low:.3f}–{high:.3f}"


def with_interval(name: str, found: Estimate) -> str:
    """`0.871 (0.842–0.897)`; the dash where it was refused."""
    between = interval(name, found)
    return f"{number(name, found.value)} ({between})" if between else number(name, found.value)


def signed(name: str, value: float | None) -> str:
    """A difference of a figure, with its sign; of shares in percentage points."""
    if value is None:
        return NONE
    value = value or 0.0  # no minus before a zero
    text = f"{100 * value:+.1f} points" if name in SHARES else f"{value:+.3f}"
    return text.replace("-", MINUS)


def signed_interval(name: str, found: Estimate) -> str:
    if found.interval is None:
        return ""
    low, high = found.interval
    text = f"{100 * low:+.1f} to {100 * high:+.1f}" if name in SHARES else f"{low:+.3f} to {high:+.3f}"
    return text.replace("-", MINUS)


def lost(loss: float | None) -> str:
    """A loss of AUC as the difference that it makes: a loss of 0.03 is −0.030."""
    return NONE if loss is None else signed("roc_auc", 0.0 - loss)


def lost_interval(loss: Estimate) -> str:
    if loss.interval is None:
        return ""
    low, high = loss.interval
    return signed_interval("roc_auc", Estimate(None, 0.0 - high, 0.0 - low))  # no minus before a zero


def map_number(name: str, value: float | None, *, signed: bool = False) -> str:
    """A figure of a heat map: shares as percentages, areas as decimals."""
    if value is None:
        return NONE
    sign = "+" if signed else ""
    if name in ("pointing", "inside"):
        text = f"{100 * value:{sign}.1f}{' points' if signed else PERCENT}"
    else:
        text = f"{value:{sign}.3f}"
    return text.replace("-", MINUS)


def map_interval(name: str, found: Estimate) -> str:
    if found.interval is None:
        return ""
    scale, digits = (100, 1) if name in ("pointing", "inside") else (1, 3)
    low, high = (f"{scale * bound:.{digits}f}".replace("-", MINUS) for bound in found.interval)
    return f"{low} to {high}"


def rate(value: float | None) -> str:
    """A share as a percentage."""
    return NONE if value is None else f"{100 * value:.1f}{PERCENT}"


def check_value(name: str, value: float | None) -> str:
    """What an aim of the robustness gate is about: a rate, a number of families, or a loss of AUC."""
    if value is None:
        return NONE
    if name.endswith("fpr"):
        return rate(value)
    return f"{value:.0f}" if name == "monotone" else f"{value:.3f}".replace("-", MINUS)


def group_number(metric: str, value: float | None) -> str:
    """A rate of a group of people: a percentage, but for an ECE."""
    if value is None:
        return NONE
    return f"{value:.3f}" if metric == "ece" else f"{100 * value:.1f}{PERCENT}"


def group_gap(metric: str, value: float) -> str:
    """A difference between two groups: in percentage points, but of an ECE."""
    return f"{value:.3f}" if metric == "ece" else f"{100 * value:.1f} points"


def group_interval(found: tuple[float, float]) -> str:
    return f"{100 * found[0]:.1f}–{100 * found[1]:.1f}{PERCENT}"


def signed_number(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}".replace("-", MINUS)


def p_value(value: float | None) -> str:
    """`p = 0.013`, `p < 0.001`."""
    if value is None:
        return NONE
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def model_name(report: EvalReport, otherwise: str = "scores without a run") -> str:
    """Name and version of the scored model; a score file that somebody sent has none."""
    model = report.run.get("model")
    if not isinstance(model, Mapping) or not model.get("name"):
        return otherwise
    return " ".join(str(model[key]) for key in ("name", "version") if model.get(key))


def model_names(reports: Sequence[EvalReport]) -> list[str]:
    """The names of several models, or of one by several protocols, told apart."""
    return names_apart([model_name(report) for report in reports], [report.run for report in reports])


def data_name(report: EvalReport) -> str:
    data = report.run.get("data")
    return str(data.get("name") or data.get("path") or "") if isinstance(data, Mapping) else ""


def origin(case: WorstCase) -> str:
    """Dataset, source and method of a file, what is there of them and each once."""
    return ", ".join(dict.fromkeys(part for part in (case.dataset, case.source, case.method) if part))


def run_facts(report: EvalReport, beside: EvalReport | None = None) -> list[tuple[str, str]]:
    """Everything that run.json says, as rows: the protocol whole, with its hash, first.

    beside: only what is said otherwise than of this one; what is said of it alone is a dash.
    """
    rows = _run_facts(report)
    if beside is None:
        return rows
    others, own = _run_facts(beside), {name for name, _ in rows}
    return [row for row in rows if row not in others] + [(name, NONE) for name, _ in others if name not in own]


def _run_facts(report: EvalReport) -> list[tuple[str, str]]:
    run = {key: value for key, value in report.run.items() if key not in _SAID_ELSEWHERE}
    rows = _protocol(run.pop("protocol", None), run.pop("frames", None))
    for part, title in (("model", "Model"), ("data", "Data")):
        found = run.pop(part, None)
        if isinstance(found, Mapping):
            rows += _part(title, found)
        elif found is not None:
            rows.append((title, _value(found)))
    thresholds = run.pop("thresholds", None)
    rows += [_thresholds(kind, found) for kind, found in (thresholds or {}).items()]
    peers = run.pop("peers", None)
    if isinstance(peers, Mapping) and peers:
        rows.append(("Scored beside it", ", ".join(map(str, peers))))
    rows += [(_title(key), _value(value)) for key, value in run.items()]
    rows.append(("Intervals", f"95{PERCENT}, bootstrap of {report.draws:,} draws of whole people or source videos"))
    return rows


def _thresholds(kind: str, found: Mapping[str, Any]) -> tuple[str, str]:
    text = f"flagged above {found['likely_manipulated']:.3f}, cleared below {found['no_manipulation_found']:.3f}"
    aimed = f"set to flag {found['target_fpr']:.1%} of reals".replace("%", PERCENT)
    told = f" ({found['measured_on']})" if found.get("measured_on") else ""
    return f"Shipped thresholds, {kind}", f"{text}; {aimed}{told}"


def _protocol(protocol: Any, frames: Any) -> list[tuple[str, str]]:
    """A protocol's fields in words, those that this version does not know as they are."""
    if not isinstance(protocol, Mapping):
        unknown = "not known: the scores came without one, so no other figure compares with these"
        return [("Protocol", unknown if protocol is None else _value(protocol))]
    rest = dict(protocol)
    said = f": {rest.pop('says')}".replace("`", "") if rest.get("says") else ""
    rows = [("Protocol", f"{rest.pop('name', 'without a name')}{said}")]
    if "hash" in rest:
        rows.append(("Protocol hash", str(rest.pop("hash"))))
    scan = rest.pop("scan", None)
    fields = {**(scan if isinstance(scan, Mapping) else {}), **rest}
    if "numbered_frames" in fields:
        rows.append(("Frames of a video", _frames(fields.pop("numbered_frames"), frames)))
    if isinstance(fields.get("crop"), Mapping):
        rows.append(("Face crop", _crop(fields.pop("crop"))))
    for key, value in fields.items():
        told = _PROTOCOL_WORDS.get((key, value)) if isinstance(value, str | bool | None) else None
        rows.append((_PROTOCOL_TITLES.get(key, _title(key)), told or _value(value)))
    return rows


def _crop(crop: Mapping[str, Any]) -> str:
    if crop.get("kind") == "FivePoints":
        return f"five points of the mesh on a template, from {crop.get('scale')} times as far, {crop.get('size_px')} px"
    if crop.get("kind") == "BoxMargin":
        box = "the detector's box" if crop.get("detected") else "the box of the face mesh"
        margin = f"{100 * float(crop.get('margin', 0)):g}{PERCENT} at each side"
        return f"{box} and {margin}{', stretched to a square' if crop.get('stretched') else ''}"
    return _value(crop)


def _frames(numbered: Any, frames: Any) -> str:
    if numbered is not None:
        return f"{numbered}, by even steps of their number"
    least = frames.get("at_least") if isinstance(frames, Mapping) else None
    return "one every 0.5 s" + (f", at least {least}" if least else "") + ", evenly over its whole length"


_PROTOCOL_TITLES = {
    "crop": "Face crop",
    "face_choice": "Faces of a frame",
    "pooling": "Pooling",
    "mirror": "Mirrored twins",
    "samples": "Samples",
    "no_face": "Without a face",
    "first_frames": "First frames",
    "folder_names": "By folder names too",
}
_PROTOCOL_WORDS: dict[tuple[str, str | bool | None], str] = {
    ("crop", None): "the model's own: box of the face mesh and its margin",
    ("face_choice", "all"): "all",
    ("face_choice", "largest"): "the largest",
    ("face_choice", "half_of_largest"): "those of at least half the area of the largest",
    ("pooling", "tracks"): "trimmed mean of the logits of each person; the highest one that counts is the file's",
    ("pooling", "frames"): "highest face of each frame; mean probability of the frames",
    ("mirror", True): "where a person is seen in few frames",
    ("samples", "all"): "all",
    ("samples", "ff_official_test"): "official test videos of FaceForensics++",
    ("samples", "unseen_identities"): "people and recordings that training has not seen",
    ("no_face", "apart"): "counted apart, never a number",
    ("no_face", "dropped"): "left out by the benchmark; counted here",
    ("no_face", "half"): "0.5 in the benchmark; counted here",
    ("first_frames", None): "no",
}


def _part(title: str, found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """name and version in one row, every other field in its own."""
    rest = dict(found)
    head = " ".join(_value(rest.pop(key)) for key in ("name", "version") if rest.get(key))
    rows = [(title, head)] if head else []
    for key, value in rest.items():
        name = "hash" if key in ("sha256", "hash") else _title(key).lower()
        rows.append((f"{title} {name}", _value(value)))
    return rows


def _title(key: str) -> str:
    text = key.replace("_", " ")
    return text if key == "dfdetect" else text[:1].upper() + text[1:]


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_value(one)}" for key, one in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(_value(one) for one in value) or "none"
    return str(value)
