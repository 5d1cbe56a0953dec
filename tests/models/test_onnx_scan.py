"""The look inside an ONNX file: external data is found wherever a tensor can sit, and junk is told from a model."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.errors import ModelUnusable
from dfdetect.models.onnx_scan import uses_external_data
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
