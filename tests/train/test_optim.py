"""Optimisers: SAM's two passes by hand, the head's own rate, and every schedule as a function of the step."""

from __future__ import annotations

import itertools

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")

from torch import nn  # noqa: E402

from dfdetect.models import zoo  # noqa: E402
from dfdetect.train.optim import OPTIMISERS, SAM, lr_factor, make_optimiser, set_rate  # noqa: E402
from dfdetect.train.recipe import CHOICES, OptimiserPart  # noqa: E402


def quadratic(optimiser: torch.optim.Optimizer, x: torch.Tensor) -> float:
    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = (x**2).sum() * 0.5
        loss.backward()
        return loss

    return float(optimiser.step(closure))


def test_sam_steps_by_the_gradient_found_uphill() -> None:
    """f = x^2 / 2 at x = 1: uphill by rho the gradient is 1 + rho, so x becomes 1 - lr (1 + rho)."""
    x = nn.Parameter(torch.tensor([1.0]))
    loss = quadratic(SAM(torch.optim.SGD([x], lr=0.1), rho=0.5), x)
    assert loss == 0.5
    assert float(x) == pytest.approx(1 - 0.1 * 1.5)


def test_sam_without_radius_is_its_base() -> None:
    x, y = (nn.Parameter(torch.tensor([1.0, -2.0])) for _ in range(2))
    sam = SAM(torch.optim.SGD([x], lr=0.1, momentum=0.9), rho=0.0)
    sgd = torch.optim.SGD([y], lr=0.1, momentum=0.9)
    for _ in range(4):
        quadratic(sam, x)
        quadratic(sgd, y)
    assert torch.equal(x, y)


def test_sam_goes_on_from_its_state() -> None:
    def after(steps: int, stop: int | None) -> torch.Tensor:
        x = nn.Parameter(torch.tensor([1.0, -2.0]))
        optimiser = SAM(torch.optim.SGD([x], lr=0.1, momentum=0.9), rho=0.05)
        for number in range(steps):
            if number == stop:
                state = optimiser.state_dict()
                optimiser = SAM(torch.optim.SGD([x], lr=0.1, momentum=0.9), rho=0.05)
                optimiser.load_state_dict(state)
            quadratic(optimiser, x)
        return x.detach()

    assert torch.equal(after(5, None), after(5, 3))


def test_every_choice_has_an_optimiser() -> None:
    assert set(OPTIMISERS) == set(CHOICES["optimiser.name"])


def test_the_head_has_its_own_rate_and_what_is_frozen_none() -> None:
    net = zoo.build("test_vit")
    part = OptimiserPart(lr=1e-3, head_lr=5e-3, min_lr=1e-5, warmup=0.0)
    extra = nn.Parameter(torch.zeros(1))
    optimiser = make_optimiser(net, part, [extra])
    assert [group["peak_lr"] for group in optimiser.param_groups] == [1e-3, 5e-3]
    assert len(optimiser.param_groups[1]["params"]) == 3
    set_rate(optimiser, part, step=100, total_steps=100, steps_per_epoch=10)
    assert [group["lr"] for group in optimiser.param_groups] == pytest.approx([1e-5, 5e-5])
    zoo.freeze(net, "head")
    assert [len(group["params"]) for group in make_optimiser(net, part).param_groups] == [2]


def factors(part: OptimiserPart, steps: int = 101) -> list[float]:
    return [lr_factor(part, step=step, total_steps=100, steps_per_epoch=10) for step in range(steps)]


def test_cosine_warms_up_and_ends_at_nothing() -> None:
    found = factors(OptimiserPart(warmup=0.1))
    assert found[0] == pytest.approx(0.1)
    assert found[9] == max(found) == 1.0
    assert all(a >= b for a, b in itertools.pairwise(found[9:]))
    assert found[100] == pytest.approx(0, abs=1e-9)
    assert factors(OptimiserPart(warmup=0.1), 501)[500] == pytest.approx(0, abs=1e-9)


def test_cosine_in_cycles_starts_again() -> None:
    found = factors(OptimiserPart(warmup=0.0, cycles=2))
    assert found[0] == found[50] == 1.0
    assert found[49] < 0.01
    assert found[100] == pytest.approx(0, abs=1e-9)


def test_constant_then_linear() -> None:
    """SBI: lr for 75 of 100 epochs, then in a straight line to nothing."""
    found = factors(OptimiserPart(schedule="linear", warmup=0.0, constant_until=0.75))
    assert found[:76] == [1.0] * 76
    assert found[88] == pytest.approx(0.48)
    assert found[100] == 0.0


def test_steps_and_constant() -> None:
    found = factors(OptimiserPart(schedule="step", warmup=0.0, step_epochs=3, step_factor=0.5))
    assert [found[29], found[30], found[60]] == [1.0, 0.5, 0.25]
    assert set(factors(OptimiserPart(schedule="constant", warmup=0.0))) == {1.0}
