"""Which samples are evaluated: read as the user names them, chosen by the protocol, and a seeded part of them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TypeVar

import numpy as np

from dfdetect.data.lists import read_rows, to_sample
from dfdetect.data.prepare.inputs import read_samples
from dfdetect.data.prepare.plan import Filters
from dfdetect.data.sample import INDEX_COLUMNS, Sample
from dfdetect.data.tree import Problem
from dfdetect.errors import DataError, UsageError
from dfdetect.evaluate.protocol import EvalProtocol
from dfdetect.evaluate.score_table import EXTRA_PREFIX
from dfdetect.models.trained_on import keys_of

Item = TypeVar("Item")

FACEFORENSICS = "faceforensics"
OFFICIAL_TEST_VIDEOS = 140  # of each class and compression (Rossler et al. 2019)
_TEXT_OF_LISTS = frozenset(("note", "notes", "comment", "person"))  # columns of lists that are no groups of people


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be scored. extras: path of the sample -> the user's own columns, for those that have any.

    left_out: reason -> how many were not taken. notes: what must be said of the choice. problems: of a folder.
    """

    samples: tuple[Sample, ...]
    extras: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def read_asked(path: Path, roots: Sequence[str] = ()) -> Asked:
    """An index, a CSV list or a dataset's folder. Columns that are not known are kept, by their name.

    Raises DataError, UsageError: see `data.prepare.inputs.read_samples`.
    """
    if path.suffix.lower() == ".csv" and not path.is_dir():
        base = Path(roots[0]) if roots else path.parent
        if len(roots) > 1:
            raise UsageError(f"{path}: a list has one root; got --root {' --root '.join(roots)}")
        rows = read_rows(path)
        samples = [to_sample(row, base) for row in rows]
        known = {one.name for one in fields(Sample)} | _TEXT_OF_LISTS
        extras = {
            sample.path: {_plain(name): cell for name, cell in row.cells.items() if name not in known}
            for sample, row in zip(samples, rows, strict=True)
        }
        return Asked(tuple(samples), {name: cells for name, cells in extras.items() if cells})
    samples, problems = read_samples(path, roots)
    extras = _extras_of_index(path, samples) if path.suffix.lower() == ".parquet" else {}
    return Asked(tuple(samples), extras, problems=tuple(problems))


def _extras_of_index(path: Path, samples: Sequence[Sample]) -> dict[str, dict[str, str]]:
    """Columns that were added to an index, under names that begin with x_."""
    import pyarrow.parquet as pq

    names = [name for name in pq.read_schema(path).names if name.startswith(EXTRA_PREFIX) and name not in INDEX_COLUMNS]
    if not names:
        return {}
    table = pq.read_table(path, columns=names)
    columns = {_plain(name): table.column(name).to_pylist() for name in names}
    return {
        sample.path: {name: str(values[n] or "") for name, values in columns.items()}
        for n, sample in enumerate(samples)
    }


def _plain(name: str) -> str:
    return name.removeprefix(EXTRA_PREFIX)


def filtered(asked: Asked, filters: Filters) -> Asked:
    """Those that the filters keep. UsageError: a value that no sample has."""
    kept = filters.apply(asked.samples)
    return _replaced(asked, kept, {"left out by a filter": len(asked.samples) - len(kept)}, asked.notes)


def choose(asked: Asked, protocol: EvalProtocol, *, trained_keys: frozenset[str] = frozenset()) -> Asked:
    """The samples that the protocol takes. trained_keys: of the model's manifest.

    "all": every one. "ff_official_test": the test split of FaceForensics++. "unseen_identities": of the test split, or
    of all where none is marked, those of whose people, donors and recordings none is in the training split or among
    trained_keys. UsageError where nothing is left, or nothing tells what is test.
    """
    if protocol.samples == "ff_official_test":
        return _official(asked)
    if protocol.samples == "unseen_identities":
        return _unseen(asked, trained_keys)
    return asked


