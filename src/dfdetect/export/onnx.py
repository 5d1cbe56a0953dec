"""A run's averaged weights -> one ONNX file with the outputs `logit` and `cam`."""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path

import torch

from dfdetect.errors import UsageError
from dfdetect.models import zoo
from dfdetect.models.spec import ModelSpec
from dfdetect.train.network import empty_network, load_weights, spec_of
from dfdetect.train.recipe import recipe_from_facts

OPSET = 18


def load_run(run: Path) -> tuple[zoo.CamNet | zoo.PooledNet, ModelSpec]:
    """The network of a run folder with its averaged weights, in evaluation mode, and what it is fed."""
    facts_path, weights = run / "recipe.json", run / "weights.safetensors"
    for path in (facts_path, weights):
        if not path.is_file():
            raise UsageError(f"{run} is no run folder: {path.name} is missing; make one with `dfdetect train`")
    recipe = recipe_from_facts(json.loads(facts_path.read_text())["recipe"])
    net = empty_network(recipe)
    load_weights(net, weights)
    return net.eval(), spec_of(recipe)


def to_onnx(net: zoo.CamNet | zoo.PooledNet, spec: ModelSpec) -> bytes:
    """ONNX bytes: input `images` (B, 3, S, S) float32, outputs `logit` (B,) and, if any, `cam` (B, h, w); B is free."""
    example = torch.zeros(2, 3, spec.input_size_px, spec.input_size_px)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            net,
            (example,),
            input_names=["images"],
            output_names=["logit", "cam"] if net.has_cam else ["logit"],
            dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1, max=4096)}},
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    assert program is not None
    return bytes(program.model_proto.SerializeToString())
