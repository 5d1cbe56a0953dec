"""The training step's arithmetic: averages, rates, and a loss that stops the run when it breaks."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from torch import nn  # noqa: E402

from dfdetect.errors import DataError  # noqa: E402
from dfdetect.models.spec import ModelSpec  # noqa: E402
from dfdetect.models.zoo import Seen  # noqa: E402
from dfdetect.train.batches import Batch  # noqa: E402
from dfdetect.train.module import BadStep, FaceModule  # noqa: E402
from dfdetect.train.recipe import LossPart, ModelPart, OptimiserPart, Recipe  # noqa: E402


class OneNumber(nn.Module):
    """A network whose logit is its one weight."""

    has_cam = True

    def __init__(self, value: float = 0.0) -> None:
        super().__init__()
        self.features = nn.Module()
        self.features.channels = 1
        self.features.norm = nn.BatchNorm1d(1)
        self.head = nn.Linear(1, 1)
        nn.init.constant_(self.head.bias, value)
        nn.init.zeros_(self.head.weight)

    def look(self, images: torch.Tensor) -> Seen:
        maps = images[:, :1]
        logit = self.head(maps.mean((2, 3)))[:, 0]
        return Seen(logit, logit[:, None, None], maps, maps.mean((2, 3)))

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.look(images).logit, self.look(images).maps


def module(value: float = 0.0, *, loss: LossPart | None = None, ema: float = 0.99, steps: int = 100) -> FaceModule:
    recipe = Recipe("x", loss=loss or LossPart(), optimiser=OptimiserPart(ema_decay=ema))
    made = FaceModule(OneNumber(value), recipe, ModelSpec("none", 2), steps_per_epoch=steps)  # type: ignore[arg-type]
    made.log = lambda *_, **__: None  # type: ignore[method-assign]
    return made


def batch(labels: list[float], failed: str = "") -> Batch:
    n = len(labels)
    images = torch.zeros(n, 2, 2, 3, dtype=torch.uint8)
    return Batch(images, torch.tensor(labels), torch.zeros(0), ("a",) * n, 7, failed)


def step(made: FaceModule, labels: list[float]) -> float:
    return float(made.training_step(batch(labels), 0).detach())


def test_the_loss_is_binary_cross_entropy() -> None:
    assert step(module(), [0.0, 1.0]) == pytest.approx(math.log(2))
    assert step(module(3.0), [1.0]) == pytest.approx(math.log1p(math.exp(-3)), abs=1e-6)


def test_a_broken_loss_names_its_batch() -> None:
    """A run trained on for two hours after its loss had become NaN."""
    made = module(float("nan"))
    step(made, [1.0])
    with pytest.raises(BadStep, match=r"the loss became nan at step 0 \(epoch 0, batch 7\)") as caught:
        made.refuse_broken(torch.tensor(1.0))
    assert caught.value.batch.labels.tolist() == [1.0]


def test_the_broken_piece_of_a_step_is_the_one_that_is_kept() -> None:
    """With gradients of four pieces added up, the last one was kept although the second was to blame."""
    made = module(0.0)
    step(made, [1.0])
    made.net.head.bias.data.fill_(float("inf"))
    step(made, [0.0, 0.0])
    made.net.head.bias.data.fill_(0.0)
    step(made, [1.0, 1.0, 1.0])
    with pytest.raises(BadStep, match="the loss became inf") as caught:
        made.refuse_broken(torch.tensor(float("nan")))
    assert caught.value.batch.labels.tolist() == [0.0, 0.0]
    made.pieces = made.pieces[:1]
    with pytest.raises(BadStep, match="the gradient became nan"):
        made.refuse_broken(torch.tensor(float("nan")))
    made.refuse_broken(torch.tensor(3.0))


def test_a_batch_that_could_not_be_made_is_named() -> None:
    with pytest.raises(DataError, match=r"batch 7 could not be made: items \[3\]: no picture"):
        module().on_validation_batch_start(batch([], "items [3]: no picture"))


def test_the_average_forgets_the_untrained_weights_first() -> None:
    made = module()
    made.net.head.bias.data.fill_(1.0)
    for number in range(1, 31):
        made.ema.update(made.net, number)
    assert float(made.ema.module.head.bias) > 0.99
    slow = module()
    slow.net.head.bias.data.fill_(1.0)
    slow.ema.update(slow.net, 10_000)
    assert float(slow.ema.module.head.bias) == pytest.approx(0.01, abs=1e-4)


def test_buffers_are_averaged_too() -> None:
    """Averaged weights under another step's batch norm score like an untrained network."""
    made = module(ema=0.998)
    made.net.features.norm.running_mean.fill_(4.0)
    for number in range(40):
        made.ema.update(made.net, number)
    assert float(made.ema.module.features.norm.running_mean) == pytest.approx(4.0, abs=0.05)


