"""Recipe + face shards -> run folder.

run/
  recipe.json          the frozen recipe, environment, data hash, git revision, what the weights began with
  metrics.jsonl        one line an epoch; learning_curve.png and tensorboard/ show the same
  checkpoints/         to go on from (train.checkpoint)
  weights.safetensors  what is exported: weights of the newest or the best epoch, averaged where the recipe says so
"""

from __future__ import annotations

import json
import logging
import os
import platform
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import TQDMProgressBar
from pytorch_lightning.strategies import DDPStrategy

from dfdetect.data.shards import shards_hash
from dfdetect.errors import ErrorCode, TrainingFailed, UsageError, unknown_name
from dfdetect.train.batches import forkable_opencv, items_per_batch
from dfdetect.train.checkpoint import Checkpoint, has_checkpoint, load_newest, restore_optimiser, weights_of
from dfdetect.train.module import BadStep, FaceModule
from dfdetect.train.network import first_network, load_mask_head, resolve, spec_of
from dfdetect.train.recipe import Recipe
from dfdetect.train.record import CHECKPOINTS, Recorder, TimeIsUp, keep_rows_until, save_bad_batch
from dfdetect.train.rows import notes_of, sources
from dfdetect.train.run_data import RunData
from dfdetect.train.sources import ItemSource

