"""A run folder -> a bundle: exported, checked against PyTorch, honest about not being calibrated yet."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from dfdetect.calibration import uncalibrated
from dfdetect.data.shards import FaceRecord
from dfdetect.errors import DataError
from dfdetect.export.onnx import load_run, to_onnx
from dfdetect.export.parity import Parity, compare
from dfdetect.models.bundle import write_bundle
from dfdetect.models.manifest import Source
from dfdetect.models.spec import ModelSpec
from dfdetect.train.network import RANDOM
from dfdetect.train.recipe import Recipe, recipe_from_facts
from dfdetect.train.rows import training_rows, training_source
from dfdetect.values import UInt8Array

PARITY_TOLERANCE = 1e-3  # of a logit


def export_run(
    run: Path,
    shards: Path,
    out: Path,
    *,
    name: str,
    version: str,
    licence: str,
    crops: int = 200,
    input_size_px: int | None = None,
) -> Parity:
    """Write the bundle of a run, scanning at input_size_px where given (else as trained).

    DataError when the exported network differs from PyTorch's by more than PARITY_TOLERANCE: nothing is written then.
    """
    net, spec = load_run(run)
    if input_size_px is not None:
        spec = replace(spec, input_size_px=input_size_px)
    recipe = recipe_from_facts(json.loads((run / "recipe.json").read_text())["recipe"])
    records = training_rows(recipe, shards)
    model = to_onnx(net, spec)
    parity = compare(net, model, spec, _crops(recipe, shards, spec, crops))
    if not parity.within(PARITY_TOLERANCE):
        raise DataError(
            f"the exported network differs from PyTorch by {parity.max_logit_difference:.2e} of a logit on {parity.n} "
            f"crops; at most {PARITY_TOLERANCE} is allowed, so no bundle was written"
        )
    write_bundle(
        out,
        model=model,
        spec=spec,
        calibration=uncalibrated(),
        card=f"# {name} {version}\n\nNot calibrated yet, and nothing was measured: run `dfdetect calibrate`.\n",
        name=name,
        version=version,
        weights_licence=licence,
        sources=[*_start(run), *sources_of(records)],
        experimental=True,
    )
    return parity


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


def _crops(recipe: Recipe, shards: Path, spec: ModelSpec, n: int) -> UInt8Array:
    """The first crops that the recipe trains on: for the sums, what they show is all one."""
    source = training_source(recipe, shards)
    items = [source.make(number, size_px=spec.input_size_px) for number in range(-(-n // source.images_per_item))]
    return np.concatenate([item.crops for item in items])[:n]
