"""Scores -> the report: every set of samples at every level, sets against one another, and what is wrong with it all.

    table = ScoreTable.from_parquet(out / "scores.parquet")
    frames = FrameTable.from_parquet(out / "frame_scores.parquet", table)
    report = measure(table, frames, bounds=None, rng=np.random.default_rng(0))

No model is needed. The same rng gives the same intervals; those of a set do not depend on what else is measured.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dfdetect.evaluate.block import auc_estimate, measure_block
from dfdetect.evaluate.cautions import block_findings, cross_findings, file_findings, parts_findings
from dfdetect.evaluate.eval_report import Block, CrossAuc, CrossCell, EvalReport
from dfdetect.evaluate.findings import Finding, FindingCode, finding, ordered
from dfdetect.evaluate.leak import find_leaks
from dfdetect.evaluate.levels import Samples, frames_of, videos_of
from dfdetect.evaluate.score_table import FrameTable, ScoreTable
from dfdetect.evaluate.subsets import Subset, cross_sets, subsets
from dfdetect.values import Thresholds

DRAWS = 1000
MOST_CROSSED_INTERVALS = 100  # cells of a table with more get no intervals

Progress = Callable[[int, int], None]


def measure(
    table: ScoreTable,
    frames: FrameTable | None = None,
    *,
    bounds: Thresholds | None,
    rng: np.random.Generator,
    draws: int = DRAWS,
    run: Mapping[str, Any] | None = None,
    trained_on: Path | None = None,
    tested: Path | None = None,
    reals_of: Mapping[str, Sequence[str]] | None = None,
    on_progress: Progress | None = None,
) -> EvalReport:
    """Every figure that the scores allow.

    bounds: verdict bounds for what has no verdict in the table (frames never have), whose target_fpr is then held
    against the reals; None = only what the table says. run: run.json. trained_on: index, list or shards that the model
    learned from, tested: the index of the scored samples; then `leak.find_leaks` compares them. reals_of: see
    `subsets.subsets`. on_progress: told blocks done and blocks in all.

    Raises:
        DataError: an empty table; a training index that cannot be read.
    """
    seed = int(rng.integers(2**62))
    videos = videos_of(table, bounds=bounds)
    levels = [videos] if frames is None or len(frames) == 0 else [videos, frames_of(videos, frames, bounds=bounds)]
    asked = [(samples, subset) for samples in levels for subset in subsets(samples, reals_of=reals_of)]
    blocks: list[Block] = []
    findings: list[Finding] = [*file_findings(table, run or {})]
    for number, (samples, subset) in enumerate(asked):
        if on_progress:
            on_progress(number, len(asked))
        blocks.append(_block(samples, subset, blocks, seed, draws))
        if subset.by == "all" or not subset.rows.all():
            findings += block_findings(blocks[-1], samples.take(subset.rows), bounds)
    foreign = [subset.name for samples, subset in asked if subset.foreign and samples.level == "video"]
    findings += parts_findings(blocks, foreign)
    cross = tuple(_cross(videos, seed, draws))
    findings += [found for one in cross for found in cross_findings(one)]
    findings += _leaks(table, run, trained_on, tested)
    return EvalReport(dict(run or {}), draws, tuple(blocks), cross, ordered(findings))


def _block(samples: Samples, subset: Subset, before: Sequence[Block], seed: int, draws: int) -> Block:
    if subset.by != "all" and subset.rows.all():
        whole = next(block for block in before if (block.level, block.by) == (samples.level, "all"))
        return replace(whole, by=subset.by, name=subset.name, against=subset.against)
    return measure_block(
        samples.take(subset.rows),
        by=subset.by,
        name=subset.name,
        against=subset.against,
        rng=_rng(seed, f"{samples.level}/{subset.by}/{subset.name}"),
        draws=draws,
    )


def _rng(seed: int, name: str) -> np.random.Generator:
    """Its own stream for every set."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def _cross(samples: Samples, seed: int, draws: int) -> Iterator[CrossAuc]:
    """Of videos alone: of frames it says the same, a hundred times slower."""
    sets = cross_sets(samples)
    if sets is None:
        return
    few = len(sets.reals) * len(sets.fakes) <= MOST_CROSSED_INTERVALS
    cells = []
    for reals in sets.reals:
        real = samples.scored & (samples.labels == 0) & sets.column.is_(reals)
        for fakes in sets.fakes:
            fake = samples.scored & (samples.labels == 1) & sets.column.is_(fakes)
            name = f"cross/{reals}/{fakes}"
            auc = auc_estimate(samples.take(real | fake), rng=_rng(seed, name), draws=draws if few else 0)
            cells.append(CrossCell(reals, fakes, int(real.sum()), int(fake.sum()), auc))
    yield CrossAuc(samples.level, sets.by, sets.reals, sets.fakes, tuple(cells))  # type: ignore[arg-type]


def _leaks(
    table: ScoreTable, run: Mapping[str, Any] | None, trained_on: Path | None, tested: Path | None
) -> list[Finding]:
    if trained_on is not None:
        return find_leaks(trained_on, tested or table)[0]
    if run is None:  # a run says itself what its model's manifest tells
        return [finding(FindingCode.LEAK_NOT_CHECKED, why="no index of the training data was given (--trained-on)")]
    return []
