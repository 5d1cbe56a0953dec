"""A run folder -> a bundle: exported, checked against PyTorch, honest about not being calibrated yet."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from dfdetect.calibration import uncalibrated
from dfdetect.data.shards import FaceRecord
from dfdetect.errors import UsageError, unknown_name
from dfdetect.export.crops import crops_of
from dfdetect.export.onnx import load_run, to_onnx
from dfdetect.export.parity import BOUNDS, Parity, Reading, compare, torch_logits
from dfdetect.export.precision import Say, reduce_precision, refused
from dfdetect.models.bundle import Bundle, write_bundle
from dfdetect.models.manifest import ExportFacts, Source
from dfdetect.models.onnx_scan import onnx_facts
from dfdetect.models.trained_on import trained_on
from dfdetect.train.network import RANDOM
from dfdetect.train.recipe import recipe_from_facts
from dfdetect.train.rows import training_rows, training_source

PARITY_CROPS = 500
CHOICE_CROPS = 256  # that reduced layers are chosen on: other faces than those of the parity check
PRECISIONS = tuple(BOUNDS)


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and how far it is from the trained network."""

    bundle: Bundle
    parity: Parity


def export_run(
    run: Path,
    shards: Path,
    out: Path,
    *,
    name: str,
    version: str,
    licence: str,
    precision: str = "fp32",
    crops: int = PARITY_CROPS,
    input_size_px: int | None = None,
    calibrated: Bundle | None = None,
    say: Say = lambda text: None,
) -> Exported:
    """Write the bundle of a run, scanning at input_size_px where given (else as trained).

    precision: one of PRECISIONS. calibrated: a calibrated bundle of the same run; differences are then of its
    probability and its verdicts, else of the sigmoid of the logit. say: told of what takes long.

    Raises:
        DataError: the exported network differs from PyTorch's by more than the precision's bound on `crops` crops;
            the message has the worst one. Nothing is written then.
    """
    if precision not in PRECISIONS:
        raise unknown_name("precision", precision, PRECISIONS)
    reading = Reading() if calibrated is None else _reading(calibrated)
    trained = load_run(run)
    if input_size_px is not None:
        trained = replace(trained, spec=replace(trained.spec, input_size_px=input_size_px))
    net, spec = trained.net, trained.spec
    recipe = recipe_from_facts(json.loads((run / "recipe.json").read_text())["recipe"])
    source = training_source(recipe, shards)
    shown = crops_of(source, spec, crops)
    expected, bias = torch_logits(net, spec, shown), float(net.head.bias.detach()[0])
    model, layers = to_onnx(trained), "all"
    parity = compare(expected, model, spec, shown, bias=bias, reading=Reading())
    if not parity.within(BOUNDS["fp32"]):
        raise refused("fp32", parity, Reading())
    if precision != "fp32":
        chosen_on = crops_of(source, spec, CHOICE_CROPS, after=crops)
        logits = torch_logits(net, spec, chosen_on)
        reduced = reduce_precision(model, precision, spec, logits, chosen_on, reading=reading, say=say)
        model, layers = reduced.model, reduced.layers
        parity = compare(expected, model, spec, shown, bias=bias, reading=reading)
        if not parity.within(BOUNDS[precision]):
            raise refused(precision, parity, reading)
    facts = ExportFacts(
        precision=precision,  # type: ignore[arg-type]
        opset=onnx_facts(model).opset,
        parity_crops=parity.n,
        parity_probability=parity.probability,
        parity_logit=parity.logit,
        probability=reading.text if precision != "fp32" else Reading().text,
        layers=layers,
    )
    learnt_from = training_rows(recipe, shards)
    bundle = write_bundle(
        out,
        model=model,
        spec=spec,
        calibration=uncalibrated(),
        card=f"# {name} {version}\n\nNot calibrated yet, and nothing was measured: run `dfdetect calibrate`.\n",
        name=name,
        version=version,
        weights_licence=licence,
        sources=[*_start(run), *sources_of(learnt_from)],
        experimental=True,
        export=facts,
        trained_on=trained_on(learnt_from),
    )
    return Exported(bundle, parity)


def _reading(calibrated: Bundle) -> Reading:
    if not calibrated.calibration.is_measured:
        raise UsageError(f"{calibrated.folder} is not calibrated; run `dfdetect calibrate {calibrated.folder}` first")
    return Reading.of(calibrated.calibration, f"{calibrated.manifest.name} {calibrated.manifest.version}")


def sources_of(records: list[FaceRecord]) -> list[Source]:
    """One line for every source and licence that the weights learnt from, with the number of pictures."""
    reals = Counter((record.source, record.licence) for record in records if record.label == 0)
    fakes = Counter((record.source, record.licence) for record in records if record.label == 1)
    return [
        Source(
            name=source or "unnamed",
            licence=licence or "not stated",
            used_for=f"training, {reals[source, licence]} real photos"
            + (f" and {fakes[source, licence]} fakes" if fakes[source, licence] else ""),
        )
        for source, licence in sorted({*reals, *fakes})
    ]


def _start(run: Path) -> list[Source]:
    facts = json.loads((run / "recipe.json").read_text())
    if facts["start_from"] == RANDOM:
        return []
    return [Source(name=facts["start_from"], licence=facts["start_licence"], used_for="initial weights")]
