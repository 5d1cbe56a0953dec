"""DFDC: labels come from the list that stands over a clip, pairs from `original`, nothing from guesses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dataset_trees import plant, read_with
from dfdetect.data.readers import READERS
from dfdetect.data.readers.recognise import read_dataset
from dfdetect.errors import DataError
from dfdetect.values import Label

REAL, FAKE, OTHER = "abarnvbtwb", "aagfhgtpmv", "abofeumbvv"


def metadata(**originals: str | None) -> str:
    """metadata.json of one real clip and fakes: name -> the original that is named, None where none is."""
    entries: dict[str, dict[str, str | None]] = {f"{REAL}.mp4": {"label": "REAL", "split": "train", "original": None}}
    for name, original in originals.items():
        entries[f"{name}.mp4"] = {"label": "FAKE", "split": "train", "original": original}
    return json.dumps(entries)


@pytest.mark.parametrize("folder", ["dfdc_train_part_7", "train/dfdc_train_part_07", "train_sample_videos"])
def test_a_training_part(tmp_path: Path, folder: str) -> None:
    plant(tmp_path, f"{folder}/{REAL}.mp4", f"{folder}/{FAKE}.mp4")
    plant(tmp_path, f"{folder}/metadata.json", text=metadata(**{FAKE: f"{REAL}.mp4"}))
    found = read_with("dfdc", tmp_path)
    fake, real = found.samples.values()
    assert (real.label, real.video_id, real.pair_key, real.split) == (
        Label.REAL,
        f"dfdc/{REAL}",
        f"dfdc/{REAL}",
        "train",
    )
    assert (fake.label, fake.pair_key, fake.source_key, fake.split) == (Label.FAKE, *[real.video_id] * 2, "train")
    assert (fake.target_id, fake.donor_id, fake.method) == ("", "", "")
    assert not found.problems


def test_the_part_itself_may_be_named(tmp_path: Path) -> None:
    root = plant(tmp_path / "dfdc_train_part_49", f"{REAL}.mp4")
    plant(root, "metadata.json", text=metadata())
    (read,) = read_dataset(root)
    assert [(sample.split, sample.label) for sample in read.samples] == [("train", Label.REAL)]
    parts = read.checks[0]
    assert (parts.what, parts.found, parts.published, len(parts.missing)) == ("train parts", 1, 50, 49)
    assert "dfdc_train_part_49" not in parts.missing


def test_a_fake_without_original_has_no_pair_and_is_counted(tmp_path: Path) -> None:
    plant(tmp_path, *(f"dfdc_train_part_0/{name}.mp4" for name in (REAL, FAKE, OTHER)))
    text = json.loads(metadata(**{FAKE: None}))
    text[f"{OTHER}.mp4"] = {"label": "FAKE", "split": "train"}
    plant(tmp_path, "dfdc_train_part_0/metadata.json", text=json.dumps(text))
    found = read_with("dfdc", tmp_path)
    assert [sample.pair_key for sample in found.samples.values()] == ["", f"dfdc/{REAL}", ""]
    assert found.problems == [("no_original", "")]
    assert found.texts[0].startswith("2 fakes")


def test_a_part_without_metadata_is_left_out_whole(tmp_path: Path) -> None:
    """Nothing else tells real from fake: names are ten random letters."""
    plant(tmp_path, f"dfdc_train_part_0/{REAL}.mp4", f"dfdc_train_part_1/{FAKE}.mp4", f"dfdc_train_part_1/{OTHER}.mp4")
    plant(tmp_path, "dfdc_train_part_0/metadata.json", text=metadata())
    found = read_with("dfdc", tmp_path)
    assert list(found.samples) == [f"dfdc_train_part_0/{REAL}.mp4"]
    assert found.problems == [("missing_metadata", "dfdc_train_part_1")]
    assert found.texts[0].startswith("2 clips are left out: no metadata.json")


def test_unlisted_clips_and_listed_ones_that_are_not_there(tmp_path: Path) -> None:
    plant(tmp_path, f"dfdc_train_part_0/{REAL}.mp4", f"dfdc_train_part_0/{OTHER}.mp4")
    plant(tmp_path, "dfdc_train_part_0/metadata.json", text=metadata(**{FAKE: f"{REAL}.mp4"}))
    found = read_with("dfdc", tmp_path)
    assert found.problems == [
        ("unknown_name", f"dfdc_train_part_0/{OTHER}.mp4"),
        ("missing_file", "dfdc_train_part_0"),
    ]


@pytest.mark.parametrize("folder", ["test", "test/videos", "DFDC/videos"])
def test_the_test_set_by_labels_csv(tmp_path: Path, folder: str) -> None:
    """In labels.csv 1 is fake, in Celeb-DF's list 1 is real."""
    plant(tmp_path, f"{folder}/{REAL}.mp4", f"{folder}/{FAKE}.mp4")
    plant(tmp_path, f"{folder.partition('/')[0]}/labels.csv", text=f"filename,label\n{REAL}.mp4,0\n{FAKE}.mp4,1\n")
    found = read_with("dfdc", tmp_path)
    fake, real = found.samples.values()
    assert (fake.label, fake.pair_key, fake.split) == (Label.FAKE, "", "test")
    assert (real.label, real.pair_key, real.split) == (Label.REAL, f"dfdc/{REAL}", "test")
    assert not found.problems


