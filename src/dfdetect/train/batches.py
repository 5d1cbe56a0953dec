"""Pairs -> batches of tensors, per epoch, in an order that depends on the seed alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from dfdetect.data.pairs import PairMaker
from dfdetect.models.preprocess import to_input
from dfdetect.models.spec import ModelSpec
from dfdetect.train.recipe import Recipe


class PairBatches(Dataset[tuple[Tensor, Tensor]]):
    """Batch i = pairs first + i * per_batch ...: images (2P, 3, S, S) float32, reals first; labels (2P,), 1 = fake."""

    def __init__(
        self, maker: PairMaker, spec: ModelSpec, *, first: int, pairs: int, per_batch: int, size_px: int
    ) -> None:
        self.maker, self.spec, self.first, self.pairs = maker, spec, first, pairs
        self.per_batch, self.size_px = per_batch, size_px

    def __len__(self) -> int:
        return -(-self.pairs // self.per_batch)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        start = self.first + index * self.per_batch
        stop = min(start + self.per_batch, self.first + self.pairs)
        made = [self.maker.make(pair, size_px=self.size_px) for pair in range(start, stop)]
        crops = np.stack([p.real for p in made] + [p.fake for p in made])
        labels = torch.cat([torch.zeros(len(made)), torch.ones(len(made))])
        return torch.from_numpy(to_input(crops, self.spec)), labels


@contextlib.contextmanager
def forkable_opencv() -> Iterator[None]:
    """OpenCV with one thread in this process, while workers are forked.

    A forked worker inherits the thread pool without its threads; `_one_thread` would then wait for them for ever.
    """
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _one_thread(_: int) -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


class PairData(pl.LightningDataModule):
    """The epochs of a run. Epoch e holds pairs e*E .. (e+1)*E-1, so a resumed run sees what the unbroken one would."""

    def __init__(self, recipe: Recipe, spec: ModelSpec, *, train: PairMaker, val: PairMaker, workers: int) -> None:
        super().__init__()
        self.recipe, self.spec, self.train_maker, self.val_maker, self.workers = recipe, spec, train, val, workers

    def _loader(self, batches: PairBatches) -> DataLoader[Any]:
        return DataLoader(
            batches,
            batch_size=None,
            num_workers=self.workers,
            worker_init_fn=_one_thread,
            prefetch_factor=3 if self.workers else None,
            pin_memory=torch.cuda.is_available(),
        )

    def train_dataloader(self) -> DataLoader[Any]:
        loop = self.recipe.loop
        epoch = self.trainer.current_epoch if self.trainer else 0
        return self._loader(
            PairBatches(
                self.train_maker,
                self.spec,
                first=epoch * loop.pairs_per_epoch,
                pairs=min(loop.pairs_per_epoch, loop.pairs - epoch * loop.pairs_per_epoch),
                per_batch=loop.pairs_per_batch,
                size_px=self.recipe.size_px(epoch),
            )
        )

    def val_dataloader(self) -> DataLoader[Any]:
        epoch = self.trainer.current_epoch if self.trainer else 0
        return self._loader(
            PairBatches(
                self.val_maker,
                self.spec,
                first=0,
                pairs=self.recipe.data.val_pairs,
                per_batch=32,
                size_px=self.recipe.size_px(epoch),
            )
        )
