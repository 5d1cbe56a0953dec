"""The training step's arithmetic: averages, rates, and a loss that stops the run when it breaks."""

from __future__ import annotations

import itertools
import math
import multiprocessing
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from torch import nn  # noqa: E402

from dfdetect.data.pairs import PairMaker  # noqa: E402
from dfdetect.models.spec import ModelSpec  # noqa: E402
from dfdetect.train.batches import PairBatches, _one_thread, forkable_opencv  # noqa: E402
from dfdetect.train.module import PairModule  # noqa: E402
from dfdetect.train.recipe import LoopPart  # noqa: E402
from face_pictures import plain_records  # noqa: E402


class OneNumber(nn.Module):
    """A network whose logit is its one weight."""

    def __init__(self, value: float = 0.0) -> None:
        super().__init__()
        self.head = nn.Linear(1, 1)
        self.norm = nn.BatchNorm1d(1)
        nn.init.constant_(self.head.bias, value)
        nn.init.zeros_(self.head.weight)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits = self.head(images.flatten(1)[:, :1])[:, 0]
        return logits, logits[:, None, None]


LOOP = LoopPart(label_smoothing=0.0, warmup=0.1)


def module(loop: LoopPart = LOOP, value: float = 0.0) -> PairModule:
    made = PairModule(OneNumber(value), loop, total_steps=100)  # type: ignore[arg-type]
    made.log_dict = lambda *_, **__: None  # type: ignore[method-assign]
    return made


def batch(labels: list[float]) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.zeros(len(labels), 3, 2, 2), torch.tensor(labels)


def test_the_loss_is_binary_cross_entropy() -> None:
    assert float(module().training_step(batch([0.0, 1.0]), 0)) == pytest.approx(math.log(2))
    assert float(module(value=3.0).training_step(batch([1.0]), 0)) == pytest.approx(math.log1p(math.exp(-3)), abs=1e-6)


def test_smoothing_moves_both_labels_alike() -> None:
    smooth = module(replace(LOOP, label_smoothing=0.2), value=2.0)
    real, fake = (float(smooth.training_step(batch([label]), 0)) for label in (0.0, 1.0))
    plain_real, plain_fake = (float(module(value=2.0).training_step(batch([label]), 0)) for label in (0.0, 1.0))
    assert real == pytest.approx(0.9 * plain_real + 0.1 * plain_fake, abs=1e-5)
    assert fake == pytest.approx(0.9 * plain_fake + 0.1 * plain_real, abs=1e-5)


def test_a_broken_loss_stops_with_advice() -> None:
    """A run trained on for two hours after its loss had become NaN."""
    with pytest.raises(FloatingPointError, match=r"loss became nan at step 0; .*continue from it with a smaller lr"):
        module(value=float("nan")).training_step(batch([1.0]), 0)


def test_the_average_forgets_the_untrained_weights_first() -> None:
    made = module(replace(LOOP, ema_decay=0.99))
    made.net.head.bias.data.fill_(1.0)
    for _ in range(30):
        made.on_train_batch_end()
    assert float(made.ema.module.head.bias) > 0.99
    slow = module(replace(LOOP, ema_decay=0.99))
    slow.ema.n_averaged.fill_(10_000)
    slow.net.head.bias.data.fill_(1.0)
    slow.on_train_batch_end()
    assert float(slow.ema.module.head.bias) == pytest.approx(0.01, abs=1e-4)


def test_buffers_are_averaged_too() -> None:
    """Averaged weights under another step's batch norm score like an untrained network."""
    made = module()
    made.net.norm.running_mean.fill_(4.0)
    for _ in range(40):
        made.on_train_batch_end()
    assert float(made.ema.module.norm.running_mean) == pytest.approx(4.0, abs=0.05)


def test_the_rate_warms_up_and_ends_at_nothing() -> None:
    made = module()
    factors = [made._lr_factor(step) for step in range(101)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[9] == max(factors) == 1.0
    assert all(a >= b for a, b in itertools.pairwise(factors[9:]))
    assert factors[100] == pytest.approx(0, abs=1e-9)
    assert made._lr_factor(500) == pytest.approx(0, abs=1e-9)


def test_the_head_has_its_own_rate() -> None:
    groups = module().configure_optimizers()["optimizer"].param_groups
    assert [group["initial_lr"] for group in groups] == [LOOP.lr, LOOP.head_lr]
    assert [len(group["params"]) for group in groups] == [2, 2]


# ---- batches ----


def batches(pairs: int, per_batch: int, first: int = 0) -> PairBatches:
    maker = PairMaker(plain_records(4), seed=1)
    return PairBatches(maker, ModelSpec("net", 32), first=first, pairs=pairs, per_batch=per_batch, size_px=32)


def test_reals_stand_before_their_fakes() -> None:
    images, labels = batches(pairs=4, per_batch=3)[0]
    assert images.shape == (6, 3, 32, 32)
    assert labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert (images[:3] - images[3:]).abs().mean() < images[:3].std()


def test_the_last_batch_is_what_is_left() -> None:
    own = batches(pairs=5, per_batch=3)
    assert len(own) == 2
    assert [len(own[number][1]) for number in range(2)] == [6, 4]


def test_epochs_go_through_the_pairs_without_overlap() -> None:
    """Pairs 0-7 again in every epoch: the network saw eight blends."""
    whole, second = batches(pairs=4, per_batch=4), batches(pairs=2, per_batch=2, first=2)
    assert torch.equal(whole[0][0][[2, 3, 6, 7]], second[0][0])


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")
def test_workers_start_after_opencv_was_used() -> None:
    """A preview and then training in one process stood still: the forked worker waited for OpenCV's threads."""
    cv2.GaussianBlur(np.zeros((1500, 1500, 3), np.uint8), (0, 0), 3)
    before = cv2.getNumThreads()
    with forkable_opencv():
        worker = multiprocessing.get_context("fork").Process(target=_one_thread, args=(0,), daemon=True)
        worker.start()
        worker.join(20)
        worker.kill()
    assert worker.exitcode == 0
    assert cv2.getNumThreads() == before
