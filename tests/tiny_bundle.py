"""A model bundle whose scores can be told by hand: its logit is the mean brightness of the crop.

With the defaults, a crop of even gray value v (0..255) has logit 8 * (v / 255 - 0.5): 0 for mid-gray, -4 for black,
+4 for white. The CAM is 8 x 8 with mean(cam) + bias == logit. Scores of 0.9 and above are likely_manipulated, below
0.5 no_manipulation_found.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dfdetect.calibration import BUCKETS, Calibration, OperatingPoint
from dfdetect.models.bundle import write_bundle
from dfdetect.models.manifest import Source
from dfdetect.models.spec import ModelSpec

SIZE_PX = 64
CAM_SIDE = 8


def tiny_onnx(
    *,
    gain: float = 4.0,
    bias: float = 0.0,
    with_cam: bool = True,
    with_mask: bool = False,
    size_px: int = SIZE_PX,
    cam_side: int = CAM_SIDE,
) -> bytes:
    """logit = gain * mean(input) + bias for inputs in -1..1; no convolution, no weights but these two numbers.

    with_mask: also a map of the sigmoid of its cam.
    """
    onnx = pytest.importorskip("onnx")
    helper, numpy_helper, real = onnx.helper, onnx.numpy_helper, onnx.TensorProto.FLOAT
    side = size_px // cam_side
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["gray"], axes=[1], keepdims=1),
        helper.make_node("AveragePool", ["gray"], ["cells"], kernel_shape=[side, side], strides=[side, side]),
        helper.make_node("Mul", ["cells", "gain"], ["cam4"]),
        helper.make_node("Squeeze", ["cam4", "channel_axis"], ["cam"]),
        helper.make_node("ReduceMean", ["cam"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Add", ["mean", "bias"], ["logit"]),
    ]
    constants = {"gain": np.float32(gain), "bias": np.float32(bias), "channel_axis": np.array([1], np.int64)}
    outputs = [helper.make_tensor_value_info("logit", real, ["B"])]
    if with_cam:
        outputs.append(helper.make_tensor_value_info("cam", real, ["B", cam_side, cam_side]))
    if with_mask:
        nodes.append(helper.make_node("Sigmoid", ["cam"], ["mask"]))
        outputs.append(helper.make_tensor_value_info("mask", real, ["B", cam_side, cam_side]))
    graph = helper.make_graph(
        nodes,
        "mean_brightness",
        [helper.make_tensor_value_info("image", real, ["B", 3, size_px, size_px])],
        outputs,
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def tiny_calibration(likely: float = 0.9, clear: float = 0.5) -> Calibration:
    point = OperatingPoint(likely, clear, 0.02, "120 real test files", 120)
    rows = {kind: dict.fromkeys(BUCKETS, point) for kind in ("image", "video")}
    return Calibration(scale=1.0, offset=0.0, target_fpr=0.02, thresholds=rows)


def make_tiny_bundle(
    folder: Path,
    *,
    name: str = "tiny",
    gain: float = 4.0,
    bias: float = 0.0,
    with_cam: bool = True,
    with_mask: bool = False,
    calibration: Calibration | None = None,
    experimental: bool = True,
    size_px: int = SIZE_PX,
    cam_side: int = CAM_SIDE,
    margin: float = 0.125,
) -> Path:
    """Write the bundle into `folder` (made if absent) and return it."""
    write_bundle(
        folder,
        model=tiny_onnx(
            gain=gain, bias=bias, with_cam=with_cam, with_mask=with_mask, size_px=size_px, cam_side=cam_side
        ),
        spec=ModelSpec(architecture="mean_brightness", input_size_px=size_px, margin=margin),
        calibration=calibration or tiny_calibration(),
        card="# tiny\n\nScores brightness; for tests only.\n",
        name=name,
        version="1.0",
        weights_licence="Apache-2.0",
        sources=[Source(name="none", licence="none", used_for="two constants")],
        experimental=experimental,
    )
    return folder
