"""Scores of a user's own files as a scan gives them, drawn: no file is opened, no model is run."""

from __future__ import annotations

import numpy as np

from dfdetect.calibration import Calibration
from dfdetect.calibration_record import FileCounts
from dfdetect.evaluate.own_claim import Origin
from dfdetect.evaluate.own_files import counts_of
from dfdetect.evaluate.scores import VideoScore
from tiny_bundle import tiny_calibration

BASE = tiny_calibration()  # sigmoid of the logit; likely_manipulated from 0.9, nothing found below 0.5


def drawn(
    n: int,
    *,
    label: int = 0,
    mean: float = -1.0,
    kind: str = "video",
    people: int | None = None,
    n_tracks: int = 1,
    seed: int = 0,
    spread: float = 1.0,
    base: Calibration = BASE,
) -> list[VideoScore]:
    """n files whose logits are normal; with `people`, file k is of person k % people."""
    rng = np.random.default_rng([seed, label, n_tracks])
    return [
        scored(
            x, f"{kind}-{label}-{n_tracks}-{seed}-{k}", label, kind, k if people is None else k % people, n_tracks, base
        )
        for k, x in enumerate(rng.normal(mean, spread, n).tolist())
    ]


def scored(logit: float, path: str, label: int, kind: str, person: int, n_tracks: int, base: Calibration) -> VideoScore:
    p = base.probability(logit)
    bounds, _ = base.bounds("video" if kind == "video" else "image", n_tracks)
    verdict = "inconclusive"
    if p > bounds.likely_manipulated:
        verdict = "likely_manipulated"
    elif p < bounds.no_manipulation_found:
        verdict = "no_manipulation_found"
    group = f"{kind}-{label}-{n_tracks}-{person}"
    return VideoScore(
        path, label, group=group, kind=kind, verdict=verdict, probability=p, logit=logit, n_tracks=n_tracks
    )


def origin(reals: list[VideoScore], fakes: list[VideoScore] | None = None, *, people_named: bool = True) -> Origin:
    counts: FileCounts | None = counts_of(fakes, 0) if fakes else None
    return Origin("tiny 1.0", "ab" * 32, "2026-11-25", "newsroom", "cd" * 32, counts_of(reals, 0), counts, people_named)
