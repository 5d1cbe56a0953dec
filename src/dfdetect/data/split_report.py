"""What a split came to: per dataset, split, label and method; how far from what was asked; and its hash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# split name -> label ("real" or "fake") -> method -> samples
StratumCounts = dict[str, dict[str, dict[str, int]]]


@dataclass(frozen=True, slots=True)
class DatasetSplit:
    """One dataset of a split.

    treatment: "official", "groups", "whole" (asked for) or "one_component" (no group-aware split is possible); says:
    the same in words. groups: components over the keys kept apart, with the samples of the largest one. left_out:
    samples without a split, since the official split of another dataset that they hang on is itself torn. asked: the
    ratios, where the dataset was grouped.
    """

    dataset: str
    treatment: str
    says: str
    groups: int
    largest_group: int
    counts: StratumCounts
    left_out: int
    asked: Mapping[str, float] | None

    def samples(self, split: str) -> int:
        return sum(sum(methods.values()) for methods in self.counts.get(split, {}).values())

    @property
    def total(self) -> int:
        return sum(self.samples(split) for split in self.counts)

    def worst_deviation(self) -> tuple[str, str, float, float] | None:
        """(method or "real", split, asked share, share got) that differ most; None where no ratios were asked."""
        if self.asked is None:
            return None
        whole: dict[tuple[str, str], int] = {}
        for labels in self.counts.values():
            for label, methods in labels.items():
                for method, number in methods.items():
                    whole[label, method] = whole.get((label, method), 0) + number
        worst = None
        for (label, method), total in sorted(whole.items()):
            for split, share in self.asked.items():
                got = self.counts.get(split, {}).get(label, {}).get(method, 0) / total
                if worst is None or abs(got - share) > abs(worst[3] - worst[2]) + 1e-12:
                    worst = (method or label, split, share, got)
        return worst


@dataclass(frozen=True, slots=True)
class SplitReport:
    """crossing: kind of key -> how many such keys are in more than one split. hash: of the split itself."""

    policy: str
    seed: int
    ratios: Mapping[str, float]
    keep_apart: tuple[str, ...]
    datasets: tuple[DatasetSplit, ...]
    crossing: Mapping[str, int]
    hash: str

    def to_json(self) -> dict[str, Any]:
        """Schema `dfdetect.split/1`."""
        datasets = []
        for dataset in self.datasets:
            worst = dataset.worst_deviation()
            names = ("stratum", "split", "asked", "got")
            datasets.append(
                asdict(dataset) | {"worst_deviation": dict(zip(names, worst, strict=True)) if worst else None}
            )
        return {"schema": "dfdetect.split/1", **asdict(self), "datasets": datasets}

    def to_text(self) -> str:
        """For a terminal."""
        lines = []
        for dataset in self.datasets:
            lines.append(f"{dataset.dataset}: {dataset.says}")
            lines.append(f"  groups {dataset.groups:,}, the largest of {dataset.largest_group:,} samples")
            for split, labels in dataset.counts.items():
                share = dataset.samples(split) / max(1, dataset.total)
                parts = [
                    f"{label} {sum(methods.values()):,}" + _methods(methods)
                    for label, methods in sorted(labels.items())
                ]
                lines.append(f"  {split:<5} {dataset.samples(split):>9,} ({share:6.1%}): {'; '.join(parts)}")
            if dataset.left_out:
                lines.append(
                    f"  in no split {dataset.left_out:,}: they hang on samples of another dataset whose official split "
                    "is torn"
                )
            if worst := dataset.worst_deviation():
                stratum, split, asked, got = worst
                lines.append(f"  farthest from what was asked: {stratum} in {split}, {got:.1%} for {asked:.1%}")
        crossing = [f"{kind} {number:,}" for kind, number in self.crossing.items() if number]
        lines.append(
            f"keys in more than one split: {', '.join(crossing)} (see `dfdetect data audit`)"
            if crossing
            else "no video, pair, person or upload is in more than one split"
        )
        lines.append(f"hash {self.hash}")
        return "\n".join(lines)


def _methods(methods: Mapping[str, int]) -> str:
    named = [f"{method} {number:,}" for method, number in sorted(methods.items()) if method]
    return f" ({', '.join(named)})" if named else ""


def count_strata(
    split: NDArray[np.integer],
    fake: NDArray[np.bool_],
    method: NDArray[np.integer],
    splits: Sequence[str],
    methods: Sequence[str],
) -> StratumCounts:
    """Samples by split, label and method; those without a split do not count."""
    placed = split >= 0
    rows = np.stack([split[placed], fake[placed], method[placed]], axis=1).astype(np.int64)
    cells, numbers = np.unique(rows, axis=0, return_counts=True)
    counts: StratumCounts = {}
    for (where, is_fake, how), number in zip(cells.tolist(), numbers.tolist(), strict=True):
        labels = counts.setdefault(splits[where], {})
        labels.setdefault("fake" if is_fake else "real", {})[methods[how]] = number
    return counts
