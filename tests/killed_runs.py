"""Training runs killed at random moments, each gone on with to its end: `python killed_runs.py KILLS FOLDER`.

A process of its own: it loads PyTorch once and forks, so that a kill costs a second and not ten. Prints one line a kill
and, last, how many of the runs ended in the weights of the unbroken one.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dfdetect.train.checkpoint import has_checkpoint
from dfdetect.train.recipe import Recipe, load_recipe
from dfdetect.train.run import Machine, train
from tiny_run import tiny_shards, write_recipe

CHANGES = [
    "model.architecture=test_efficientnet", "model.input_size_px=32", "loop.images_per_epoch=48", "loop.epochs=3",
    "loop.checkpoint_steps=1", "optimiser.name=adamw", "loss.mask_weight=0.0", "augment.p_video=0",
]  # fmt: skip


def weights_hash(run: Path) -> str:
    return hashlib.sha256((run / "weights.safetensors").read_bytes()).hexdigest()


def forked(work: Callable[[], None]) -> int:
    """The process id of a child that does this and ends."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return child


def sitting(recipe: Recipe, run: Path, workers: int) -> None:
    resume = has_checkpoint(run / "checkpoints")
    train(recipe, tiny_shards(), run, resume=resume, machine=Machine(workers=workers, threads=1, quiet=True))


def main(kills: int, folder: Path) -> int:
    recipe = load_recipe(str(write_recipe(folder)), CHANGES)
    tiny_shards()
    rng = np.random.default_rng(1)
    began = time.monotonic()
    os.waitpid(forked(lambda: sitting(recipe, folder / "whole", 0)), 0)
    whole_s = time.monotonic() - began
    right = 0
    for number in range(kills):
        run, workers = folder / f"run-{number}", number % 2
        child = forked(lambda run=run, workers=workers: sitting(recipe, run, workers))  # type: ignore[misc]
        time.sleep(float(rng.uniform(0.05, 1.0)) * whole_s)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        newest = sorted(path.stem for path in (run / "checkpoints").glob("*.json"))[-1:] if run.is_dir() else []
        os.waitpid(forked(lambda run=run, workers=workers: sitting(recipe, run, workers)), 0)  # type: ignore[misc]
        same = weights_hash(run) == weights_hash(folder / "whole")
        right += same
        ends = "same" if same else "OTHER"
        sys.stdout.write(f"kill {number + 1}: newest checkpoint {newest or 'none'}, {ends} weights\n")
        sys.stdout.flush()
    sys.stdout.write(f"{right} of {kills} killed runs ended in the weights of the unbroken one\n")
    return 0 if right == kills else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), Path(sys.argv[2])))
