"""Turn the MTCNN weights of the facenet-pytorch 2.6.0 wheel (MIT) into the three ONNX files of dfdetect.faces.mtcnn.

    pip download --no-deps facenet-pytorch==2.6.0
    python scripts/convert_mtcnn.py facenet_pytorch-2.6.0-py3-none-any.whl src/dfdetect/faces/weights

The graphs are written layer by layer from the paper (Zhang, Zhang, Li, Qiao 2016, arXiv:1604.02878, figure 2) and the
shapes in the weights, so the same wheel gives the same bytes whatever version of PyTorch reads it. Each net takes
(N, H, W, 3) float32 RGB 0..255 and holds its own normalisation.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

# The net, its file in the wheel, SHA-256 of that file.
SOURCES = {
    "pnet": "a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f",
    "rnet": "bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86",
    "onet": "165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d",
}
# Convolutions before the heads, with the side of the max-pool after each PReLU (0: none; the stride is always 2).
TRUNKS = {
    "pnet": [("1", 2), ("2", 0), ("3", 0)],
    "rnet": [("1", 3), ("2", 3), ("3", 0)],
    "onet": [("1", 3), ("2", 3), ("3", 2), ("4", 0)],
}
DENSE = {"pnet": None, "rnet": "4", "onet": "5"}
# Output name -> (layer, softmax over the channels).
HEADS = {
    "pnet": {"probability": ("conv4_1", True), "box_shift": ("conv4_2", False)},
    "rnet": {"probability": ("dense5_1", True), "box_shift": ("dense5_2", False)},
    "onet": {
        "probability": ("dense6_1", True),
        "box_shift": ("dense6_2", False),
        "landmarks": ("dense6_3", False),
    },
}
SIDE_PX = {"pnet": None, "rnet": 24, "onet": 48}
OPSET = 17


class Graph:
    """One network being written: nodes in order, and the tensors that they name."""

    def __init__(self, state: dict[str, np.ndarray]) -> None:
        self.state = state
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: dict[str, onnx.TensorProto] = {}

    def tensor(self, name: str, values: np.ndarray) -> str:
        self.tensors[name] = numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name)
        return name

    def add(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def weighted(self, kind: str, layer: str, x: str, output: str, **attributes: object) -> str:
        weight = self.tensor(f"{layer}.weight", self.state[f"{layer}.weight"])
        bias = self.tensor(f"{layer}.bias", self.state[f"{layer}.bias"])
        return self.add(kind, [x, weight, bias], output, **attributes)

    def prelu(self, layer: str, x: str, spatial: bool) -> str:
        slope = self.state[f"{layer}.weight"]
        return self.add(
            "PRelu", [x, self.tensor(f"{layer}.slope", slope.reshape(-1, 1, 1) if spatial else slope)], layer
        )


def build(net: str, state: dict[str, np.ndarray]) -> onnx.ModelProto:
    """The ONNX model of one net."""
    graph = Graph(state)
    x = graph.add("Transpose", ["image"], "channels_first", perm=[0, 3, 1, 2])
    x = graph.add("Sub", [x, graph.tensor("mean", np.array(127.5))], "centred")
    x = graph.add("Mul", [x, graph.tensor("scale", np.array(1 / 128))], "normalised")
    for number, pool_px in TRUNKS[net]:
        x = graph.prelu(f"prelu{number}", graph.weighted("Conv", f"conv{number}", x, f"conv{number}"), spatial=True)
        if pool_px:
            x = graph.add("MaxPool", [x], f"pool{number}", kernel_shape=[pool_px] * 2, strides=[2, 2], ceil_mode=1)
    dense = DENSE[net]
    if dense:
        # The weights were first trained with columns before rows, and the dense layer still expects that order.
        x = graph.add("Flatten", [graph.add("Transpose", [x], "columns_first", perm=[0, 3, 2, 1])], "flat", axis=1)
        x = graph.prelu(
            f"prelu{dense}", graph.weighted("Gemm", f"dense{dense}", x, f"dense{dense}", transB=1), spatial=False
        )
    outputs = []
    for name, (layer, softmax) in HEADS[net].items():
        kind, options = ("Gemm", {"transB": 1}) if dense else ("Conv", {})
        y = graph.weighted(kind, layer, x, layer if softmax else name, **options)
        if softmax:
            graph.add("Softmax", [y], name, axis=1)
        width = state[f"{layer}.bias"].shape[0]
        shape = ["n", width] if dense else ["n", width, "rows", "columns"]
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    side = SIDE_PX[net]
    shape = ["n", side or "height", side or "width", 3]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)
    built = helper.make_graph(graph.nodes, f"mtcnn_{net}", [image], outputs, list(graph.tensors.values()))
    model = helper.make_model(built, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="dfdetect")
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    with zipfile.ZipFile(arguments.wheel) as wheel:
        for net, expected in SOURCES.items():
            raw = wheel.read(f"facenet_pytorch/data/{net}.pt")
            found = hashlib.sha256(raw).hexdigest()
            if found != expected:
                raise SystemExit(f"{net}.pt: expected SHA-256 {expected}, got {found}; is this facenet-pytorch 2.6.0?")
            state = {k: v.numpy() for k, v in torch.load(io.BytesIO(raw), weights_only=True).items()}
            model = build(net, state).SerializeToString(deterministic=True)
            path = arguments.out / f"mtcnn_{net}.onnx"
            path.write_bytes(model)
            print(f"{path.name}  {len(model)} bytes  sha256 {hashlib.sha256(model).hexdigest()}")


if __name__ == "__main__":
    main()
