"""Smaller types: as many layers as leave the scores alone, from the last; none where they do not."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from dfdetect.detect.onnx_backend import OnnxBackend  # noqa: E402
from dfdetect.errors import DataError  # noqa: E402
from dfdetect.export import precision as module  # noqa: E402
from dfdetect.export.parity import BOUNDS, Parity, Reading  # noqa: E402
from dfdetect.export.precision import CHOICE_MARGIN, reduce_precision  # noqa: E402
from dfdetect.models.preprocess import to_input  # noqa: E402
from dfdetect.models.spec import ModelSpec  # noqa: E402

SPEC = ModelSpec("convolutions", 24)
CROPS = np.random.default_rng(1).integers(0, 256, (24, 24, 24, 3), dtype=np.uint8)
CHANNELS, LAYERS = 16, 5


def convolutions(gain: float, bias: float = 0.0) -> bytes:
    """Five convolutions with ReLU between, then pooling and a linear head; gain: steepness of its logit."""
    helper, real = onnx.helper, onnx.TensorProto.FLOAT
    rng = np.random.default_rng(0)
    nodes, weights, last = [], [], "images"
    for n in range(LAYERS):
        shape = (CHANNELS, CHANNELS if n else 3, 3, 3)
        values = rng.normal(size=shape) * np.sqrt(2 / np.prod(shape[1:]))
        weights.append(onnx.numpy_helper.from_array(values.astype(np.float32), f"w{n}"))
        nodes.append(helper.make_node("Conv", [last, f"w{n}"], [f"c{n}"], name=f"conv{n}", pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [f"c{n}"], [f"r{n}"], name=f"relu{n}"))
        last = f"r{n}"
    head = (gain * rng.normal(size=(CHANNELS, 1))).astype(np.float32)
    weights.append(onnx.numpy_helper.from_array(head, "head"))
    nodes.append(helper.make_node("GlobalAveragePool", [last], ["pooled"], name="pool"))
    nodes.append(helper.make_node("Flatten", ["pooled"], ["flat"], name="flatten"))
    weights.append(onnx.numpy_helper.from_array(np.float32([bias]), "bias"))
    nodes.append(helper.make_node("Gemm", ["flat", "head", "bias"], ["logit"], name="head"))
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("images", real, ["b", 3, 24, 24])],
        [helper.make_tensor_value_info("logit", real, ["b", 1])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


def logits_of(model: bytes) -> np.ndarray:
    return OnnxBackend(model, SPEC).logits_and_maps(to_input(CROPS, SPEC))[0].astype(np.float64)


def reduced(gain: float, precision: str, said: list[str] | None = None) -> tuple[bytes, module.Reduced]:
    """gain: how steep; the scores lie around 0.5, where they show it."""
    model = convolutions(gain, -float(np.median(logits_of(convolutions(gain)))))
    logits = logits_of(model)
    say = (said if said is not None else []).append
    return model, reduce_precision(model, precision, SPEC, logits, CROPS, reading=Reading(), say=say)


@pytest.mark.parametrize(("precision", "share"), [("fp16", 0.6), ("int8", 0.75)])
def test_a_network_that_bears_it_is_made_smaller_whole(precision: str, share: float) -> None:
    said: list[str] = []
    model, found = reduced(0.5, precision, said)
    assert found.layers == "4 of 4, 100% of the weights"  # the first has too few weights to matter
    assert len(said) == 1
    assert len(found.model) < share * len(model)
    assert 0 < np.abs(logits_of(model) - logits_of(found.model)).max() < 0.02


def test_a_steep_network_keeps_what_matters_and_the_layers_are_the_last_ones() -> None:
    """Rounding in the first layers is amplified by all that follow."""
    said: list[str] = []
    _, found = reduced(4.0, "int8", said)
    assert found.layers.startswith(("2 of 4, 50%", "3 of 4, 75%"))
    assert len(said) > 1
    graph = onnx.load_from_string(found.model).graph
    whole = {one.name for one in graph.initializer if one.data_type == onnx.TensorProto.FLOAT and len(one.dims) == 4}
    assert {"w0", "w1"} <= whole
    assert "w4" not in whole
    assert {"QuantizeLinear", "DequantizeLinear"} <= {node.op_type for node in graph.node}
    assert {node.domain for node in graph.node} == {""}


def test_a_network_that_bears_nothing_is_refused_with_what_was_tried() -> None:
    with pytest.raises(DataError, match=r"int8: no bundle was written.*4 of 4, 100% of the weights: 0\.\d+; .*fp16"):
        reduced(200.0, "int8")


def test_the_head_stays_in_float32() -> None:
    for precision in ("fp16", "int8"):
        graph = onnx.load_from_string(reduced(0.02, precision)[1].model).graph
        (head,) = [one for one in graph.initializer if one.name == "head"]
        assert head.data_type == onnx.TensorProto.FLOAT


@pytest.mark.parametrize("most", range(5))
def test_bisection_finds_the_most_layers_that_hold(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = CHOICE_MARGIN * BOUNDS["fp16"].probability
    tried: list[int] = []

    def made(model: bytes, chosen: dict[str, str], *_: object) -> bytes:
        assert list(chosen.values()) == [f"w{n}" for n in range(LAYERS - len(chosen), LAYERS)]
        tried.append(len(chosen))
        return str(len(chosen)).encode()

    def judged(_: object, attempt: bytes, *__: object, **___: object) -> Parity:
        difference = limit if int(attempt) <= most else 2 * limit
        return Parity(24, difference, 0.0, 0.0, worst=0, p_expected=0.5, p_found=0.5, flips=0)

    monkeypatch.setattr(module, "_half_weights", made)
    monkeypatch.setattr(module, "compare", judged)
    if most < 2:  # less than half of the weights
        with pytest.raises(DataError, match="no bundle was written"):
            reduced(1.0, "fp16")
    else:
        assert reduced(1.0, "fp16")[1].model == str(most).encode()
    assert len(tried) <= 4
    assert len(set(tried)) == len(tried)


def test_what_lies_between_layers_goes_with_them() -> None:
    graph = onnx.load_from_string(convolutions(1.0)).graph
    assert module._with_between(graph, {"conv3", "conv4"}) == ["conv3", "relu3", "conv4", "relu4"]
    assert module._with_between(graph, {"conv1"}) == ["conv1", "relu1"]


def test_weights_beyond_half_precision_are_not_infinite() -> None:
    found = module._to_half(np.array([1e6, -1e6, 0.5], np.float32))
    assert np.all(np.isfinite(found))
    assert found[2] == 0.5
