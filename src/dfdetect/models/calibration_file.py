"""calibration.json of a bundle: written, and read with every check."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from dfdetect.calibration import BUCKETS, Calibration, OperatingPoint
from dfdetect.errors import ModelUnusable


class _Bounds(BaseModel):
    model_config = ConfigDict(extra="forbid")
    likely_manipulated: float = Field(ge=0, le=1)
    no_manipulation_found: float = Field(ge=0, le=1)
    measured_fpr: float | None = Field(ge=0, le=1)
    measured_on: str
    n_reals: int = Field(ge=0)


class _CalibrationFile(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    scale: float = Field(gt=0)
    offset: float
    target_fpr: float = Field(gt=0, lt=1)
    thresholds: dict[Literal["image", "video"], dict[Literal["1", "2", "3+"], _Bounds]]


def calibration_to_json(calibration: Calibration) -> str:
    """calibration.json; `calibration_from_json` reads it back to an equal value."""
    rows = {
        kind: {bucket: asdict(by_bucket[bucket]) for bucket in BUCKETS if bucket in by_bucket}
        for kind, by_bucket in calibration.thresholds.items()
    }
    head = {"scale": calibration.scale, "offset": calibration.offset, "target_fpr": calibration.target_fpr}
    return json.dumps({**head, "thresholds": rows}, indent=2) + "\n"


def calibration_from_json(text: str) -> Calibration:
    """Read calibration.json. Unknown keys, a falling scale, and bounds out of order or missing are ModelUnusable."""
    found = parse(_CalibrationFile, text, "calibration.json")
    rows: dict[str, Mapping[str, OperatingPoint]] = {}
    for kind, by_bucket in found.thresholds.items():
        rows[kind] = {bucket: OperatingPoint(**bounds.model_dump()) for bucket, bounds in by_bucket.items()}
        for bucket, bounds in by_bucket.items():
            if bounds.no_manipulation_found > bounds.likely_manipulated:
                raise ModelUnusable(f"calibration.json: {kind} {bucket}: the lower bound is above the upper one")
    if not any(rows.values()):
        raise ModelUnusable("calibration.json: expected bounds for at least one kind of media; found none")
    return Calibration(found.scale, found.offset, found.target_fpr, rows)


_T = TypeVar("_T", bound=BaseModel)


def parse(kind: type[_T], text: str, name: str) -> _T:
    """JSON text as a checked value; ModelUnusable names every key that is wrong."""
    try:
        return TypeAdapter(kind).validate_json(text)
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors())
        raise ModelUnusable(f"{name}: {found}") from error
