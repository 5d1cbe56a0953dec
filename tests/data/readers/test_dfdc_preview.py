"""DFDC preview: actors from the names, split from dataset.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dataset_trees import plant, read_with
from dfdetect.data.readers import READERS
from dfdetect.errors import DataError
from dfdetect.values import Label

REAL = "original_videos/1260311/1260311_C_001.mp4"
FAKE = "method_B/1260311/1260311_C/1255229_1260311_C_001.mp4"
LIST = {REAL: {"label": "real", "set": "train"}, FAKE: {"label": "fake", "set": "test"}}


@pytest.mark.parametrize("above", ["", "dfdc_preview_set/"])
def test_a_fake_names_donor_before_target(tmp_path: Path, above: str) -> None:
    """The other way round than everywhere else."""
    plant(tmp_path, above + REAL, above + FAKE)
    plant(tmp_path, f"{above}dataset.json", text=json.dumps(LIST))
    found = read_with("dfdc_preview", tmp_path)
    fake, real = found.samples.values()
    assert (fake.label, fake.target_id, fake.donor_id) == (Label.FAKE, "dfdcp:1260311", "dfdcp:1255229")
    assert (fake.pair_key, fake.method, fake.split) == (real.video_id, "method_B", "test")
    assert (real.label, real.target_id, real.split) == (Label.REAL, "dfdcp:1260311", "train")
    assert not found.problems


@pytest.mark.parametrize("above", ["dfdc_preview_set/", "./"])
def test_a_list_written_from_another_folder_still_gives_the_split(tmp_path: Path, above: str) -> None:
    """Every clip had no split then, and nothing said why."""
    plant(tmp_path, REAL, FAKE)
    plant(tmp_path, "dataset.json", text=json.dumps({above + name: entry for name, entry in LIST.items()}))
    found = read_with("dfdc_preview", tmp_path)
    assert [sample.split for sample in found.samples.values()] == ["test", "train"]
    assert not found.problems


@pytest.mark.parametrize(("entries", "split"), [({REAL: LIST[REAL]}, "train"), ({}, "")])
def test_clips_that_the_list_does_not_name_are_counted(tmp_path: Path, entries: dict[str, object], split: str) -> None:
    plant(tmp_path, REAL, FAKE)
    plant(tmp_path, "dataset.json", text=json.dumps(entries))
    found = read_with("dfdc_preview", tmp_path)
    assert [sample.split for sample in found.samples.values()] == ["", split]
    assert found.problems == [("not_listed", "")]
    assert FAKE in found.texts[0]


def test_crops(tmp_path: Path) -> None:
    plant(tmp_path, "original_videos/frames/1260311_C_001/000.png", "method_A/frames/1255229_1260311_C_001/000.png")
    found = read_with("dfdc_preview", tmp_path)
    assert [(s.kind, s.label, s.method) for s in found.samples.values()] == [
        ("crop", Label.FAKE, "method_A"),
        ("crop", Label.REAL, ""),
    ]


def test_a_label_that_its_folder_denies_is_left_out(tmp_path: Path) -> None:
    plant(tmp_path, REAL, FAKE, "method_A/holiday.mp4")
    plant(tmp_path, "dataset.json", text=json.dumps(LIST | {FAKE: {"label": "real", "set": "test"}}))
    found = read_with("dfdc_preview", tmp_path)
    assert list(found.samples) == [REAL]
    assert sorted(found.problems) == [("label_conflict", FAKE), ("unknown_name", "method_A/holiday.mp4")]


def test_without_the_list_no_clip_has_a_split(tmp_path: Path) -> None:
    found = read_with("dfdc_preview", plant(tmp_path, FAKE))
    assert {sample.split for sample in found.samples.values()} == {""}
    assert found.problems == [("no_split_list", "")]
    originals, fakes = READERS["dfdc_preview"].check(list(found.samples.values()))
    assert (originals.found, originals.published, originals.missing) == (0, 1131, ("1260311_C_001",))
    assert (fakes.found, fakes.published) == (1, 4119)


@pytest.mark.parametrize("text", ["[]", "{", '{"a": 1}', '{"a": {"label": "pristine"}}'])
def test_a_list_of_another_kind_is_an_error(tmp_path: Path, text: str) -> None:
    plant(tmp_path, REAL)
    plant(tmp_path, "dataset.json", text=text)
    with pytest.raises(DataError, match=r"dataset\.json: expected"):
        read_with("dfdc_preview", tmp_path)
