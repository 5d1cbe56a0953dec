"""The ONNX Runtime backend keeps the contract of `Backend` and refuses networks that cannot."""

from __future__ import annotations

import numpy as np
import pytest

from dfdetect.detect.onnx_backend import MAX_BATCH, OnnxBackend
from dfdetect.errors import ModelUnusable, UsageError
from dfdetect.models.spec import ModelSpec, NetworkIO
from tiny_bundle import CAM_SIDE, SIZE_PX, tiny_onnx


def images(n: int) -> np.ndarray:
    return np.random.default_rng(n).uniform(-1, 1, (n, 3, SIZE_PX, SIZE_PX)).astype(np.float32)


@pytest.mark.parametrize("n", [1, 2, MAX_BATCH, MAX_BATCH + 1, 2 * MAX_BATCH + 3])
def test_logits_and_maps_for_any_number(n: int) -> None:
    batch = images(n)
    logits, cams = OnnxBackend(tiny_onnx(gain=3.0, bias=0.5), device="cpu", threads=1).logits_and_maps(batch)
    np.testing.assert_allclose(logits, 3.0 * batch.mean(axis=(1, 2, 3)) + 0.5, atol=1e-5)
    assert cams is not None
    assert cams.shape == (n, CAM_SIDE, CAM_SIDE)
    np.testing.assert_allclose(cams.mean(axis=(1, 2)) + 0.5, logits, atol=1e-5)


def test_none_in_none_out() -> None:
    logits, cams = OnnxBackend(tiny_onnx()).logits_and_maps(images(0))
    assert (logits.shape, cams) == ((0,), None)


def test_a_network_without_cam_gives_none() -> None:
    logits, cams = OnnxBackend(tiny_onnx(with_cam=False)).logits_and_maps(images(3))
    assert (logits.shape, cams) == ((3,), None)


def test_a_logit_that_is_no_number_is_refused() -> None:
    """A NaN that passes through sigmoid, sort and mean ends as a verdict that nobody computed."""
    with pytest.raises(ModelUnusable, match="finite"):
        OnnxBackend(tiny_onnx(gain=float("nan"))).logits_and_maps(images(1))


@pytest.mark.parametrize("model", [b"", b"nonsense", tiny_onnx()[:-200]])
def test_what_does_not_load_is_refused(model: bytes) -> None:
    with pytest.raises(ModelUnusable, match="cannot load"):
        OnnxBackend(model)


def any_onnx(*shape: object, inputs: int = 1, kind: int = 1) -> bytes:
    """A network that answers the mean of whatever it is fed."""
    helper = pytest.importorskip("onnx").helper
    given = [helper.make_tensor_value_info(f"x{n}", kind, list(shape)) for n in range(inputs)]
    nodes = [
        helper.make_node("Flatten", ["x0"], ["flat"], axis=1),
        helper.make_node("Cast", ["flat"], ["real"], to=1),
        helper.make_node("ReduceMean", ["real", "one"], ["y"], keepdims=1),
    ]
    one = helper.make_tensor("one", 7, [1], [1])
    graph = helper.make_graph(nodes, "g", given, [helper.make_tensor_value_info("y", 1, None)], [one])
    return bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()
    )


@pytest.mark.parametrize(
    ("model", "layout", "match"),
    [
        (any_onnx("n", 3, 64, 64, inputs=2), "NCHW", "expected one float32 input"),
        (any_onnx("n", 3, 64, 64, kind=2), "NCHW", "expected one float32 input.*uint8"),
        (any_onnx("n", 3, 64, 64, kind=10), "NCHW", "expected one float32 input.*float16"),
        (any_onnx("n", 3, 64), "NCHW", "expected one float32 input"),
        (any_onnx("n", 1, 64, 64), "NCHW", r"\(B, 3, S, S\) with S = 64 and B free or 1; found \['n', 1, 64, 64\]"),
        (any_onnx("n", 64, 64, 3), "NCHW", "with S = 64"),
        (any_onnx("n", 3, 64, 64), "NHWC", r"expected an input \(B, S, S, 3\)"),
        (any_onnx("n", 3, 64, 96), "NCHW", "with S = 64"),
        (any_onnx("n", 3, 224, 224), "NCHW", "with S = 64"),
        (any_onnx(8, 3, 64, 64), "NCHW", "B free or 1"),
    ],
)
def test_an_input_that_takes_something_else_is_refused(model: bytes, layout: str, match: str) -> None:
    spec = ModelSpec("net", SIZE_PX, network=NetworkIO(layout=layout))
    with pytest.raises(ModelUnusable, match=match):
        OnnxBackend(model, spec)


@pytest.mark.parametrize("model", [any_onnx(1, 3, 64, 64), any_onnx("n", "c", "h", "w")])
def test_one_picture_at_a_time_and_free_shapes_are_taken(model: bytes) -> None:
    batch = images(5)
    logits, _ = OnnxBackend(model, ModelSpec("net", SIZE_PX)).logits_and_maps(batch)
    np.testing.assert_allclose(logits, batch.mean(axis=(1, 2, 3)), atol=1e-5)


def test_a_missing_gpu_is_said() -> None:
    import onnxruntime as ort

    if "CUDAExecutionProvider" in ort.get_available_providers():
        pytest.skip("this machine has the CUDA provider")
    with pytest.raises(UsageError, match="no CUDA provider"):
        OnnxBackend(tiny_onnx(), device="cuda")
    assert OnnxBackend(tiny_onnx(), device="auto").provider == "CPUExecutionProvider"
