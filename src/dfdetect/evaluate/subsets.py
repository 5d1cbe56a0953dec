"""Which samples belong together: per dataset, method, compression and source, and which reals a method's fakes meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dfdetect.evaluate.eval_report import By
from dfdetect.evaluate.levels import Bools, Named, Samples, names_in

NOT_STATED = "not stated"
MIN_OWN_REALS = 10  # fewer scored reals of the same source: all of the dataset are taken
OWN_REALS = "its own reals"


@dataclass(frozen=True, slots=True)
class Subset:
    """rows: (N,) mask. against: which reals, in words. foreign: reals of other datasets and sources had to be taken."""

    by: By
    name: str
    rows: Bools
    against: str = OWN_REALS
    foreign: bool = False


def subsets(samples: Samples, *, reals_of: Mapping[str, Sequence[str]] | None = None) -> Iterator[Subset]:
    """Everything; then each dataset, method, compression and source, where there is one.

    A method is `DATASET/METHOD`: its fakes against reals of the same dataset, source and compression where at least
    MIN_OWN_REALS of them have a score; else of the same dataset and compression, of the same dataset, of the same
    source, or all. reals_of: source of fakes -> sources of the reals that they meet instead of those of the same.
    """
    yield Subset("all", "", np.ones(len(samples), bool), "all reals")
    yield from _plain("dataset", samples, samples.dataset)
    yield from _methods(samples)
    yield from _plain("compression", samples, samples.compression)
    yield from _sources(samples, reals_of or {})


def _plain(by: By, samples: Samples, column: Named) -> Iterator[Subset]:
    names = names_in(samples, column)
    if names == [""]:
        return
    for name in names:
        yield Subset(by, name or NOT_STATED, column.is_(name))


def _sources(samples: Samples, reals_of: Mapping[str, Sequence[str]]) -> Iterator[Subset]:
    for subset in _plain("source", samples, samples.source):
        others = reals_of.get(subset.name)
        if others is None:
            yield subset
            continue
        reals = np.zeros(len(samples), bool)
        for name in others:
            reals |= samples.source.is_(name)
        fakes = subset.rows & (samples.labels == 1)
        yield Subset("source", subset.name, fakes | (reals & (samples.labels == 0)), "reals of " + ", ".join(others))


def _methods(samples: Samples) -> Iterator[Subset]:
    fake = samples.labels == 1
    pairs = samples.dataset.codes * len(samples.method.names) + samples.method.codes
    for pair in np.unique(pairs[fake]).tolist():
        own = fake & (pairs == pair)
        dataset, method = divmod(pair, len(samples.method.names))
        names = samples.dataset.names[dataset], samples.method.names[method] or NOT_STATED
        reals, against, foreign = _reals_for(samples, own, names[0])
        yield Subset("method", "/".join(name for name in names if name), own | reals, against, foreign)


def _reals_for(samples: Samples, fakes: Bools, dataset: str) -> tuple[Bools, str, bool]:
    """(mask of the reals that these fakes of one dataset are compared with, in words, whether they are of others)."""
    real = samples.labels == 0
    home = real & samples.dataset.is_(dataset)
    source, compression = (
        np.isin(column.codes, np.unique(column.codes[fakes])) for column in (samples.source, samples.compression)
    )
    steps = (
        (home & source & compression, "reals of the same dataset, source and compression"),
        (home & compression, "reals of the same dataset and compression"),
        (home, "reals of the same dataset"),
        (real & source & compression, "reals of the same source and compression"),
        (real & source, "reals of the same source"),
    )
    for least, few in ((MIN_OWN_REALS, ""), (1, ", of which there are few")):
        for rows, words in steps:
            if int((rows & samples.scored).sum()) >= least:
                return rows, words + few, False
    return real, "all reals: its dataset and its source have none", True


@dataclass(frozen=True, slots=True)
class CrossSets:
    """Sets whose reals and fakes are paired across. column: which of the samples' columns names them."""

    by: By
    column: Named
    reals: tuple[str, ...]
    fakes: tuple[str, ...]


def cross_sets(samples: Samples) -> CrossSets | None:
    """Of scored samples: by dataset, or by source where there is one dataset; None where no two sets can be crossed."""
    kept = samples.take(samples.scored)
    for by, whole, column in (("dataset", samples.dataset, kept.dataset), ("source", samples.source, kept.source)):
        reals, fakes = (
            tuple(column.names[code] for code in np.unique(column.codes[kept.labels == label]).tolist())
            for label in (0, 1)
        )
        if reals and fakes and len(set(reals) | set(fakes)) > 1:
            return CrossSets(by, whole, reals, fakes)  # type: ignore[arg-type]
    return None
