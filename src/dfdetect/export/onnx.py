"""A run's averaged weights -> one ONNX file with the outputs `logit`, `cam` and `mask`."""

from __future__ import annotations

import json
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from dfdetect.errors import UsageError
from dfdetect.models import zoo
from dfdetect.models.onnx_notes import without_notes
from dfdetect.models.spec import ModelSpec
from dfdetect.train.network import empty_network, load_mask_head, load_weights, spec_of
from dfdetect.train.recipe import recipe_from_facts

OPSET = 18


@dataclass(frozen=True, slots=True)
class Trained:
    """What a run made: the network with its averaged weights, in evaluation mode, what it is fed, and its mask head."""

    net: zoo.CamNet | zoo.PooledNet
    spec: ModelSpec
    mask_head: nn.Conv2d | None = None


class _Network(nn.Module):
    """The outputs of an exported network: (logit, cam, mask), without those that it does not have."""

    def __init__(self, trained: Trained) -> None:
        super().__init__()
        self.net, self.mask_head = trained.net, trained.mask_head

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        seen = self.net.look(images)
        found = [seen.logit] if seen.cam is None else [seen.logit, seen.cam]
        if self.mask_head is not None:
            found.append(torch.sigmoid(self.mask_head(seen.maps))[:, 0])
        return tuple(found)


def load_run(run: Path) -> Trained:
    """What a run folder holds. UsageError: it is none. ModelUnusable: its weights do not fit its recipe."""
    facts_path, weights = run / "recipe.json", run / "weights.safetensors"
    for path in (facts_path, weights):
        if not path.is_file():
            raise UsageError(f"{run} is no run folder: {path.name} is missing; make one with `dfdetect train`")
    recipe = recipe_from_facts(json.loads(facts_path.read_text())["recipe"])
    net = empty_network(recipe)
    load_weights(net, weights)
    return Trained(net.eval(), spec_of(recipe), load_mask_head(net.features.channels, weights))


def to_onnx(trained: Trained) -> bytes:
    """ONNX bytes: input `images` (B, 3, S, S) float32, B free; outputs `logit` (B,) and, where there are, two maps.

    `cam` (B, h, w): signed shares of the logit; `mask` (B, h, w): shares of the cells that are taken for pasted, 0..1.
    """
    size_px = trained.spec.input_size_px
    example = torch.zeros(2, 3, size_px, size_px)
    has = {"logit": True, "cam": trained.net.has_cam, "mask": trained.mask_head is not None}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            _Network(trained).eval(),
            (example,),
            input_names=["images"],
            output_names=[name for name, there in has.items() if there],
            dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1, max=4096)}},
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    assert program is not None
    return bytes(without_notes(program.model_proto).SerializeToString())
