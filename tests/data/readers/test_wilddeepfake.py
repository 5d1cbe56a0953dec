"""WildDeepfake: archives inside the dataset, and shard numbers that repeat."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_trees import plant, read_with
from dfdetect.values import Label


@pytest.mark.parametrize("gap", ["_", " "])
def test_the_same_numbers_in_four_folders_are_other_sequences(tmp_path: Path, gap: str) -> None:
    for folder in ("real_train", "real_test", "fake_train", "fake_test"):
        home = f"wild/{folder.replace('_', gap)}/3/{folder[:4]}/27"
        plant(tmp_path, f"{home}/0.png", f"{home}/5.png")
    found = read_with("wilddeepfake", tmp_path)
    assert len({s.video_id for s in found.samples.values()}) == 4
    fake = found.samples[f"wild/fake{gap}test/3/fake/27"]
    assert (fake.label, fake.split, fake.kind, fake.bytes) == (Label.FAKE, "test", "crop", 2)
    assert not found.problems


def test_archives_that_were_not_unpacked(tmp_path: Path) -> None:
    plant(tmp_path, "real_train/3/real/27/0.png", "real_train/3.tar.gz", "real_train/4.tar.gz", "fake_test/0.tar.gz")
    found = read_with("wilddeepfake", tmp_path)
    assert found.problems == [("archive", "fake_test"), ("archive", "real_train")]
    assert all("unpack each of them" in text for text in found.texts)
    assert found.texts[1].startswith("1 archives (4.tar.gz")


def test_a_label_that_the_folder_above_contradicts(tmp_path: Path) -> None:
    found = read_with("wilddeepfake", plant(tmp_path, "real_train/3/fake/27/0.png", "real_train/4/real/1/0.png"))
    assert found.problems == [("label_conflict", "real_train/3/fake/27")]
    assert list(found.samples) == ["real_train/4/real/1"]
