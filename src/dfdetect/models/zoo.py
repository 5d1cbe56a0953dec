"""Architectures by name -> network with one logit and, where the head allows, a class-activation map.

With `pretrained` (where first weights come from) the only door to PyTorch in `models`. Backbones are timm's; the heads
are ours: timm's own dropout is never relied on (its legacy Xception computes it and throws the result away).
"""

from __future__ import annotations

import difflib
import itertools
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from dfdetect.errors import UsageError, unknown_name

POOLS = ("mean", "max", "token")
TUNES = ("all", "norm", "head")
_TOKEN_MODULES = ("vision_transformer", "eva", "deit", "beit")  # timm modules whose networks take any picture size


@dataclass(frozen=True, slots=True)
class Architecture:
    """A backbone of the zoo. timm_name: with its weights' tag, if not timm's first. input_size_px: the published one.

    note: what one must know before choosing it; shown by `dfdetect train --list`.
    """

    timm_name: str
    input_size_px: int
    note: str = ""


def _efficientnets() -> dict[str, Architecture]:
    sizes = {"b0": 224, "b1": 240, "b2": 260, "b3": 300, "b4": 380, "b5": 456, "b6": 528, "b7": 600}
    lite = {"lite0": 224, "lite1": 240, "lite2": 260, "lite3": 300, "lite4": 380}
    return {
        f"tf_efficientnet_{name}": Architecture(f"tf_efficientnet_{name}", px) for name, px in (sizes | lite).items()
    }


ARCHITECTURES: dict[str, Architecture] = {
    **_efficientnets(),
    "tf_efficientnet_b4.ap_in1k": Architecture(
        "tf_efficientnet_b4.ap_in1k", 380, "AdvProp weights, as SBI starts from"
    ),
    "legacy_xception": Architecture("legacy_xception", 299, "the Xception of FaceForensics++ and DeepfakeBench"),
    "mobilenetv3_small_100": Architecture("mobilenetv3_small_100", 224),
    "mobilenetv3_large_100": Architecture("mobilenetv3_large_100", 224),
    "convnext_atto": Architecture("convnext_atto", 224),
    "convnext_tiny": Architecture("convnext_tiny", 224),
    "convnext_base": Architecture("convnext_base", 224),
    "vit_tiny_patch16_224": Architecture("vit_tiny_patch16_224", 224),
    "vit_base_patch16_clip": Architecture("vit_base_patch16_clip_quickgelu_224.openai", 224),
    "vit_large_patch14_clip": Architecture(
        "vit_large_patch14_clip_quickgelu_224.openai",
        224,
        "OpenAI's weights were trained with QuickGELU: timm's name without it computes something else",
    ),
    "vit_pe_core_base": Architecture("vit_pe_core_base_patch16_224", 224),
    "vit_pe_core_large": Architecture("vit_pe_core_large_patch14_336", 336),
    "vit_small_patch14_dinov2": Architecture("vit_small_patch14_dinov2", 518),
    "vit_large_patch14_dinov2": Architecture("vit_large_patch14_dinov2", 518),
    "vit_large_patch16_dinov3": Architecture("vit_large_patch16_dinov3", 256, "weights under Meta's DINOv3 licence"),
}


@dataclass(frozen=True, slots=True)
class Head:
    """How a backbone's features become one logit.

    pool: "mean" or "max" over the map (of a transformer: over its patch tokens), or "token", its class token.
    hidden: widths of fully connected layers with ReLU before the logit; batch_norm: after each of them.
    unit_length: pooled features are scaled to length 1 first. dropout: on the pooled features, or with hidden layers
    after the first of them. A map that adds up to the logit exists with "mean" and no hidden layers.
    """

    pool: str = "mean"
    hidden: tuple[int, ...] = ()
    batch_norm: bool = False
    unit_length: bool = False
    dropout: float = 0.2

    @property
    def has_cam(self) -> bool:
        return self.pool == "mean" and not self.hidden


@dataclass(frozen=True, slots=True)
class Seen:
    """What a network makes of (B, 3, S, S): logit (B,), cam (B, h, w) or None, maps (B, C, h, w), pooled (B, C)."""

    logit: Tensor
    cam: Tensor | None
    maps: Tensor
    pooled: Tensor


