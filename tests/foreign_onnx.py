"""Networks as others export them: any layout, order of colours, output, and everything that must be refused.

Each computes x = 6 * (mean of red - mean of blue) of what it is fed, and answers it in its own form.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx

helper, REAL = onnx.helper, onnx.TensorProto.FLOAT
GAIN = 6.0


def foreign_onnx(
    form: str = "logit",
    *,
    layout: str = "NCHW",
    order: str = "RGB",
    shape: tuple[Any, ...] | None = None,
    size_px: int = 32,
    batch: Any = "N",
    more_outputs: bool = False,
    input_type: int = REAL,
) -> bytes:
    """form: logit, probability, two-logits (real, fake), two-probabilities. shape: of the input, if another one."""
    channel_axis = 1 if layout == "NCHW" else 3
    axes = [2, 3] if layout == "NCHW" else [1, 2]
    weights = np.array([GAIN, 0.0, -GAIN], np.float32)[:: -1 if order == "BGR" else 1]
    nodes = [
        helper.make_node("Cast", ["x"], ["real"], to=REAL),
        helper.make_node("ReduceMean", ["real", "axes"], ["means"], keepdims=0),  # (N, 3)
        helper.make_node("MatMul", ["means", "weights"], ["z"]),  # (N, 1)
    ]
    nodes += {
        "logit": [helper.make_node("Identity", ["z"], ["y"])],
        "probability": [helper.make_node("Sigmoid", ["z"], ["y"])],
        "two-logits": [helper.make_node("Concat", ["zero", "z"], ["y"], axis=1)],
        "two-probabilities": [
            helper.make_node("Concat", ["zero", "z"], ["both"], axis=1),
            helper.make_node("Softmax", ["both"], ["y"], axis=1),
        ],
        "constant": [helper.make_node("Mul", ["z", "nothing"], ["y"])],
        "neighbours": [
            helper.make_node("ReduceMean", ["z", "first"], ["of_batch"], keepdims=1),
            helper.make_node("Sub", ["z", "of_batch"], ["y"]),
        ],
    }[form]
    if form.startswith("two"):
        nodes.insert(3, helper.make_node("Mul", ["z", "nothing"], ["zero"]))
    constants = {
        "axes": np.array(axes, np.int64),
        "first": np.array([0], np.int64),
        "weights": weights.reshape(3, 1),
        "nothing": np.float32(0),
    }
    sides = [size_px, size_px]
    sides.insert(channel_axis - 1, 3)
    outputs = [helper.make_tensor_value_info("y", REAL, None)]
    if more_outputs:
        outputs.append(helper.make_tensor_value_info("means", REAL, None))
    graph = helper.make_graph(
        nodes,
        "theirs",
        [helper.make_tensor_value_info("x", input_type, shape or [batch, *sides])],
        outputs,
        [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())
