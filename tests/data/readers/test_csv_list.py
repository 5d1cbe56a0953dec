"""CSV lists as a dataset: sizes, missing files and the two polarities."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_trees import plant, read_with
from dfdetect.data.readers import READERS
from dfdetect.data.readers.reader import Reading
from dfdetect.data.tree import list_tree
from dfdetect.errors import DataError
from dfdetect.values import Label


def listed(root: Path, *lines: str) -> Path:
    plant(root, "list.csv", text="\n".join(lines) + "\n")
    return root / "list.csv"


def test_files_folders_and_columns(tmp_path: Path) -> None:
    plant(tmp_path, "a.mp4", "b/001", "b/002", "c.jpg", text="four")
    path = listed(
        tmp_path,
        "path,label,source,person,method,split,kind",
        "c.jpg,fake,web,ann,swap,testing,crop",
        "a.mp4,real,,ben,,train,",
        "b,real,,,,dev,",
    )
    found = read_with("list", path)
    assert list(found.samples) == ["a.mp4", "b", "c.jpg"]
    assert {n: (s.kind, s.bytes, s.split) for n, s in found.samples.items()} == {
        "a.mp4": ("video", 4, "train"),
        "b": ("frames", 8, "val"),
        "c.jpg": ("crop", 4, "test"),
    }
    fake = found.samples["c.jpg"]
    assert (fake.label, fake.dataset, fake.method, fake.target_id) == (Label.FAKE, "web", "swap", "ann")
    assert found.samples["a.mp4"].dataset == "list"
    assert not found.problems


def test_missing_and_empty_files_are_problems_not_samples(tmp_path: Path) -> None:
    plant(tmp_path, "here.jpg")
    plant(tmp_path, "empty.jpg", text="")
    found = read_with("list", listed(tmp_path, "path,label", "here.jpg,real", "gone.jpg,real", "empty.jpg,fake"))
    assert list(found.samples) == ["here.jpg"]
    assert found.problems == [("missing_file", "gone.jpg"), ("zero_bytes", "empty.jpg")]


def test_numbers_are_read_as_one_for_fake_and_it_is_said(tmp_path: Path) -> None:
    plant(tmp_path, "a.jpg", "b.jpg")
    found = read_with("list", listed(tmp_path, "path,label", "a.jpg,0", "b.jpg,1"))
    assert [s.label for s in found.samples.values()] == [Label.REAL, Label.FAKE]
    assert found.problems == [("label_polarity", "list.csv")]


def test_a_list_with_one_for_real_is_refused(tmp_path: Path) -> None:
    """Celeb-DF's list has 1 = real; several public loaders read it the wrong way round without a word."""
    lines = ("1,Celeb-real/id0_0003.mp4", "0,Celeb-synthesis/id0_id16_0003.mp4", "1,YouTube-real/00001.mp4")
    path = listed(tmp_path, "label,path", *lines)
    with pytest.raises(DataError, match=r"line 2: Celeb-real/id0_0003.mp4 has label 1, and 3 of 3 lines .* 1 = real"):
        read_with("list", path)


def test_folder_names_do_not_overrule_words(tmp_path: Path) -> None:
    plant(tmp_path, "fake/a.jpg")
    found = read_with("list", listed(tmp_path, "path,label", "fake/a.jpg,real"))
    assert found.samples["fake/a.jpg"].label is Label.REAL


@pytest.mark.shared_data
@pytest.mark.parametrize(("name", "count"), [("eval.csv", 305), ("train_real.csv", 4400), ("train_video.csv", 118)])
def test_the_lists_we_measure_on_are_read_as_they_are(shared_data: Path, name: str, count: int) -> None:
    reading = Reading(list_tree(shared_data / name))
    samples = list(READERS["list"].read(reading))
    assert len(samples) == count
    assert not reading.problems
    assert all(sample.bytes > 0 for sample in samples)
