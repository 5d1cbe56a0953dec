"""What a validation measures, and which way is better."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from dfdetect.errors import TrainingFailed, UsageError
from dfdetect.train.recipe import METRICS
from dfdetect.train.validation import (
    Scored,
    by_video,
    gather,
    is_better,
    validation_metrics,
)


def scored(logits: list[float], labels: list[float], videos: list[str] | None = None, number: int = 0) -> Scored:
    names = tuple(videos or [str(n) for n in range(len(logits))])
    return Scored(number, np.float32(logits), np.float32(labels), names)


def test_metrics_are_those_that_a_recipe_may_name() -> None:
    found = validation_metrics([scored([-1, 2, 0, 3], [0, 1, 0, 1], ["a", "b", "a", "b"])])
    assert set(METRICS) <= set(found)
    assert found["val_auc"] == found["val_video_auc"] == 1.0


def test_a_clip_counts_once() -> None:
    """Frame scores pooled over clips are not video-level scores; nor is a fake the same clip as its real."""
    labels, logits = by_video(["a", "b", "a", "a"], np.array([0.0, 0, 0, 1]), np.array([1.0, 5, 3, 9]))
    assert labels.tolist() == [0, 0, 1]
    assert logits.tolist() == [2, 5, 9]


def test_without_clips_there_are_no_video_figures() -> None:
    assert "val_video_auc" not in validation_metrics([scored([-1, 2], [0, 1])])


def test_batches_stand_in_their_order() -> None:
    assert [one.number for one in gather([scored([1], [0], number=3), scored([1], [0], number=1)])] == [1, 3]


def test_scores_that_are_no_numbers_stop_the_run() -> None:
    with pytest.raises(TrainingFailed, match=r"1 of 2 validation scores are no numbers"):
        validation_metrics([scored([float("nan"), 1], [0, 1])])


def test_better_is_up_or_down_by_the_metric() -> None:
    assert is_better("val_auc", 0.6, None)
    assert is_better("val_auc", 0.6, 0.5)
    assert is_better("val_loss", 0.4, 0.5)
    assert not is_better("val_loss", 0.5, 0.5)
    with pytest.raises(UsageError, match=r"unknown metric 'auc'; the options are: val_ap, val_auc"):
        is_better("auc", 1.0, None)
