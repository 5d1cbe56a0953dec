"""The small auto-encoder of family F4 (`data.reconstruct`): trained on real faces, exported to ONNX.

One encoder and two decoders, since swaps in the wild up-sample in either way: by repeating pixels and convolving, or
by a transposed convolution (whose uneven overlap leaves a checkerboard, Odena et al. 2016). Sub-pixel shuffling is not
used here: it belongs to the held-out fakes of the evaluation.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dfdetect.data.cross_blend import mesh_of
from dfdetect.data.reconstruct import cut_level_face
from dfdetect.data.shards import FaceRecord
from dfdetect.errors import DataError
from dfdetect.models.onnx_notes import without_notes
from dfdetect.values import UInt8Array

WIDTH = 32  # channels of the first layer
LATENT = 48  # channels at an eighth of the side
DECODERS = ("nearest", "transposed")  # names of the outputs
OPSET = 18
_SIDE_PX = 96  # of the training crops


def _encoder() -> nn.Module:
    sizes = (3, WIDTH, WIDTH * 2, WIDTH * 3)
    steps: list[nn.Module] = []
    for before, after in pairwise(sizes):
        steps += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.LeakyReLU(0.1)]
    return nn.Sequential(*steps, nn.Conv2d(WIDTH * 3, LATENT, 1))


def _decoder(grow: Callable[[int, int], list[nn.Module]]) -> nn.Module:
    sizes = (WIDTH * 3, WIDTH * 2, WIDTH, WIDTH // 2)
    steps: list[nn.Module] = [nn.Conv2d(LATENT, WIDTH * 3, 1), nn.LeakyReLU(0.1)]
    for before, after in pairwise(sizes):
        steps += [*grow(before, after), nn.LeakyReLU(0.1)]
    return nn.Sequential(*steps, nn.Conv2d(WIDTH // 2, 3, 3, padding=1), nn.Sigmoid())


def _repeat(before: int, after: int) -> list[nn.Module]:
    return [nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(before, after, 3, padding=1)]


def _transpose(before: int, after: int) -> list[nn.Module]:
    return [nn.ConvTranspose2d(before, after, 4, stride=2, padding=1)]


class FaceAutoEncoder(nn.Module):
    """(N, 3, H, W) float32 RGB 0..1, H and W multiples of 8 -> the same face twice, one from each decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = _encoder()
        self.nearest = _decoder(_repeat)
        self.transposed = _decoder(_transpose)

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        code = self.encoder(faces)
        return self.nearest(code), self.transposed(code)


def face_crops(records: Sequence[FaceRecord], *, side_px: int = _SIDE_PX) -> UInt8Array:
    """(N, side_px, side_px, 3) uint8 RGB: each real face level in its square, as `data.reconstruct` cuts it."""
    real = [record for record in records if record.label == 0 and record.mesh is not None]
    if not real:
        raise DataError("no real faces to train the reconstructor on; make shards with `dfdetect prepare`")
    return np.stack([cut_level_face(record.picture(), mesh_of(record), side_px)[0] for record in real])


def train_reconstructor(
    faces: UInt8Array,
    *,
    steps: int = 1500,
    batch: int = 16,
    lr: float = 2e-3,
    seed: int = 0,
    on_step: Callable[[float], None] | None = None,
) -> FaceAutoEncoder:
    """Train on the crops: L1 of the picture and of its differences between neighbours, Adam, cosine.

    on_step: told, after each step, how far the reconstructions are off on average, in grey levels.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = FaceAutoEncoder().to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(net.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        wanted = _batch(faces, batch, rng)
        made = net(wanted)
        picture = sum((found - wanted).abs().mean() for found in made) / 2
        edges = sum(_edges(found, wanted) for found in made) / 2
        optimiser.zero_grad()
        (picture + edges).backward()
        optimiser.step()
        schedule.step()
        if on_step:
            on_step(float(picture.detach()) * 255)
    return net.eval()


def _batch(faces: UInt8Array, batch: int, rng: np.random.Generator) -> Tensor:
    picked = faces[rng.integers(0, len(faces), batch)]
    crops = [face[:, ::-1] if rng.random() < 0.5 else face for face in picked]
    light = rng.uniform(0.8, 1.2, (batch, 1, 1, 3)).astype(np.float32)
    planes = np.clip(np.stack(crops).astype(np.float32) * light / 255, 0, 1).transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(planes)).contiguous(memory_format=torch.channels_last)


def _edges(found: Tensor, wanted: Tensor) -> Tensor:
    difference = found - wanted
    return difference.diff(dim=-1).abs().mean() + difference.diff(dim=-2).abs().mean()


def export_reconstructor(net: FaceAutoEncoder, path: Path) -> None:
    """Write the ONNX file of `data.reconstruct.Reconstructor` (any side that is a multiple of 8), by rename."""
    batch, high, wide = (torch.export.Dim(name, min=1, max=64) for name in ("batch", "high", "wide"))
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            net,
            (torch.zeros(2, 3, _SIDE_PX, _SIDE_PX + 16),),
            input_names=["faces"],
            output_names=list(DECODERS),
            dynamic_shapes={"faces": {0: batch, 2: 8 * high, 3: 8 * wide}},
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    assert program is not None
    part = path.with_name(path.name + ".part")
    part.write_bytes(_halved(without_notes(program.model_proto)))
    part.replace(path)


def _halved(model: Any) -> bytes:
    """The file with its weights stored as float16: half the size; ONNX Runtime computes in float32 as before."""
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    casts = []
    for weight in list(graph.initializer):
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < 64:
            continue
        name = weight.name
        graph.initializer.remove(weight)
        graph.initializer.append(numpy_helper.from_array(values.astype(np.float16), name + "_half"))
        casts.append(helper.make_node("Cast", [name + "_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return bytes(model.SerializeToString())
