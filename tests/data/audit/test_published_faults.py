"""The faults that published splits and code are known for: each must be found, in the form in which it is published."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audit_splits import deepfakebench, ten_letters, write_ff_lists
from dfdetect.data.audit import AuditReport, audit
from dfdetect.data.audit.official import CELEB_LIST
from dfdetect.data.readers import READERS
from dfdetect.data.readers.reader import Reading
from dfdetect.data.sample import to_table
from dfdetect.data.tree import NamedFile, Tree

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


def celeb_tree(listed: Iterable[str]) -> Tree:
    """Names as in Celeb-DF-v2: 59 people with ten clips each, 300 strangers, and of the fakes
    those that are listed and one more for each original (idA with the face of the next)."""
    people = [f"id{n}" for n in range(62) if n not in (14, 15, 18)]
    names = set(listed) | {f"YouTube-real/{n:05d}.mp4" for n in range(300)}
    for person, other in zip(people, [*people[1:], people[0]], strict=True):
        names |= {f"Celeb-real/{person}_{n:04d}.mp4" for n in range(10)}
        names |= {f"Celeb-synthesis/{person}_{other}_{n:04d}.mp4" for n in range(10)}
    return Tree(Path("/data/Celeb-DF-v2"), [NamedFile(name, 1) for name in sorted(names)])


@pytest.mark.shared_data
def test_56_of_59_celebrities_are_in_the_official_test_of_celeb_df(shared_data: Path) -> None:
    lists = shared_data / "lists" / "celeb_df_v2"
    listed = [line.split()[1] for line in (lists / CELEB_LIST).read_text().splitlines()]
    report = audit(to_table(READERS["celeb_df_v2"].read(Reading(celeb_tree(listed), lists))))
    identity = report.leak("identity", "train", "test")
    assert identity is not None
    assert (identity.keys, identity.keys_in) == (56, (59, 56))
    assert [split.samples for split in report.splits][1] == 518


@pytest.mark.shared_data
def test_the_list_of_celeb_df_alone_proves_most_of_it(shared_data: Path) -> None:
    """For 234 of 340 test fakes the very clip that they were made from is not in the list, so it is train."""
    for source in (shared_data / "lists" / "celeb_df_v2", shared_data / "lists" / "celeb_df_v2" / CELEB_LIST):
        report = audit(source)
        pair, identity = report.leak("pair", "train", "test"), report.leak("identity", "train", "test")
        assert pair is not None
        assert identity is not None
        assert pair.samples == (164, 234)
        assert (identity.keys, identity.keys_in) == (50, (50, 56))
        assert [note.code for note in report.notes] == ["part_of_train"]


def test_a_made_up_list_of_celeb_df(tmp_path: Path) -> None:
    lines = ["1 Celeb-real/id0_0000.mp4", "0 Celeb-synthesis/id0_id1_0000.mp4", "0 Celeb-synthesis/id1_id0_0004.mp4"]
    (tmp_path / CELEB_LIST).write_text("\n".join([*lines, "1 YouTube-real/00170.mp4"]))
    report = audit(tmp_path)
    pair = report.leak("pair", "train", "test")
    assert pair is not None
    assert [(example.key, example.second) for example in pair.examples] == [
        ("celeb_df/Celeb-real/id1_0004", "/Celeb-DF-v2/Celeb-synthesis/id1_id0_0004.mp4")
    ]
    identity = report.leak("identity", "train", "test")
    assert identity is not None
    assert (identity.keys, identity.keys_in) == (1, (1, 2))
    donor = report.leak("donor", "train", "test")
    assert donor is not None
    assert donor.examples[0].second == "/Celeb-DF-v2/Celeb-synthesis/id0_id1_0000.mp4"


def test_a_loader_that_takes_the_ones_of_celeb_df_for_fakes(tmp_path: Path) -> None:
    lines = ["1 Celeb-real/id0_0000.mp4", "0 Celeb-synthesis/id0_id1_0000.mp4"]
    (tmp_path / "test.txt").write_text("\n".join(lines))
    report = audit(splits={"train": {"path": ["a.png"]}, "test": tmp_path / "test.txt"})
    assert "labels look reversed" in next(note.text for note in report.notes if note.code == "reversed_labels")


def test_celeb_df_in_deepfakebench(tmp_path: Path) -> None:
    """Test clips are left in train, and validation is the test."""
    classes = {
        "CelebDFv2_real": {"train": ["id0_0000", "id1_0001"], "val": ["id1_0001"], "test": ["id1_0001"]},
        "CelebDFv2_fake": {"train": ["id0_id1_0000"], "val": ["id1_id0_0001"], "test": ["id1_id0_0001"]},
    }
    report = audit(saved(tmp_path, deepfakebench("Celeb-DF-v2", classes)))
    same, val = report.leak("video", "train", "test"), report.leak("video", "val", "test")
    assert same is not None
    assert val is not None
    assert (same.keys, val.keys, val.keys_in) == (1, 2, (2, 2))
    identity = report.leak("identity", "train", "test")
    assert identity is not None
    assert identity.keys == 2


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
