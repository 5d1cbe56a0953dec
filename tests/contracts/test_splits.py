"""What holds for the split and the audit of every dataset, run on its toy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from dfdetect.data.audit import audit
from dfdetect.data.audit.derive import tell
from dfdetect.data.readers import READERS
from dfdetect.data.readers.recognise import read_dataset
from dfdetect.data.sample import Sample, to_table
from dfdetect.data.split import SplitOptions, make_split
from dfdetect.errors import DataError
from quick_toys import make_quick_toy

NO_SCHEME = {"folders", "list", "deepfake_eval"}
KEPT_APART = {"file", "content", "video", "pair", "donor", "identity", "source"}


def toy_samples(name: str, folder: Path) -> list[Sample]:
    """Without official splits, so that only groups decide."""
    toy = make_quick_toy(name, folder / name)
    return [replace(sample, split="") for read in read_dataset(toy.root) for sample in read.samples]


@pytest.mark.parametrize("name", sorted(READERS))
def test_a_split_by_groups_never_leaks(name: str, tmp_path: Path) -> None:
    """Or it is refused: a dataset that hangs together has no such split."""
    samples = toy_samples(name, tmp_path)
    try:
        table, report = make_split(to_table(samples), SplitOptions(policy="groups"))
    except DataError as error:
        if "so no split is free of leaks" not in error.message:
            raise
        return
    assert report.crossing == dict.fromkeys(report.crossing, 0)
    found = audit(table)
    assert not found.leaks_found
    assert {kind for kind, _, _ in found.clean} <= KEPT_APART


@pytest.mark.parametrize("name", sorted(set(READERS) - NO_SCHEME))
def test_paths_alone_tell_what_the_reader_tells(name: str, tmp_path: Path) -> None:
    """A foreign list of the same files must meet an index: what differs here would hide a leak."""
    samples = toy_samples(name, tmp_path)
    paths = [Path(s.path).as_posix() + ("" if Path(s.path).is_file() else "/000.png") for s in samples]
    told = tell(pa.chunked_array([paths]))
    assert told.column("video_id").to_pylist() == [s.video_id for s in samples]
    if name == "dfdc":  # only its metadata tells more
        return
    for column in ("target_id", "donor_id"):
        assert [value or "" for value in told.column(column).to_pylist()] == [getattr(s, column) for s in samples]
    assert told.column("label").to_pylist() == [s.label.name.lower() for s in samples]
