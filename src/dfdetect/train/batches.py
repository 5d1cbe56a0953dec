"""Items -> batches of tensors, in an order that depends on the seed alone, and split over devices by number."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from dfdetect.errors import DfdetectError, UsageError
from dfdetect.train.sources import Item, ItemSource

MASK_STRIDE = 16  # masks travel at this fraction of the crops: no head here looks at a finer one


class Batch(NamedTuple):
    """images (B, S, S, 3) uint8 RGB; labels (B,) float32, 1 = fake; masks (B, S/16, S/16) float32, or (0,) for none.

    number: of the batch in the run (training) or in the set (validation). failed: why it could not be made, or "".
    """

    images: Tensor
    labels: Tensor
    masks: Tensor
    videos: tuple[str, ...]
    number: int
    failed: str


class Batches(Dataset[Batch]):
    """Batch i holds items first + i * per_batch ... of a source: of every item its first crop, then every second one.

    part, parts: this is the part-th of so many equal parts of each batch (devices and accumulation split so).
    Items beyond `last` are left out. What cannot be made comes as a batch with `failed`: an error of a worker process
    would lose its type on the way.
    """

    def __init__(
        self,
        source: ItemSource,
        *,
        first: int,
        count: int,
        per_batch: int,
        size_px: int,
        part: tuple[int, int] = (0, 1),
        accumulate: int = 1,
        last: int | None = None,
    ) -> None:
        self.source, self.first, self.count, self.per_batch, self.size_px = source, first, count, per_batch, size_px
        self.part, self.accumulate, self.last = part, accumulate, last

    def __len__(self) -> int:
        return self.count * self.accumulate

    def __getitem__(self, index: int) -> Batch:
        batch, piece = divmod(index, self.accumulate)
        rank, world = self.part
        start = self.first + batch * self.per_batch
        stop = start + self.per_batch if self.last is None else min(start + self.per_batch, self.last)
        numbers = range(start + piece * world + rank, stop, world * self.accumulate)
        number = self.first // self.per_batch + batch
        try:
            return collate([self.source.make(item, size_px=self.size_px) for item in numbers], number)
        except (DfdetectError, ValueError, OSError, ImportError) as error:
            return Batch(torch.zeros(0), torch.zeros(0), torch.zeros(0), (), number, f"items {list(numbers)}: {error}")


def collate(items: list[Item], number: int) -> Batch:
    """Items -> one batch."""
    per_item = len(items[0].labels) if items else 0
    order = [(item, place) for place in range(per_item) for item in items]
    masks = [item.masks[place] for item, place in order if item.masks is not None]
    side = max(1, items[0].crops.shape[1] // MASK_STRIDE) if items else 1
    small = [cv2.resize(mask, (side, side), interpolation=cv2.INTER_AREA) for mask in masks]
    return Batch(
        images=torch.from_numpy(np.stack([item.crops[place] for item, place in order])) if order else torch.zeros(0),
        labels=torch.tensor([float(item.labels[place]) for item, place in order]),
        masks=torch.from_numpy(np.stack(small)) if len(small) == len(order) and order else torch.zeros(0),
        videos=tuple(item.videos[place] for item, place in order),
        number=number,
        failed="",
    )


def items_per_batch(images: int, source: ItemSource, parts: int) -> int:
    """Items of a batch of so many images. UsageError when it cannot be split into equal parts."""
    n = source.images_per_item
    if images % (n * parts):
        raise UsageError(
            f"loop.images_per_batch = {images} cannot be split: it must be a multiple of {n * parts} "
            f"({n} images an item, times devices and loop.accumulate)"
        )
    return images // n


@contextlib.contextmanager
def forkable_opencv() -> Iterator[None]:
    """OpenCV with one thread in this process, while workers are forked.

    A forked worker inherits the thread pool without its threads; `one_thread` would then wait for them for ever.
    """
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def start_worker(parent_pid: int, number: int) -> None:
    """Set a worker process up; end it at once if the run that forked it was killed meanwhile.

    PyTorch's own watch over the parent begins only now, and would take whoever adopted the worker for the parent.
    """
    if os.getppid() != parent_pid:
        os._exit(1)
    one_thread(number)


def one_thread(_: int) -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
