"""GenD's crops of FaceForensics++ carry the keys of FaceForensics++."""

from __future__ import annotations

import json
from pathlib import Path

from dataset_trees import plant, read_with


def test_same_keys_as_the_dataset_they_were_cut_from(tmp_path: Path) -> None:
    plant(tmp_path / "crops", "FF/F2F/033_097/000.png", "FF/F2F/033_097/001.png", "FF/real/033/000.png")
    plant(tmp_path / "crops", "train.json", text=json.dumps([["033", "097"]]))
    plant(tmp_path / "ff", "original_sequences/youtube/c23/videos/033.mp4")
    plant(tmp_path / "ff", "manipulated_sequences/Face2Face/c23/videos/033_097.mp4")
    crops = read_with("gend", tmp_path / "crops")
    whole = read_with("faceforensics", tmp_path / "ff")
    assert {(s.video_id, s.pair_key, s.target_id, s.donor_id) for s in crops.samples.values()} == {
        (s.video_id, s.pair_key, s.target_id, s.donor_id) for s in whole.samples.values()
    }
    assert {(s.kind, s.split) for s in crops.samples.values()} == {("crop", "train")}
    assert crops.samples["FF/F2F/033_097"].bytes == 2


def test_a_pair_among_the_reals_is_not_taken(tmp_path: Path) -> None:
    found = read_with("gend", plant(tmp_path, "DF/033_097/0.png", "real/033_097/0.png", "DF/033/0.png"))
    assert list(found.samples) == ["DF/033_097"]
    assert found.problems == [("unknown_name", "DF/033"), ("unknown_name", "real/033_097")]
