"""Family F4, reconstruction pastes: the face as a small auto-encoder gives it back, pasted over the original.

The generators of face swaps are decoders: they lose detail and leave the trace of their up-sampling. One small network
that reconstructs any face (`train.reconstructor`, trained on real crops in minutes) has both. Its file is ONNX:
input `faces` (N, 3, H, W) float32 RGB 0..1 with H and W multiples of 8, and one output of that shape for each of its
decoders. It runs in ONNX Runtime, so that making pairs needs no PyTorch.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dfdetect.data.affine import of_centres, warp
from dfdetect.data.blend import Blended, BlendOptions, blend, draw_mask_name, draw_ratio, soft_mask, until_visible
from dfdetect.data.changes import match_histogram
from dfdetect.errors import UsageError
from dfdetect.faces.align import square_around
from dfdetect.faces.mesh import LEFT_EYE, RIGHT_EYE
from dfdetect.faces.onnx_options import session_options
from dfdetect.values import Float32Array, UInt8Array

FACE_MARGIN = 0.12  # of the face's longer side, around the mesh: what the auto-encoder sees, here and in its training
_P_COLOURS_MATCHED = 0.8  # makers of swaps correct colours nearly always
SIDES_PX = (64, 80, 96, 112, 128, 160)  # it is a convolution from end to end: each side has its own loss of detail


class Reconstructor:
    """The auto-encoder of a file. Opened at first use in each process, so that it can be handed to forked workers."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise UsageError(
                f"reconstructor {path} does not exist; make one with `dfdetect reconstructor FACES -o {path.name}`, "
                "or set reconstructed = 0 in the recipe's [fakes]"
            )
        self.path = path
        self._opened: tuple[int, Any] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "_opened": None}

    def _session(self) -> Any:
        if self._opened is None or self._opened[0] != os.getpid():
            import onnxruntime

            session = onnxruntime.InferenceSession(
                self.path, session_options(threads=1), providers=["CPUExecutionProvider"]
            )
            self._opened = os.getpid(), session
        return self._opened[1]

    @property
    def decoders(self) -> list[str]:
        """Names of the outputs."""
        return [output.name for output in self._session().get_outputs()]

    def __call__(self, faces: UInt8Array, decoder: str) -> UInt8Array:
        """(N, S, S, 3) uint8 RGB -> the same shape, reconstructed by the named decoder."""
        import onnxruntime

        only_what_is_asked = onnxruntime.RunOptions()
        only_what_is_asked.only_execute_path_to_fetches = True
        planes = np.ascontiguousarray(faces.transpose(0, 3, 1, 2), np.float32) / 255
        (found,) = self._session().run([decoder], {"faces": planes}, only_what_is_asked)
        pictures = np.clip(np.rint(found.transpose(0, 2, 3, 1) * 255), 0, 255)
        return np.asarray(pictures, np.uint8)


def level_square(mesh: Float32Array, side_px: int) -> Float32Array:
    """(2, 3) float32: picture pixels -> a square of side_px with the whole face in it and the eyes level."""
    points = mesh[:, :2]
    across = points[list(RIGHT_EYE)].mean(axis=0) - points[list(LEFT_EYE)].mean(axis=0)
    cos, sin = across / max(float(np.hypot(*across)), 1e-6)
    turn = np.array([[cos, sin], [-sin, cos]], np.float32)
    level = points @ turn.T
    box = np.concatenate([level.min(axis=0), level.max(axis=0)]).astype(np.float32)
    left, top, side = square_around(box, margin=FACE_MARGIN)
    scale = side_px / side
    return np.column_stack([turn * scale, -np.array([left, top]) * scale]).astype(np.float32)


def cut_level_face(image: UInt8Array, mesh: Float32Array, side_px: int) -> tuple[UInt8Array, Float32Array]:
    """The levelled face (side_px, side_px, 3) and the (2, 3) transform that cut it."""
    move = level_square(mesh, side_px)
    return warp(image, move, (side_px, side_px), border=cv2.BORDER_REPLICATE), move


def reconstruct(image: UInt8Array, mesh: Float32Array, model: Reconstructor, rng: np.random.Generator) -> UInt8Array:
    """The picture with the square around its face replaced by its reconstruction, grown back to size."""
    face, move = cut_level_face(image, mesh, int(rng.choice(SIDES_PX)))
    made = model(face[None], str(rng.choice(model.decoders)))[0]
    if rng.random() < _P_COLOURS_MATCHED:
        made = match_histogram(made, face, np.ones(face.shape[:2], bool), float(rng.uniform(0.5, 1.0)))
    how = int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC]))
    height, width = image.shape[:2]
    out = cv2.warpAffine(
        made,
        of_centres(move),
        (width, height),
        dst=image.copy(),
        flags=how | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_TRANSPARENT,
    )
    return np.asarray(out, np.uint8)


def reconstruction_paste(
    image: UInt8Array,
    mesh: Float32Array,
    model: Reconstructor,
    rng: np.random.Generator,
    options: BlendOptions | None = None,
) -> Blended:
    """A pair whose fake holds the face as the auto-encoder gave it back. Raises BlendInvisible as `self_blend`."""
    chosen = options or BlendOptions()

    def one_try() -> Blended:
        name = draw_mask_name(rng, chosen)
        mask = soft_mask(image.shape, mesh, name, rng) * max(0.75, draw_ratio(name, rng, chosen))
        return Blended(image, blend(reconstruct(image, mesh, model, rng), image, mask), mask, name)

    return until_visible(one_try, chosen, image.shape[:2])
