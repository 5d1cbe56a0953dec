"""What a model wants to be fed, and what it is: travels with the weights (no PyTorch here)."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from dfdetect.errors import ModelUnusable, UsageError
from dfdetect.faces.align import CropView
from dfdetect.models.output_form import OutputForm

LAYOUTS = ("NCHW", "NHWC")
CHANNEL_ORDERS = ("RGB", "BGR")
MOST_SIZE_PX = 4096
MOST_MARGIN = 4.0
_OPTIONAL = "network"


@dataclass(frozen=True, slots=True)
class NetworkIO:
    """How the tensors of a network are arranged. The defaults are what `dfdetect export` writes.

    layout: one of LAYOUTS. channel_order: one of CHANNEL_ORDERS. output: what its numbers mean (models.output_form).
    output_name: which output is read; "" = `logit`, or else the first.
    """

    layout: str = "NCHW"
    channel_order: str = "RGB"
    output: str = "logit:fake=high"
    output_name: str = ""

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS or self.channel_order not in CHANNEL_ORDERS:
            raise UsageError(
                f"expected a layout of {', '.join(LAYOUTS)} and a channel order of {', '.join(CHANNEL_ORDERS)}; "
                f"got {self.layout!r} and {self.channel_order!r}"
            )
        OutputForm.parse(self.output)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Everything between a face box and a logit.

    architecture: timm name. input_size_px: side of the square input. mean, std: per RGB channel, of pixels in 0..1.
    margin: added on each side of the face box, as a fraction of its longer side.
    resize_filter: "area_cubic" = averaging when shrinking, cubic when growing (faces.align).
    face_box: "mesh" = tight box of the 468-point mesh, the detector's box where the mesh fails.
    positive: what a positive logit means; always "manipulated". network: how its tensors are arranged.
    """

    architecture: str
    input_size_px: int
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    margin: float = 0.125
    resize_filter: str = "area_cubic"
    face_box: str = "mesh"
    positive: str = "manipulated"
    network: NetworkIO = NetworkIO()

    @property
    def view(self) -> CropView:
        """How a face is cut for it."""
        return CropView(self.margin, self.input_size_px)

    def to_json(self) -> str:
        """spec.json; `network` is written only where it differs from what `dfdetect export` makes."""
        content = asdict(self)
        if self.network == NetworkIO():
            del content[_OPTIONAL]
        return json.dumps(content, indent=2) + "\n"

    @staticmethod
    def from_json(text: str) -> ModelSpec:
        """Read a spec.json; an unknown or missing key, a value out of range, or reversed polarity is ModelUnusable."""
        try:
            found: dict[str, Any] = json.loads(text)
        except ValueError as error:
            raise ModelUnusable(f"spec.json is not JSON: {error}") from error
        known = {f.name for f in fields(ModelSpec)}
        if not isinstance(found, dict) or set(found) | {_OPTIONAL} != known:
            raise ModelUnusable(f"spec.json: expected exactly the keys {sorted(known)}; found {sorted(found)}")
        if found["positive"] != "manipulated":
            raise ModelUnusable(f"spec.json: a positive logit must mean 'manipulated'; found {found['positive']!r}")
        if found["resize_filter"] != "area_cubic" or found["face_box"] != "mesh":
            raise ModelUnusable("spec.json: this version knows resize_filter 'area_cubic' and face_box 'mesh' only")
        _refuse_wrong_values(found)
        network = _network(found.get(_OPTIONAL))
        return ModelSpec(**{**found, "mean": tuple(found["mean"]), "std": tuple(found["std"]), _OPTIONAL: network})


def _refuse_wrong_values(found: dict[str, Any]) -> None:
    size_px, margin = found["input_size_px"], found["margin"]
    if type(size_px) is not int or not 1 <= size_px <= MOST_SIZE_PX:
        raise ModelUnusable(f"spec.json: expected input_size_px in 1..{MOST_SIZE_PX}; found {size_px!r}")
    if not _is_number(margin) or not 0 <= margin <= MOST_MARGIN:
        raise ModelUnusable(f"spec.json: expected a margin in 0..{MOST_MARGIN:g}; found {margin!r}")
    for name in ("mean", "std"):
        value = found[name]
        numbers = isinstance(value, list) and len(value) == 3 and all(_is_number(one) for one in value)
        if not numbers or (name == "std" and not all(one > 0 for one in value)):
            raise ModelUnusable(f"spec.json: expected three finite numbers as {name}, std above 0; found {value!r}")
    if not isinstance(found["architecture"], str):
        raise ModelUnusable(f"spec.json: expected a name as architecture; found {found['architecture']!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _network(found: object) -> NetworkIO:
    if found is None:
        return NetworkIO()
    known = {f.name for f in fields(NetworkIO)}
    if not isinstance(found, dict) or set(found) != known or not all(isinstance(v, str) for v in found.values()):
        raise ModelUnusable(f"spec.json: expected network to hold exactly {sorted(known)}, as text; found {found!r}")
    try:
        return NetworkIO(**found)
    except UsageError as error:
        raise ModelUnusable(f"spec.json: {error.message}") from error
