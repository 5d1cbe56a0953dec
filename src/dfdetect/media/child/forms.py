"""`MediaInfo` and errors as JSON, and back: on the way back every value is checked, since a child may lie."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from fractions import Fraction
from typing import Any, get_args

from dfdetect.errors import ErrorCode, MediaError, Stage
from dfdetect.media.child.wire import Broken
from dfdetect.media.limits import Limits
from dfdetect.values import MediaInfo, MediaKind

_MOST_TEXT = 2_000


def info_to_json(info: MediaInfo) -> dict[str, Any]:
    return {**asdict(info), "fps": None if info.fps is None else [info.fps.numerator, info.fps.denominator]}


def info_from_json(found: Mapping[str, Any], limits: Limits) -> MediaInfo:
    """Broken where a value is missing, of another kind or outside what a reader within `limits` can say."""
    try:
        kind = found["kind"]
        if kind not in get_args(MediaKind):
            raise Broken("an unknown kind")
        most_pixels = max(limits.max_image_pixels, limits.max_frame_pixels)
        info = MediaInfo(
            kind=kind,
            container=text_of(found["container"], most=64),
            codec=text_of(found["codec"], most=64),
            width_px=whole(found["width_px"], 1, most_pixels),
            height_px=whole(found["height_px"], 1, most_pixels),
            fps=_fraction(found["fps"]),
            frame_count=whole(found["frame_count"], 1, limits.max_frames),
            duration_s=number(found["duration_s"], 0.0, limits.max_duration_s),
            rotation_deg=whole(found["rotation_deg"], 0, 270),
            bit_rate_bps=None if found["bit_rate_bps"] is None else whole(found["bit_rate_bps"], 0, 1 << 50),
        )
    except KeyError as error:
        raise Broken(f"no {error}") from error
    if info.width_px * info.height_px > most_pixels:
        raise Broken("more pixels than are allowed")
    return info


def error_to_json(error: MediaError) -> dict[str, Any]:
    return {"code": str(error.code), "message": error.message[:_MOST_TEXT], "stage": error.stage}


def error_from_json(found: Mapping[str, Any]) -> MediaError:
    code, stage = found.get("code"), found.get("stage")
    stages: tuple[Stage, ...] = get_args(Stage)
    if code not in set(ErrorCode) or stage not in stages:
        raise Broken("an unknown error")
    return MediaError(ErrorCode(code), text_of(found.get("message")), stage=stages[stages.index(stage)])


def text_of(value: object, *, most: int = _MOST_TEXT) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise Broken("no short text")
    return "".join(c if c.isprintable() else "?" for c in value)


def whole(value: object, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise Broken(f"no whole number in {low}..{high}")
    return value


def number(value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Broken("no number")
    if not low <= value <= high:
        raise Broken(f"no number in {low}..{high}")
    return float(value)


def _fraction(value: object) -> Fraction | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2:
        raise Broken("no fraction")
    return Fraction(whole(value[0], 0, 1 << 62), whole(value[1], 1, 1 << 62))
