"""One training step of dfdetect against bare PyTorch on the same batch held in memory, step about step in one process.

    python benchmarks/train_step.py [--architecture tf_efficientnet_lite0] [--size 224] [--images 32] [--steps 20]

Ours: Lightning's loop, a batch from bytes in memory, normalising, loss, clipping, AdamW, moving average, figures.
Bare: the same network and optimiser on floats that are there already, and nothing else. The two alternate, so that what
else the machine does falls on both; a ratio is the median of the pairs' ratios, by the clock and by processor time
(which other processes lengthen less). Making pictures is not in it: that is the workers' part.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from machine import conditions
from torch.nn.functional import binary_cross_entropy_with_logits

from dfdetect.train.module import FaceModule
from dfdetect.train.network import first_network, resolve, spec_of
from dfdetect.train.recipe import Recipe, load_recipe
from dfdetect.train.record import Recorder
from dfdetect.train.run import Machine, _quiet_libraries, _trainer
from dfdetect.train.run_data import RunData
from dfdetect.train.sources import Item

MOST = 1.15
WARM_UP = 3


class Held:
    """The same pair, however often it is asked for."""

    images_per_item = 2
    rows = 2

    def __init__(self, size_px: int) -> None:
        crops = np.random.default_rng(1).integers(0, 256, (2, size_px, size_px, 3), dtype=np.uint8)
        self.item = Item(crops, np.array([0, 1], np.float32), None, ("a", "b"))

    def make(self, number: int, *, size_px: int) -> Item:
        return self.item


class BareStep:
    """A step as a tutorial writes it."""

    def __init__(self, recipe: Recipe, images: torch.Tensor, labels: torch.Tensor) -> None:
        self.net = first_network(recipe, None)[0].train()
        self.optimiser = torch.optim.AdamW(self.net.parameters(), lr=1e-4)
        self.images, self.labels = images, labels

    def __call__(self) -> None:
        self.optimiser.zero_grad()
        loss = binary_cross_entropy_with_logits(self.net(self.images)[0], self.labels)
        loss.backward()
        self.optimiser.step()


class Alternate(pl.Callback):
    """After each of our steps a bare one; (seconds, processor seconds) of both."""

    def __init__(self, bare: BareStep) -> None:
        self.bare = bare
        self.pairs: list[tuple[Seconds, Seconds]] = []
        self.since = now()

    def on_train_start(self, *_: Any) -> None:
        self.since = now()

    def on_train_batch_end(self, *_: Any) -> None:
        between = now()
        self.bare()
        end = now()
        self.pairs.append((passed(self.since, between), passed(between, end)))
        self.since = now()


Seconds = tuple[float, float]


def now() -> Seconds:
    return time.perf_counter(), time.process_time()


def passed(start: Seconds, end: Seconds) -> Seconds:
    return end[0] - start[0], end[1] - start[1]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--architecture", default="tf_efficientnet_lite0")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    changes = {
        "model.architecture": given.architecture, "model.input_size_px": given.size, "model.pretrained": "false",
        "loop.images_per_batch": given.images, "loop.images_per_epoch": given.images * (given.steps + WARM_UP),
        "loop.epochs": 1, "loop.small_size_px": 0, "data.validation": "none", "loop.checkpoint_minutes": 0,
    }  # fmt: skip
    recipe = resolve(load_recipe("default", [f"{key}={value}" for key, value in changes.items()]))
    source = Held(given.size)
    module = FaceModule(first_network(recipe, None)[0], recipe, spec_of(recipe), steps_per_epoch=given.steps + WARM_UP)
    crops = torch.from_numpy(np.repeat(source.item.crops, given.images // 2, axis=0))
    labels = torch.tensor([0.0, 1.0]).repeat_interleave(given.images // 2)
    beside = Alternate(BareStep(recipe, module.to_input(crops), labels))
    with tempfile.TemporaryDirectory() as folder, _quiet_libraries():
        data = RunData(recipe, module, train=source, val=None, workers=0)
        machine = Machine(workers=0, quiet=True, device="cpu")
        callbacks = [Recorder(Path(folder), module), beside]
        trainer = _trainer(recipe, Path(folder), callbacks, machine=machine, epochs=1)
        trainer.fit(module, datamodule=data)
    print(conditions())
    print(f"{given.architecture}, {given.size} px, {given.images} images, {given.threads} threads, {given.steps} pairs")
    for clock, name in enumerate(("clock", "processor")):
        ours, bare = zip(*[(a[clock], b[clock]) for a, b in beside.pairs[WARM_UP:]], strict=True)
        ratios = sorted(a / b for a, b in zip(ours, bare, strict=True))
        ratio, low, high = (statistics.median(ratios), ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4])
        print(f"by the {name}: ours {statistics.median(ours):.3f} s, bare {statistics.median(bare):.3f} s a step")
        print(f"  ratio {ratio:.3f} ({low:.3f} - {high:.3f}); at most {MOST}: {'met' if ratio <= MOST else 'NOT met'}")


if __name__ == "__main__":
    main()
