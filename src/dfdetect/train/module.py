"""One training step and one validation, as a LightningModule. A moving average of the weights is what is kept."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.optim.swa_utils import AveragedModel
from torchmetrics.classification import BinaryAUROC

from dfdetect.models.zoo import CamNet
from dfdetect.train.recipe import LoopPart

Batch = tuple[Tensor, Tensor]  # images (B, 3, S, S) float32, labels (B,) float32 with 1 = fake


class PairModule(pl.LightningModule):
    """Binary cross-entropy on pairs; AdamW, warm-up and cosine over the whole run; EMA of all weights and buffers."""

    def __init__(self, net: CamNet, loop: LoopPart, *, total_steps: int) -> None:
        super().__init__()
        self.net = net
        self.loop_part = loop
        self.total_steps = total_steps
        self.ema = AveragedModel(net, multi_avg_fn=self._average, use_buffers=True)
        self.auc = BinaryAUROC()
        self.val_logits: list[Tensor] = []
        self.val_labels: list[Tensor] = []

    @torch.no_grad()
    def _average(self, averaged: Any, current: Any, seen: Any) -> None:
        # A short memory at the start, so that the untrained weights are forgotten.
        decay = min(self.loop_part.ema_decay, float((1 + seen) / (10 + seen)))
        for mean, now in zip(averaged, current, strict=True):
            if mean.is_floating_point():
                mean.lerp_(now.to(mean.dtype), 1 - decay)
            else:
                mean.copy_(now)

    def on_train_batch_start(self, *_: Any) -> None:
        # Checkpoints do not hold the state of torch's generator: seeded by the step, a resumed run drops what the
        # unbroken one would.
        torch.manual_seed(1_000_003 * self.loop_part.seed + self.global_step)

    def training_step(self, batch: Batch, _: int) -> Tensor:
        images, labels = batch
        logits, _cam = self.net(images)
        soft = labels * (1 - self.loop_part.label_smoothing) + 0.5 * self.loop_part.label_smoothing
        loss = binary_cross_entropy_with_logits(logits, soft)
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"the loss became {float(loss)} at step {self.global_step}; the last good state is in the run's "
                "last.ckpt: continue from it with a smaller lr"
            )
        right = ((logits > 0) == (labels > 0.5)).float().mean()
        self.log_dict({"loss": loss, "accuracy": right}, prog_bar=True)
        return loss

    def on_train_batch_end(self, *_: Any) -> None:
        self.ema.update_parameters(self.net)

    def validation_step(self, batch: Batch, _: int) -> None:
        images, labels = batch
        logits, _cam = self.ema(images)
        self.val_logits.append(logits.cpu())
        self.val_labels.append(labels.cpu())

    def on_validation_epoch_end(self) -> None:
        logits, labels = torch.cat(self.val_logits), torch.cat(self.val_labels)
        self.val_logits, self.val_labels = [], []
        soft = binary_cross_entropy_with_logits(logits, labels)
        auc = self.auc(torch.sigmoid(logits), labels.int())
        self.auc.reset()
        real = np.percentile(logits[labels < 0.5].numpy(), [50, 98])
        caught = (logits[labels > 0.5] > real[1]).float().mean()
        self.log_dict(
            {
                "val_auc": auc,
                "val_loss": soft,
                "val_real_logit_p50": float(real[0]),
                "val_real_logit_p98": float(real[1]),
                "val_tpr_at_fpr2": caught,
            },
            prog_bar=True,
        )

    def configure_optimizers(self) -> Any:
        part = self.loop_part
        head = [p for n, p in self.net.named_parameters() if n.startswith("head.")]
        body = [p for n, p in self.net.named_parameters() if not n.startswith("head.")]
        groups = [{"params": body, "lr": part.lr}, {"params": head, "lr": part.head_lr}]
        optimiser = torch.optim.AdamW(groups, weight_decay=part.weight_decay)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, self._lr_factor)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _lr_factor(self, step: int) -> float:
        warm = max(1, int(self.loop_part.warmup * self.total_steps))
        if step < warm:
            return (step + 1) / warm
        over = min(1.0, (step - warm) / max(1, self.total_steps - warm))
        return 0.5 * (1 + math.cos(math.pi * over))
