"""Several datasets -> one index, with what is missing, what is wrong and what was left out said aloud."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dfdetect.data.readers.recognise import DatasetRead, read_dataset
from dfdetect.data.sample import Sample
from dfdetect.data.tree import Problem
from dfdetect.values import Label

# Problems that say something about a dataset without a file being left out because of it.
_INFORMATION = frozenset(
    ("no_split_list", "label_polarity", "no_original", "original_missing", "taken_as_frames", "swapped_unknown")
)


@dataclass(frozen=True, slots=True)
class RootSpec:
    """A folder (or CSV list) that the user named. name: the dataset, None = told from the layout."""

    path: Path
    name: str | None = None


@dataclass(slots=True)
class Index:
    """Samples of all datasets, in the order of the roots named, and one `DatasetRead` a dataset.

    repeated: roots that were named before, as themselves or inside another one; they were not read again.
    """

    reads: list[DatasetRead] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    repeated: list[Path] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def left_out(self) -> int:
        """How many problems cost files; 0 = every file that looks like media is in the index."""
        everything = [*self.problems, *(problem for read in self.reads for problem in read.problems)]
        return sum(problem.code not in _INFORMATION for problem in everything)


def parse_root(text: str, known: Iterable[str]) -> RootSpec:
    """`FOLDER`, or `NAME=FOLDER` where NAME is a known dataset."""
    name, equals, rest = text.partition("=")
    if equals and name in set(known):
        return RootSpec(Path(rest), name)
    return RootSpec(Path(text))


def build_index(
    roots: Sequence[RootSpec], *, lists: Path | None = None, on_root: Callable[[Path], None] | None = None
) -> Index:
    """Read every root once and put the samples together.

    DataError: a root that is no dataset, or that could be two. A file that two roots reach is kept once; a fake whose
    original is in none of them keeps its pair_key and is counted as a problem `original_missing` of its dataset.
    """
    index = Index()
    seen_roots: set[Path] = set()
    seen_paths: set[str] = set()
    for spec in roots:
        real = spec.path.resolve()
        if real in seen_roots or any(before in real.parents for before in seen_roots):
            index.repeated.append(spec.path)
            continue
        seen_roots.add(real)
        for read in read_dataset(spec.path, name=spec.name, lists=lists):
            fresh = [sample for sample in read.samples if sample.path not in seen_paths]
            if len(fresh) < len(read.samples):
                text = f"{len(read.samples) - len(fresh)} files that another root holds too; kept once"
                index.problems.append(Problem("in_two_roots", str(spec.path), text))
            seen_paths.update(sample.path for sample in fresh)
            index.reads.append(read)
            index.samples += fresh
        if on_root:
            on_root(spec.path)
    index.problems += _missing_originals(index.samples)
    return index


def _missing_originals(samples: Sequence[Sample]) -> list[Problem]:
    reals = {sample.video_id for sample in samples if sample.label is Label.REAL}
    lost = Counter(
        sample.dataset
        for sample in samples
        if sample.label is Label.FAKE and sample.pair_key and sample.pair_key not in reals
    )
    return [
        Problem(
            "original_missing",
            dataset,
            f"{count} fakes whose original is not in the index: they cannot be paired; add the originals' folder",
        )
        for dataset, count in sorted(lost.items())
    ]
