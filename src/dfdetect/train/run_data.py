"""The data of a run, epoch by epoch, for Lightning."""

from __future__ import annotations

import functools
import os
from typing import Any

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from dfdetect.train.batches import Batches, items_per_batch, start_worker
from dfdetect.train.module import FaceModule
from dfdetect.train.recipe import Recipe
from dfdetect.train.sources import ItemSource

VAL_IMAGES_PER_BATCH = 64


class RunData(pl.LightningDataModule):
    """The epochs of a run. A resumed epoch starts with the batch that comes after the checkpoint's last."""

    def __init__(
        self, recipe: Recipe, module: FaceModule, *, train: ItemSource, val: ItemSource | None, workers: int
    ) -> None:
        super().__init__()
        self.recipe, self.module, self.train, self.val, self.workers = recipe, module, train, val, workers

    def _loader(self, batches: Batches, order: range) -> DataLoader[Any]:
        """Batches in order, made by worker processes ahead of their use; in pinned memory for a GPU."""
        return DataLoader(
            batches,
            batch_size=None,
            sampler=order,
            num_workers=self.workers,
            worker_init_fn=functools.partial(start_worker, os.getpid()),
            prefetch_factor=3 if self.workers else None,
            pin_memory=torch.cuda.is_available(),
        )

    def _part(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)

    def train_dataloader(self) -> DataLoader[Any]:
        loop, progress, part = self.recipe.loop, self.module.progress, self._part()
        per_batch = items_per_batch(loop.images_per_batch, self.train, part[1] * loop.accumulate)
        batches = Batches(
            self.train,
            first=progress.step * per_batch,
            count=self.module.steps_per_epoch - progress.step_in_epoch,
            per_batch=per_batch,
            size_px=self.recipe.size_px(progress.epoch),
            part=part,
            accumulate=loop.accumulate,
        )
        return self._loader(batches, range(len(batches)))

    def val_dataloader(self) -> DataLoader[Any] | list[Any]:
        if self.val is None:
            return []
        items = self.recipe.data.val_pairs if self.val.images_per_item == 2 else self.val.rows
        per_batch = VAL_IMAGES_PER_BATCH // self.val.images_per_item
        size_px = self.recipe.size_px(self.module.progress.epoch)
        count = -(-items // per_batch)
        batches = Batches(self.val, first=0, count=count, per_batch=per_batch, size_px=size_px, last=items)
        rank, world = self._part()
        equal = -(-count // world) * world  # those beyond the last are empty: every device has as many
        return self._loader(batches, range(rank, equal, world))
