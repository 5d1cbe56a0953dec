"""What a run writes down: checkpoints, a line of metrics an epoch, TensorBoard, the learning curve, the weights."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from torch.optim import Optimizer

from dfdetect.batch.whole_file import whole_file
from dfdetect.errors import DataError
from dfdetect.train.batches import Batch
from dfdetect.train.checkpoint import save_checkpoint, write_whole
from dfdetect.train.module import FaceModule
from dfdetect.train.network import MASK_HEAD
from dfdetect.train.validation import is_better

CHECKPOINTS = "checkpoints"
METRICS_FILE = "metrics.jsonl"
WEIGHTS_FILE = "weights.safetensors"
CURVE_FILE = "learning_curve.png"
BAD_BATCH = "bad_batch"


class TimeIsUp(Exception):  # noqa: N818 - says what happened
    """The sitting is over; its checkpoint is written."""


class Recorder(Callback):
    """After every epoch: metrics, the weights, a checkpoint; between: a checkpoint by time or by steps. Rank 0 only."""

    def __init__(self, run: Path, module: FaceModule, *, max_minutes: float | None = None) -> None:
        self.run = run
        self.ends_at = None if max_minutes is None else time.monotonic() + 60 * max_minutes
        self.loop = module.recipe.loop
        self.began = time.monotonic() - module.progress.elapsed_s
        self.saved_at, self.saved_step = time.monotonic(), module.progress.step
        self.boards = _tensorboard(run)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *_: Any) -> None:
        progress = pl_module.progress
        done_epoch = progress.step_in_epoch >= pl_module.steps_per_epoch  # its checkpoint comes after the validation
        if progress.step == self.saved_step or done_epoch or not trainer.is_global_zero:
            return
        minutes = (time.monotonic() - self.saved_at) / 60
        by_time = 0 < self.loop.checkpoint_minutes <= minutes
        by_steps = 0 < self.loop.checkpoint_steps <= progress.step - self.saved_step
        over = self.ends_at is not None and time.monotonic() >= self.ends_at
        if by_time or by_steps or over:
            self.checkpoint(trainer, pl_module)
        if over:
            raise TimeIsUp

    def checkpoint(self, trainer: pl.Trainer, module: FaceModule) -> None:
        progress = module.progress
        progress.elapsed_s = time.monotonic() - self.began
        progress.loss_sum, progress.right = float(module.sums["loss"]), float(module.sums["right"])
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        progress.loss_scale = dict(scaler.state_dict()) if scaler is not None else {}
        save_checkpoint(self.run / CHECKPOINTS, progress, module.kept_weights(), _plain(trainer.optimizers[0]))
        self.saved_at, self.saved_step = time.monotonic(), progress.step

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Runs after the validation of the epoch."""
        module: FaceModule = pl_module
        progress, metrics = module.progress, {**module.training_metrics(), **module.metrics}
        chosen = metrics.get(self.loop.metric)
        if chosen is None and module.metrics and (self.loop.keep == "best" or self.loop.patience):
            raise DataError(
                f"loop.metric = {self.loop.metric} cannot be measured on this validation (it has "
                f"{', '.join(sorted(module.metrics))}): figures of clips need several pictures of one clip"
            )
        better = chosen is not None and is_better(self.loop.metric, chosen, progress.best)
        if better:
            progress.best, progress.best_epoch = chosen, progress.epoch
        if trainer.is_global_zero:
            self._write(trainer, module, metrics, better)
        module.begin_epoch()
        if trainer.is_global_zero:
            self.checkpoint(trainer, module)
        waited = progress.epoch - 1 - progress.best_epoch
        if self.loop.patience and chosen is not None and waited >= self.loop.patience:
            trainer.should_stop = True

    def _write(self, trainer: pl.Trainer, module: FaceModule, metrics: dict[str, float], better: bool) -> None:
        progress = module.progress
        row = {name: round(value, 5) for name, value in metrics.items()}
        row |= {
            "epoch": progress.epoch,
            "step": progress.step,
            "lr": _plain(trainer.optimizers[0]).param_groups[0]["lr"],
        }
        row |= {"elapsed_s": round(time.monotonic() - self.began, 1)}
        with (self.run / METRICS_FILE).open("a") as file:
            file.write(json.dumps(row) + "\n")
        if self.loop.keep == "last" or better:
            write_weights(self.run / WEIGHTS_FILE, module)
        for name, value in metrics.items():
            if self.boards is not None:
                self.boards.add_scalar(name, value, progress.step)
        if self.boards is not None:
            self.boards.flush()
        draw_curve(self.run)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        if self.boards is not None:
            self.boards.close()


def write_weights(path: Path, module: FaceModule) -> None:
    """The weights that are kept, as float32 safetensors, and those of the mask head, where there is one."""
    from safetensors.torch import save

    state = dict(module.best_net.state_dict())
    if module.mask_head is not None:
        state |= {MASK_HEAD + name: value for name, value in module.mask_head.state_dict().items()}
    write_whole(path, save({name: value.detach().cpu().contiguous().float() for name, value in state.items()}))


def keep_rows_until(run: Path, step: int) -> None:
    """Drop the metrics of steps that a resumed run will take again."""
    path = run / METRICS_FILE
    if path.is_file():
        kept = [line for line in path.read_text().splitlines() if _step_of(line) <= step]
        write_whole(path, "".join(f"{line}\n" for line in kept).encode())


def _step_of(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError):
        return float("inf")  # half a line, from the moment of the kill


def read_metrics(run: Path) -> list[dict[str, float]]:
    """The lines of metrics.jsonl."""
    return [json.loads(line) for line in (run / METRICS_FILE).read_text().splitlines()]


def draw_curve(run: Path) -> bool:
    """Draw learning_curve.png from metrics.jsonl; False where matplotlib is not installed."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        return False
    rows = read_metrics(run)
    epochs = [row["epoch"] + 1 for row in rows]
    panels = [("loss", ("loss", "val_loss")), ("AUC", ("val_auc", "val_video_auc")), ("learning rate", ("lr",))]
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (title, names) in zip(figure.subplots(1, len(panels)), panels, strict=True):
        for name in names:
            found = [(epoch, row[name]) for epoch, row in zip(epochs, rows, strict=True) if name in row]
            if found:
                axes.plot(*zip(*found, strict=True), marker="o", markersize=3, label=name)
        axes.set(title=title, xlabel="epoch")
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend()
    with whole_file(run / CURVE_FILE) as part:
        figure.savefig(part, format="png", dpi=100)
    return True


def save_bad_batch(run: Path, batch: Batch) -> Path:
    """The batch that broke a run, as bad_batch.npz (images, labels) and bad_batch.png to look at."""
    from dfdetect.data.sheet import contact_sheet
    from dfdetect.media.roundtrip import encode_png

    images = batch.images.cpu().numpy()
    path = run / f"{BAD_BATCH}.npz"
    np.savez_compressed(path, images=images, labels=batch.labels.cpu().numpy())
    (run / f"{BAD_BATCH}.png").write_bytes(encode_png(contact_sheet(list(images))))
    return path


def _plain(optimiser: Any) -> Optimizer:
    """The optimiser inside Lightning's wrapper."""
    inside: Optimizer = getattr(optimiser, "optimizer", optimiser)
    return inside


def _tensorboard(run: Path) -> Any:
    """A TensorBoard writer, or None where the package is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ModuleNotFoundError:
        return None
    return SummaryWriter(str(run / "tensorboard"))
