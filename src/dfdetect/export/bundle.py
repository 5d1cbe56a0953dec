"""A run folder -> a bundle: exported, checked against PyTorch, honest about not being calibrated yet."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from dfdetect.calibration import uncalibrated
from dfdetect.data.pairs import PairMaker
from dfdetect.data.shards import FaceRecord
from dfdetect.errors import DataError
from dfdetect.export.onnx import load_run, to_onnx
from dfdetect.export.parity import Parity, compare
from dfdetect.models.bundle import write_bundle
from dfdetect.models.manifest import Source
from dfdetect.models.spec import ModelSpec
from dfdetect.train.network import RANDOM
from dfdetect.train.recipe import recipe_from_facts
from dfdetect.train.rows import training_rows
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
    parity = compare(net, model, spec, _crops(records, spec, crops))
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
    found = Counter((record.source, record.licence) for record in records)
    return [
        Source(name=source or "unnamed", licence=licence or "not stated", used_for=f"training, {n} real photos")
        for (source, licence), n in sorted(found.items())
    ]


def _start(run: Path) -> list[Source]:
    facts = json.loads((run / "recipe.json").read_text())
    if facts["start_from"] == RANDOM:
        return []
    return [Source(name=facts["start_from"], licence=facts["start_licence"], used_for="initial weights")]


def _crops(records: list[FaceRecord], spec: ModelSpec, n: int) -> UInt8Array:
    maker = PairMaker(records, seed=1)
    pairs = [maker.make(number, size_px=spec.input_size_px) for number in range(-(-n // 2))]
    return np.stack([crop for pair in pairs for crop in (pair.real, pair.fake)])[:n]
