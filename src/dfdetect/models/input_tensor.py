"""`models.preprocess.to_input` on whatever device the crops lie: bytes travel to it, a quarter of what floats would."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dfdetect.models.preprocess import scale_and_shift
from dfdetect.models.spec import ModelSpec


class InputTensor(nn.Module):
    """(N, S, S, 3) uint8 -> (N, 3, S, S) float32, bit for bit what `to_input` gives (a test compares them).

    The result lies in memory as channels last, as convolutions like it.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        scale, shift = scale_and_shift(spec)
        self.register_buffer("scale", torch.from_numpy(scale), persistent=False)
        self.register_buffer("shift", torch.from_numpy(shift), persistent=False)

    def forward(self, crops: Tensor) -> Tensor:
        return (crops.float() * self.scale - self.shift).permute(0, 3, 1, 2)
