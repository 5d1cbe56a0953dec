"""One training step and one validation, as a LightningModule that counts its own steps.

Everything that a step does follows from the recipe and the step's number (order of the data, rates, seeds), so a run
that goes on from a checkpoint does what the unbroken one would have done.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from dfdetect.errors import DataError, TrainingFailed
from dfdetect.models.input_tensor import InputTensor
from dfdetect.models.spec import ModelSpec
from dfdetect.models.zoo import CamNet, PooledNet
from dfdetect.train.average import MovingAverage
from dfdetect.train.batches import Batch
from dfdetect.train.checkpoint import Progress
from dfdetect.train.losses import total_loss
from dfdetect.train.optim import make_optimiser, set_rate
from dfdetect.train.recipe import Recipe
from dfdetect.train.validation import Scored, gather, gather_sum, validation_metrics


class BadStep(TrainingFailed):
    """A loss or gradient that is no number; `batch` is what caused it, before anything was changed by it."""

    def __init__(self, message: str, batch: Batch) -> None:
        super().__init__(message)
        self.batch = batch


class FaceModule(pl.LightningModule):
    """A network with its moving average, mask head, losses and optimiser. `progress` says where the run stands."""

    def __init__(
        self,
        net: CamNet | PooledNet,
        recipe: Recipe,
        spec: ModelSpec,
        *,
        steps_per_epoch: int,
        progress: Progress | None = None,
    ) -> None:
        super().__init__()
        self.net, self.recipe = net, recipe
        self.steps_per_epoch = steps_per_epoch
        self.total_steps = steps_per_epoch * recipe.loop.epochs
        self.progress = progress or Progress()
        decay = recipe.optimiser.ema_decay
        self.ema = MovingAverage(net, decay=decay) if decay else None
        self.begun = {"name": "random", "licence": ""}
        self.mask_head = nn.Conv2d(net.features.channels, 1, 1) if recipe.loss.mask_weight else None
        self.to_input = InputTensor(spec)
        self.sums: dict[str, Tensor | float] = {"loss": self.progress.loss_sum, "right": self.progress.right}
        self.scored: list[Scored] = []
        self.metrics: dict[str, float] = {}
        self.pieces: list[tuple[Batch, Tensor]] = []  # of this step, with their losses

    @property
    def best_net(self) -> CamNet | PooledNet:
        """The weights that are validated and kept: the averaged ones where there are any."""
        return self.net if self.ema is None else self.ema.module  # type: ignore[return-value]

    # ---- training ----

    def on_train_epoch_start(self) -> None:
        """Layers into training mode, but batch-norm layers with fixed statistics: those stay as they are in scanning.

        Here, since Lightning calls `train()` neither at the start nor after a validation.
        """
        self.train()
        if self.recipe.model.norm_statistics == "fixed":
            for layer in self.net.modules():
                if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                    layer.eval()

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Seed every generator by the step's number: there is no generator state to keep, on any number of devices."""
        refuse_failed(batch)
        piece = batch_idx % self.recipe.loop.accumulate  # Lightning counts from where this sitting began
        seed = [self.recipe.loop.seed, self.progress.step, piece, self.global_rank]
        draw = np.random.SeedSequence(seed).generate_state(3)
        torch.manual_seed(int(draw[0]))
        np.random.seed(int(draw[1]))  # noqa: NPY002 - timm and torchvision may use it
        random.seed(int(draw[2]))
        if piece == 0:
            self.pieces = []

    def training_step(self, batch: Batch, _: int) -> Tensor:
        seen = self.net.look(self.to_input(batch.images))
        mask_logits = self.mask_head(seen.maps) if self.mask_head is not None else None
        loss = total_loss(seen, batch.labels, batch.masks, mask_logits, self.recipe.loss)
        self.pieces.append((batch, loss.detach()))
        with torch.no_grad():
            right = ((seen.logit > 0) == (batch.labels > 0.5)).sum()
            self.sums = {
                "loss": self.sums["loss"] + loss.detach() * len(batch.labels),
                "right": self.sums["right"] + right,
            }
        self.progress.seen += len(batch.labels)
        self.log("loss", loss.detach(), prog_bar=True)
        return loss

    def configure_gradient_clipping(self, optimizer: Optimizer, *_: Any, **__: Any) -> None:
        """Clip the gradient's length; one that is no number must not reach the weights."""
        limit = self.recipe.optimiser.clip_norm or float("inf")
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        norm = torch.nn.utils.clip_grad_norm_(parameters, limit, foreach=True)
        scaled = getattr(self.trainer.precision_plugin, "scaler", None) is not None  # it skips such steps by itself
        self.refuse_broken(torch.zeros(()) if scaled else norm)

    def refuse_broken(self, norm: Tensor) -> None:
        """BadStep when a loss of this step, or the gradient's length, is no number: before any weight is changed.

        One question to the device for all of them, since a GPU is waited for with each.
        """
        losses = [loss for _, loss in self.pieces]
        values = torch.stack([*losses, norm.to(losses[0])]).float().cpu()
        if torch.isfinite(values).all():
            return
        wrong = int((~torch.isfinite(values)).nonzero()[0])
        batch = self.pieces[min(wrong, len(losses) - 1)][0]
        what = "loss" if wrong < len(losses) else "gradient"
        where = f"step {self.progress.step} (epoch {self.progress.epoch}, batch {batch.number})"
        raise BadStep(f"the {what} became {float(values[wrong])} at {where}", batch)

    def optimizer_step(self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Any = None) -> None:
        set_rate(
            optimizer.optimizer if hasattr(optimizer, "optimizer") else optimizer,
            self.recipe.optimiser,
            step=self.progress.step,
            total_steps=self.total_steps,
            steps_per_epoch=self.steps_per_epoch,
        )
        super().optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)
        if self.ema is not None:
            self.ema.update(self.net, self.progress.step)
        self.progress.step += 1
        self.progress.step_in_epoch += 1

    def configure_optimizers(self) -> Optimizer:
        extra = [] if self.mask_head is None else list(self.mask_head.parameters())
        return make_optimiser(self.net, self.recipe.optimiser, extra)

    # ---- validation ----

    def on_validation_batch_start(self, batch: Batch, *_: Any) -> None:
        refuse_failed(batch)

    def validation_step(self, batch: Batch, _: int) -> None:
        if len(batch.labels):
            logits, _cam = self.best_net(self.to_input(batch.images))
            self.scored.append(
                Scored(batch.number, logits.float().cpu().numpy(), batch.labels.cpu().numpy(), batch.videos)
            )

    def on_validation_epoch_end(self) -> None:
        self.metrics = validation_metrics(gather(self.scored))
        self.scored = []
        shown = {name: self.metrics[name] for name in ("val_auc", "val_loss")}
        self.log_dict(shown, prog_bar=True, rank_zero_only=True)

    def training_metrics(self) -> dict[str, float]:
        """Mean loss and accuracy of the epoch so far, over all devices. Every device must call it."""
        mine = torch.tensor([float(self.sums["loss"]), float(self.sums["right"]), float(self.progress.seen)])
        loss, right, n = gather_sum(mine.double()).tolist()
        return {"loss": loss / max(1.0, n), "accuracy": right / max(1.0, n)}

    def begin_epoch(self) -> None:
        """Count from zero again: the epoch is over."""
        progress = self.progress
        progress.epoch, progress.step_in_epoch, progress.seen = progress.epoch + 1, 0, 0
        self.sums = {"loss": 0.0, "right": 0.0}

    # ---- what a checkpoint holds ----

    def kept_weights(self) -> dict[str, Tensor]:
        """Everything that training changes, by name: frozen weights are held once, not again in the average."""
        frozen = {f"ema.module.{name}" for name, p in self.net.named_parameters() if not p.requires_grad}
        return {name: value for name, value in self.state_dict().items() if name not in frozen}

    def restore_weights(self, weights: dict[str, Tensor]) -> None:
        """Give back what `kept_weights` gave. DataError when it is of another network."""
        found = dict(weights)
        found.pop("ema.n_averaged", None)  # of the first checkpoints
        try:
            for name, p in self.net.named_parameters():
                if not p.requires_grad and self.ema is not None:
                    found[f"ema.module.{name}"] = found[f"net.{name}"]
            self.load_state_dict(found)
        except (RuntimeError, KeyError) as error:
            raise DataError(f"the checkpoint is of another network: {str(error)[:300]}") from error


def refuse_failed(batch: Batch) -> None:
    """DataError for a batch that could not be made."""
    if batch.failed:
        raise DataError(f"batch {batch.number} could not be made: {batch.failed}")
