"""What runs a network: the contract, and the backends by name.

Cropping, normalising, mirroring, the sigmoid and pooling all lie outside, once, so backends cannot disagree in them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from dfdetect.errors import unknown_name
from dfdetect.models.bundle import Network
from dfdetect.values import Float32Array

DEFAULT_BACKEND = "onnx"
DEVICES = ("auto", "cpu", "cuda")


class Backend(Protocol):
    """Runs one network of a bundle."""

    def logits_and_maps(self, images: Float32Array) -> tuple[Float32Array, Float32Array | None]:
        """Raw outputs for prepared pictures, in their order; a picture's result does not depend on its neighbours.

        Args:
            images: (B, 3, S, S) float32 from `models.preprocess.to_input`, or as the network's spec arranges them; B
                may be 0.

        Returns:
            logits (B,) float32; and maps (B, h, w) float32 of the kind that the backend was made for, or None: of "cam"
            mean(map) + bias == logit, of "mask" each value is in 0..1.
        """
        ...


def _onnx(network: Network, maps: str | None, device: str, threads: int | None) -> Backend:
    from dfdetect.detect.onnx_backend import OnnxBackend

    return OnnxBackend(network.model, network.spec, maps=maps, device=device, threads=threads)


BACKENDS: dict[str, Callable[[Network, str | None, str, int | None], Backend]] = {"onnx": _onnx}


def make_backend(
    network: Network,
    name: str = DEFAULT_BACKEND,
    *,
    maps: str | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> Backend:
    """A backend by name (a key of `BACKENDS`). maps: which kind is wanted, of `network.maps`; None: logits alone.

    device: one of DEVICES. threads: None leaves the library's choice.

    Raises:
        UsageError: no backend or device of that name, or a device that this machine does not have.
        ModelUnusable: the network does not load, or its inputs and outputs are not what a bundle promises.
    """
    if name not in BACKENDS:
        raise unknown_name("backend", name, BACKENDS)
    if device not in DEVICES:
        raise unknown_name("device", device, DEVICES)
    return BACKENDS[name](network, maps, device, threads)
