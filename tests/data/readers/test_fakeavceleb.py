"""FakeAVCeleb: labels of the picture, and a list whose column `path` holds the file name."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_trees import plant, read_with
from dfdetect.data.readers.fakeavceleb import check
from dfdetect.errors import DataError
from dfdetect.values import Label

HOME = "African/men/id00076"
REAL = f"RealVideo-RealAudio/{HOME}/00109.mp4"
SOUND = f"RealVideo-FakeAudio/{HOME}/00109_fake.mp4"
SWAP = f"FakeVideo-RealAudio/{HOME}/00109_id00171_x7.mp4"
LIPS = f"FakeVideo-FakeAudio/{HOME}/00109_10_id00476_wavtolip.mp4"
HEADER = "source,target1,target2,method,category,type,race,gender,path,\n"
ROWS = (
    f"id00076,-,-,real,A,RealVideo-RealAudio,African,men,00109.mp4,FakeAVCeleb/RealVideo-RealAudio/{HOME}\n"
    f"id00076,-,-,rtvc,B,RealVideo-FakeAudio,African,men,00109_fake.mp4,FakeAVCeleb/RealVideo-FakeAudio/{HOME}\n"
    f"id00076,id00171,-,faceswap,C,FakeVideo-RealAudio,African,men,00109_id00171_x7.mp4,FakeAVCeleb/FakeVideo-RealAudio/{HOME}\n"
)


def test_faked_sound_over_a_real_picture_is_real(tmp_path: Path) -> None:
    plant(tmp_path, REAL, SOUND, SWAP, LIPS)
    plant(tmp_path, "meta_data.csv", text=HEADER + ROWS)
    found = read_with("fakeavceleb", tmp_path)
    assert {name: s.label for name, s in found.samples.items()} == {
        REAL: Label.REAL,
        SOUND: Label.REAL,
        SWAP: Label.FAKE,
        LIPS: Label.FAKE,
    }
    assert found.samples[SOUND].method == ""
    assert len({s.source_key for s in found.samples.values()}) == 1
    assert found.samples[SWAP].pair_key == found.samples[LIPS].pair_key == found.samples[REAL].video_id


def test_method_and_donor_come_from_the_list(tmp_path: Path) -> None:
    """Its ten columns have nine names: the file name is under `path`, the folder under none."""
    plant(tmp_path / "FakeAVCeleb", REAL, SWAP, LIPS)
    plant(tmp_path / "FakeAVCeleb", "meta_data.csv", text=HEADER + ROWS)
    found = read_with("fakeavceleb", tmp_path)
    swap, lips = found.samples[f"FakeAVCeleb/{SWAP}"], found.samples[f"FakeAVCeleb/{LIPS}"]
    assert (swap.method, swap.target_id, swap.donor_id) == ("faceswap", "fakeavceleb:id00076", "fakeavceleb:id00171")
    assert (lips.method, lips.donor_id) == ("wav2lip", "fakeavceleb:id00476")


def test_without_the_list_the_names_are_used_and_it_is_said(tmp_path: Path) -> None:
    found = read_with("fakeavceleb", plant(tmp_path, LIPS, "RealVideo-RealAudio/x.mp4"))
    assert found.problems == [("no_list", "meta_data.csv"), ("unknown_name", "RealVideo-RealAudio/x.mp4")]


def test_another_header(tmp_path: Path) -> None:
    plant(tmp_path, REAL)
    plant(tmp_path, "meta_data.csv", text="path,label\n")
    with pytest.raises(DataError, match=r"expected the header source,target1.*got path,label"):
        read_with("fakeavceleb", tmp_path)


def test_counts_of_the_categories_that_are_there(tmp_path: Path) -> None:
    found = read_with("fakeavceleb", plant(tmp_path, REAL, LIPS))
    assert [(c.what, c.found, c.published) for c in check(list(found.samples.values()))] == [
        ("RealVideo-RealAudio", 1, 500),
        ("FakeVideo-FakeAudio", 1, 10835),
    ]
