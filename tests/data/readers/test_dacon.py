"""Dacon 235655: one Sample an image, clips and people kept together."""

from __future__ import annotations

from pathlib import Path

from dataset_trees import plant, read_with
from dfdetect.values import Label

FAKE = "deepfake_1st/fake/CW/20200819/cw-ann/dffs/output_cw-ann_001_1"
REAL = "deepfake_1st/real/EQ/20201012/103564/image1"


def test_images_of_a_clip_share_its_keys(tmp_path: Path) -> None:
    """Frames of one clip on both sides of a split is the fault that this must make visible."""
    plant(tmp_path, f"{FAKE}/image_00001.jpg", f"{FAKE}/image_00002.JPG", f"{REAL}/image_00001.jpg")
    found = read_with("dacon", tmp_path)
    first, second = found.samples[f"{FAKE}/image_00001.jpg"], found.samples[f"{FAKE}/image_00002.JPG"]
    real = found.samples[f"{REAL}/image_00001.jpg"]
    assert first.video_id == second.video_id == "dacon/fake/CW/20200819/cw-ann/dffs/output_cw-ann_001_1"
    assert (first.label, first.kind, first.method, first.target_id) == (Label.FAKE, "image", "dffs", "dacon:cw-ann")
    assert (real.label, real.method, real.target_id) == (Label.REAL, "", "dacon:103564")
    assert real.pair_key == real.video_id
    assert first.pair_key == ""


def test_leaderboard_images_are_counted_never_guessed(tmp_path: Path) -> None:
    plant(tmp_path, f"{REAL}/image_00001.jpg", *(f"deepfake_1st/leaderboard/image_{n:05d}.jpg" for n in range(1, 8)))
    plant(tmp_path, "sample_submission.csv", text="path,y\nleaderboard/image_00001.jpg,0.5\n")
    found = read_with("dacon", tmp_path)
    assert found.problems == [("no_label", "deepfake_1st/leaderboard")]
    assert found.texts[0].startswith("7 test images have no published label")
    assert len(found.samples) == 1


def test_an_unknown_method_is_not_taken_for_a_real(tmp_path: Path) -> None:
    """A real has one folder less than a fake: neither may be read as the other."""
    odd = (
        "fake/CW/20200819/ann/newmethod/output_ann_001/image_00001.jpg",
        "real/CW/20200819/ann/dfl/c/image_00001.jpg",
    )
    found = read_with("dacon", plant(tmp_path, f"{REAL}/image_00001.jpg", *odd))
    assert [code for code, _ in found.problems] == ["unknown_name", "unknown_name"]
    assert len(found.samples) == 1


def test_empty_files(tmp_path: Path) -> None:
    plant(tmp_path, f"{FAKE}/image_00001.jpg")
    plant(tmp_path, f"{FAKE}/image_00002.jpg", text="")
    found = read_with("dacon", tmp_path)
    assert found.problems == [("zero_bytes", f"{FAKE}/image_00002.jpg")]
