"""A float32 ONNX network -> one with its last layers in 16 or 8 bits: as many of them as leave the scores alone.

Rounding in the first layers of a face network is amplified by all that follow; the last ones hold most of the weights.
So layers are taken from the end, as many as keep P(manipulated) within the bound on crops that are not those of the
parity check, found by bisection.

    fp16    weights in half precision, arithmetic in float32: half the file, and the speed of float32. ONNX Runtime has
            no half-precision convolution on x86; a graph that computes in it is slower there and strays further
    int8    static QDQ (Jacob et al. 2018, arXiv:1712.05877): weights per channel, activations by their range on real
            crops; convolutions, matrix products and what lies between them. The head stays in float32, as do squeeze
            and excitation and other gates
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfdetect.errors import DataError
from dfdetect.export.parity import BOUNDS, Parity, Reading, compare
from dfdetect.models.preprocess import to_input
from dfdetect.models.spec import ModelSpec
from dfdetect.values import UInt8Array

LEAST_SHARE = 0.5  # of the weights; with fewer in the smaller type a file is hardly smaller, and its name misleads
CHOICE_MARGIN = 0.75  # of the bound: what holds just so on some crops does not on others
RANGE_CROPS = 64  # that activations' ranges are taken from
_LAYERS = ("Conv", "MatMul", "Gemm")
_BETWEEN = frozenset({"Clip", "Relu", "Add", "MaxPool"})  # run on 8 bits without leaving them
_LEAST_WEIGHTS = 1024  # smaller layers are left alone: they save nothing

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Reduced:
    """A smaller network. layers: how many of how many are in its type, and their share of the weights."""

    model: bytes
    layers: str


@dataclass(frozen=True, slots=True)
class _Layer:
    name: str
    weight: str
    size: int


def reduce_precision(
    model: bytes,
    precision: str,
    spec: ModelSpec,
    expected: NDArray[np.float64],
    crops: UInt8Array,
    *,
    reading: Reading,
    say: Say,
) -> Reduced:
    """The smallest network in `precision` ("fp16" or "int8") whose scores stay within its bound on these crops.

    expected: (N,) logits of the trained network on crops (N, S, S, 3). say: told of every attempt.

    Raises:
        DataError: not even LEAST_SHARE of the weights can be made smaller; the message has the attempts.
    """
    import onnx

    graph = onnx.load_from_string(model).graph
    layers = list(_layers(graph))
    total = sum(layer.size for layer in layers)
    limit = CHOICE_MARGIN * BOUNDS[precision].probability
    make = {"fp16": _half_weights, "int8": _quantised}[precision]
    tried: list[str] = []
    best: Reduced | None = None
    share = 0.0
    fits, too_many = 0, len(layers) + 1
    count = len(layers)
    while count > fits:
        chosen = layers[len(layers) - count :]
        part = sum(layer.size for layer in chosen) / total
        text = f"{count} of {len(layers)}, {part:.0%} of the weights"
        attempt = make(model, {layer.name: layer.weight for layer in chosen}, spec, crops[:RANGE_CROPS])
        parity = compare(expected, attempt, spec, crops, reading=reading)
        tried.append(f"{text}: {parity.probability:.3f}")
        say(f"{precision}, last {text}: P differs by at most {parity.probability:.4f} on {parity.n} crops")
        if parity.probability <= limit:
            fits, best, share = count, Reduced(attempt, text), part
        else:
            too_many = count
        count = (fits + too_many) // 2
    if best is None or share < LEAST_SHARE:
        raise DataError(
            f"{precision}: no bundle was written. With at least {LEAST_SHARE:.0%} of the weights in it, P(manipulated) "
            f"({reading.text}) differs by more than {limit:g} on {len(crops)} crops. Layers tried, and the worst "
            f"crop's difference: {'; '.join(tried)}. {_advice(precision, reading)}"
        )
    return best


def _advice(precision: str, reading: Reading) -> str:
    instead = "fp32 or fp16" if precision == "int8" else "fp32"
    if reading != Reading():
        return f"Use {instead}"
    return (
        f"Use {instead}; or calibrate the fp32 bundle and name it (--calibrated), if its probability rises less steeply"
    )


def refused(precision: str, parity: Parity, reading: Reading) -> DataError:
    """The error for a file that strays too far on the crops of the parity check."""
    bound = BOUNDS[precision]
    logit = f" and {bound.logit:g} of a logit" if np.isfinite(bound.logit) else ""
    return DataError(
        f"{precision}: no bundle was written: {parity}. At most {bound.probability:g} of the probability "
        f"({reading.text}){logit} is allowed, and no verdict may change"
    )


def _layers(graph: Any) -> Iterator[_Layer]:
    """Layers with weights of their own, in the order of the graph, without those that give the logit."""
    sizes = {one.name: int(np.prod(one.dims)) for one in graph.initializer}
    outputs = {one.name for one in graph.output}
    for node in graph.node:
        weight = next((name for name in node.input[1:2] if name in sizes), None)
        if node.op_type in _LAYERS and weight and sizes[weight] >= _LEAST_WEIGHTS and not outputs & set(node.output):
            yield _Layer(node.name, weight, sizes[weight])


def _half_weights(model: bytes, chosen: dict[str, str], spec: ModelSpec, crops: UInt8Array) -> bytes:
    """Weights of the chosen layers as float16 with a cast behind each, which ONNX Runtime folds when it loads."""
    import onnx

    proto = onnx.load_from_string(model)
    casts = []
    for one in proto.graph.initializer:
        if one.name in chosen.values():
            values, name = onnx.numpy_helper.to_array(one), one.name
            one.CopyFrom(onnx.numpy_helper.from_array(_to_half(values), f"{name}_half"))
            casts.append(onnx.helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *proto.graph.node]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    return bytes(proto.SerializeToString())


def _to_half(values: NDArray[np.float32]) -> NDArray[np.float16]:
    most = float(np.finfo(np.float16).max)
    return np.clip(values, -most, most).astype(np.float16)


class _Crops:
    """The crops as `onnxruntime.quantization` asks for them: a batch a call, then None."""

    def __init__(self, spec: ModelSpec, crops: UInt8Array, name: str) -> None:
        self._batches = ({name: to_input(crops[at : at + 8], spec)} for at in range(0, len(crops), 8))

    def get_next(self) -> dict[str, Any] | None:
        return next(self._batches, None)


def _quantised(model: bytes, chosen: dict[str, str], spec: ModelSpec, crops: UInt8Array) -> bytes:
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    proto = onnx.load_from_string(model)
    with tempfile.TemporaryDirectory() as folder, _quiet():
        out = Path(folder) / "int8.onnx"
        quantize_static(
            proto,
            out,
            _Crops(spec, crops, proto.graph.input[0].name),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_quantize=_with_between(proto.graph, set(chosen)),
            calibrate_method=CalibrationMethod.MinMax,
        )
        return out.read_bytes()


@contextmanager
def _quiet() -> Iterator[None]:
    """The library advises its makers through the root logger."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(before)


def _with_between(graph: Any, layers: set[str]) -> list[str]:
    """The layers, and the operators that take nothing but what these give, so that their results stay in 8 bits."""
    constants = {one.name for one in graph.initializer}
    given: set[str] = set()
    names = []
    for node in graph.node:
        inputs = [name for name in node.input if name and name not in constants]
        between = node.op_type in _BETWEEN and bool(inputs) and all(name in given for name in inputs)
        if node.name in layers or between:
            given |= set(node.output)
            names.append(node.name)
    return names