def _official(asked: Asked) -> Asked:
    ours = [sample for sample in asked.samples if sample.dataset == FACEFORENSICS]
    test = [sample for sample in ours if sample.split == "test" and sample.kind in ("video", "frames", "crop")]
    if not test:
        found = ", ".join(sorted({sample.dataset for sample in asked.samples})) or "nothing"
        why = "its clips have no official split: put train.json, val.json and test.json beside it, or name their folder"
        raise UsageError(
            "ff-official takes the official test videos of FaceForensics++; "
            + (f"{why} (`data index --lists`)" if ours else f"the data holds {found}")
        )
    counts = Counter((sample.method or "original", sample.compression or "unknown") for sample in test)
    odd = [f"{name} {level}: {n}" for (name, level), n in sorted(counts.items()) if n != OFFICIAL_TEST_VIDEOS]
    notes = list(asked.notes)
    if odd:
        notes.append(f"not the official {OFFICIAL_TEST_VIDEOS} test videos of each class: {', '.join(odd)}")
    levels = sorted({level for _, level in counts})
    if len(levels) > 1:
        notes.append(f"{len(levels)} compressions ({', '.join(levels)}): figures are published of one each")
    left_out = {"not the test split of FaceForensics++": len(asked.samples) - len(test)}
    return _replaced(asked, test, left_out, notes)


def _unseen(asked: Asked, trained_keys: frozenset[str]) -> Asked:
    train = [sample for sample in asked.samples if sample.split == "train"]
    marked = [sample for sample in asked.samples if sample.split == "test"]
    test = marked or [sample for sample in asked.samples if not sample.split]
    if not train and not trained_keys:
        raise UsageError(
            "identity-disjoint needs to know what was trained on: give an index with its training split, or a model "
            "whose manifest names what it learned from (`dfdetect export` writes that)"
        )
    seen = {key for sample in train for key in keys_of(sample)} | trained_keys
    kept, left_out = [], Counter[str]()
    for sample in test:
        hits = {kind for key, (kind, _) in keys_of(sample).items() if key in seen}
        if not hits:
            kept.append(sample)
        else:
            left_out[f"{sorted(hits)[0]} is in the training data"] += 1
    if not kept:
        why = ", ".join(f"{reason}: {n}" for reason, n in left_out.items()) or "there are none"
        raise UsageError(f"identity-disjoint leaves none of {len(test)} test samples ({why})")
    nameless = sum(not keys_of(sample, ("identity", "recording")) for sample in kept)
    notes = list(asked.notes)
    if nameless:
        notes.append(f"who is in {nameless} of {len(kept)} samples is not known: it may be people of the training data")
    left_out["not in the test split"] = len(asked.samples) - len(test)
    return _replaced(asked, kept, dict(left_out), notes)


def subset(asked: Asked, *, seed: int, limit: int | None = None, per_source: int | None = None) -> Asked:
    """A random part by seed, in the order of the whole. per_source: at most so many of each source and class."""
    rng = np.random.default_rng(seed)
    order = [asked.samples[n] for n in rng.permutation(len(asked.samples))]
    if per_source is not None:
        taken: dict[tuple[str, str, int], int] = defaultdict(int)
        kept = []
        for sample in order:
            place = (sample.source or sample.dataset, sample.method, int(sample.label))
            if taken[place] < per_source:
                taken[place] += 1
                kept.append(sample)
        order = kept
    chosen = set(map(id, order if limit is None else order[:limit]))
    samples = [sample for sample in asked.samples if id(sample) in chosen]
    dropped = len(asked.samples) - len(samples)
    return _replaced(asked, samples, {"not drawn (--limit, --per-source)": dropped}, list(asked.notes))


def in_turn(groups: Sequence[Sequence[Item]]) -> Iterator[Item]:
    """The first of every group, then the second of every group that has one, and so on."""
    for place in range(max((len(group) for group in groups), default=0)):
        yield from (group[place] for group in groups if place < len(group))


def _replaced(asked: Asked, samples: Sequence[Sample], left_out: Mapping[str, int], notes: Sequence[str]) -> Asked:
    counted = {reason: n for reason, n in {**asked.left_out, **left_out}.items() if n}
    return Asked(tuple(samples), asked.extras, counted, tuple(notes), asked.problems)


def samples_hash(samples: Sequence[Sample]) -> str:
    """Of what the samples say, without this machine's paths: the same list elsewhere has the same hash."""
    digest = hashlib.sha256()
    names = [one.name for one in fields(Sample) if one.name not in ("path", "root", "mask_path", "bytes")]
    for sample in samples:
        row = [sample.name, *(str(getattr(sample, name)) for name in names)]
        digest.update(json.dumps(row).encode() + b"\n")
    return digest.hexdigest()


def refuse_repeated(samples: Sequence[Sample]) -> None:
    """DataError where two samples of one dataset have one name: their scores could not be told apart."""
    counts = Counter((sample.dataset, sample.name) for sample in samples)
    twice = [name for (_, name), n in counts.items() if n > 1]
    if twice:
        raise DataError(f"{len(twice)} samples are there twice, for example {twice[0]}; every path once in its dataset")
