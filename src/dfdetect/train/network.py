"""The network that a recipe names: what it is fed, and the weights that it begins with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from dfdetect.errors import ModelUnusable
from dfdetect.models import zoo
from dfdetect.models.pretrained import pretrained_backbone, read_state
from dfdetect.models.spec import ModelSpec
from dfdetect.train.recipe import Recipe

RANDOM = "random"
MASK_HEAD = "mask_head."  # before the names of the mask head's weights, in a file that holds the network's too


def resolve(recipe: Recipe) -> Recipe:
    """The recipe with nothing left open in its model: size and normalisation as the backbone was published with."""
    part = recipe.model
    mean, std = part.mean, part.std
    if not mean or not std:
        published = zoo.normalisation(part.architecture)
        mean, std = mean or published[0], std or published[1]
    size_px = part.input_size_px or zoo.native_size_px(part.architecture)
    return replace(recipe, model=replace(part, mean=mean, std=std, input_size_px=size_px))


def spec_of(recipe: Recipe) -> ModelSpec:
    """What a model of this (resolved) recipe is fed when it scans."""
    part = recipe.model
    return ModelSpec(part.architecture, part.input_size_px, _triple(part.mean), _triple(part.std), part.margin)


def _triple(values: tuple[float, ...]) -> tuple[float, float, float]:
    red, green, blue = values
    return red, green, blue


def head_of(recipe: Recipe) -> zoo.Head:
    part = recipe.model
    return zoo.Head(part.pool, part.hidden, part.batch_norm, part.unit_length, part.dropout)


def empty_network(recipe: Recipe) -> zoo.CamNet | zoo.PooledNet:
    """The recipe's network with random weights."""
    part = recipe.model
    return zoo.build(part.architecture, head=head_of(recipe), input_size_px=part.input_size_px)


def first_network(recipe: Recipe, start_from: Path | None) -> tuple[zoo.CamNet | zoo.PooledNet, dict[str, str]]:
    """The network that training begins with, and {"name", "licence"} of its weights.

    start_from: safetensors weights of an earlier run, for the whole network, instead of the backbone's published ones.
    """
    part = recipe.model
    torch.manual_seed(recipe.loop.seed)
    if start_from is not None:
        net = empty_network(recipe)
        load_weights(net, start_from)
        begun = {"name": start_from.name, "licence": "see its card"}
    elif part.pretrained:
        weights = Path(part.weights) if part.weights else None
        backbone, start = pretrained_backbone(part.architecture, weights=weights, input_size_px=part.input_size_px)
        net = zoo.assemble(backbone, head_of(recipe))
        begun = {"name": start.name, "licence": start.licence}
    else:
        net = empty_network(recipe)
        begun = {"name": RANDOM, "licence": ""}
    zoo.freeze(net, part.tune)
    return net.to(memory_format=torch.channels_last), begun


def load_weights(net: zoo.CamNet | zoo.PooledNet, weights: Path) -> None:
    """Fill a network from a run's weights.safetensors (fp16 or fp32). ModelUnusable where they do not fit."""
    state = {key: value for key, value in _state(weights).items() if not key.startswith(MASK_HEAD)}
    try:
        net.load_state_dict(state)
    except RuntimeError as error:
        raise ModelUnusable(f"{weights} does not fit the network: {str(error)[:300]}") from error


def load_mask_head(channels: int, weights: Path) -> nn.Conv2d | None:
    """The mask head that these weights hold: maps (B, channels, h, w) -> logits (B, 1, h, w). None: they hold none.

    ModelUnusable where it does not fit.
    """
    state = {key.removeprefix(MASK_HEAD): value for key, value in _state(weights).items() if key.startswith(MASK_HEAD)}
    if not state:
        return None
    head = nn.Conv2d(channels, 1, 1)
    try:
        head.load_state_dict(state)
    except RuntimeError as error:
        raise ModelUnusable(f"{weights}: its mask head does not fit the network: {str(error)[:300]}") from error
    return head


def _state(weights: Path) -> dict[str, Tensor]:
    """As float32, whatever the file holds."""
    return {key: value.float() if value.is_floating_point() else value for key, value in read_state(weights).items()}
