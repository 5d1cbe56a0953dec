"""What is wrong with a split besides leaks: labels reversed, rows doubled, paths of two kinds, odd names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from dfdetect.data.audit import AuditReport, audit


def notes_of(report: AuditReport) -> dict[str, str]:
    return {note.code: note.text for note in report.notes}


def named_split(labels: list[Any]) -> dict[str, Any]:
    names = ["real/a.jpg", "fake/b.jpg", "real/c.jpg", "fake/d.jpg"]
    return {"path": names, "label": labels, "split": ["train", "train", "test", "test"]}


def test_a_list_with_the_labels_reversed_is_explained() -> None:
    """Celeb-DF's own list has 1 = real; loaders that take it as fake train a detector upside down."""
    notes = notes_of(audit(named_split([1, 0, 1, 0])))
    assert "labels look reversed: for 4 of 4 samples the path says the opposite" in notes["reversed_labels"]
    assert "1 = real" in notes["reversed_labels"]


def test_names_of_clips_tell_their_label_too() -> None:
    split = {"path": ["Celeb/033.mp4", "Celeb/033_097.mp4"], "label": [1, 0], "split": ["train", "test"]}
    split["path"] = ["FaceForensics/033.mp4", "FaceForensics/033_097.mp4"]
    assert "reversed_labels" in notes_of(audit(split))


def test_a_few_wrong_labels_are_counted() -> None:
    report = audit(named_split(["real", "fake", "real", "real"]))
    assert notes_of(report) == {"label_against_path": "for 1 samples the path says the opposite of the label"}
    assert report.notes[0].examples == ("fake/d.jpg: label real",)


def test_a_word_above_everything_says_nothing() -> None:
    """A folder named deepfakes-2020 holds real clips too."""
    split = {"path": ["deepfakes/x/a.jpg", "deepfakes/y/b.jpg"], "label": ["real", "fake"], "split": ["train", "test"]}
    assert notes_of(audit(split)) == {}


def test_labels_come_from_paths_where_there_are_none() -> None:
    split = {"path": ["real/a.jpg", "fake/b.jpg", "photos/c.jpg"], "split": ["train", "train", "test"]}
    assert [(s.real, s.fake, s.unlabelled) for s in audit(split).splits] == [(1, 1, 0), (0, 0, 1)]


def test_doubled_rows_and_two_labels() -> None:
    split = {
        "path": ["a.jpg", "a.jpg", "b.jpg", "b.jpg", "c.jpg"],
        "label": ["real", "real", "real", "fake", "fake"],
        "split": ["train", "train", "train", "train", "test"],
    }
    notes = notes_of(audit(split))
    assert notes["doubled_rows"] == "2 rows repeat a file of the same split"
    assert notes["two_labels"] == "1 files are labelled both real and fake"


def test_unknown_labels_are_named() -> None:
    report = audit(named_split(["real", "fake", "maybe", "fake"]))
    assert report.notes[0].code == "unknown_label"
    assert report.notes[0].examples == ("maybe",)
    assert report.splits[1].unlabelled == 0  # the path says it


def test_absolute_and_relative_paths_of_one_file_meet() -> None:
    split = {
        "path": ["/data/set/a/1.jpg", "/data/set/a/2.jpg", "a/2.jpg", "./a//3.jpg"],
        "split": ["train", "train", "test", "test"],
    }
    report = audit(split)
    assert [(leak.kind, leak.examples[0].key) for leak in report.leaks] == [("file", "a/2.jpg")]
    assert "1 absolute ones end in a relative one" in notes_of(report)["mixed_paths"]
    split["path"] = ["/data/a/1.jpg", "/data/a/2.jpg", "b/2.jpg", "b/3.jpg"]
    assert "may hide under both" in notes_of(audit(split))["mixed_paths"]


def test_windows_paths_and_doubled_slashes_are_the_same_file() -> None:
    split = {"path": [r"set\a\1.jpg", "./set//a/1.jpg"], "split": ["train", "test"]}
    assert audit(split).leaks_found


def test_samples_without_a_split_are_counted() -> None:
    split = {"path": ["a", "b", "c"], "split": ["train", "test", None]}
    assert notes_of(audit(split)) == {"no_split": "1 of 3 samples are in no split and were left out"}


def test_one_way_to_name_people() -> None:
    """A column of people and donors told by names are two namings: a donor of the test would not be found in train."""
    split = {
        "path": ["FaceForensics/youtube/033.mp4", "FaceForensics/Deepfakes/097_033.mp4", "other/x.jpg"],
        "person": ["alice", "bob", "carl"],
        "split": ["train", "test", "test"],
    }
    report = audit(split)
    donor = report.leak("donor", "train", "test")
    assert donor is not None
    assert donor.examples[0].key == "ffpp:033"
    assert "people_by_name" in notes_of(report)
    assert "people_by_name" not in notes_of(audit({**split, "donor_id": [None, "alice", None]}))


def test_file_names_that_are_not_utf_8(tmp_path: Path) -> None:
    for place in (b"train/real/caf\xe9.jpg", b"test/real/b.jpg"):
        path = os.path.join(os.fsencode(tmp_path), place)  # noqa: PTH118 - bytes
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        try:
            with open(path, "wb") as file:  # noqa: PTH123
                file.write(b"x")
        except OSError:
            pytest.skip("this file system takes UTF-8 names only")
    report = audit(tmp_path)
    assert [split.samples for split in report.splits] == [1, 1]
    note = next(note for note in report.notes if note.code == "undecodable_name")
    assert note.examples == (r"train/real/caf\xe9.jpg",)


def test_an_index_made_without_conversion_dict_knows_no_uploads() -> None:
    split = {
        "path": ["a.mp4", "b.mp4"],
        "label": ["real", "real"],
        "dataset": ["faceforensics"] * 2,
        "video_id": ["ffpp/youtube/001", "ffpp/youtube/002"],
        "source_key": ["ffpp:001", "ffpp:002"],
        "kind": ["video"] * 2,
        "split": ["train", "test"],
    }
    report = audit(split)
    assert "conversion_dict.json" in next(row.why for row in report.not_checked if row.kind == "source")


def test_crops_of_celeb_df_that_say_no_version_are_taken_for_v2_and_that_is_said() -> None:
    """Crops of v1 without its name count as v2's: a leak between the versions is found or missed by accident."""
    names = ["Celeb-synthesis/frames/id0_id1_0000/000.png", "Celeb-real/frames/id2_0001/000.png"]
    split = ["train", "test"]
    notes = notes_of(audit({"path": names, "split": split}))
    assert notes["celeb_df_version"].startswith("2 samples are named like clips of Celeb-DF, and no folder says")
    for folder in ("Celeb-DF-v2", "Celeb-DF-v1", "celeb_df_pp"):
        named = audit({"path": [f"{folder}/{name}" for name in names], "split": split})
        assert "celeb_df_version" not in notes_of(named)
