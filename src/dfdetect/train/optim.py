"""Optimisers by name, SAM, and the learning rate as a plain function of the step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from dfdetect.errors import unknown_name
from dfdetect.train.recipe import OptimiserPart


class SAM(Optimizer):
    """Sharpness-aware minimisation (Foret et al. 2021, arXiv:2010.01412) around another optimiser.

    Each step climbs by rho along the gradient, takes the gradient there, comes back and steps with that. So `step`
    needs a closure, runs it twice, and costs two forward and backward passes.
    """

    def __init__(self, base: Optimizer, *, rho: float) -> None:
        self.base, self.rho = base, rho
        super().__init__(base.param_groups, {})
        self.param_groups = base.param_groups  # one list: who sets a rate sets it for both
        self.state = base.state

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        assert closure is not None, "SAM needs a closure that computes the loss and its gradients"
        again = torch.enable_grad()(closure)
        loss = again()
        moved = self._climb()
        again()
        for parameter, step in moved:
            parameter.sub_(step)
        self.base.step()
        return loss

    def _climb(self) -> list[tuple[Tensor, Tensor]]:
        with_gradient = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        norm = torch.linalg.vector_norm(torch.stack([p.grad.norm() for p in with_gradient])).clamp_min(1e-12)
        moved = [(p, p.grad * (self.rho / norm)) for p in with_gradient]
        for parameter, step in moved:
            parameter.add_(step)
        return moved

    def state_dict(self) -> dict[str, Any]:
        return self.base.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.base.load_state_dict(state_dict)
        self.param_groups, self.state = self.base.param_groups, self.base.state


Groups = list[dict[str, Any]]


def _sgd(groups: Groups, part: OptimiserPart) -> Optimizer:
    return torch.optim.SGD(groups, momentum=part.momentum, weight_decay=part.weight_decay)


OPTIMISERS: dict[str, Callable[[Groups, OptimiserPart], Optimizer]] = {
    "adamw": lambda groups, part: torch.optim.AdamW(groups, weight_decay=part.weight_decay),
    "adam": lambda groups, part: torch.optim.Adam(groups, weight_decay=part.weight_decay),
    "sgd": _sgd,
    "sam": lambda groups, part: SAM(_sgd(groups, part), rho=part.rho),
}


def make_optimiser(net: nn.Module, part: OptimiserPart, extra: Iterable[nn.Parameter] = ()) -> Optimizer:
    """The optimiser of a recipe over what is to be trained: the body at `lr`, head and `extra` at `head_lr`.

    `peak_lr` of each group is what `set_rate` scales.
    """
    if part.name not in OPTIMISERS:
        raise unknown_name("optimiser", part.name, OPTIMISERS)
    trained = [(name, p) for name, p in net.named_parameters() if p.requires_grad]
    body = [p for name, p in trained if name.startswith("features.")]
    head = [p for name, p in trained if not name.startswith("features.")] + list(extra)
    rates = [(body, part.lr), (head, part.head_lr or part.lr)]
    groups = [{"params": params, "lr": lr, "peak_lr": lr} for params, lr in rates if params]
    return OPTIMISERS[part.name](groups, part)


def set_rate(optimiser: Optimizer, part: OptimiserPart, *, step: int, total_steps: int, steps_per_epoch: int) -> None:
    """Give every group its rate for this step: a function of the step alone, so there is no schedule to restore."""
    factor = lr_factor(part, step=step, total_steps=total_steps, steps_per_epoch=steps_per_epoch)
    for group in optimiser.param_groups:
        floor = part.min_lr * group["peak_lr"] / part.lr
        group["lr"] = floor + (group["peak_lr"] - floor) * factor


def lr_factor(part: OptimiserPart, *, step: int, total_steps: int, steps_per_epoch: int) -> float:
    """The share of the peak rate (above min_lr) at a step, 0..1."""
    warm = max(1, int(part.warmup * total_steps)) if part.warmup > 0 else 0
    if step < warm:
        return (step + 1) / warm
    over = min(1.0, (step - warm) / max(1, total_steps - warm))
    if part.schedule == "cosine":
        turn = over * part.cycles
        place = 1.0 if over == 1.0 else turn - math.floor(turn)
        return 0.5 * (1 + math.cos(math.pi * place))
    if part.schedule == "linear":
        return min(1.0, (1 - over) / max(1e-12, 1 - part.constant_until))
    if part.schedule == "step":
        return float(part.step_factor ** (step // max(1, part.step_epochs * steps_per_epoch)))
    return 1.0
