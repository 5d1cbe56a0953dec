"""Score tables of files that nobody scanned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dfdetect.evaluate.score_table import FrameTable, ScoreTable
from dfdetect.evaluate.scores import FrameScore, VideoScore


def videos(
    probabilities: Sequence[float | None], label: int, *, name: str = "a", groups: int | None = None, **fields: Any
) -> list[VideoScore]:
    """One file a probability; None = no face. groups: over so many people in turn, else each file its own."""
    fields = {"dataset": "set", "source": "studio", "kind": "video"} | fields
    return [
        VideoScore(
            path=f"{name}/{label}/{n}.mp4",
            label=label,
            group=f"{name}{label}p{n % groups if groups else n}",
            status="ok" if p is not None else "no_face",
            probability=p,
            logit=None if p is None else float(np.log(max(p, 1e-9) / max(1 - p, 1e-9))),
            **fields,
        )
        for n, p in enumerate(probabilities)
    ]


def drawn(
    rng: np.random.Generator, n_real: int, n_fake: int, *, apart: float = 2.0, name: str = "a", **fields: Any
) -> list[VideoScore]:
    """Logits of reals around -apart / 2 and of fakes around +apart / 2."""
    rows: list[VideoScore] = []
    for label, n in ((0, n_real), (1, n_fake)):
        logits = rng.normal(apart * (label - 0.5), 1.0, n)
        own = fields if label else {key: value for key, value in fields.items() if key != "method"}
        rows += videos([float(p) for p in 1 / (1 + np.exp(-logits))], label, name=name, **own)
    return rows


def table(*parts: Sequence[VideoScore]) -> ScoreTable:
    return ScoreTable.from_rows([row for part in parts for row in part])


def frames(table: ScoreTable, of_each: int, rng: np.random.Generator, *, others: int = 0) -> FrameTable:
    """So many pooled frames a scored file, around its probability; `others`: frames of other people, near 1."""
    rows = []
    for video in table.rows():
        if video.probability is None:
            continue
        for n in range(of_each + others):
            p = float(np.clip(video.probability + rng.normal(0, 0.05), 0, 1)) if n < of_each else 0.999
            rows.append(
                FrameScore(video.path, video.dataset, n, n / 2, n // of_each, p, 0.0, 150.0, 0.1, 0.0, n < of_each)
            )
    return FrameTable.from_rows(rows, table)
