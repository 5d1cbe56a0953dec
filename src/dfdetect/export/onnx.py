"""A run's averaged weights -> one ONNX file with the outputs `logit` and `cam`."""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path

import torch
from safetensors.torch import load_file

from dfdetect.errors import UsageError
from dfdetect.models import zoo
from dfdetect.models.spec import ModelSpec

OPSET = 18


def load_run(run: Path) -> tuple[zoo.CamNet, ModelSpec]:
    """The network of a run folder with its averaged weights, in evaluation mode, and what it is fed."""
    facts_path, weights = run / "recipe.json", run / "weights.safetensors"
    for path in (facts_path, weights):
        if not path.is_file():
            raise UsageError(f"{run} is no run folder: {path.name} is missing; make one with `dfdetect train`")
    part = json.loads(facts_path.read_text())["recipe"]["model"]
    spec = ModelSpec(
        architecture=part["architecture"],
        input_size_px=part["input_size_px"],
        mean=tuple(part["mean"]),
        std=tuple(part["std"]),
        margin=part["margin"],
    )
    return load_network(spec, weights), spec


def load_network(spec: ModelSpec, weights: Path) -> zoo.CamNet:
    """The network of a spec with weights from a safetensors file (fp16 or fp32), in evaluation mode."""
    net = zoo.build(spec.architecture)
    net.load_state_dict(
        {key: value.float() if value.is_floating_point() else value for key, value in load_file(weights).items()}
    )
    return net.eval()


def to_onnx(net: zoo.CamNet, spec: ModelSpec) -> bytes:
    """ONNX bytes: input `images` (B, 3, S, S) float32, outputs `logit` (B,) and `cam` (B, h, w); B is free."""
    example = torch.zeros(2, 3, spec.input_size_px, spec.input_size_px)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            net,
            (example,),
            input_names=["images"],
            output_names=["logit", "cam"],
            dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1, max=4096)}},
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    assert program is not None
    return bytes(program.model_proto.SerializeToString())
