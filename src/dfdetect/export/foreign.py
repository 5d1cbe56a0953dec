"""Somebody else's ONNX classifier -> a bundle: what it is fed and what it answers is stated by whoever brings it.

Nothing is guessed: blue fed for red, a softmax read as a logit or a reversed class give scores that look like scores.
What can be checked without faces is checked: the file, the shapes, that answers are what they are stated to be.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dfdetect.calibration import uncalibrated
from dfdetect.detect.onnx_backend import OnnxBackend
from dfdetect.errors import ModelUnusable, UsageError, unknown_name
from dfdetect.models.bundle import Bundle, write_bundle
from dfdetect.models.manifest import Source
from dfdetect.models.onnx_scan import refuse_unsafe
from dfdetect.models.output_form import CLASSES
from dfdetect.models.preprocess import to_input
from dfdetect.models.sealed import read_plain, sha256_of
from dfdetect.models.spec import ModelSpec, NetworkIO
from dfdetect.values import Float32Array, UInt8Array

PIXEL_RANGES = {"0-1": 1.0, "0-255": 255.0}
NEIGHBOUR_TOLERANCE = 1e-2  # of a logit, between a picture alone and among others: batched kernels add differently
_PROBES = 6


@dataclass(frozen=True, slots=True)
class Statement:
    """What is stated of a network.

    mean, std: per channel in the network's own order, of pixels in pixel_range (a key of PIXEL_RANGES), so that it is
    fed (pixel - mean) / std. io: layout, channel order, output. source, licence: where it is from and under what terms.
    """

    name: str
    version: str
    input_size_px: int
    margin: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    pixel_range: str
    io: NetworkIO
    source: str
    licence: str

    def spec(self) -> ModelSpec:
        """As a spec.json says it: mean and std per RGB channel of pixels in 0..1. UsageError: no spec can say it."""
        if self.pixel_range not in PIXEL_RANGES:
            raise unknown_name("pixel range", self.pixel_range, PIXEL_RANGES)
        if not self.source.strip() or not self.licence.strip():
            raise UsageError("state where the network is from (source) and its licence, if only as 'not stated'")
        order = slice(None, None, -1 if self.io.channel_order == "BGR" else 1)
        most = PIXEL_RANGES[self.pixel_range]
        (m0, m1, m2), (s0, s1, s2) = (np.divide(values, most)[order].tolist() for values in (self.mean, self.std))
        spec = ModelSpec(
            "imported",
            self.input_size_px,
            mean=(m0, m1, m2),
            std=(s0, s1, s2),
            margin=self.margin,
            network=self.io,
        )
        try:
            return ModelSpec.from_json(spec.to_json())  # the checks that every bundle meets
        except ModelUnusable as error:
            raise UsageError(error.message.removeprefix("spec.json: ")) from error


# Keys of a statement's file, and the type of each.
_NEEDED: dict[str, type] = {
    "input_size": int, "margin": float, "mean": list, "std": list, "pixels": str,
    "layout": str, "channels": str, "output": str, "source": str, "licence": str,
}  # fmt: skip
_OPTIONAL: dict[str, type] = {"name": str, "version": str, "output_name": str}


def read_statement(path: Path) -> Statement:
    """A statement from a TOML file, whose keys are the options of `dfdetect models import`, with _ for -.

    UsageError: the file is not there, is no TOML, lacks a key, has an unknown one, or one of another type.
    """
    expected = {**_NEEDED, **_OPTIONAL}
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(
            f"{path}: no such file; it must state what the network takes and answers, with the keys "
            f"{', '.join(_NEEDED)} (docs/models.md)"
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: expected TOML; {error}") from error
    missing = [key for key in _NEEDED if key not in found]
    unknown = [key for key in found if key not in expected]
    if missing or unknown:
        raise UsageError(
            f"{path}: missing keys: {', '.join(missing) or 'none'}; unknown keys: {', '.join(unknown) or 'none'}; "
            f"the keys are {', '.join(expected)}"
        )
    for key, value in found.items():
        if not isinstance(value, (int, float) if expected[key] is float else expected[key]) or isinstance(value, bool):
            raise UsageError(f"{path}: {key} must be of type {expected[key].__name__}; got {value!r}")
    return Statement(
        name=found.get("name", path.stem),
        version=found.get("version", "0.1"),
        input_size_px=found["input_size"],
        margin=float(found["margin"]),
        mean=_three(found["mean"], "mean", path),
        std=_three(found["std"], "std", path),
        pixel_range=found["pixels"],
        io=NetworkIO(found["layout"], found["channels"], found["output"], found.get("output_name", "")),
        source=found["source"],
        licence=found["licence"],
    )


def _three(values: list[object], key: str, path: Path) -> tuple[float, float, float]:
    numbers = [float(one) for one in values if isinstance(one, int | float) and not isinstance(one, bool)]
    if len(numbers) != 3 or len(values) != 3:
        raise UsageError(f"{path}: {key} must be three numbers, as in [0.5, 0.5, 0.5]; got {values!r}")
    return numbers[0], numbers[1], numbers[2]


@dataclass(frozen=True, slots=True)
class Imported:
    """The bundle, and what looked odd in its answers."""

    bundle: Bundle
    notes: tuple[str, ...]


def import_onnx(path: Path, out: Path, stated: Statement) -> Imported:
    """Wrap a classifier's ONNX file as a bundle that scans, not calibrated, its card marked as theirs.

    Raises:
        UsageError: the statement cannot be right for any network, or names no output where there are several; or `out`
            already holds something.
        ModelUnusable: the file is no single safe ONNX network, or does not take or answer what was stated.
    """
    spec = stated.spec()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} already holds something; name a new folder")
    if path.suffix.lower() != ".onnx":
        raise UsageError(
            f"{path}: expected an .onnx file; a checkpoint (.pt, .pth, .pkl) can run code when it is opened, so "
            "export it to ONNX in the project that it comes from"
        )
    model = read_plain(path.resolve())
    facts = refuse_unsafe(model, path)
    named = spec.network.output_name
    if len(facts.outputs) > 1 and not named:
        raise UsageError(f"{path} has the outputs {', '.join(facts.outputs)}; state which one is read (output name)")
    notes = _probe(OnnxBackend(model, spec, maps=None, device="cpu", threads=1), spec)
    source = Source(name=stated.source, licence=stated.licence, used_for="the network itself, imported as it is")
    bundle = write_bundle(
        out,
        model=model,
        spec=spec,
        calibration=uncalibrated(),
        card=_card(stated, model),
        name=stated.name,
        version=stated.version,
        weights_licence=stated.licence,
        sources=[source],
        experimental=True,
        imported_from=stated.source,
    )
    return Imported(bundle, notes)


def _probe(backend: OnnxBackend, spec: ModelSpec) -> tuple[str, ...]:
    """Run the network on pictures of nothing: its answers must not depend on their neighbours, nor all be the same."""
    images = to_input(_pictures(spec.input_size_px), spec)
    together, _ = backend.logits_and_maps(images)
    alone = np.concatenate([backend.logits_and_maps(images[n : n + 1])[0] for n in range(len(images))])
    gap = float(np.abs(together - alone).max())
    if gap > NEIGHBOUR_TOLERANCE:
        raise ModelUnusable(
            f"model.onnx: a picture's logit changes by {gap:.3g} with its neighbours in a batch; export it in "
            "evaluation mode (batch normalisation must not look at the batch)"
        )
    if np.ptp(together) == 0:
        raise ModelUnusable(
            f"model.onnx: answers {together[0]:.4g} to {len(images)} different pictures; is it the right output?"
        )
    return _odd(together, spec)


def _odd(logits: Float32Array, spec: ModelSpec) -> tuple[str, ...]:
    form = spec.network.output.partition(":")[0]
    if form in CLASSES or form == "probability":
        return ()
    as_stated = logits if spec.network.output.endswith("high") else -logits
    if np.all((as_stated >= 0) & (as_stated <= 1)):
        return ("every answer to the test pictures lies in 0..1: are these probabilities, not logits?",)
    return ()


def _pictures(size_px: int) -> UInt8Array:
    """(_PROBES, S, S, 3): noise, gradients and even colours, the same every time."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 255, size_px)
    across = np.broadcast_to(ramp[None, :, None], (size_px, size_px, 3))
    pictures = [
        across,
        across.transpose(1, 0, 2),
        np.full((size_px, size_px, 3), 30),
        np.full((size_px, size_px, 3), 200),
    ]
    pictures += [rng.uniform(0, 255, (size_px, size_px, 3)) for _ in range(_PROBES - len(pictures))]
    return np.stack(pictures).astype(np.uint8)


def _card(stated: Statement, model: bytes) -> str:
    io = stated.io
    rows: Sequence[tuple[str, str]] = (
        ("face picture", f"{stated.input_size_px} px, margin {stated.margin:g} of the face box on each side"),
        ("mean, std", f"{list(stated.mean)}, {list(stated.std)}, of pixels in {stated.pixel_range}"),
        ("tensor", f"{io.layout}, {io.channel_order}"),
        ("output", f"{io.output_name or 'the only one'}, read as {io.output}"),
        ("SHA-256 of the ONNX file", sha256_of(model)),
    )
    return "\n".join(
        [
            f"# {stated.name} {stated.version}",
            "",
            "**Not ours, not measured by us.** Somebody else's network, wrapped by `dfdetect models import`.",
            "",
            f"- Source, as stated by whoever imported it: {stated.source}",
            f"- Licence, as stated by whoever imported it: {stated.licence}",
            "",
            "| stated | |",
            "|---|---|",
            *(f"| {name} | {value} |" for name, value in rows),
            "",
            "The face is cut as dfdetect cuts faces, which may differ from how its makers cut them. Not",
            "calibrated yet: every verdict is inconclusive until `dfdetect calibrate` has measured it.",
            "",
        ]
    )
