"""The look inside an ONNX file: external data is found wherever a tensor can sit, and junk is told from a model."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.errors import ModelUnusable
from dfdetect.models import onnx_scan
from dfdetect.models.onnx_scan import onnx_facts, refuse_unsafe, uses_external_data
from tiny_bundle import tiny_onnx


def model_with(place: str, *, external: bool) -> bytes:
    onnx = pytest.importorskip("onnx")
    helper, real = onnx.helper, onnx.TensorProto.FLOAT
    tensor = onnx.numpy_helper.from_array(np.ones(4, np.float32), "w")
    if external:
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="w.bin")
    nodes, weights, functions = [], [], []
    if place == "initializer":
        weights = [tensor]
    elif place == "constant":
        nodes = [helper.make_node("Constant", [], ["w"], value=tensor)]
    elif place == "subgraph":
        branch = helper.make_graph([], "branch", [], [helper.make_tensor_value_info("w", real, [4])], [tensor])
        nodes = [helper.make_node("If", ["c"], ["w"], then_branch=branch, else_branch=branch)]
    elif place == "function":
        constant = helper.make_node("Constant", [], ["w"], value=tensor)
        functions = [helper.make_function("own", "f", [], ["w"], [constant], [helper.make_opsetid("", 17)])]
    elif place == "sparse":
        sparse = onnx.SparseTensorProto(values=tensor, dims=[4])
        sparse.indices.CopyFrom(onnx.numpy_helper.from_array(np.arange(4), "i"))
        graph = helper.make_graph([], "g", [], [], sparse_initializer=[sparse])
        return bytes(helper.make_model(graph).SerializeToString())
    graph = helper.make_graph(nodes, "g", [], [helper.make_tensor_value_info("w", real, [4])], weights)
    return bytes(helper.make_model(graph, functions=functions).SerializeToString())


@pytest.mark.parametrize("external", [False, True])
@pytest.mark.parametrize("place", ["initializer", "constant", "subgraph", "function", "sparse"])
def test_external_data_is_found_wherever_a_tensor_can_sit(place: str, external: bool) -> None:
    assert uses_external_data(model_with(place, external=external)) is external


@pytest.mark.parametrize("data", [b"", b"\x00", b"not a model", b"\xff" * 100, b"PK\x03\x04rest", b"\x80\x05K\x01."])
def test_junk_is_no_model(data: bytes) -> None:
    with pytest.raises(ModelUnusable, match="expected an ONNX model"):
        uses_external_data(data)


def test_a_cut_file_is_no_model() -> None:
    model = tiny_onnx()
    with pytest.raises(ModelUnusable):
        uses_external_data(model[: len(model) // 2])


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_give_an_answer_or_model_unusable(data: bytes) -> None:
    with suppress(ModelUnusable):
        uses_external_data(data)


def one_node(domain: str, op: str = "Op", *, function: bool = False, nested: int = 0) -> bytes:
    """A model with one operator, inside so many branches, its domain perhaps defined by a function of the model."""
    onnx = pytest.importorskip("onnx")
    helper, real = onnx.helper, onnx.TensorProto.FLOAT
    out = helper.make_tensor_value_info("y", real, [4])
    nodes = [helper.make_node(op, ["x"], ["y"], domain=domain)]
    for _ in range(nested):
        branch = helper.make_graph(nodes, "branch", [], [out])
        nodes = [helper.make_node("If", ["c"], ["y"], then_branch=branch)]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", real, [4])], [out])
    relu = helper.make_node("Relu", ["x"], ["y"])
    functions = [helper.make_function(domain, op, ["x"], ["y"], [relu], [helper.make_opsetid("", 17)])]
    model = helper.make_model(
        graph, functions=functions if function else [], opset_imports=[helper.make_opsetid("", 17)]
    )
    return bytes(model.SerializeToString())


def test_the_facts_of_a_model() -> None:
    facts = onnx_facts(tiny_onnx())
    assert (facts.inputs, facts.outputs, facts.opset, facts.nodes) == (["image"], ["logit", "cam"], 17, 6)
    assert ("", "AveragePool") in facts.operators
    assert not facts.external_data
    assert onnx_facts(one_node("", "Relu", nested=2)).outputs == ["y"]


@pytest.mark.parametrize("nested", [0, 1])
@pytest.mark.parametrize(
    ("domain", "op", "match"),
    [("my.ops", "Op", "library of their own: my.ops::Op"), ("com.microsoft", "EPContext", "compiled program")],
)
def test_operators_that_bring_code_are_refused(domain: str, op: str, match: str, nested: int) -> None:
    with pytest.raises(ModelUnusable, match=f"m.onnx: .*{match}"):
        refuse_unsafe(one_node(domain, op, nested=nested), "m.onnx")


@pytest.mark.parametrize("domain", ["", "com.microsoft", "ai.onnx.ml"])
def test_operators_of_the_runtime_pass(domain: str) -> None:
    refuse_unsafe(one_node(domain), "m.onnx")


def test_functions_of_the_model_itself_pass() -> None:
    """They are made of plain operators and lie in the file; PyTorch's exporter writes them."""
    refuse_unsafe(one_node("pkg.mine", function=True), "m.onnx")


def test_graphs_of_unreasonable_size_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    onnx_facts(one_node("", nested=9))
    monkeypatch.setattr(onnx_scan, "MOST_DEPTH", 9)
    with pytest.raises(ModelUnusable, match="more than 9 deep"):
        onnx_facts(one_node("", nested=9))
    monkeypatch.setattr(onnx_scan, "MOST_NODES", 5)
    with pytest.raises(ModelUnusable, match="more than 5 operators"):
        onnx_facts(tiny_onnx())
    monkeypatch.setattr(onnx_scan, "MOST_NODES", 10)
    monkeypatch.setattr(onnx_scan, "MOST_FIELDS", 20)
    with pytest.raises(ModelUnusable, match="more than 20 parts"):
        onnx_facts(tiny_onnx())
