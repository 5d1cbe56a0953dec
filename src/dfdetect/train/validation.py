"""What a validation measures, by the names that a recipe may choose by. All of images but the two of videos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from dfdetect.errors import TrainingFailed, unknown_name
from dfdetect.metrics import FloatArray, average_precision, roc_auc
from dfdetect.train.recipe import METRICS
from dfdetect.values import Float32Array

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scored:
    """Logits (B,) and labels (B,) of one batch, with the clips they come from. number: the batch's place in the set."""

    number: int
    logits: Float32Array
    labels: Float32Array
    videos: tuple[str, ...]


def gather(scored: Sequence[Scored]) -> list[Scored]:
    """The batches of all devices, each once, in their order."""
    return sorted((one for part in _everyones(scored) for one in part), key=lambda one: one.number)


def gather_sum(mine: Tensor) -> Tensor:
    """The sum of every device's tensor."""
    return torch.stack(_everyones(mine)).sum(0)


def _everyones(mine: T) -> list[T]:
    """What every device gave, in their order; on one device what was given."""
    if not (dist.is_available() and dist.is_initialized()):
        return [mine]
    parts: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(parts, mine)
    return parts


def validation_metrics(scored: Sequence[Scored]) -> dict[str, float]:
    """Every metric of METRICS that these scores allow, and where reals lie. Video figures: mean logit a clip."""
    logits = np.concatenate([one.logits for one in scored]).astype(np.float64)
    labels = np.concatenate([one.labels for one in scored]).astype(np.float64)
    if not np.all(np.isfinite(logits)):
        bad = int((~np.isfinite(logits)).sum())
        raise TrainingFailed(f"{bad} of {len(logits)} validation scores are no numbers; use a smaller optimiser.lr")
    real = np.percentile(logits[labels < 0.5], [50, 98])
    found = {
        "val_auc": roc_auc(labels, logits),
        "val_ap": average_precision(labels, logits),
        "val_loss": float(np.mean(np.logaddexp(0, logits) - labels * logits)),
        "val_real_logit_p50": float(real[0]),
        "val_real_logit_p98": float(real[1]),
        "val_tpr_at_fpr2": float((logits[labels > 0.5] > real[1]).mean()),
    }
    names = [name for one in scored for name in one.videos]
    video_labels, video_logits = by_video(names, labels, logits)
    if len(video_labels) < len(labels) and 0 < video_labels.sum() < len(video_labels):
        found["val_video_auc"] = roc_auc(video_labels, video_logits)
        found["val_video_ap"] = average_precision(video_labels, video_logits)
    return found


def by_video(names: Sequence[str], labels: FloatArray, logits: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(labels, mean logits) of the clips, a clip's real and fake crops apart."""
    keys, of = np.unique(
        [f"{int(label)} {name}" for name, label in zip(names, labels, strict=True)], return_inverse=True
    )
    sums = np.bincount(of, weights=logits, minlength=len(keys))
    return np.array([float(key[0]) for key in keys]), sums / np.bincount(of, minlength=len(keys))


def is_better(metric: str, value: float, best: float | None) -> bool:
    """Whether a value of this metric beats the best so far. Unknown names list the metrics."""
    if metric not in METRICS:
        raise unknown_name("metric", metric, METRICS)
    if best is None:
        return True
    return value > best if METRICS[metric] == "max" else value < best
