"""Deepfake-Eval-2024: labels of the picture from its lists, and nothing guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_trees import plant, read_with
from dfdetect.errors import DataError
from dfdetect.values import Label

VIDEOS = "Filename,Video Ground Truth,Audio Ground Truth,Finetuning Set\na.mp4,Fake,Real,Train\nb.mp4,Real,Fake,Test\n"


def test_the_label_is_that_of_the_picture(tmp_path: Path) -> None:
    plant(tmp_path, "video-data/a.mp4", "video-data/b.mp4", "audio-data/a.mp3")
    plant(tmp_path, "video-metadata-publish.csv", text=VIDEOS)
    found = read_with("deepfake_eval", tmp_path)
    assert {name: (s.label, s.split) for name, s in found.samples.items()} == {
        "video-data/a.mp4": (Label.FAKE, "train"),
        "video-data/b.mp4": (Label.REAL, "test"),
    }
    assert not found.problems


def test_without_a_label_a_file_is_left_out(tmp_path: Path) -> None:
    plant(tmp_path, "video-data/a.mp4", "image-data/x.jpg", "image-data/y.webp")
    plant(tmp_path, "video-metadata-publish.csv", text=VIDEOS)
    plant(tmp_path, "image-metadata-publish.csv", text="Filename,Ground Truth\nx.jpg,Real\ny.webp,Unknown\n")
    found = read_with("deepfake_eval", tmp_path)
    assert sorted(found.samples) == ["image-data/x.jpg", "video-data/a.mp4"]
    assert found.problems == [("no_label", "image-data/y.webp"), ("missing_file", "video-data")]


def test_other_columns(tmp_path: Path) -> None:
    plant(tmp_path, "video-data/a.mp4")
    plant(tmp_path, "video-metadata-publish.csv", text="Filename,Label\na.mp4,Fake\n")
    with pytest.raises(DataError, match=r"missing \['Video Ground Truth'\]"):
        read_with("deepfake_eval", tmp_path)