def test_the_test_set_by_a_json_keyed_by_name(tmp_path: Path) -> None:
    plant(tmp_path, f"test/{REAL}.mp4", f"test/{FAKE}.mp4")
    plant(
        tmp_path, "test/metadata.json", text=json.dumps({f"{REAL}.mp4": {"is_fake": 0}, f"{FAKE}.mp4": {"is_fake": 1}})
    )
    assert [s.label for s in read_with("dfdc", tmp_path).samples.values()] == [Label.FAKE, Label.REAL]


@pytest.mark.parametrize(
    "text", ["", "[]", '{"a.mp4": "FAKE"}', '{"a.mp4": {"label": "MAYBE"}}', '{"a.mp4": {"label": 2}}', "{"]
)
def test_metadata_of_another_kind_is_an_error_or_named(tmp_path: Path, text: str) -> None:
    plant(tmp_path, f"dfdc_train_part_0/{REAL}.mp4")
    plant(tmp_path, "dfdc_train_part_0/metadata.json", text=text)
    if text == "":
        assert read_with("dfdc", tmp_path).problems[0] == ("zero_bytes", "dfdc_train_part_0/metadata.json")
        return
    with pytest.raises(DataError, match=r"metadata\.json: expected"):
        read_with("dfdc", tmp_path)


def test_crops_of_a_part(tmp_path: Path) -> None:
    plant(tmp_path, *(f"dfdc_train_part_3/frames/{REAL}/{n:03d}.png" for n in range(2)))
    plant(tmp_path, "dfdc_train_part_3/metadata.json", text=metadata())
    found = read_with("dfdc", tmp_path)
    assert [(s.kind, s.split, s.bytes) for s in found.samples.values()] == [("crop", "train", 2)]


def test_the_sample_holds_clips_of_the_parts(tmp_path: Path) -> None:
    for folder in ("dfdc_train_part_0", "train_sample_videos"):
        plant(tmp_path, f"{folder}/{REAL}.mp4")
        plant(tmp_path, f"{folder}/metadata.json", text=metadata())
    found = read_with("dfdc", tmp_path)
    assert list(found.samples) == [f"dfdc_train_part_0/{REAL}.mp4"]
    assert found.problems == [("duplicate", f"train_sample_videos/{REAL}.mp4")]


def test_other_folders_with_a_labels_csv_are_not_taken_for_it(tmp_path: Path) -> None:
    plant(tmp_path, "labels.csv", "holiday.mp4", "birthday party.mp4", "background.mp4")
    from dfdetect.data.tree import list_tree

    assert not READERS["dfdc"].matches(list_tree(tmp_path))


@pytest.mark.parametrize("folder", ["part seven", "test"])
def test_a_training_part_under_another_name_is_no_test_set(tmp_path: Path, folder: str) -> None:
    """It was: whoever renamed a part evaluated on clips that all others train on."""
    root = plant(tmp_path / folder, f"{REAL}.mp4", f"{FAKE}.mp4")
    plant(root, "metadata.json", text=metadata(**{FAKE: f"{REAL}.mp4"}))
    (read,) = read_dataset(root)
    assert {sample.split for sample in read.samples} == {"train"}
    assert [(check.what, check.found) for check in read.checks] == [("train", 2)]


def test_where_neither_folder_nor_list_tells_the_split_it_is_left_open(tmp_path: Path) -> None:
    root = plant(tmp_path / "part seven", f"{REAL}.mp4")
    plant(root, "metadata.json", text=json.dumps({f"{REAL}.mp4": {"label": "REAL"}}))
    (read,) = read_dataset(root)
    assert [sample.split for sample in read.samples] == [""]
    assert not read.checks


