"""The AUC as other benchmarks count it, beside ours: what their habits do to the same scores.

    a file without a face      left out (DeepfakeBench), 0.5 (Self-Blended Images); ours counts it apart
    fewer frames               the first k of those extracted (DeepfakeBench); ours takes k spread evenly
    one video                  all frames whose folder has one name, whatever lies above it, with the mean of labels
                               rounded down (DeepfakeBench); ours goes by dataset and path

Everything is computed from kept scores; pooling is `scoring.pool_frames`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from dfdetect.evaluate.score_table import FrameTable, ScoreTable
from dfdetect.evaluate.scores import NO_FACE, OK
from dfdetect.media.sampling import numbered_indices
from dfdetect.metrics import roc_auc
from dfdetect.scoring import pool_frames


@dataclass(frozen=True, slots=True)
class Counted:
    """One way to count files; frames have figures of their own. ours: the right number of its kind. auc: None where a
    class is missing."""

    name: str
    text: str
    ours: bool
    n_real: int
    n_fake: int
    auc: float | None


@dataclass(frozen=True, slots=True)
class ProtocolFigures:
    """protocol: name. counted: ours first, then what the benchmark's habits make of the same scores."""

    protocol: str
    counted: tuple[Counted, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def protocol_figures(
    table: ScoreTable, frames: FrameTable | None, protocol: Mapping[str, Any]
) -> ProtocolFigures | None:
    """protocol: as run.json has it. None for a protocol that is no other benchmark's and has nothing to add."""
    scan = protocol.get("scan") or {}
    if scan.get("pooling") != "frames":
        return None
    counted = [*_without_face(table)]
    if frames is not None:
        first = protocol.get("first_frames")
        if first:
            counted += _of_fewer(table, frames, int(first), int(scan["numbered_frames"]))
        if protocol.get("folder_names"):
            counted.append(_of_folders(table, frames))
    return ProtocolFigures(str(protocol.get("name", "")), tuple(counted))


def _counted(name: str, text: str, labels: Any, scores: Any, *, ours: bool = False) -> Counted:
    y, s = np.asarray(labels), np.asarray(scores, np.float64)
    n_fake = int((y == 1).sum())
    both = 0 < n_fake < len(y)
    return Counted(name, text, ours, len(y) - n_fake, n_fake, roc_auc(y, s) if both else None)


def _without_face(table: ScoreTable) -> list[Counted]:
    scored = table["status"] == OK
    faceless = table["status"] == NO_FACE
    dropped = int(faceless.sum())
    either = scored | faceless
    half = np.where(scored, table["logit"], 0.0)  # a benchmark's 0.5 is the network's, before any calibration
    return [
        _counted(
            "no face left out",
            f"files with a score; {dropped} without a face are counted apart",
            table["label"][scored],
            table["logit"][scored],
            ours=True,
        ),
        _counted(
            "no face is 0.5",
            f"the {dropped} files without a face count as 0.5",
            table["label"][either],
            half[either],
        ),
    ]


def _of_fewer(table: ScoreTable, frames: FrameTable, k: int, of: int) -> list[Counted]:
    """From the frames that were scored; a video with fewer has all of them."""
    chosen: dict[str, dict[int, float]] = {"spread": {}, "first": {}}
    for video, logits in _by_video(frames).items():
        spread = numbered_indices(len(logits), k)
        chosen["spread"][video] = pool_frames([logits[index] for index in spread])
        chosen["first"][video] = pool_frames(logits[:k])
    texts = {
        "spread": (f"{k} of {of} frames", f"{k} frames, spread evenly over the {of}", True),
        "first": (f"first {k} of {of} frames", f"the first {k} of the {of}, as DeepfakeBench takes them", False),
    }
    return [
        _counted(name, text, table["label"][list(chosen[how])], list(chosen[how].values()), ours=ours)
        for how, (name, text, ours) in texts.items()
    ]


def _by_video(frames: FrameTable) -> dict[int, list[float]]:
    """Row of the file -> logits of its pooled frames, in time order."""
    pooled = frames["pooled"]
    order = np.lexsort((frames["frame_index"][pooled], frames["video"][pooled]))
    found: dict[int, list[float]] = defaultdict(list)
    for video, logit in zip(
        frames["video"][pooled][order].tolist(), frames["logit"][pooled][order].tolist(), strict=True
    ):
        found[video].append(logit)
    return found


def _of_folders(table: ScoreTable, frames: FrameTable) -> Counted:
    logits: dict[str, list[float]] = defaultdict(list)
    labels: dict[str, list[int]] = defaultdict(list)
    videos = _by_video(frames)
    for video, own in videos.items():
        name = folder_name(str(table["path"][video]), str(table["kind"][video]))
        logits[name] += own
        labels[name] += [int(table["label"][video])] * len(own)
    merged = len(videos) - len(logits)
    return _counted(
        "grouped by folder name",
        f"{len(videos)} videos become {len(logits)} names ({merged} lost to another of the same name)",
        [int(np.mean(values)) for values in labels.values()],
        [pool_frames(values) for values in logits.values()],
    )


def folder_name(path: str, kind: str) -> str:
    """The folder in which a benchmark's frames of this sample would lie: named after the clip, with nothing above."""
    where = PurePosixPath(path)
    if kind in ("image", "crop") and where.suffix:
        return where.parent.name
    return where.stem if where.suffix else where.name
