"""The moving average of a network's weights and buffers: what is validated and kept."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class MovingAverage(nn.Module):
    """`module` holds the average. Its buffers too: averaged weights under another step's batch norm score like noise.

    Counts nothing itself and asks the device nothing, so that a GPU is never waited for.
    """

    def __init__(self, net: nn.Module, *, decay: float) -> None:
        super().__init__()
        self.module = copy.deepcopy(net).requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, net: nn.Module, step: int) -> None:
        """Take in the weights after step number `step` (0, 1, ...), which begins with a short memory.

        So the untrained weights are forgotten: the decay grows as (1 + step) / (10 + step) up to the one asked for.
        """
        means, fresh = _tensors(self.module), _tensors(net)
        if step == 0:
            for mean, now in zip(means, fresh, strict=True):
                mean.copy_(now)
            return
        decay = min(self.decay, (1 + step) / (10 + step))
        floats = [(mean, now) for mean, now in zip(means, fresh, strict=True) if mean.is_floating_point()]
        torch._foreach_lerp_([mean for mean, _ in floats], [now for _, now in floats], 1 - decay)
        for mean, now in zip(means, fresh, strict=True):
            if not mean.is_floating_point():
                mean.copy_(now)


def _tensors(net: nn.Module) -> list[Tensor]:
    return [*(p.detach() for p in net.parameters()), *net.buffers()]