class TimmFeatures(nn.Module):
    """A timm network without its classifier: (B, 3, S, S) -> its last feature map (B, C, h, w)."""

    net: Any

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.net = net
        self.prefix_tokens: int | None = getattr(net, "num_prefix_tokens", None)  # None: not a transformer of tokens
        self.channels_last: bool = getattr(net, "output_fmt", "NCHW") == "NHWC"
        self.channels = int(getattr(net, "head_hidden_size", None) or net.num_features)

    def forward(self, images: Tensor) -> Tensor:
        return self.maps(self.net(images))

    def maps(self, raw: Tensor) -> Tensor:
        """The network's own output as (B, C, h, w)."""
        if self.prefix_tokens is not None:
            patches = raw[:, self.prefix_tokens :]
            side = math.isqrt(patches.shape[1])
            return patches.transpose(1, 2).reshape(raw.shape[0], self.channels, side, side)
        return raw.permute(0, 3, 1, 2) if self.channels_last else raw


class CamNet(nn.Module):
    """A timm backbone, global average pooling and one linear logit, written so that the map adds up to the score.

    forward: (B, 3, S, S) float32 -> (logit (B,), cam (B, h, w)), with logit == cam.mean((1, 2)) + bias exactly
    (class activation mapping, Zhou et al. 2016, arXiv:1512.04150). A positive logit means "manipulated".
    """

    has_cam = True

    def __init__(self, features: TimmFeatures, head: Head) -> None:
        super().__init__()
        self.features = features
        self.unit_length = head.unit_length
        self.dropout = nn.Dropout(head.dropout)
        self.head = _logit_layer(features.channels)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        seen = self.look(images)
        assert seen.cam is not None
        return seen.logit, seen.cam

    def look(self, images: Tensor) -> Seen:
        maps = self.features(images)  # (B, C, h, w)
        scored, pooled = maps, maps.mean((2, 3))
        if self.unit_length:
            length = pooled.norm(dim=1, keepdim=True).clamp_min(1e-6)
            scored, pooled = maps / length[..., None, None], pooled / length
        if self.training:  # dropout on the pooled features, as in the published networks, with the sum kept exact
            scored = scored + (self.dropout(pooled) - pooled)[..., None, None]
        cam = torch.einsum("bchw,c->bhw", scored, self.head.weight[0])
        return Seen(cam.mean((1, 2)) + self.head.bias[0], cam, maps, pooled)


class PooledNet(nn.Module):
    """A timm backbone with a head whose logit is no sum over the map: max or class-token pooling, or hidden layers."""

    has_cam = False

    def __init__(self, features: TimmFeatures, head: Head) -> None:
        super().__init__()
        if head.pool == "token" and not features.prefix_tokens:
            raise UsageError('pool "token" needs a transformer with a class token; use "mean" or "max"')
        self.features = features
        self.pool, self.unit_length = head.pool, head.unit_length
        widths = (features.channels, *head.hidden)
        layers: list[nn.Module] = []
        for number, (inside, outside) in enumerate(itertools.pairwise(widths)):
            layers += [nn.Linear(inside, outside)]
            layers += [nn.BatchNorm1d(outside)] if head.batch_norm else []
            layers += [nn.ReLU()] + ([nn.Dropout(head.dropout)] if number == 0 else [])
        self.hidden = nn.Sequential(*(layers or [nn.Dropout(head.dropout)]))
        self.head = _logit_layer(widths[-1])

    def forward(self, images: Tensor) -> tuple[Tensor, None]:
        return self.look(images).logit, None

    def look(self, images: Tensor) -> Seen:
        raw = self.features.net(images)
        maps = self.features.maps(raw)
        pooled = raw[:, 0] if self.pool == "token" else maps.amax((2, 3)) if self.pool == "max" else maps.mean((2, 3))
        if self.unit_length:
            pooled = pooled / pooled.norm(dim=1, keepdim=True).clamp_min(1e-6)
        return Seen(self.head(self.hidden(pooled))[:, 0], None, maps, pooled)


def _logit_layer(channels: int) -> nn.Linear:
    layer = nn.Linear(channels, 1)
    nn.init.normal_(layer.weight, std=0.01)
    nn.init.zeros_(layer.bias)
    return layer


