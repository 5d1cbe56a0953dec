"""The families of pseudo-fakes that training uses, by name, and how often each is drawn.

    name            what is different in the fake                                   module
    self_blend      F1: the face itself, changed in colour or sharpness, shifted    data.self_blend
    cross_blend     F2: another person's face, colours matched by histogram         data.cross_blend
    degraded        F3: detail lost or invented in the face alone                   data.degraded_paste
    reconstructed   F4: the face as an auto-encoder gives it back                   data.reconstruct
    moved           F5: mouth or eyes pulled into another expression, no paste      data.warp

A new family is a row of FAMILIES, a weight in `FakeOptions`, and must pass tests/contracts/test_fake_families.py.
The families of the evaluation share no operator with these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from dfdetect.data.blend import Blended, BlendOptions, FacePicture
from dfdetect.data.cross_blend import Donors, cross_blend
from dfdetect.data.degraded_paste import degraded_paste
from dfdetect.data.reconstruct import Reconstructor, reconstruction_paste
from dfdetect.data.self_blend import self_blend
from dfdetect.data.warp import moved_features
from dfdetect.errors import UsageError

BUILTIN_RECONSTRUCTOR = "builtin"


@dataclass(frozen=True, slots=True)
class FakeOptions:
    """Weight of each family (0 = never; only their proportions count), and the auto-encoder of `reconstructed`.

    reconstructor: "builtin" (comes with dfdetect), an ONNX file made by `dfdetect reconstructor`, or "" for none:
    then `reconstructed` is off, whatever its weight, and the run says so.
    """

    self_blend: float = 0.65
    cross_blend: float = 0.10
    degraded: float = 0.12
    reconstructed: float = 0.13
    moved: float = 0.0
    reconstructor: str = BUILTIN_RECONSTRUCTOR


@dataclass(frozen=True, slots=True)
class FakeTools:
    """What some families need beside the face."""

    donors: Donors | None = None
    reconstructor: Reconstructor | None = None


FakeMaker = Callable[[FacePicture, np.random.Generator, BlendOptions, FakeTools], Blended]


def _self_blend(face: FacePicture, rng: np.random.Generator, options: BlendOptions, tools: FakeTools) -> Blended:
    return self_blend(face.image, face.mesh, rng, options)


def _cross_blend(face: FacePicture, rng: np.random.Generator, options: BlendOptions, tools: FakeTools) -> Blended:
    if tools.donors is None:
        raise UsageError("cross_blend needs donors; give FakeTools(donors=Donors(records))")
    return cross_blend(face, tools.donors, rng, options)


def _degraded(face: FacePicture, rng: np.random.Generator, options: BlendOptions, tools: FakeTools) -> Blended:
    return degraded_paste(face.image, face.mesh, rng, options)


def _reconstructed(face: FacePicture, rng: np.random.Generator, options: BlendOptions, tools: FakeTools) -> Blended:
    if tools.reconstructor is None:
        raise UsageError("reconstructed needs an auto-encoder; give FakeTools(reconstructor=Reconstructor(path))")
    return reconstruction_paste(face.image, face.mesh, tools.reconstructor, rng, options)


def _moved(face: FacePicture, rng: np.random.Generator, options: BlendOptions, tools: FakeTools) -> Blended:
    return moved_features(face.image, face.mesh, rng, options)


FAMILIES: dict[str, FakeMaker] = {
    "self_blend": _self_blend,
    "cross_blend": _cross_blend,
    "degraded": _degraded,
    "reconstructed": _reconstructed,
    "moved": _moved,
}


def weights_of(options: FakeOptions) -> dict[str, float]:
    """Share of each family that is on, summing to 1. UsageError for negative weights or none above 0."""
    weights = {name: float(weight) for name, weight in asdict(options).items() if name in FAMILIES}
    if any(weight < 0 for weight in weights.values()):
        raise UsageError(f"weights of fakes must be 0 or more; got {weights}")
    if not options.reconstructor:
        weights["reconstructed"] = 0.0
    total = sum(weights.values())
    if total <= 0:
        raise UsageError(f"no family of fakes is on; give one of {', '.join(FAMILIES)} a weight above 0 in [fakes]")
    return {name: weight / total for name, weight in weights.items() if weight > 0}


def open_reconstructor(name: str) -> Reconstructor | None:
    """The auto-encoder that `FakeOptions.reconstructor` names; None for ""."""
    if not name:
        return None
    if name == BUILTIN_RECONSTRUCTOR:
        return Reconstructor(Path(str(resources.files("dfdetect.data") / "weights" / "reconstructor.onnx")))
    return Reconstructor(Path(name))
