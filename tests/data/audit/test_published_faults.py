"""The faults that published splits and code are known for: each must be found, in the form in which it is published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audit_splits import deepfakebench, ten_letters, write_ff_lists
from dfdetect.data.audit import AuditReport, audit

STRADDLING = {"605 606", "639 640", "755 756", "837 838", "875 876", "954 955", "982 983"}


def clips(report: AuditReport, kind: str) -> set[str]:
    """`605 606` for every example of a leak: the two clips by their number."""
    return {
        " ".join(sorted(Path(path).stem[:3] for path in (example.first, example.second)))
        for leak in report.leaks
        if leak.kind == kind
        for example in leak.examples
    }


@pytest.mark.shared_data
def test_seven_uploads_straddle_the_official_splits_of_faceforensics(shared_data: Path) -> None:
    report = audit(shared_data / "lists" / "faceforensics")
    assert clips(report, "source") == STRADDLING
    assert {leak.kind for leak in report.leaks} == {"source"}
    train_val, train_test = report.leak("source", "train", "val"), report.leak("source", "train", "test")
    assert train_val is not None
    assert train_test is not None
    assert (train_val.keys, train_test.keys) == (5, 2)
    assert ("source", "val", "test") in report.clean
    assert [split.samples for split in report.splits] == [4320, 840, 840]


def test_an_upload_that_straddles_made_up_lists(tmp_path: Path) -> None:
    report = audit(write_ff_lists(tmp_path))
    assert clips(report, "source") == {"001 004"}
    assert [leak.kind for leak in report.leaks] == ["source"]
    # Each of the two clips is an original, a target of five fakes and a donor of five, which are not of its upload.
    assert report.leaks[0].samples == (6, 6)
    assert not audit(write_ff_lists(tmp_path / "clean", straddle=False)).leaks_found


def saved(tmp_path: Path, data: Any) -> Path:
    (tmp_path / "split.json").write_text(json.dumps(data))
    return tmp_path / "split.json"


def test_dfdc_whose_validation_is_its_training(tmp_path: Path) -> None:
    real, fake = [ten_letters(n) for n in range(20)], [ten_letters(n) for n in range(100, 140)]
    classes = {
        "DFDC_Real": {"train": real, "val": real, "test": [ten_letters(n) for n in range(50, 60)]},
        "DFDC_Fake": {"train": fake, "val": fake, "test": [ten_letters(n) for n in range(200, 210)]},
    }
    report = audit(saved(tmp_path, deepfakebench("DFDC", classes)))
    leak = report.leak("video", "train", "val")
    assert leak is not None
    assert (leak.keys, leak.keys_in, leak.samples) == (60, (60, 60), (180, 180))
    assert report.leak("file", "train", "val") is not None
    assert ("video", "train", "test") in report.clean
    why = {(row.kind, row.dataset): row.why for row in report.not_checked}
    assert "DFDC names no actors" in why["identity", "dfdc"]


def test_uadfv_whose_training_is_its_test(tmp_path: Path) -> None:
    names = [f"{n:04d}" for n in range(49)]
    classes = {
        "UADFV_Real": dict.fromkeys(("train", "val", "test"), names),
        "UADFV_Fake": {split: [f"{name}_fake" for name in names] for split in ("train", "val", "test")},
    }
    report = audit(saved(tmp_path, deepfakebench("UADFV", classes)))
    for first, second in (("train", "val"), ("train", "test"), ("val", "test")):
        leak = report.leak("video", first, second)
        assert leak is not None
        assert (leak.keys, leak.keys_in) == (98, (98, 98))
        pair = report.leak("pair", first, second)
        assert pair is not None
        assert pair.keys == 49


def test_crops_dealt_out_one_by_one(tmp_path: Path, rng: np.random.Generator) -> None:
    """DeepFake-Detect splits 80/10/10 over face crops: frames of one video are in train, val and test."""
    for n in range(600):
        split = rng.choice(["train", "val", "test"], p=[0.8, 0.1, 0.1])
        folder = tmp_path / "split_dataset" / split / ("real" if n < 300 else "fake")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{ten_letters(1000 + n // 20)}-{n % 20:03d}-00.png").write_bytes(b"x")
    report = audit(tmp_path / "split_dataset")
    leak = report.leak("video", "train", "test")
    assert leak is not None
    assert leak.keys == leak.keys_in[1] > 20
    assert leak.samples[1] == leak.samples_in[1]
    assert leak.examples[0].key.startswith("dfdc/")


def test_a_split_by_target_alone(tmp_path: Path) -> None:
    """Targets apart, and yet the donor of a fake in train is a real person of the test."""
    rows = ["path,split"]
    for split, clip, other in (
        ("train", "000", "001"),
        ("test", "001", "000"),
        ("train", "002", "003"),
        ("val", "003", "002"),
    ):
        rows.append(f"original_sequences/youtube/c23/videos/{clip}.mp4,{split}")
        rows.append(f"manipulated_sequences/Deepfakes/c23/videos/{clip}_{other}.mp4,{split}")
    (tmp_path / "split.csv").write_text("\n".join(rows))
    report = audit(tmp_path / "split.csv")
    donor = report.leak("donor", "train", "test")
    assert donor is not None
    assert donor.keys == 2
    assert report.leak("donor", "train", "val") is not None
    assert ("donor", "val", "test") in report.clean
    assert ("pair", "train", "test") in report.clean


def test_df40_whose_test_crops_are_in_train(tmp_path: Path) -> None:
    classes = {"simswap": {"train": ["000_003", "001_870"], "val": ["001_870"], "test": ["001_870"]}}
    data = deepfakebench("DF40", classes, above="DF40/simswap/ff")
    data["DF40"]["FF-real"] = {
        "test": {
            "000": {"label": "FF-real", "frames": ["FaceForensics++/original_sequences/youtube/c23/frames/000/1.png"]}
        }
    }
    for split in data["DF40"]["simswap"].values():
        for video, clip in split.items():
            clip["frames"] = [f"deepfakes_detection_datasets/DF40/simswap/ff/frames/{video}/{n}.png" for n in (1, 2)]
    report = audit(saved(tmp_path, data))
    same = report.leak("file", "train", "test")
    assert same is not None
    assert same.keys == 2
    # The original of a fake in train is a real of the test, in another dataset's folder.
    pair = report.leak("pair", "train", "test")
    assert pair is not None
    assert {example.key for example in pair.examples} == {"ffpp/youtube/000"}


def test_two_benchmarks_together(tmp_path: Path) -> None:
    """Trained on FaceForensics++, tested on DeeperForensics: actors' faces on clips that were trained on."""
    train = tmp_path / "train.txt"
    train.write_text("original_sequences/youtube/c23/videos/033.mp4 real\n")
    test = tmp_path / "test.txt"
    test.write_text("manipulated_videos/end_to_end/033_M101.mp4 fake\n")
    report = audit(splits={"train": train, "test": test})
    assert {leak.kind for leak in report.leaks} == {"pair", "identity"}
