"""What a model wants to be fed, and what it is: travels with the weights (no PyTorch here)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from dfdetect.errors import ModelUnusable


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Everything between a face box and a logit.

    architecture: timm name. input_size_px: side of the square input. mean, std: per RGB channel, of pixels in 0..1.
    margin: added on each side of the face box, as a fraction of its longer side.
    resize_filter: "area_cubic" = averaging when shrinking, cubic when growing (faces.align).
    face_box: "mesh" = tight box of the 468-point mesh, the detector's box where the mesh fails.
    positive: what a positive logit means; always "manipulated".
    """

    architecture: str
    input_size_px: int
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    margin: float = 0.125
    resize_filter: str = "area_cubic"
    face_box: str = "mesh"
    positive: str = "manipulated"

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2) + "\n"

    @staticmethod
    def from_json(text: str) -> ModelSpec:
        """Read a spec.json; an unknown or missing key, or reversed polarity, is ModelUnusable."""
        try:
            found: dict[str, Any] = json.loads(text)
        except ValueError as error:
            raise ModelUnusable(f"spec.json is not JSON: {error}") from error
        known = {f.name for f in fields(ModelSpec)}
        if not isinstance(found, dict) or set(found) != known:
            raise ModelUnusable(f"spec.json: expected exactly the keys {sorted(known)}; found {sorted(found)}")
        if found["positive"] != "manipulated":
            raise ModelUnusable(f"spec.json: a positive logit must mean 'manipulated'; found {found['positive']!r}")
        if found["resize_filter"] != "area_cubic" or found["face_box"] != "mesh":
            raise ModelUnusable("spec.json: this version knows resize_filter 'area_cubic' and face_box 'mesh' only")
        return ModelSpec(**{**found, "mean": tuple(found["mean"]), "std": tuple(found["std"])})