DEVICES = ("auto", "cpu", "cuda", "mps")
_PRECISIONS: dict[str, Any] = {"32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}


@dataclass(frozen=True, slots=True)
class Machine:
    """What a run works on; changes its speed and not what it does.

    workers: processes that make pictures. threads: of the network on a CPU (default: all cores). device: auto, cpu,
    cuda or mps (built for, never run by us). devices: GPUs, or for tests CPU processes, that share each batch.
    max_minutes: stop after so long with a checkpoint, to go on later with resume; on one device.
    """

    workers: int = 1
    threads: int | None = None
    device: str = "auto"
    devices: int = 1
    quiet: bool = False
    max_minutes: float | None = None


def train(
    recipe: Recipe,
    shards: Path,
    run: Path,
    *,
    resume: bool = False,
    start_from: Path | None = None,
    max_epochs: int | None = None,
    allow_leaks: bool = False,
    machine: Machine | None = None,
) -> Path:
    """Train, and return the run folder.

    resume: go on from the run's newest whole checkpoint. start_from: safetensors weights of an earlier run to begin
    with. max_epochs: stop after so many epochs of the schedule (to go on later with resume).

    Raises:
        UsageError, DataError: the recipe, the folder or the data are not what they must be; nothing was written.
        TrainingFailed: the loss is no number, or memory ran out; the last checkpoint can be gone on from.
    """
    machine = machine or Machine()
    _check_machine(machine, recipe)
    first_process = int(os.environ.get("LOCAL_RANK", "0")) == 0
    if first_process:
        _check_folder(run, resume)
    share = machine.devices if machine.device == "cpu" else 1
    torch.set_num_threads(machine.threads or max(1, (os.cpu_count() or 1) // share))
    recipe, train_source, val_source = _prepared(recipe, shards, allow_leaks, machine)
    if resume:
        _refuse_other_run(recipe, shards, run)
    checkpoint = load_newest(run / CHECKPOINTS, _warn) if resume else None
    module = _module(recipe, start_from, checkpoint)
    if first_process and checkpoint is None:
        run.mkdir(parents=True, exist_ok=True)
        _write_facts(recipe, shards, run, module.begun)
    elif first_process and checkpoint is not None:
        keep_rows_until(run, checkpoint.progress.step)
    epochs = min(recipe.loop.epochs, max_epochs or recipe.loop.epochs) - module.progress.epoch
    if epochs > 0:
        data = RunData(recipe, module, train=train_source, val=val_source, workers=machine.workers)
        callbacks: list[pl.Callback] = [_RestoreOptimiser(checkpoint)] if checkpoint else []
        callbacks += [
            Recorder(run, module, max_minutes=machine.max_minutes),
            *([] if machine.quiet else [_Bar(module)]),
        ]
        with _quiet_libraries():
            trainer = _trainer(recipe, run, callbacks, machine=machine, epochs=epochs)
            _fit(trainer, module, data, run, machine.workers)
    return run


def _check_machine(machine: Machine, recipe: Recipe) -> None:
    if machine.device not in DEVICES:
        raise unknown_name("device", machine.device, DEVICES)
    if machine.device not in ("auto", "cpu") and not getattr(torch, machine.device).is_available():
        raise UsageError(f"device {machine.device!r} is not there, or this PyTorch was built without it; use cpu")
    if recipe.loop.precision == "fp16" and not _on_gpu(machine):
        raise UsageError('loop.precision = "fp16" needs a CUDA GPU; use "bf16" or "32" here')
    if machine.max_minutes is not None and machine.devices > 1:
        raise UsageError("a limit in minutes works on one device; with several use --epochs")


def _prepared(
    recipe: Recipe, shards: Path, allow_leaks: bool, machine: Machine
) -> tuple[Recipe, ItemSource, ItemSource | None]:
    """The recipe with nothing left open, and what it trains and validates on."""
    recipe = resolve(recipe)
    train_source, val_source = sources(recipe, shards, allow_leaks=allow_leaks, warn=_warn)
    for note in notes_of(train_source):
        _warn(note)
    if recipe.loop.images_per_epoch == 0:
        recipe = replace(recipe, loop=replace(recipe.loop, images_per_epoch=train_source.rows))
    items_per_batch(recipe.loop.images_per_batch, train_source, machine.devices * recipe.loop.accumulate)
    return recipe, train_source, val_source


def _module(recipe: Recipe, start_from: Path | None, checkpoint: Checkpoint | None) -> FaceModule:
    steps = -(-recipe.loop.images_per_epoch // recipe.loop.images_per_batch)
    if checkpoint is None:
        net, begun = first_network(recipe, start_from)
        module = FaceModule(net, recipe, spec_of(recipe), steps_per_epoch=steps)
        module.begun = begun
        if module.mask_head is not None and start_from is not None:
            module.mask_head = load_mask_head(net.features.channels, start_from) or module.mask_head
        return module
    random = replace(recipe, model=replace(recipe.model, pretrained=False))
    net, _ = first_network(random, None)
    module = FaceModule(net, recipe, spec_of(recipe), steps_per_epoch=steps, progress=checkpoint.progress)
    module.restore_weights(weights_of(checkpoint))
    return module


def _on_gpu(machine: Machine) -> bool:
    return torch.cuda.is_available() and machine.device in ("auto", "cuda")


def _trainer(recipe: Recipe, run: Path, callbacks: list[pl.Callback], *, machine: Machine, epochs: int) -> pl.Trainer:
    on_gpu = _on_gpu(machine)
    several = DDPStrategy(process_group_backend="nccl" if on_gpu else "gloo") if machine.devices > 1 else "auto"
    return pl.Trainer(
        accelerator="gpu" if machine.device == "cuda" else machine.device,
        devices=machine.devices,
        strategy=several,
        precision=_PRECISIONS.get(recipe.loop.precision, "bf16-mixed" if on_gpu else "32-true"),
        max_epochs=epochs,
        default_root_dir=run,
        logger=False,
        callbacks=callbacks,
        enable_progress_bar=not machine.quiet,
        enable_checkpointing=False,
        enable_model_summary=False,
        reload_dataloaders_every_n_epochs=1,
        use_distributed_sampler=False,
        accumulate_grad_batches=recipe.loop.accumulate,
        sync_batchnorm=recipe.loop.sync_batch_norm and on_gpu and machine.devices > 1,
        num_sanity_val_steps=0,
        limit_val_batches=0 if recipe.data.validation == "none" else None,
        log_every_n_steps=1,
    )


def _fit(trainer: pl.Trainer, module: FaceModule, data: RunData, run: Path, workers: int) -> None:
    part = module.recipe.loop
    try:
        with forkable_opencv() if workers else nullcontext():
            trainer.fit(module, datamodule=data)
    except BadStep as error:
        saved = save_bad_batch(run, error.batch)
        raise TrainingFailed(
            f"{error.message}; no weight was changed by it. The batch is in {saved} (and .png): look at it. The last "
            f"good state is in {run / CHECKPOINTS}; a smaller optimiser.lr, begun with --from, may get past this"
        ) from error
    except TimeIsUp:
        _warn(f"time is up at step {module.progress.step} of {module.total_steps}; go on with --resume")
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        at_once = part.images_per_batch // (part.accumulate * trainer.world_size)
        raise TrainingFailed(
            f"out of memory with {at_once} images of {module.recipe.size_px(module.progress.epoch)} px at once. Try "
            f"--set loop.accumulate={part.accumulate * 2} ({max(1, at_once // 2)} at once, a step as before), "
            "or a smaller loop.images_per_batch",
            code=ErrorCode.OUT_OF_MEMORY,
        ) from error
    except SystemExit:
        if trainer.interrupted:
            raise KeyboardInterrupt from None
        raise


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError | torch.cuda.OutOfMemoryError):
        return True
    return any(text in str(error).lower() for text in ("out of memory", "can't allocate memory", "not enough memory"))


class _RestoreOptimiser(pl.Callback):
    """Gives the optimiser and the loss scale back, once Lightning has made them."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        optimiser: Any = trainer.optimizers[0]
        restore_optimiser(getattr(optimiser, "optimizer", optimiser), self.checkpoint)
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        if scaler is not None and self.checkpoint.progress.loss_scale:
            scaler.load_state_dict(self.checkpoint.progress.loss_scale)


class _Bar(TQDMProgressBar):
    """Lightning's bar, with the run's own count of epochs."""

    def __init__(self, module: FaceModule) -> None:
        super().__init__(refresh_rate=8)
        self.module = module

    def on_train_epoch_start(self, trainer: pl.Trainer, *args: Any) -> None:
        super().on_train_epoch_start(trainer, *args)
        self.train_progress_bar.set_description(
            f"epoch {self.module.progress.epoch + 1} of {self.module.recipe.loop.epochs}"
        )


@contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Lightning's advice (more workers, another logger) is not ours to give."""
    logger = logging.getLogger("pytorch_lightning")
    before = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"pytorch_lightning\..*")
        warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\).*")
        try:
            yield
        finally:
            logger.setLevel(before)


def _warn(message: str) -> None:
    sys.stderr.write(f"dfdetect: {message}\n")


def _check_folder(run: Path, resume: bool) -> None:
    there = has_checkpoint(run / CHECKPOINTS)
    if resume and not there:
        raise UsageError(f"nothing to resume: {run / CHECKPOINTS} holds no checkpoint")
    if there and not resume:
        raise UsageError(f"{run} already holds a run; continue it with --resume or choose another folder")


def _write_facts(recipe: Recipe, shards: Path, run: Path, begun: dict[str, str]) -> None:
    facts = {
        "recipe": recipe.as_dict(),
        "data_sha256": shards_hash(shards),
        "start_from": begun["name"],
        "start_licence": begun["licence"],
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "lightning": version("pytorch_lightning"),
            "timm": version("timm"),
        },
        "environment": {
            "platform": platform.platform(),
            "cpu_count": os.cpu_count(),
            "gpus": [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())],
        },
        "git_revision": _git_revision(),
    }
    (run / "recipe.json").write_text(json.dumps(facts, indent=2) + "\n")


def _refuse_other_run(recipe: Recipe, shards: Path, run: Path) -> None:
    """A resumed run must be the same run: another recipe or other data would go on silently as something else."""
    facts = json.loads((run / "recipe.json").read_text())
    begun, now = facts["recipe"], json.loads(json.dumps(recipe.as_dict()))
    if begun != now:
        raise UsageError(
            f"{run} was begun with another recipe: {_first_difference(begun, now)}. Resume with that one "
            f"({run / 'recipe.json'} can be given as RECIPE), or begin another run with --from"
        )
    if facts["data_sha256"] != shards_hash(shards):
        raise UsageError(f"{run} was begun with other face shards than {shards}; resume with those, or use --from")


def _first_difference(begun: Mapping[str, Any], now: Mapping[str, Any], where: str = "") -> str:
    for key in (*begun, *now):
        old, new = begun.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict) and old != new:
            return _first_difference(old, new, f"{where}{key}.")
        if old != new:
            return f"{where}{key} was {old!r}, now it is {new!r}"
    return "nothing"


def _git_revision() -> str | None:
    try:
        found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None
