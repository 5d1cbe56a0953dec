"""Samples -> units of work: an original with its fakes, a clip alone, or a handful of stills."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dfdetect.data.sample import Sample
from dfdetect.errors import DataError, UsageError
from dfdetect.values import Label

STILLS_PER_UNIT = 16  # a file a still would cost more than finding its face
_LOOKED_AT = 200  # files of a root that are looked for before the work begins


@dataclass(frozen=True, slots=True)
class Unit:
    """What is worked on at once and finished whole. number: its place in the plan, and in the shards.

    is_pair: the samples are an original and its fakes (either may be missing); else they have nothing to do with one
    another.
    """

    number: int
    samples: tuple[Sample, ...]
    is_pair: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """units: in order. samples: all of them. index_sha256: of what the samples say, without this machine's paths.

    twice: names of samples whose path is listed a second time; they are in no unit.
    """

    units: tuple[Unit, ...]
    samples: int
    index_sha256: str
    twice: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Filters:
    """Keep the samples whose column has one of these values; empty keeps all. label: "real", "fake"."""

    dataset: tuple[str, ...] = ()
    split: tuple[str, ...] = ()
    label: tuple[str, ...] = ()
    method: tuple[str, ...] = ()
    compression: tuple[str, ...] = ()

    def apply(self, samples: Sequence[Sample]) -> list[Sample]:
        """The kept samples. UsageError: a value that no sample has; the message lists those there are."""
        kept = list(samples)
        for name in ("dataset", "split", "label", "method", "compression"):
            wanted = getattr(self, name)
            if not wanted:
                continue
            there = {_value(sample, name) for sample in samples}
            unknown = sorted(set(wanted) - there)
            if unknown:
                raise UsageError(
                    f"no sample has {name} {unknown[0]!r}; there are: {', '.join(map(repr, sorted(there)))}"
                )
            # A fake's method is asked for to choose among fakes: its originals stay, or no pair would be left.
            kept = [s for s in kept if _value(s, name) in wanted or (name == "method" and s.label is Label.REAL)]
        return kept


def _value(sample: Sample, name: str) -> str:
    return sample.label.name.lower() if name == "label" else str(getattr(sample, name))


def make_plan(samples: Sequence[Sample]) -> Plan:
    """Group the samples, in the order in which their first one comes. Raises DataError: there is none."""
    if not samples:
        raise DataError("there is nothing to prepare: the list has no rows, or the filters leave none")
    once, twice = _without_doubles(samples)
    groups: dict[tuple[str, str, str], list[Sample]] = defaultdict(list)
    paired = _paired_keys(once)
    for sample in once:
        key = (sample.compression, _pair_of(sample), "pair")
        groups[key if key[:2] in paired else ("", sample.path, "alone")].append(sample)
    units: list[Unit] = []
    stills: list[Sample] = []  # waiting until there are enough for a unit, or until something else comes
    for (_, _, how), members in groups.items():
        alone = how == "alone" and _is_still(members[0])
        if stills and (not alone or len(stills) == STILLS_PER_UNIT):
            units.append(Unit(len(units), tuple(stills)))
            stills = []
        if alone:
            stills += members
        else:
            units.append(Unit(len(units), tuple(members), is_pair=how == "pair"))
    if stills:
        units.append(Unit(len(units), tuple(stills)))
    return Plan(tuple(units), len(samples), _hash(once), tuple(twice))


def _is_still(sample: Sample) -> bool:
    return sample.kind == "image" or (sample.kind == "crop" and Path(sample.path).suffix != "")


def _pair_of(sample: Sample) -> str:
    """The video_id of the original: its own of a real."""
    return sample.video_id if sample.label is Label.REAL else sample.pair_key


def _paired_keys(samples: Iterable[Sample]) -> set[tuple[str, str]]:
    """(compression, pair) of which there is a whole fake. Crops are used as they are: no pair is cut alike."""
    return {(s.compression, s.pair_key) for s in samples if s.label is Label.FAKE and s.pair_key and s.kind != "crop"}


def _without_doubles(samples: Sequence[Sample]) -> tuple[list[Sample], list[str]]:
    seen: set[str] = set()
    once: list[Sample] = []
    twice: list[str] = []
    for sample in samples:
        if sample.path in seen:
            twice.append(sample.name)
        else:
            seen.add(sample.path)
            once.append(sample)
    return once, twice


def _hash(samples: Iterable[Sample]) -> str:
    digest = hashlib.sha256()
    for s in samples:
        mask = s.mask_path.removeprefix(s.root) if s.root else s.mask_path
        row = [
            s.name,
            int(s.label),
            s.dataset,
            s.method,
            s.compression,
            s.video_id,
            s.target_id,
            s.donor_id,
            s.pair_key,
        ]
        row += [s.source_key, s.split, mask, s.kind, s.bytes, s.source, s.licence, s.reuse]
        digest.update(json.dumps(row).encode() + b"\n")
    return digest.hexdigest()


def move_roots(samples: Sequence[Sample], moves: Sequence[str]) -> list[Sample]:
    """Samples of an index whose dataset lies in another folder now. moves: FOLDER, or DATASET=FOLDER.

    Raises UsageError where it cannot be told which root is meant.
    """
    roots: dict[str, set[str]] = defaultdict(set)
    for sample in samples:
        roots[sample.dataset].add(sample.root)
    new: dict[str, str] = {}
    for move in moves:
        dataset, named, folder = move.partition("=")
        if named and dataset in roots:
            new[dataset] = Path(folder).absolute().as_posix()
        elif len(set().union(*roots.values())) == 1:
            new |= dict.fromkeys(roots, Path(move).absolute().as_posix())
        else:
            raise UsageError(
                f"--root {move}: the index has {len(roots)} datasets; say which one moved: "
                f"--root DATASET=FOLDER with one of {', '.join(sorted(roots))}"
            )
    return [_moved(sample, new[sample.dataset]) if sample.dataset in new else sample for sample in samples]


def _moved(sample: Sample, root: str) -> Sample:
    if not sample.root:
        raise UsageError(f"--root: {sample.path} was listed by its whole path, so it has no root to replace")
    mask = sample.mask_path
    if mask.startswith(sample.root):
        mask = root + mask.removeprefix(sample.root)
    return replace(sample, path=f"{root}/{sample.name}", root=root, mask_path=mask)


def refuse_moved_files(samples: Sequence[Sample]) -> None:
    """Raise DataError, with the fix, where most files of a root are not there; single ones become records later."""
    by_root: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        by_root[sample.root].append(sample)
    for root, members in by_root.items():
        looked_at = members[:: max(1, len(members) // _LOOKED_AT)]
        gone = [sample for sample in looked_at if not Path(sample.path).exists()]
        if root and len(members) > 1 and 2 * len(gone) > len(looked_at):
            raise DataError(
                f"{len(gone)} of {len(looked_at)} files looked for are not in {root}, for example {gone[0].name}; if "
                "the dataset was moved, add --root NEW_FOLDER (or --root DATASET=NEW_FOLDER)"
            )
