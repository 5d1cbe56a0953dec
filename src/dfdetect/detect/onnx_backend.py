"""ONNX Runtime: the backend that scanning and serving use. Needs no PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np

from dfdetect.errors import ModelUnusable, UsageError
from dfdetect.faces.onnx_options import session_options
from dfdetect.models.output_form import OutputForm
from dfdetect.models.spec import ModelSpec, NetworkIO
from dfdetect.values import Float32Array

MAX_BATCH = 32  # more gains nothing on a CPU and costs memory
_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class OnnxBackend:
    """One session from the bytes of a verified model.onnx. See `Backend` for the contract.

    The network has one float32 input, of a free batch or of one picture at a time, arranged as its spec says; the
    output that the spec names, or `logit`, or else its first; and optionally maps of (B, h, w) or (B, 1, h, w).
    One object serves several threads.
    """

    def __init__(
        self,
        model: bytes,
        spec: ModelSpec | None = None,
        *,
        maps: str | None = "cam",
        device: str = "auto",
        threads: int | None = None,
    ) -> None:
        """spec: how its tensors are arranged; None: as `dfdetect export` does, of any size. maps: which output
        is read as the map, where the network has it.
        """
        import onnxruntime as ort

        try:
            self._session = ort.InferenceSession(model, session_options(threads), providers=_providers(ort, device))
        except UsageError:
            raise
        except Exception as error:  # ONNX Runtime's errors have no base of their own
            raise ModelUnusable(f"model.onnx: ONNX Runtime cannot load it: {error}") from error
        io = spec.network if spec is not None else NetworkIO()
        self._form = OutputForm.parse(io.output)
        self._input, self._most = _input_of(self._session, io.layout, spec.input_size_px if spec is not None else None)
        outputs = [output.name for output in self._session.get_outputs()]
        if io.output_name and io.output_name not in outputs:
            raise ModelUnusable(f"model.onnx: expected an output {io.output_name!r}; found {', '.join(outputs)}")
        read = io.output_name or ("logit" if "logit" in outputs else outputs[0])
        self._outputs: list[str] = [read, maps] if maps is not None and maps in outputs else [read]

    @property
    def provider(self) -> str:
        """The execution provider in use, e.g. "CPUExecutionProvider"."""
        return str(self._session.get_providers()[0])

    def logits_and_maps(self, images: Float32Array) -> tuple[Float32Array, Float32Array | None]:
        """As `Backend.logits_and_maps`, in batches of at most MAX_BATCH."""
        parts = [self._run(images[at : at + self._most]) for at in range(0, len(images), self._most)]
        if not parts:
            return np.zeros(0, np.float32), None
        logits = np.concatenate([logit for logit, _ in parts])
        maps = [some for _, some in parts if some is not None]
        return logits, np.concatenate(maps) if maps else None

    def _run(self, images: Float32Array) -> tuple[Float32Array, Float32Array | None]:
        n = len(images)
        try:
            found = self._session.run(self._outputs, {self._input: images})
        except MemoryError:
            raise
        except Exception as error:  # ONNX Runtime's errors have no base of their own
            raise ModelUnusable(f"model.onnx: ONNX Runtime cannot run it on {images.shape}: {error}") from error
        logits = self._form.logits(np.asarray(found[0]), n)
        if len(found) == 1:
            return logits, None
        maps = np.asarray(found[1], np.float32)
        return logits, maps.reshape(n, *maps.shape[-2:])


def _input_of(session: Any, layout: str, size_px: int | None) -> tuple[str, int]:
    """(name, most pictures at once) of the only input. ModelUnusable: it does not take what it will be fed."""
    inputs = session.get_inputs()
    shapes = [(one.name, one.type, one.shape) for one in inputs]
    wanted = "(B, 3, S, S)" if layout == "NCHW" else "(B, S, S, 3)"
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 4:
        raise ModelUnusable(f"model.onnx: expected one float32 input {wanted}; found {shapes}")
    batch, *sides = inputs[0].shape
    channels = sides.pop(0 if layout == "NCHW" else -1)
    fits = channels == 3 or not isinstance(channels, int)
    fits &= all(not isinstance(side, int) or size_px is None or side == size_px for side in sides)
    if not fits or (isinstance(batch, int) and batch != 1):
        raise ModelUnusable(
            f"model.onnx: expected an input {wanted} with S = {size_px} and B free or 1; found {inputs[0].shape}"
        )
    return str(inputs[0].name), 1 if batch == 1 else MAX_BATCH


def _providers(ort: Any, device: str) -> list[str]:
    available = ort.get_available_providers()
    if device == "cuda" and _PROVIDERS["cuda"] not in available:
        raise UsageError(
            "device 'cuda': this ONNX Runtime has no CUDA provider; use --device cpu, or install onnxruntime-gpu "
            f"in place of onnxruntime (found: {', '.join(available)})"
        )
    wanted = ["cuda", "cpu"] if device in ("auto", "cuda") else ["cpu"]
    return [_PROVIDERS[name] for name in wanted if _PROVIDERS[name] in available]
