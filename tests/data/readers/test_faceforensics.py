"""FaceForensics++: old and new folder forms, crops, masks, splits; and the official lists, where they are there."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from dataset_trees import plant, read_with
from dfdetect.data.readers import faceforensics
from dfdetect.data.readers.reader import Reading
from dfdetect.data.tree import NamedFile, Tree
from dfdetect.errors import DataError
from dfdetect.values import Label


def test_old_and_new_folder_forms_are_one(tmp_path: Path) -> None:
    """c0 is raw; the third version of the download script left out `youtube`."""
    plant(tmp_path, "original_sequences/c0/videos/000.mp4", "original_sequences/youtube/raw/001.mp4")
    plant(tmp_path, "manipulated_sequences/FaceShifter/c40/videos/000_003.MP4")
    found = read_with("faceforensics", tmp_path)
    assert {name: (s.video_id, s.compression, s.label) for name, s in found.samples.items()} == {
        "original_sequences/c0/videos/000.mp4": ("ffpp/youtube/000", "raw", Label.REAL),
        "original_sequences/youtube/raw/001.mp4": ("ffpp/youtube/001", "raw", Label.REAL),
        "manipulated_sequences/FaceShifter/c40/videos/000_003.MP4": ("ffpp/FaceShifter/000_003", "c40", Label.FAKE),
    }
    assert found.problems == [("no_split_list", "")]


def test_a_name_says_target_before_source(tmp_path: Path) -> None:
    plant(tmp_path, "manipulated_sequences/Deepfakes/c23/videos/033_097.mp4")
    sample = next(iter(read_with("faceforensics", tmp_path).samples.values()))
    assert (sample.target_id, sample.donor_id, sample.pair_key) == ("ffpp:033", "ffpp:097", "ffpp/youtube/033")
    assert sample.source_key == "ffpp:033"


def test_crops_and_frames_with_their_masks(tmp_path: Path) -> None:
    """DeepfakeBench keeps masks and landmarks beside the crops: neither is a clip."""
    base = "manipulated_sequences/Face2Face/c23"
    plant(tmp_path, *(f"{base}/{folder}/033_097/{n:03d}.png" for folder in ("frames", "masks") for n in range(3)))
    plant(tmp_path, f"{base}/landmarks/033_097/000.npy", f"{base}/images/097_033/0000.png")
    plant(tmp_path, "manipulated_sequences/Face2Face/masks/videos/097_033.mp4")
    found = read_with("faceforensics", tmp_path)
    assert {
        name: (s.kind, Path(s.mask_path).relative_to(tmp_path).as_posix()) for name, s in found.samples.items()
    } == {
        f"{base}/frames/033_097": ("crop", f"{base}/masks/033_097"),
        f"{base}/images/097_033": ("frames", "manipulated_sequences/Face2Face/masks/videos/097_033.mp4"),
    }


def test_splits_and_uploads_from_the_folder_or_from_lists(tmp_path: Path) -> None:
    root = plant(tmp_path / "ff", "original_sequences/youtube/c23/videos/605.mp4")
    plant(root, *(f"manipulated_sequences/{m}/c23/videos/605_071.mp4" for m in ("Deepfakes", "NeuralTextures")))
    lists = tmp_path / "lists"
    plant(lists, "splits/train.json", text='[["605", "071"]]')
    plant(lists, "splits/val.json", "splits/test.json", text="[]")
    plant(lists, "conversion_dict.json", text='{"605": "abc d-E 3", "605_071": "x"}')
    found = read_with("faceforensics", root, lists=lists)
    assert {sample.split for sample in found.samples.values()} == {"train"}
    assert {sample.source_key for sample in found.samples.values()} == {"youtube:abc d-E"}
    assert not found.problems


def test_names_that_do_not_fit_and_second_copies_are_named(tmp_path: Path) -> None:
    folder = "manipulated_sequences/Deepfakes/c23"
    plant(tmp_path, f"{folder}/videos/033_097.mp4", f"{folder}/033_097.mp4", f"{folder}/videos/033.mp4")
    found = read_with("faceforensics", tmp_path)
    assert list(found.samples) == [f"{folder}/033_097.mp4"]
    assert set(found.problems) == {
        ("no_split_list", ""),
        ("unknown_name", f"{folder}/videos/033.mp4"),
        ("duplicate", f"{folder}/videos/033_097.mp4"),
    }


@pytest.mark.parametrize("text", ["{}x", '["033"]', "[[1, 2, 3]]", "3"])
def test_a_split_file_of_another_kind_is_an_error(tmp_path: Path, text: str) -> None:
    plant(tmp_path, "original_sequences/youtube/c23/videos/605.mp4")
    plant(tmp_path, "train.json", text=text)
    with pytest.raises(DataError, match="expected a JSON list of pairs"):
        read_with("faceforensics", tmp_path)


def test_missing_originals_are_counted_and_named() -> None:
    names = [f"original_sequences/youtube/c23/videos/{n:03d}.mp4" for n in range(1000) if n not in (7, 500, 999)]
    reading = Reading(Tree(Path("/ff"), [NamedFile(name, 1) for name in names]))
    (check,) = faceforensics.check(list(faceforensics.read(reading)))
    assert (check.what, check.found, check.published) == ("c23 originals", 997, 1000)
    assert check.missing == ("007", "500", "999")


@pytest.mark.shared_data
def test_official_splits_give_the_published_numbers(shared_data: Path) -> None:
    """720, 140 and 140 clips of every method; 7 uploads lie in two splits, which the authors never meant."""
    lists = shared_data / "lists" / "faceforensics"
    pairs = [pair for split in ("train", "val", "test") for pair in json.loads((lists / f"{split}.json").read_text())]
    names = [f"original_sequences/youtube/c23/videos/{name}.mp4" for pair in pairs for name in pair]
    for method in faceforensics.METHODS:
        folder = f"manipulated_sequences/{method}/c23/videos"
        names += [f"{folder}/{a}_{b}.mp4" for first, second in pairs for a, b in ((first, second), (second, first))]
    reading = Reading(Tree(Path("/ff"), [NamedFile(name, 1) for name in sorted(names)]), lists)
    samples = list(faceforensics.read(reading))
    assert not reading.problems
    assert len(samples) == 6000
    counts = Counter((sample.method, sample.split) for sample in samples)
    for method in ("", *faceforensics.METHODS):
        assert [counts[method, split] for split in ("train", "val", "test")] == [720, 140, 140]
    splits: dict[str, set[str]] = {}
    for sample in samples:
        if sample.label is Label.REAL:
            splits.setdefault(sample.source_key, set()).add(sample.split)
    assert len(splits) == 977
    assert sum(len(found) > 1 for found in splits.values()) == 7
    assert all(check.found == 1000 and not check.missing for check in faceforensics.check(samples))
