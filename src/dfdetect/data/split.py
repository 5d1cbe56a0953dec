"""Train, val and test of an index: official splits as they are published, or groups that no key crosses.

    new_index, report = make_split(index, SplitOptions(policy="groups"))

Two samples belong together if they share a video, an original, a person (in either role) or an upload, directly or
through others; such a group goes into one split whole. That is what a split of frames, or of file names, lacks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from dfdetect.data.groups import NONE, Keys, components, encode, present_in
from dfdetect.data.sample import SPLITS
from dfdetect.data.split_report import DatasetSplit, SplitReport, count_strata
from dfdetect.data.stratify import FREE, GroupCounts, Ints, assign, fill_empty
from dfdetect.errors import DataError, UsageError, unknown_name

if TYPE_CHECKING:
    import pyarrow as pa

Policy = Literal["official", "groups"]

# Kind of key -> (the columns that hold it, what it is called in sentences).
APART: dict[str, tuple[tuple[str, ...], str]] = {
    "video": (("video_id",), "a video"),
    "pair": (("video_id", "pair_key"), "an original and what was made from it"),
    "identity": (("target_id", "donor_id"), "a person"),
    "source": (("source_key",), "an upload"),
}
NAMES: tuple[str, ...] = tuple(name for name in SPLITS if name)
_DEFAULT_RATIOS = MappingProxyType({"train": 0.8, "val": 0.1, "test": 0.1})
_NEEDED = ("label", "dataset", "video_id")


@dataclass(frozen=True, slots=True)
class SplitOptions:
    """How to split.

    policy: "official" keeps the split of every dataset that has one and groups the others; "groups" regroups all of
    them. ratios: asked share of the samples of each split, for grouped datasets; summing to 1. keep_apart: the kinds of
    APART that must not cross; a video never does. whole: dataset -> the one split that all of it goes to.
    """

    policy: Policy = "official"
    ratios: Mapping[str, float] = field(default_factory=lambda: _DEFAULT_RATIOS)
    seed: int = 0
    keep_apart: tuple[str, ...] = tuple(APART)
    whole: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.policy not in ("official", "groups"):
            raise unknown_name("policy", self.policy, ("official", "groups"))
        for name in self.keep_apart:
            if name not in APART:
                raise unknown_name("kind of key", name, APART)
        for name in [*self.ratios, *self.whole.values()]:
            if name not in NAMES:
                raise unknown_name("split", name, NAMES)
        if any(share < 0 for share in self.ratios.values()) or abs(sum(self.ratios.values()) - 1) > 1e-6:
            raise UsageError(f"ratios must be 0 or more and sum to 1; got {dict(self.ratios)}")

    @property
    def shares(self) -> NDArray[np.float64]:
        """(3,) in the order of NAMES."""
        return np.array([self.ratios.get(name, 0.0) for name in NAMES])


def make_split(table: pa.Table, options: SplitOptions) -> tuple[pa.Table, SplitReport]:
    """The same table with its `split` column filled anew, and what was done to each dataset.

    table: an index, of which label, dataset, video_id and the key columns are used. The answer depends on the rows, not
    on their order. Errors: DataError for a table without rows or needed columns, where what was asked cannot be had
    without a leak, and where everything hangs together.
    """
    rows = _Rows.of(table)
    group = _in_stable_order(components(len(rows), [rows.keys[kind] for kind in _kinds(options)]), rows.keys["video"])
    treatments = _treatments(rows, group, options)
    fixed = np.full(len(rows), FREE, np.int64)
    for number, treatment in enumerate(treatments):
        of_dataset = rows.dataset == number
        fixed[of_dataset] = rows.official[of_dataset] if treatment.keeps_official else treatment.whole
    group_split, torn = _group_splits(rows, group, fixed, options)
    split = np.where(fixed != FREE, fixed, group_split[group])
    left_out = (fixed == FREE) & torn[group]
    split[left_out] = FREE
    if len(np.unique(split[split != FREE])) < min(2, int(np.count_nonzero(options.shares))) and not options.whole:
        raise _all_together(rows, options)
    return _filled(table, split), _report(rows, group, split, treatments, options)


@dataclass(frozen=True, slots=True)
class _Rows:
    """An index in integers. dataset, method: codes into the sorted names. official: code into NAMES or FREE."""

    label: NDArray[np.bool_]
    dataset: Ints
    datasets: tuple[str, ...]
    method: Ints
    methods: tuple[str, ...]
    official: Ints
    keys: dict[str, Keys]

    def __len__(self) -> int:
        return len(self.label)

    @classmethod
    def of(cls, table: pa.Table) -> _Rows:
        missing = [name for name in _NEEDED if name not in table.column_names]
        if missing:
            raise DataError(f"to split an index it needs the columns {', '.join(_NEEDED)}; missing {missing}")
        if table.num_rows == 0:
            raise DataError("this index has no samples; nothing can be split")
        dataset, datasets = _sorted_codes(table, "dataset")
        method, methods = _sorted_codes(table, "method")
        label, labels = _sorted_codes(table, "label")
        split, splits = _sorted_codes(table, "split")
        for column, found, known in (("label", labels, ("real", "fake")), ("split", splits, SPLITS)):
            if unknown := sorted(set(found) - set(known)):
                raise DataError(f"{column} must be one of {', '.join(map(repr, known))}; got {unknown[:5]}")
        place = np.array([NAMES.index(name) if name else FREE for name in splits], np.int64)
        video = encode(_column(table, "video_id"), _column(table, "pair_key"))
        if (video.codes[0] == NONE).any():
            raise DataError("every row of an index needs a video_id; some are empty")
        keys = {
            "video": Keys(video.codes[:1], video.names),
            "pair": video,
            "identity": encode(_column(table, "target_id"), _column(table, "donor_id")),
            "source": encode(_column(table, "source_key")),
        }
        return cls(np.array(labels)[label] == "fake", dataset, datasets, method, methods, place[split], keys)


@dataclass(frozen=True, slots=True)
class _Treatment:
    """What happens to a dataset. whole: the split that all of it goes to, else FREE."""

    name: str
    says: str
    keeps_official: bool = False
    whole: int = FREE


def _column(table: pa.Table, name: str) -> pa.ChunkedArray:
    import pyarrow as pa

    if name in table.column_names:
        return table.column(name).cast(pa.string())
    return pa.chunked_array([pa.nulls(table.num_rows, pa.string())])


def _sorted_codes(table: pa.Table, name: str) -> tuple[Ints, tuple[str, ...]]:
    """A column as codes into its sorted values; null is ""."""
    import pyarrow as pa

    encoded = _column(table, name).fill_null("").combine_chunks()
    encoded = pa.array(encoded).dictionary_encode() if not isinstance(encoded, pa.ChunkedArray) else encoded
    values = encoded.dictionary.to_pylist()
    names = sorted(values)
    place = np.array([names.index(value) for value in values], np.int64)
    return place[encoded.indices.to_numpy()], tuple(names)


def _kinds(options: SplitOptions) -> tuple[str, ...]:
    return tuple(dict.fromkeys(("video", *options.keep_apart)))


def _in_stable_order(group: NDArray[np.int32], video: Keys) -> Ints:
    """Groups renumbered by their alphabetically first video, so that the order of rows changes nothing."""
    import pyarrow.compute as pc

    rank = np.empty(len(video), np.int64)
    rank[pc.array_sort_indices(video.names).to_numpy()] = np.arange(len(video))
    first = np.full(int(group.max()) + 1, len(video), np.int64)
    np.minimum.at(first, group, rank[video.codes[0]])
    place = np.empty(len(first), np.int64)
    place[np.argsort(first, kind="stable")] = np.arange(len(first))
    return place[group]


def _treatments(rows: _Rows, group: Ints, options: SplitOptions) -> list[_Treatment]:
    unknown = set(options.whole) - set(rows.datasets)
    if unknown:
        raise unknown_name("dataset", sorted(unknown)[0], rows.datasets)
    largest = int(np.argmax(options.shares))
    found = []
    for number, dataset in enumerate(rows.datasets):
        inside = rows.dataset == number
        official = bool((rows.official[inside] != FREE).any())
        n_groups = _usable_groups(rows, group, inside)
        held = f"it hangs together in {n_groups} group{'s' * (n_groups != 1)}"
        if dataset in options.whole:
            split = options.whole[dataset]
            found.append(_Treatment("whole", f"all of it in {split}, as asked", whole=NAMES.index(split)))
        elif official and options.policy == "official":
            found.append(_Treatment("official", "its official split is kept", keeps_official=True))
        elif n_groups >= np.count_nonzero(options.shares):
            found.append(_Treatment("groups", "no official split" if not official else "regrouped, as asked"))
        elif official:
            says = f"{held}, so its official split is kept: it is not free of leaks"
            found.append(_Treatment("one_component", says, keeps_official=True))
        else:
            says = f"{held} and has no official split, so all of it is in {NAMES[largest]}"
            found.append(_Treatment("one_component", says, whole=largest))
    return found


def _usable_groups(rows: _Rows, group: Ints, inside: NDArray[np.bool_]) -> int:
    """Groups of a dataset that hold fakes; of a dataset of reals alone, all."""
    fakes = inside & rows.label
    return len(np.unique(group[fakes if fakes.any() else inside]))


def _group_splits(rows: _Rows, group: Ints, fixed: Ints, options: SplitOptions) -> tuple[Ints, NDArray[np.bool_]]:
    """(the split of each group, which groups are torn apart by fixed samples)."""
    n_groups = int(group.max()) + 1
    votes = np.zeros((n_groups, len(NAMES)), bool)
    has = fixed != FREE
    votes[group[has], fixed[has]] = True
    torn = votes.sum(axis=1) > 1
    asked = np.isin(rows.dataset, [rows.datasets.index(name) for name in options.whole])
    if (torn[group] & asked).any():
        raise _impossible(rows, group, fixed, torn, asked, options)
    group_fixed = np.where(votes.any(axis=1), votes.argmax(axis=1), FREE)
    stratum = (rows.dataset * 2 + rows.label) * len(rows.methods) + rows.method
    counts = GroupCounts.of(group, np.unique(stratum, return_inverse=True)[1])
    result = assign(counts, group_fixed, options.shares, np.random.default_rng(options.seed))
    strata = np.unique(stratum)
    for number in np.unique(rows.dataset[~has]):
        of_dataset = strata // (2 * len(rows.methods)) == number
        fakes = of_dataset & (strata // len(rows.methods) % 2 == 1)
        fill_empty(result, counts, group_fixed == FREE, fakes if fakes.any() else of_dataset, options.shares > 0)
    return result, torn


def _impossible(
    rows: _Rows, group: Ints, fixed: Ints, torn: NDArray[np.bool_], asked: NDArray[np.bool_], options: SplitOptions
) -> DataError:
    one = group[torn[group] & asked][0]
    inside = (group == one) & (fixed != FREE)
    places = sorted(
        {f"{rows.datasets[d]} in {NAMES[s]}" for d, s in zip(rows.dataset[inside], fixed[inside], strict=True)}
    )
    kinds = ", ".join(APART[kind][1] for kind in _kinds(options))
    return DataError(
        f"cannot put {' and '.join(places)} without a leak: they share {kinds}, directly or through others "
        f"({int(inside.sum())} samples). Put them whole into one split, or keep fewer kinds apart"
    )


def _all_together(rows: _Rows, options: SplitOptions) -> DataError:
    """What to give up, with the number of groups that it buys."""
    kinds = _kinds(options)
    ways = []
    for kind in kinds[1:]:
        fewer = [other for other in kinds if other != kind]
        group = components(len(rows), [rows.keys[other] for other in fewer]).astype(np.int64)
        n_groups = _usable_groups(rows, group, np.ones(len(rows), bool))
        if n_groups > 1:
            ways.append(f"keeping apart {','.join(fewer)} alone gives {n_groups:,} groups")
    hint = "; ".join(ways) or "no single kind of key would change that"
    return DataError(f"everything here that could be told apart hangs together, so no split is free of leaks: {hint}")


def _filled(table: pa.Table, split: Ints) -> pa.Table:
    import pyarrow as pa

    names = np.array([*NAMES, ""], dtype=object)
    column = pa.array(names[split], pa.string())
    if "split" in table.column_names:
        return table.set_column(table.column_names.index("split"), "split", column)
    return table.append_column("split", column)


def _report(rows: _Rows, group: Ints, split: Ints, treatments: list[_Treatment], options: SplitOptions) -> SplitReport:
    datasets = []
    for number, (name, treatment) in enumerate(zip(rows.datasets, treatments, strict=True)):
        inside = rows.dataset == number
        sizes = np.bincount(group[inside])
        datasets.append(
            DatasetSplit(
                dataset=name,
                treatment=treatment.name,
                says=treatment.says,
                groups=int(np.count_nonzero(sizes)),
                largest_group=int(sizes.max()),
                counts=count_strata(split[inside], rows.label[inside], rows.method[inside], NAMES, rows.methods),
                left_out=int(np.count_nonzero(split[inside] == FREE)),
                asked=dict(zip(NAMES, options.shares.tolist(), strict=True)) if treatment.name == "groups" else None,
            )
        )
    crossing = {
        kind: int(np.count_nonzero(present_in(keys, split, len(NAMES)).sum(axis=1) > 1))
        for kind, keys in rows.keys.items()
    }
    return SplitReport(
        policy=options.policy,
        seed=options.seed,
        ratios=dict(options.ratios),
        keep_apart=_kinds(options),
        datasets=tuple(datasets),
        crossing=crossing,
        hash=split_hash(rows.keys["video"], split),
    )


def split_hash(video: Keys, split: Ints) -> str:
    """SHA-256 over the sorted lines "video_id<TAB>split": the same split has the same hash, however it was made."""
    placed = split != FREE
    pairs = np.unique(np.stack([video.codes[0][placed].astype(np.int64), split[placed]], axis=1), axis=0)
    names = video.names.take(pairs[:, 0]).to_pylist() if len(pairs) else []
    lines = sorted(f"{name}\t{NAMES[place]}\n" for name, place in zip(names, pairs[:, 1].tolist(), strict=True))
    return hashlib.sha256("".join(lines).encode()).hexdigest()
