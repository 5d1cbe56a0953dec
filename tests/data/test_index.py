"""One index over many datasets: nothing twice, nothing silently left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from dfdetect.data.index import RootSpec, build_index, parse_root
from dfdetect.data.readers import READERS
from dfdetect.data.sample import INDEX_COLUMNS, read_index, read_index_table, write_index
from dfdetect.errors import DataError
from quick_toys import make_quick_toy


@pytest.fixture
def toys(tmp_path: Path) -> Path:
    for name in ("faceforensics", "uadfv", "dacon"):
        make_quick_toy(name, tmp_path / "toys" / name)
    return tmp_path / "toys"


def test_several_datasets_in_one_folder_and_back_from_parquet(toys: Path, tmp_path: Path) -> None:
    index = build_index([RootSpec(toys)])
    assert {read.reader.name for read in index.reads} == {"dacon", "faceforensics", "uadfv"}
    write_index(tmp_path / "all.parquet", index.samples)
    assert read_index(tmp_path / "all.parquet") == index.samples
    assert tuple(read_index_table(tmp_path / "all.parquet").column_names) == INDEX_COLUMNS


def test_the_same_root_twice_is_read_once(toys: Path) -> None:
    """A root named twice, or beside its parent, doubled every clip in the counts."""
    once = build_index([RootSpec(toys)])
    again = build_index([RootSpec(toys), RootSpec(toys / "uadfv"), RootSpec(toys / ".." / "toys")])
    assert again.samples == once.samples
    assert again.repeated == [toys / "uadfv", toys / ".." / "toys"]


def test_a_parent_named_after_its_child_keeps_each_file_once(toys: Path) -> None:
    index = build_index([RootSpec(toys / "uadfv"), RootSpec(toys)])
    assert len({sample.path for sample in index.samples}) == len(index.samples)
    assert [problem.code for problem in index.problems] == ["in_two_roots"]
    assert index.left_out() > 0


def test_fakes_without_their_originals_are_counted(tmp_path: Path) -> None:
    toy = make_quick_toy("uadfv", tmp_path / "uadfv")
    for item in toy.items:
        if not item.shot.donor:
            (tmp_path / "uadfv" / item.path).unlink()
    index = build_index([RootSpec(tmp_path / "uadfv", "uadfv")])
    assert [problem.code for problem in index.problems] == ["original_missing"]
    assert f"{len(index.samples)} fakes whose original is not in the index" in index.problems[0].text


def test_a_name_before_the_folder_is_a_dataset_only_if_there_is_one_of_that_name() -> None:
    assert parse_root("uadfv=data/x", READERS) == RootSpec(Path("data/x"), "uadfv")
    assert parse_root("a=b", READERS) == RootSpec(Path("a=b"))


def test_an_index_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such index; make one with `dfdetect data index"):
        read_index(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("path,label\n")
    with pytest.raises(DataError, match="expected a Parquet index"):
        read_index(tmp_path / "text.parquet")
