"""One's own folders: the word gives the label, and what cannot be told is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_trees import plant, read_with
from dfdetect.data.readers.folders import label_word, matches
from dfdetect.data.tree import list_tree
from dfdetect.values import Label


@pytest.mark.parametrize(
    "name", ["real", "REAL", "originals", "Original", "0_real", "1_real", "1-pristine", "training_real", "real videos"]
)
def test_words_for_real(name: str) -> None:
    assert label_word(name) is Label.REAL


@pytest.mark.parametrize("name", ["fake", "Fakes", "manipulated", "deepfakes", "1_fake", "0_fake", "fake_images"])
def test_words_for_fake_whatever_number_is_before(name: str) -> None:
    """Public code numbers its classes both ways."""
    assert label_word(name) is Label.FAKE


@pytest.mark.parametrize("name", ["0", "1", "realistic", "unreal", "fakery", "data", "real_vs_fake"])
def test_other_words_and_bare_numbers_say_nothing(name: str) -> None:
    assert label_word(name) is None


def test_videos_images_and_splits(tmp_path: Path) -> None:
    plant(tmp_path, "train/real/a.mp4", "train/fake/swap/b.MOV", "fake/test/c.jpg", "real/portrait.png")
    found = read_with("folders", tmp_path)
    assert {name: (s.label, s.kind, s.split, s.method) for name, s in found.samples.items()} == {
        "train/real/a.mp4": (Label.REAL, "video", "train", ""),
        "train/fake/swap/b.MOV": (Label.FAKE, "video", "train", "swap"),
        "fake/test/c.jpg": (Label.FAKE, "image", "test", ""),
        "real/portrait.png": (Label.REAL, "image", "", ""),
    }
    assert not found.problems


def test_frames_of_a_clip_stay_one_sample(tmp_path: Path) -> None:
    plant(tmp_path, "real/x/frame_0001.jpg", "real/x/frame_0002.jpg", "fake/swap/y/001.png", "fake/swap/y/002.png")
    plant(tmp_path, "fake/swap/frames/z/000.png", "real/people/ann.jpg", "real/people/ben.jpg")
    found = read_with("folders", tmp_path)
    assert {name: s.kind for name, s in found.samples.items()} == {
        "real/x": "frames",
        "fake/swap/y": "frames",
        "fake/swap/frames/z": "crop",
        "real/people/ann.jpg": "image",
        "real/people/ben.jpg": "image",
    }
    assert found.samples["fake/swap/y"].method == found.samples["fake/swap/frames/z"].method == "swap"
    assert found.problems == [("taken_as_frames", "fake/swap/y")]


def test_crops_named_by_video_and_frame_share_the_video(tmp_path: Path) -> None:
    """A widely copied project splits such crops at random: one video in training, validation and test."""
    plant(tmp_path, "train/real/abarn-000-00.png", "test/real/abarn-012-00.png", "val/fake/xyz-001-01.png")
    found = read_with("folders", tmp_path)
    train, test = found.samples["train/real/abarn-000-00.png"], found.samples["test/real/abarn-012-00.png"]
    assert train.video_id == test.video_id
    assert (train.kind, train.split, test.split) == ("crop", "train", "test")


def test_what_cannot_be_told_is_left_out_and_said(tmp_path: Path) -> None:
    plant(tmp_path, "real/a.mp4", "fake/real/b.mp4", "other/c.mp4", "train/real/test/d.mp4")
    found = read_with("folders", tmp_path)
    assert list(found.samples) == ["real/a.mp4"]
    assert found.problems == [("no_label", "fake/real"), ("no_label", "other"), ("no_label", "train/real/test")]
    assert "say both real and fake" in found.texts[0]
    assert "say both test and train" in found.texts[2]


def test_the_root_may_be_the_labels_folder(tmp_path: Path) -> None:
    reals = read_with("folders", plant(tmp_path / "mine" / "real", "a.mp4"))
    fakes = read_with("folders", plant(tmp_path / "mine" / "fake", "a.mp4"))
    assert (reals.samples["a.mp4"].label, fakes.samples["a.mp4"].label) == (Label.REAL, Label.FAKE)
    assert reals.samples["a.mp4"].video_id == "folders/mine/real/a.mp4"


def test_no_label_anywhere(tmp_path: Path) -> None:
    assert not matches(list_tree(plant(tmp_path / "stuff", "a.mp4", "b/c.jpg", "real.txt")))


def test_names_of_any_script(tmp_path: Path) -> None:
    found = read_with("folders", plant(tmp_path, "real/영상 1.mp4", "fake/müller/Ünï.jpg"))
    assert sorted(found.samples) == ["fake/müller/Ünï.jpg", "real/영상 1.mp4"]
