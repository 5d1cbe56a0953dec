"""Measured blocks -> what a reader must know first: findings of the closed list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from dfdetect.errors import DataError
from dfdetect.evaluate.bootstrap import MIN_GROUPS
from dfdetect.evaluate.eval_report import Block, CrossAuc
from dfdetect.evaluate.findings import Finding, FindingCode, finding
from dfdetect.evaluate.levels import Samples
from dfdetect.evaluate.score_table import ScoreTable
from dfdetect.evaluate.scores import MISSING
from dfdetect.metrics import clopper_pearson_interval
from dfdetect.values import Thresholds

REVERSED_AUC = 0.4
MIN_COVERAGE = 0.95
MOST_COVERAGE_GAP = 0.05
FEW_SAMPLES = 30
MOST_ECE = 0.08  # above it a set is one that the probabilities were not calibrated for
CROSS_FALL = 0.05
SHOWN = 4  # names in a line


def file_findings(table: ScoreTable, run: Mapping[str, Any]) -> Iterator[Finding]:
    """What the files said of themselves. DataError: no row at all."""
    if len(table) == 0:
        raise DataError("the score table is empty: there is nothing to measure")
    for note in table.notes:
        yield finding(FindingCode.SCORE_FILE, note=note)
    for note in run.get("notes", ()):
        yield finding(FindingCode.RUN_NOTE, severity=note["severity"], note=note["text"])
    missing = np.flatnonzero(table["status"] == MISSING)
    if len(missing):
        first = str(table["path"][missing[0]])
        yield finding(FindingCode.MISSING_SCORES, n=f"{len(missing):,}", asked=f"{len(table):,}", first=first)


def block_findings(block: Block, samples: Samples, bounds: Thresholds | None) -> Iterator[Finding]:
    """Of the whole set and of its datasets, at the level of files; frames are of the same files."""
    if block.level != "video":
        return
    where = "" if block.by == "all" else f"{block.by} {block.name}"
    if block.by == "all":
        yield from _of_one_class(block, samples, where)
        yield from _of_size(block, where)
        yield from _of_false_alarms(block, bounds)
    if block.by in ("all", "dataset"):
        yield from _of_probabilities(block, where)


def _of_one_class(block: Block, samples: Samples, where: str) -> Iterator[Finding]:
    real, fake = block.real.scored, block.fake.scored
    if real + fake == 0:
        yield finding(FindingCode.NOTHING_SCORED, where, asked=f"{len(samples):,}")
    elif not real or not fake:
        label, missing = ("fake", "reals") if fake else ("real", "fakes")
        n = f"{real + fake:,}"
        yield finding(FindingCode.ONE_CLASS, where, n=n, label=label, missing=missing)
    scores = samples.probabilities[samples.scored]
    if len(scores) > 1 and scores.min() == scores.max():
        yield finding(FindingCode.CONSTANT_SCORES, where, n=f"{len(scores):,}", score=float(scores[0]))


def _is_reversed(block: Block) -> bool:
    auc = block.metrics["roc_auc"]
    return auc.value is not None and auc.high is not None and auc.value < REVERSED_AUC and auc.high < 0.5


def _of_polarity(blocks: Sequence[Block]) -> Iterator[Finding]:
    """Where everything is reversed, or a dataset, its parts need not be told of."""
    found = [block for block in blocks if block.level == "video" and _is_reversed(block)]
    whole = [block for block in found if block.by == "all"]
    datasets = tuple(f"{block.name}/" for block in found if block.by == "dataset")
    for block in whole or found:
        part = block.by in ("compression", "source") or block.name.startswith(datasets)
        if not (datasets and part):
            yield _reversed(block)


def _reversed(block: Block) -> Finding:
    auc = block.metrics["roc_auc"]
    if block.by == "all":
        cause = (
            "the scores are P(real), then read them with --higher-means real; or the list has "
            "1 = real, as Celeb-DF's, where 1 = fake is expected"
        )
    elif block.by == "dataset":
        cause = (
            "the labels of this dataset are turned round (Celeb-DF's list has 1 = real), if others are not reversed; "
            "else the scores are P(real)"
        )
    else:
        cause = (
            "if the rest is not reversed, the model does take these fakes for more real than the reals they are "
            "compared with: another camera or compression, or a manipulation that it reads backwards"
        )
    where = "" if block.by == "all" else f"{block.by} {block.name}"
    return finding(FindingCode.REVERSED_POLARITY, where, auc=auc.value, low=auc.low, high=auc.high, cause=cause)


def _of_size(block: Block, where: str) -> Iterator[Finding]:
    real, fake = block.real, block.fake
    asked, scored = real.asked + fake.asked, real.scored + fake.scored
    if scored and scored < MIN_COVERAGE * asked:
        lost = {name: getattr(real, name) + getattr(fake, name) for name in ("no_face", "failed", "missing")}
        yield finding(FindingCode.LOW_COVERAGE, where, scored=scored, asked=asked, **lost)
    if real.asked and fake.asked:
        shares = real.scored / real.asked, fake.scored / fake.asked
        if abs(shares[0] - shares[1]) > MOST_COVERAGE_GAP:
            yield finding(FindingCode.COVERAGE_DIFFERS, where, real=shares[0], fake=shares[1])
    if real.scored and fake.scored:
        if min(real.scored, fake.scored) < FEW_SAMPLES:
            yield finding(FindingCode.FEW_SAMPLES, where, real=real.scored, fake=fake.scored, least=FEW_SAMPLES)
        if min(real.groups, fake.groups) < MIN_GROUPS:
            yield finding(FindingCode.FEW_GROUPS, where, real=real.groups, fake=fake.groups, least=MIN_GROUPS)


def _of_false_alarms(block: Block, bounds: Thresholds | None) -> Iterator[Finding]:
    """More reals flagged than the thresholds promise, by both intervals: of files, and of people drawn again."""
    flagged = block.decisions.get("flagged")
    if bounds is None or flagged is None or not block.real.scored:
        return
    low, high = clopper_pearson_interval(flagged.fp, block.real.scored)
    by_group = flagged.metrics["false_positive_rate"].low
    if low > bounds.target_fpr and (by_group is None or by_group > bounds.target_fpr):
        yield finding(
            FindingCode.FALSE_ALARMS_ABOVE_TARGET,
            flagged=flagged.fp,
            n=block.real.scored,
            low=low,
            high=high,
            target=bounds.target_fpr,
        )


def _of_probabilities(block: Block, where: str) -> Iterator[Finding]:
    brier, ece = block.metrics["brier"], block.metrics["ece"]
    if brier.value is None or ece.value is None:
        return
    share = block.fake.scored / (block.real.scored + block.fake.scored)
    if brier.value > share * (1 - share):
        base = share * (1 - share)
        yield finding(FindingCode.PROBABILITIES_WORSE_THAN_BASE_RATE, where, brier=brier.value, base=base, share=share)
    if ece.low is not None and ece.low > MOST_ECE:
        yield finding(FindingCode.UNCALIBRATED_DOMAIN, where, ece=ece.value, low=ece.low, high=ece.high, most=MOST_ECE)


def parts_findings(blocks: Sequence[Block], foreign: Sequence[str]) -> Iterator[Finding]:
    """Of all parts together, one line for what many of them share. foreign: methods with reals of other sets."""
    yield from _of_polarity(blocks)
    datasets = [block for block in blocks if (block.level, block.by) == ("video", "dataset")]
    lone = [block.name for block in datasets if bool(block.real.scored) != bool(block.fake.scored)]
    if lone and len(datasets) > 1:
        yield finding(FindingCode.ONE_CLASS_SETS, n=len(lone), all=len(datasets), names=_some(lone))
    if foreign:
        yield finding(FindingCode.REALS_OF_OTHER_SETS, n=len(foreign), names=_some(foreign))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def cross_findings(cross: CrossAuc) -> Iterator[Finding]:
    """The pairing of two sets that lies furthest below what each of them shows alone, where it is below for sure."""
    within = {cell.reals: cell.auc.value for cell in cross.cells if cell.reals == cell.fakes}
    worst: tuple[float, Finding] | None = None
    for cell in cross.cells:
        own = [value for name in (cell.reals, cell.fakes) if (value := within.get(name)) is not None]
        if cell.reals == cell.fakes or not own or cell.auc.value is None or cell.auc.high is None:
            continue
        fall = min(own) - cell.auc.value
        if fall > CROSS_FALL and cell.auc.high < min(own) and (worst is None or fall > worst[0]):
            worst = (
                fall,
                finding(
                    FindingCode.CROSS_AUC_LOWER,
                    reals=cell.reals,
                    fakes=cell.fakes,
                    auc=cell.auc.value,
                    within=min(own),
                ),
            )
    if worst is not None:
        yield worst[1]
