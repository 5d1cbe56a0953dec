"""UADFV: pairs by number, nothing else known."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_trees import plant, read_with
from dfdetect.data.readers.uadfv import matches
from dfdetect.data.tree import list_tree
from dfdetect.values import Label


@pytest.mark.parametrize("above", ["fake_videos/", "UADFV/", "", "data/UADFV/"])
def test_the_folder_above_may_have_any_name(tmp_path: Path, above: str) -> None:
    found = read_with("uadfv", plant(tmp_path, f"{above}real/0031.mp4", f"{above}fake/0031_fake.MP4"))
    real, fake = found.samples[f"{above}real/0031.mp4"], found.samples[f"{above}fake/0031_fake.MP4"]
    assert (real.label, fake.label) == (Label.REAL, Label.FAKE)
    assert fake.pair_key == real.video_id == "uadfv/real/0031"
    assert {real.split, fake.split} == {"test"}
    assert (real.target_id, fake.donor_id) == ("", "")


def test_crops_of_deepfakebench(tmp_path: Path) -> None:
    plant(tmp_path, "real/frames/0031/000.png", "real/frames/0031/010.png", "fake/frames/0031_fake/000.png")
    plant(tmp_path, "fake/landmarks/0031_fake/000.npy")
    found = read_with("uadfv", tmp_path)
    assert {(name, s.kind, s.bytes) for name, s in found.samples.items()} == {
        ("real/frames/0031", "crop", 2),
        ("fake/frames/0031_fake", "crop", 1),
    }
    assert not found.problems


def test_reals_alone_only_by_the_name_of_the_dataset(tmp_path: Path) -> None:
    """Anybody may have a folder real/ with numbers in it."""
    assert not matches(list_tree(plant(tmp_path / "mine", "real/0031.mp4")))
    assert matches(list_tree(plant(tmp_path / "UADFV", "real/0031.mp4")))


def test_a_fake_among_the_reals_is_not_taken(tmp_path: Path) -> None:
    found = read_with("uadfv", plant(tmp_path, "real/0031_fake.mp4", "fake/0031_fake.mp4", "fake/0032.mp4"))
    assert found.problems == [("unknown_name", "fake/0032.mp4"), ("unknown_name", "real/0031_fake.mp4")]
    assert list(found.samples) == ["fake/0031_fake.mp4"]
