"""What may be named as input: an index, a CSV list, or the folder of a dataset as it was downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dfdetect.data.lists import read_list
from dfdetect.data.prepare.plan import move_roots
from dfdetect.data.readers.recognise import read_dataset
from dfdetect.data.sample import Sample, read_index
from dfdetect.data.tree import Problem
from dfdetect.errors import UsageError


def read_samples(path: Path, roots: Sequence[str] = ()) -> tuple[list[Sample], list[Problem]]:
    """Samples of an index (Parquet), of a CSV list or of a dataset's folder, and what is wrong with that folder.

    roots: where files are, if not where the input says: of a list, the one folder that its paths start from; of an
    index see `plan.move_roots`; of a folder it makes no sense. Raises DataError, UsageError.
    """
    if path.suffix.lower() == ".parquet":
        samples = read_index(path)
        return (move_roots(samples, roots) if roots else samples), []
    if path.is_dir():
        if roots:
            raise UsageError(f"{path} is the folder itself: --root is for an index or a list whose files moved")
        reads = read_dataset(path)
        return [sample for read in reads for sample in read.samples], [p for read in reads for p in read.problems]
    if len(roots) > 1:
        raise UsageError(f"{path}: a list has one root; got --root {' --root '.join(roots)}")
    return read_list(path, root=Path(roots[0]) if roots else None), []
