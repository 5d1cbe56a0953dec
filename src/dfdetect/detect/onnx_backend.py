"""ONNX Runtime: the backend that scanning and serving use. Needs no PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np

from dfdetect.errors import ModelUnusable, UsageError
from dfdetect.faces.onnx_options import session_options
from dfdetect.values import Float32Array

MAX_BATCH = 32  # more gains nothing on a CPU and costs memory
_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class OnnxBackend:
    """One session from the bytes of a verified model.onnx. See `Backend` for the contract.

    The network has one input, float32 (B, 3, S, S); output `logit` of (B,) or (B, 1), or else its first output; and
    optionally output `cam` of (B, h, w) or (B, 1, h, w). One object serves several threads.
    """

    def __init__(self, model: bytes, *, device: str = "auto", threads: int | None = None) -> None:
        import onnxruntime as ort

        try:
            self._session = ort.InferenceSession(model, session_options(threads), providers=_providers(ort, device))
        except UsageError:
            raise
        except Exception as error:  # ONNX Runtime's errors have no base of their own
            raise ModelUnusable(f"model.onnx: ONNX Runtime cannot load it: {error}") from error
        inputs, outputs = self._session.get_inputs(), [output.name for output in self._session.get_outputs()]
        if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 4:
            shapes = [(one.name, one.type, one.shape) for one in inputs]
            raise ModelUnusable(f"model.onnx: expected one float32 input (B, 3, S, S); found {shapes}")
        self._input: str = inputs[0].name
        logit = "logit" if "logit" in outputs else outputs[0]
        self._outputs: list[str] = [logit, "cam"] if "cam" in outputs else [logit]

    @property
    def provider(self) -> str:
        """The execution provider in use, e.g. "CPUExecutionProvider"."""
        return str(self._session.get_providers()[0])

    def logits_and_cams(self, images: Float32Array) -> tuple[Float32Array, Float32Array | None]:
        """As `Backend.logits_and_cams`, in batches of at most MAX_BATCH."""
        parts = [self._run(images[at : at + MAX_BATCH]) for at in range(0, len(images), MAX_BATCH)]
        if not parts:
            return np.zeros(0, np.float32), None
        logits = np.concatenate([logit for logit, _ in parts])
        cams = [cam for _, cam in parts if cam is not None]
        return logits, np.concatenate(cams) if cams else None

    def _run(self, images: Float32Array) -> tuple[Float32Array, Float32Array | None]:
        found = self._session.run(self._outputs, {self._input: images})
        n = len(images)
        logits = np.asarray(found[0], np.float32)
        if logits.size != n or not np.all(np.isfinite(logits)):
            raise ModelUnusable(f"model.onnx: expected {n} finite logits; found shape {logits.shape}: {logits.ravel()}")
        cams = None
        if len(found) > 1:
            cams = np.asarray(found[1], np.float32)
            cams = cams.reshape(n, *cams.shape[-2:])
        return logits.reshape(n), cams


def _providers(ort: Any, device: str) -> list[str]:
    available = ort.get_available_providers()
    if device == "cuda" and _PROVIDERS["cuda"] not in available:
        raise UsageError(
            "device 'cuda': this ONNX Runtime has no CUDA provider; use --device cpu, or install onnxruntime-gpu "
            f"in place of onnxruntime (found: {', '.join(available)})"
        )
    wanted = ["cuda", "cpu"] if device in ("auto", "cuda") else ["cpu"]
    return [_PROVIDERS[name] for name in wanted if _PROVIDERS[name] in available]