def test_without_an_average_the_newest_weights_are_kept() -> None:
    made = module(ema=0.0)
    assert made.best_net is made.net
    assert not any(name.startswith("ema.") for name in made.kept_weights())


def test_frozen_weights_are_held_once() -> None:
    """A checkpoint of a frozen ViT-L held its 1.2 GB twice."""
    made = module(2.0)
    made.net.features.requires_grad_(False)
    kept = {name: value.clone() for name, value in made.kept_weights().items()}
    assert "net.features.norm.weight" in kept
    assert "ema.module.features.norm.weight" not in kept
    assert "ema.module.features.norm.running_mean" in kept
    other = module(0.0)
    other.net.features.requires_grad_(False)
    other.restore_weights(kept)
    assert float(other.ema.module.head.bias) == 2.0
    with pytest.raises(DataError, match="the checkpoint is of another network"):
        other.restore_weights({"net.head.bias": torch.zeros(1)})


def test_the_mask_head_learns_and_is_not_exported() -> None:
    made = module(loss=LossPart(mask_weight=0.3))
    made.batch = Batch(
        torch.zeros(2, 4, 4, 3, dtype=torch.uint8), torch.tensor([0.0, 1.0]), torch.rand(2, 2, 2), ("a",) * 2, 0, ""
    )
    made.training_step(made.batch, 0).backward()
    assert made.mask_head.weight.grad.abs().sum() > 0
    assert not any("mask" in name for name in made.best_net.state_dict())
    assert sum(len(group["params"]) for group in made.configure_optimizers().param_groups) == 6


def test_every_step_has_its_own_seed() -> None:
    """Checkpoints hold no generator state: a resumed run drops what the unbroken one would."""
    made, draws = module(), []
    for number in (3, 4, 3):
        made.progress = replace(made.progress, step=number)
        made._trainer = None
        made.on_train_batch_start(batch([0.0]), 0)
        draws.append(float(torch.rand(1)))
    assert draws[0] == draws[2] != draws[1]


def test_epoch_figures_are_means_over_pictures() -> None:
    made = module(3.0)
    step(made, [1.0])
    step(made, [0.0, 0.0, 0.0])
    figures = made.training_metrics()
    assert figures["accuracy"] == 0.25
    assert figures["loss"] == pytest.approx((math.log1p(math.exp(-3)) + 3 * math.log1p(math.exp(3))) / 4, abs=1e-5)
    made.begin_epoch()
    assert (made.progress.epoch, made.progress.seen) == (1, 0)


class Normed(OneNumber):
    """A network whose logit is its picture's mean, after a batch-norm layer."""

    def look(self, images: torch.Tensor) -> Seen:
        pooled = self.features.norm(images[:, :1].mean((2, 3)))
        return Seen(pooled[:, 0], None, images[:, :1], pooled)


@pytest.mark.parametrize(("statistics", "alone"), [("batch", False), ("fixed", True)])
def test_fixed_statistics_judge_each_picture_alone(statistics: str, alone: bool) -> None:
    """Run 2 and the model 0.1 learnt to compare a fake with its real twin through the batch's statistics: AUC .93 in
    such batches, .81 in scanning, where no twin stands beside a face."""
    recipe = Recipe("x", model=ModelPart(norm_statistics=statistics))
    made = FaceModule(Normed(), recipe, ModelSpec("none", 2), steps_per_epoch=1)  # type: ignore[arg-type]
    made.on_train_epoch_start()
    images = torch.rand(4, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    before = made.net.features.norm.running_mean.clone()
    among_twins = made.net.look(images).logit[0]
    among_others = made.net.look(torch.cat([images[:1], images[2:] + 1])).logit[0]
    assert torch.equal(among_twins, among_others) == alone
    assert torch.equal(before, made.net.features.norm.running_mean) == alone
    assert made.training
    assert made.net.features.norm.weight.requires_grad