def test_a_part_with_its_list_alone_is_named(tmp_path: Path) -> None:
    """Its videos were never downloaded, or lie elsewhere."""
    plant(tmp_path, f"dfdc_train_part_0/{REAL}.mp4")
    plant(tmp_path, "dfdc_train_part_0/metadata.json", text=metadata())
    plant(tmp_path, "dfdc_train_part_1/metadata.json", text=metadata(**{FAKE: f"{REAL}.mp4", OTHER: None}))
    found = read_with("dfdc", tmp_path)
    assert found.problems == [("missing_file", "dfdc_train_part_1")]
    assert "of 3 listed clips are not here" in found.texts[0]


def test_a_list_above_one_that_is_nearer_misses_nothing(tmp_path: Path) -> None:
    plant(tmp_path, f"test/{REAL}.mp4")
    plant(tmp_path, "labels.csv", "test/labels.csv", text=f"filename,label\n{REAL}.mp4,0\n")
    assert not read_with("dfdc", tmp_path).problems


def test_labels_turned_round_are_named(tmp_path: Path) -> None:
    """Only fakes have an original, so metadata with the other polarity contradicts itself."""
    plant(tmp_path, f"dfdc_train_part_0/{REAL}.mp4", f"dfdc_train_part_0/{FAKE}.mp4")
    turned = {
        f"{REAL}.mp4": {"label": "FAKE", "split": "train", "original": None},
        f"{FAKE}.mp4": {"label": "REAL", "split": "train", "original": f"{REAL}.mp4"},
    }
    plant(tmp_path, "dfdc_train_part_0/metadata.json", text=json.dumps(turned))
    found = read_with("dfdc", tmp_path)
    assert found.problems[0] == ("label_conflict", "dfdc_train_part_0")
    assert found.texts[0].startswith("1 of 2 clips")


def test_an_original_that_is_itself_a_fake_is_named(tmp_path: Path) -> None:
    plant(tmp_path, *(f"dfdc_train_part_0/{name}.mp4" for name in (REAL, FAKE, OTHER)))
    plant(tmp_path, "dfdc_train_part_0/metadata.json", text=metadata(**{FAKE: f"{REAL}.mp4", OTHER: f"{FAKE}.mp4"}))
    found = read_with("dfdc", tmp_path)
    assert found.problems == [("label_conflict", "dfdc_train_part_0")]
    assert OTHER in found.texts[0]


TWICE = {
    "json": {"metadata.json": f'{{"{REAL}.mp4": {{"label": "REAL"}}, "{FAKE}.mp4": {{"label": "FAKE"}}, '
             f'"{FAKE}.mp4": {{"label": "REAL"}}}}'},
    "csv": {"labels.csv": f"filename,label\n{FAKE}.mp4,0\n{REAL}.mp4,0\nelsewhere/{FAKE}.mp4,1\n"},
    "both": {
        "metadata.json": metadata(**{FAKE: f"{REAL}.mp4"}),
        "labels.csv": f"filename,label\n{REAL}.mp4,0\n{FAKE}.mp4,0\n",
    },
}  # fmt: skip


@pytest.mark.parametrize("lists", TWICE.values(), ids=TWICE)
def test_a_clip_listed_as_real_and_as_fake_is_left_out_and_named(tmp_path: Path, lists: dict[str, str]) -> None:
    """The last of the two lines won, in silence."""
    plant(tmp_path, *(f"dfdc_train_part_0/{name}.mp4" for name in (REAL, FAKE)))
    for name, text in lists.items():
        plant(tmp_path, f"dfdc_train_part_0/{name}", text=text)
    found = read_with("dfdc", tmp_path)
    assert list(found.samples) == [f"dfdc_train_part_0/{REAL}.mp4"]
    assert found.problems == [("label_conflict", f"dfdc_train_part_0/{FAKE}.mp4")]
    assert found.texts[0].startswith("it is listed as REAL and as FAKE in dfdc_train_part_0")


def test_a_clip_listed_twice_alike_is_taken_with_all_that_is_known(tmp_path: Path) -> None:
    plant(tmp_path, *(f"dfdc_train_part_0/{name}.mp4" for name in (REAL, FAKE)))
    plant(tmp_path, "dfdc_train_part_0/labels.csv", text=f"filename,label\n{REAL}.mp4,0\n{FAKE}.mp4,1\n")
    plant(tmp_path, "dfdc_train_part_0/metadata.json", text=metadata(**{FAKE: f"{REAL}.mp4"}))
    found = read_with("dfdc", tmp_path)
    assert [sample.pair_key for sample in found.samples.values()] == [f"dfdc/{REAL}"] * 2
    assert not found.problems
