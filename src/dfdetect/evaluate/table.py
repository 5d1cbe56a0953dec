"""Score rows -> the table that is printed: AUC per fake method against the reals of the same source, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dfdetect.evaluate.scores import VideoScore, counts
from dfdetect.metrics import bootstrap_interval, roc_auc, wilson_interval
from dfdetect.values import Verdict


@dataclass(frozen=True, slots=True)
class AucRow:
    """One line: fakes of one folder against their reals. auc and interval are None where a class has no score."""

    fakes: str
    reals: str
    n_fake: int
    n_real: int
    auc: float | None
    interval: tuple[float, float] | None
    caught: int  # fakes with verdict likely_manipulated


def auc_rows(rows: Sequence[VideoScore], pairs: Mapping[str, Sequence[str]]) -> list[AucRow]:
    """pairs: folder of fakes -> folders of the reals they are compared with (the same source, else all)."""
    return [_one(rows, fakes, reals) for fakes, reals in pairs.items()]


def _one(rows: Sequence[VideoScore], fakes: str, reals: Sequence[str]) -> AucRow:
    fake = [r for r in rows if r.source == fakes and r.label == 1 and r.status == "ok"]
    real = [r for r in rows if r.source in reals and r.label == 0 and r.status == "ok"]
    caught = sum(r.verdict == Verdict.LIKELY_MANIPULATED for r in fake)
    if not fake or not real:
        return AucRow(fakes, "+".join(reals), len(fake), len(real), None, None, caught)
    both = [*real, *fake]
    labels = [r.label for r in both]
    scores = [r.logit if r.logit is not None else 0.0 for r in both]
    try:
        interval = bootstrap_interval(
            labels,
            scores,
            [r.group for r in both],
            roc_auc,
            rng=np.random.default_rng(0),
        )
    except ValueError:
        interval = None
    auc = roc_auc(labels, scores)
    return AucRow(fakes, "+".join(reals), len(fake), len(real), auc, interval, caught)


def auc_markdown(lines: Sequence[AucRow]) -> str:
    """The AUC table as Markdown."""
    out = ["| fakes | against reals | n fake / real | AUC | 95 % interval | flagged |", "|---|---|---|---|---|---|"]
    for line in lines:
        auc = "-" if line.auc is None else f"{line.auc:.2f}"
        between = "-" if line.interval is None else f"{line.interval[0]:.2f} - {line.interval[1]:.2f}"
        out.append(
            f"| {line.fakes} | {line.reals} | {line.n_fake} / {line.n_real} | {auc} | {between} "
            f"| {line.caught} of {line.n_fake} |"
        )
    return "\n".join(out)


def fpr_markdown(rows: Sequence[VideoScore]) -> str:
    """Reals flagged likely_manipulated, per folder and in all, with every file that was asked counted."""
    out = [
        "| reals | asked | scored | no face | failed | flagged | false-positive rate (95 %) | inconclusive |",
        "|---|---|---|---|---|---|---|---|",
    ]
    reals = [r for r in rows if r.label == 0]
    for name in [*sorted({r.source for r in reals}), "all"]:
        group = [r for r in reals if name in ("all", r.source)]
        found = counts(group)
        flagged = sum(r.verdict == Verdict.LIKELY_MANIPULATED for r in group)
        unsure = sum(r.verdict == Verdict.INCONCLUSIVE for r in group)
        rate = "-"
        if found["scored"]:
            low, high = wilson_interval(flagged, found["scored"])
            rate = f"{flagged / found['scored']:.3f} ({low:.3f} - {high:.3f})"
        out.append(
            f"| {name} | {found['asked']} | {found['scored']} | {found['no_face']} | {found['failed']} "
            f"| {flagged} | {rate} | {unsure} |"
        )
    return "\n".join(out)
