"""Whole groups into splits, so that every method and label has about the asked share in each.

Greedy, the largest groups first, each to where the squared distance to the asked counts falls most (the rule of
iterative stratification, Sechidis et al. 2011, for groups in place of single samples). Groups of one make are dealt
out together, so a million single photographs cost as much as one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

FREE = -1


@dataclass(frozen=True, slots=True)
class GroupCounts:
    """How many samples of which stratum each group has, as a sparse table sorted by group.

    group, stratum, count: (n_entries,). n_groups, n_strata: the sizes of the whole table.
    """

    group: Ints
    stratum: Ints
    count: Ints
    n_groups: int
    n_strata: int

    @classmethod
    def of(cls, group: NDArray[np.integer], stratum: NDArray[np.integer]) -> GroupCounts:
        """Count samples; group, stratum: (n_samples,) from 0 on, without holes in `group`."""
        n_groups = int(group.max(initial=-1)) + 1
        n_strata = int(stratum.max(initial=-1)) + 1
        cells, count = np.unique(group.astype(np.int64) * max(n_strata, 1) + stratum, return_counts=True)
        return cls(cells // max(n_strata, 1), cells % max(n_strata, 1), count.astype(np.int64), n_groups, n_strata)

    def makes(self) -> tuple[Ints, Ints]:
        """(make of each group, one group of each make): groups with equal counts are of one make."""
        weights = np.random.default_rng(0).integers(1, 2**63, self.n_strata, dtype=np.uint64)
        sums = np.zeros(self.n_groups, np.uint64)
        np.add.at(sums, self.group, weights[self.stratum] * self.count.astype(np.uint64))
        _, first, make = np.unique(sums, return_index=True, return_inverse=True)
        return make.astype(np.int64), first.astype(np.int64)

    def row(self, group: int) -> tuple[Ints, Ints]:
        """(strata, counts) of one group."""
        start, stop = np.searchsorted(self.group, [group, group + 1])
        return self.stratum[start:stop], self.count[start:stop]

    def totals(self, groups: NDArray[np.bool_]) -> Ints:
        """Samples of each stratum in some of the groups, (n_strata,)."""
        inside = groups[self.group]
        return np.bincount(self.stratum[inside], self.count[inside], self.n_strata).astype(np.int64)


def assign(counts: GroupCounts, fixed: Ints, ratios: Floats, rng: np.random.Generator) -> Ints:
    """The split of every group, (n_groups,).

    fixed: (n_groups,) a split that a group already has, or FREE. ratios: (n_splits,) asked shares, summing to 1.
    Groups of one make are shuffled with `rng`; they should come in an order that does not depend on the input's.
    """
    result = fixed.copy()
    free = fixed == FREE
    total = counts.totals(free).astype(np.float64)
    lacking = ratios[:, None] * total
    weight = np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)
    make, example = counts.makes()
    members = np.flatnonzero(free)
    members = members[np.argsort(make[members], kind="stable")]
    makes, starts = np.unique(make[members], return_index=True)
    stops = np.append(starts[1:], len(members))
    rows = [counts.row(int(example[m])) for m in makes]
    order = sorted(range(len(makes)), key=lambda i: (-int(rows[i][1].sum()), rows[i][0].tolist(), rows[i][1].tolist()))
    for i in order:
        strata, have = rows[i]
        groups = rng.permutation(members[starts[i] : stops[i]])
        shares = _shares(lacking[:, strata], have, weight[strata], len(groups), ratios)
        result[groups] = np.repeat(np.arange(len(ratios)), shares)
        lacking[:, strata] -= shares[:, None] * have
    return result


def _shares(lacking: Floats, have: Ints, weight: Floats, n_groups: int, ratios: Floats) -> Ints:
    """How many of n_groups equal groups go to each split: by what each lacks, the largest remainders rounded up."""
    wanted = (lacking * have * weight).sum(axis=1) / (have * have * weight).sum()
    if n_groups == 1:
        best = np.lexsort((-ratios, -np.round(wanted, 9)))[0]
        shares = np.zeros(len(ratios), np.int64)
        shares[best] = 1
        return shares
    wanted = np.maximum(wanted, 0)
    wanted = wanted / wanted.sum() if wanted.sum() > 0 else ratios
    exact = wanted * n_groups
    shares = np.floor(exact + 1e-9).astype(np.int64)
    by_remainder = np.lexsort((-ratios, -np.round(exact - shares, 9)))
    shares[by_remainder[: n_groups - int(shares.sum())]] += 1
    return shares


def fill_empty(
    result: Ints, counts: GroupCounts, free: NDArray[np.bool_], must: NDArray[np.bool_], wanted: NDArray[np.bool_]
) -> list[int]:
    """Give each wanted split that has none of the `must` strata its smallest free group of them; returns those splits.

    must: (n_strata,) what every split should have some of. wanted: (n_splits,). Changes `result`. A split is never
    emptied to fill another.
    """
    size = np.bincount(counts.group, counts.count, counts.n_groups)
    bearing = np.zeros(counts.n_groups, bool)
    bearing[counts.group[must[counts.stratum]]] = True
    pool = np.flatnonzero(bearing & free)
    filled = []
    for split in np.flatnonzero(wanted):
        have = np.bincount(result[bearing], minlength=len(wanted)) if bearing.any() else np.zeros(len(wanted))
        spare = pool[have[result[pool]] > 1]
        if have[split] == 0 and len(spare):
            result[spare[np.argmin(size[spare])]] = split
            filled.append(int(split))
    return filled
