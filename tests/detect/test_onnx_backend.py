"""The ONNX Runtime backend keeps the contract of `Backend` and refuses networks that cannot."""

from __future__ import annotations

import numpy as np
import pytest

from dfdetect.detect.onnx_backend import MAX_BATCH, OnnxBackend
from dfdetect.errors import ModelUnusable, UsageError
from tiny_bundle import CAM_SIDE, SIZE_PX, tiny_onnx


def images(n: int) -> np.ndarray:
    return np.random.default_rng(n).uniform(-1, 1, (n, 3, SIZE_PX, SIZE_PX)).astype(np.float32)


@pytest.mark.parametrize("n", [1, 2, MAX_BATCH, MAX_BATCH + 1, 2 * MAX_BATCH + 3])
def test_logits_and_cams_for_any_number(n: int) -> None:
    batch = images(n)
    logits, cams = OnnxBackend(tiny_onnx(gain=3.0, bias=0.5), device="cpu", threads=1).logits_and_cams(batch)
    np.testing.assert_allclose(logits, 3.0 * batch.mean(axis=(1, 2, 3)) + 0.5, atol=1e-5)
    assert cams is not None
    assert cams.shape == (n, CAM_SIDE, CAM_SIDE)
    np.testing.assert_allclose(cams.mean(axis=(1, 2)) + 0.5, logits, atol=1e-5)


def test_none_in_none_out() -> None:
    logits, cams = OnnxBackend(tiny_onnx()).logits_and_cams(images(0))
    assert (logits.shape, cams) == ((0,), None)


def test_a_network_without_cam_gives_none() -> None:
    logits, cams = OnnxBackend(tiny_onnx(with_cam=False)).logits_and_cams(images(3))
    assert (logits.shape, cams) == ((3,), None)


def test_a_logit_that_is_no_number_is_refused() -> None:
    """A NaN that passes through sigmoid, sort and mean ends as a verdict that nobody computed."""
    with pytest.raises(ModelUnusable, match="finite"):
        OnnxBackend(tiny_onnx(gain=float("nan"))).logits_and_cams(images(1))


@pytest.mark.parametrize("model", [b"", b"nonsense", tiny_onnx()[:-200]])
def test_what_does_not_load_is_refused(model: bytes) -> None:
    with pytest.raises(ModelUnusable, match="cannot load"):
        OnnxBackend(model)


def test_a_missing_gpu_is_said() -> None:
    import onnxruntime as ort

    if "CUDAExecutionProvider" in ort.get_available_providers():
        pytest.skip("this machine has the CUDA provider")
    with pytest.raises(UsageError, match="no CUDA provider"):
        OnnxBackend(tiny_onnx(), device="cuda")
    assert OnnxBackend(tiny_onnx(), device="auto").provider == "CPUExecutionProvider"
