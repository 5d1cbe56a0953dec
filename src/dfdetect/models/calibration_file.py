"""calibration.json of a bundle: written, and read with every check.

Two forms: the first has no `schema` and holds a sigmoid and bounds; `dfdetect.calibration/2` may hold an isotonic
curve, targets by kind and the record of what a user calibrated on. The first is written wherever it says everything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from dfdetect.calibration import BUCKETS, Calibration, Curve, OperatingPoint
from dfdetect.calibration_record import CalibrationRecord
from dfdetect.errors import ModelUnusable

SCHEMA = "dfdetect.calibration/2"


class _Bounds(BaseModel):
    model_config = ConfigDict(extra="forbid")
    likely_manipulated: float = Field(ge=0, le=1)
    no_manipulation_found: float = Field(ge=0, le=1)
    measured_fpr: float | None = Field(ge=0, le=1)
    measured_on: str
    n_reals: int = Field(ge=0)
    target_fpr: float | None = Field(default=None, gt=0, lt=1)


class _Curve(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    logits: tuple[float, ...] = Field(max_length=10_000)
    probabilities: tuple[float, ...] = Field(max_length=10_000)


class _CalibrationFile(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    schema_: str | None = Field(default=None, alias="schema")
    scale: float = Field(gt=0)
    offset: float
    target_fpr: float = Field(gt=0, lt=1)
    thresholds: dict[Literal["image", "video"], dict[Literal["1", "2", "3+"], _Bounds]]
    curve: _Curve | None = None
    record: CalibrationRecord | None = None


def calibration_to_json(calibration: Calibration) -> str:
    """calibration.json; `calibration_from_json` reads it back to an equal value."""
    rows = {
        kind: {bucket: _point(by_bucket[bucket]) for bucket in BUCKETS if bucket in by_bucket}
        for kind, by_bucket in calibration.thresholds.items()
    }
    plain: dict[str, Any] = {
        "scale": calibration.scale,
        "offset": calibration.offset,
        "target_fpr": calibration.target_fpr,
        "thresholds": rows,
    }
    more = {name: asdict(value) for name in ("curve", "record") if (value := getattr(calibration, name)) is not None}
    own_targets = any("target_fpr" in point for by_bucket in rows.values() for point in by_bucket.values())
    head = {"schema": SCHEMA} if more or own_targets else {}
    return json.dumps({**head, **plain, **more}, indent=2) + "\n"


def _point(point: OperatingPoint) -> dict[str, Any]:
    found = asdict(point)
    return found if point.target_fpr is not None else {k: v for k, v in found.items() if k != "target_fpr"}


def calibration_from_json(text: str) -> Calibration:
    """Read calibration.json. Unknown keys, a falling scale, and bounds out of order or missing are ModelUnusable."""
    _check_schema(text)
    found = parse(_CalibrationFile, text, "calibration.json")
    rows: dict[str, Mapping[str, OperatingPoint]] = {}
    for kind, by_bucket in found.thresholds.items():
        rows[kind] = {bucket: OperatingPoint(**bounds.model_dump()) for bucket, bounds in by_bucket.items()}
        for bucket, bounds in by_bucket.items():
            if bounds.no_manipulation_found > bounds.likely_manipulated:
                raise ModelUnusable(f"calibration.json: {kind} {bucket}: the lower bound is above the upper one")
    if not any(rows.values()):
        raise ModelUnusable("calibration.json: expected bounds for at least one kind of media; found none")
    try:
        curve = None if found.curve is None else Curve(found.curve.logits, found.curve.probabilities)
    except ValueError as error:
        raise ModelUnusable(f"calibration.json: {error}") from error
    return Calibration(found.scale, found.offset, found.target_fpr, rows, curve, found.record)


def _check_schema(text: str) -> None:
    """A file of a later form is named as such, before its keys are called unknown."""
    try:
        schema = json.loads(text).get("schema")
    except (ValueError, AttributeError):
        return  # `parse` says what is wrong with it
    if schema not in (None, SCHEMA):
        raise ModelUnusable(
            f"calibration.json: expected no schema or {SCHEMA!r}; found {schema!r}: this dfdetect is older than the "
            "model; update it"
        )


_T = TypeVar("_T", bound=BaseModel)


def parse(kind: type[_T], text: str, name: str) -> _T:
    """JSON text as a checked value; ModelUnusable names every key that is wrong."""
    try:
        return TypeAdapter(kind).validate_json(text)
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors())
        raise ModelUnusable(f"{name}: {found}") from error
