"""What may be named as input: an index, a CSV list, or a dataset's own folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dfdetect.data.lists import read_list
from dfdetect.data.prepare.plan import move_roots
from dfdetect.data.sample import Sample, read_index
from dfdetect.errors import UsageError


def read_samples(path: Path, roots: Sequence[str] = ()) -> list[Sample]:
    """The samples of an index (Parquet) or of a CSV list.

    roots: where files are, if not where the input says: of a list, the one folder that its paths start from; of an
    index see `plan.move_roots`. Raises DataError, UsageError.
    """
    if path.suffix.lower() == ".parquet":
        samples = read_index(path)
        return move_roots(samples, roots) if roots else samples
    if path.is_dir():
        raise UsageError(
            f"{path} is a folder; index it first: `dfdetect data index {path} -o index.parquet`, then prepare that"
        )
    if len(roots) > 1:
        raise UsageError(f"{path}: a list has one root; got --root {' --root '.join(roots)}")
    return read_list(path, root=Path(roots[0]) if roots else None)
