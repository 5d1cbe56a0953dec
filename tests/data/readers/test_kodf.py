"""KoDF: names tell people and method; the Korean lists tell clips and splits."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_trees import plant, read_with
from dfdetect.errors import DataError
from dfdetect.values import Label

ANN, BEN = "0123456789abcdef0123", "200123"
REAL = f"1.Training/원본/{ANN}/{ANN}_003.mp4"
FAKE = f"1.Training/변조/dffs/20200801/{ANN}/{ANN}_{BEN}_2_0001.mp4"
FAKE_LIST = "meta/변조영상_training_메타데이터.csv"
HEADER = "영상ID,타겟영상,타겟UUID,소스UUID,변조모델,촬영시작,인물성별"


def test_names_alone(tmp_path: Path) -> None:
    found = read_with("kodf", plant(tmp_path, REAL, FAKE))
    real, fake = found.samples[REAL], found.samples[FAKE]
    assert (real.label, real.target_id, real.video_id) == (Label.REAL, f"kodf:{ANN}", f"kodf/{ANN}_003")
    assert (fake.label, fake.target_id, fake.donor_id) == (Label.FAKE, f"kodf:{ANN}", f"kodf:{BEN}")
    assert (fake.method, fake.pair_key, fake.split) == ("dffs", "", "")


def test_lists_tell_the_clip_and_the_split(tmp_path: Path) -> None:
    plant(tmp_path, REAL, FAKE)
    name = FAKE.rpartition("/")[2]
    plant(tmp_path, FAKE_LIST, text=f"\ufeff{HEADER}\n{name},{ANN}_003.mp4,{ANN},{BEN},dffs,,\n")
    found = read_with("kodf", tmp_path)
    assert found.samples[FAKE].pair_key == found.samples[REAL].video_id
    assert found.samples[FAKE].split == "train"
    assert not found.problems


def test_lists_in_another_folder(tmp_path: Path) -> None:
    plant(tmp_path / "data", REAL, FAKE)
    name = FAKE.rpartition("/")[2]
    lists = plant(tmp_path / "lists", FAKE_LIST, text=f"{HEADER}\n{name},{ANN}_003.mp4,{ANN},{BEN},dffs,,\n")
    assert read_with("kodf", tmp_path / "data", lists=lists).samples[FAKE].split == "train"


def test_a_list_that_contradicts_the_name(tmp_path: Path) -> None:
    plant(tmp_path, REAL, FAKE)
    plant(tmp_path, FAKE_LIST, text=f"{HEADER}\n{ANN}_003.mp4,,,,,,\n")
    found = read_with("kodf", tmp_path)
    assert found.problems == [("label_conflict", REAL)]


def test_another_table_under_the_lists_name(tmp_path: Path) -> None:
    plant(tmp_path, REAL)
    plant(tmp_path, FAKE_LIST, text="video,label\n")
    with pytest.raises(DataError, match="expected a list of KoDF with a column 영상ID; got"):
        read_with("kodf", tmp_path)


def test_other_names_are_said(tmp_path: Path) -> None:
    found = read_with("kodf", plant(tmp_path, REAL, "holiday.mp4"))
    assert found.problems == [("unknown_name", "holiday.mp4")]