def timm_name(architecture: str) -> str:
    """The name in timm: of a row of ARCHITECTURES, or as it is (with or without `timm:`). UsageError lists the rows."""
    import timm

    if architecture in ARCHITECTURES:
        return ARCHITECTURES[architecture].timm_name
    name = architecture.removeprefix("timm:")
    if timm.is_model(name.split(".")[0]):
        return name
    near = difflib.get_close_matches(name, timm.list_models(), n=3)
    error = unknown_name("architecture", architecture, ARCHITECTURES)
    hint = f"; or any name that timm knows{', for example ' + ', '.join(near) if near else ''}"
    raise UsageError(error.message + hint)


def build(architecture: str, *, head: Head | None = None, input_size_px: int | None = None) -> CamNet | PooledNet:
    """A network with random weights.

    input_size_px: what it will be fed most (default: the published size). Transformers lay out their positions for it,
    and take other sizes that their patch divides. Unknown names list the options.
    """
    return assemble(create_backbone(architecture, input_size_px=input_size_px), head)


def assemble(backbone: Any, head: Head | None = None) -> CamNet | PooledNet:
    """Our head on a timm network that `create_backbone` made."""
    head = head or Head()
    if head.pool not in POOLS:
        raise unknown_name("pool", head.pool, POOLS)
    features = TimmFeatures(backbone)
    return CamNet(features, head) if head.has_cam else PooledNet(features, head)


def create_backbone(
    architecture: str, *, input_size_px: int | None = None, state: dict[str, Tensor] | None = None
) -> Any:
    """A timm network without classifier and pooling; state: weights in timm's format, loaded by timm's own filters."""
    import timm

    name = timm_name(architecture)
    options: dict[str, Any] = {"num_classes": 0, "global_pool": ""}
    module = timm.model_entrypoint(name.split(".")[0]).__module__.rsplit(".", 1)[-1]
    size_px = input_size_px or native_size_px(architecture)
    if module in _TOKEN_MODULES:
        patch = _patch_px(name)
        if size_px % patch:
            near = [size_px // patch * patch, (size_px // patch + 1) * patch]
            raise UsageError(f"{architecture} takes sizes that {patch} divides; {size_px} is not one: {near} are")
        options |= {"img_size": size_px, "dynamic_img_size": True}
    elif _config(architecture).fixed_input_size:
        options["img_size"] = size_px
    if state is not None:
        options |= {"pretrained_cfg_overlay": {"state_dict": state, "hf_hub_id": None, "custom_load": False}}
    return timm.create_model(name, pretrained=state is not None, **options)


def _patch_px(name: str) -> int:
    import timm

    with torch.device("meta"):
        net: Any = timm.create_model(name, pretrained=False, num_classes=0)
    return int(net.patch_embed.patch_size[0])


def _config(architecture: str) -> Any:
    import timm

    return timm.get_pretrained_cfg(timm_name(architecture))


def native_size_px(architecture: str) -> int:
    """Side of the pictures that an architecture was published with."""
    row = ARCHITECTURES.get(architecture)
    return row.input_size_px if row else int(_config(architecture).input_size[1])


def normalisation(architecture: str) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """(mean, std) per RGB channel of pixels in 0..1 that the backbone's published weights were trained with."""
    config = _config(architecture)
    return tuple(float(v) for v in config.mean), tuple(float(v) for v in config.std)  # type: ignore[return-value]


def freeze(net: CamNet | PooledNet, tune: str) -> int:
    """Leave only what `tune` names to be trained; returns the number of trained parameters.

    "all"; "norm" = scales and shifts of the normalisation layers and the head (GenD, arXiv:2508.06248); "head".
    """
    if tune not in TUNES:
        raise unknown_name("tune", tune, TUNES)
    if tune != "all":
        net.features.requires_grad_(False)
    if tune == "norm":
        kinds = (nn.LayerNorm, nn.GroupNorm, nn.BatchNorm2d, nn.RMSNorm)
        for module in net.features.modules():
            if isinstance(module, kinds):
                module.requires_grad_(True)
    return sum(p.numel() for p in net.parameters() if p.requires_grad)
