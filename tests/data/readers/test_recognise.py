"""What a folder holds: one dataset, two in one tree, several side by side, or nothing that is known."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from dataset_trees import plant
from dfdetect.data.readers.recognise import read_dataset, recognise
from dfdetect.data.toy import TOYS
from dfdetect.data.tree import NamedFile, Tree
from dfdetect.errors import DataError, UsageError
from quick_toys import make_quick_toy

FFPP = ("original_sequences/youtube/c23/videos/033.mp4", "manipulated_sequences/Deepfakes/c23/videos/033_097.mp4")
DFD = ("original_sequences/actors/c23/videos/24__scene.mp4",)


def names_read(root: Path) -> list[tuple[str, str, int]]:
    """(reader, folder inside root, number of samples) of every dataset read."""
    reads = read_dataset(root)
    return [(r.reader.name, r.root.relative_to(root.resolve()).as_posix(), len(r.samples)) for r in reads]


def test_faceforensics_and_dfd_share_one_tree_as_downloaded(tmp_path: Path) -> None:
    plant(tmp_path, *FFPP, *DFD)
    assert names_read(tmp_path) == [("faceforensics", ".", 2), ("dfd", ".", 1)]
    assert not [p for read in read_dataset(tmp_path) for p in read.problems if p.code != "no_split_list"]


def test_all_toys_side_by_side_are_read_as_each_alone(tmp_path: Path) -> None:
    """Readers that look for their names at any depth once took their neighbours' files for bad names of their own."""
    alone, counts = {}, {}
    for name in TOYS:
        if name != "list":
            counts[name] = len(make_quick_toy(name, tmp_path / name).items)
            (alone[name],) = read_dataset(tmp_path / name)
    reads = {read.reader.name: read for read in read_dataset(tmp_path)}
    assert {name: len(read.samples) for name, read in reads.items()} == counts
    for name, read in reads.items():
        assert [problem.code for problem in read.problems] == [problem.code for problem in alone[name].problems], name


@pytest.mark.parametrize("pair", [("df40", "gend"), ("uadfv", "kodf"), ("deepfake_timit", "wilddeepfake")])
def test_two_datasets_that_are_both_known_by_names_at_any_depth(tmp_path: Path, pair: tuple[str, str]) -> None:
    """Both readers know the whole folder then; read with both, `heygen/real/000` was a clip of FaceForensics++ too."""
    counts = {name: len(make_quick_toy(name, tmp_path / name).items) for name in pair}
    reads = read_dataset(tmp_path)
    assert {read.reader.name: len(read.samples) for read in reads} == counts
    assert {problem.code for read in reads for problem in read.problems} <= {"not_swapped"}


def test_own_folders_beside_a_dataset_are_read_too(tmp_path: Path) -> None:
    plant(tmp_path, *(f"FaceForensics++/{path}" for path in FFPP), "mine/real/a.mp4", "mine/fake/b.mp4")
    assert names_read(tmp_path) == [("faceforensics", "FaceForensics++", 2), ("folders", ".", 2)]


def test_a_dataset_and_its_parts_stay_one(tmp_path: Path) -> None:
    """DeepFake-TIMIT has no reals: they are in VidTIMIT, and pairs are found only where both are read together."""
    plant(
        tmp_path,
        "DeepfakeTIMIT/higher_quality/fadg0/sa1-video-fram1.avi",
        "VidTIMIT/fadg0/video/sa1/001",
        *(f"ff/{path}" for path in FFPP),
    )
    assert names_read(tmp_path) == [("deepfake_timit", ".", 2), ("faceforensics", "ff", 2)]


def test_two_copies_are_two(tmp_path: Path) -> None:
    plant(tmp_path, *(f"{copy}/{path}" for path in FFPP for copy in ("disk one", "disk two")))
    assert names_read(tmp_path) == [("faceforensics", "disk one", 2), ("faceforensics", "disk two", 2)]


def test_a_name_that_the_user_gives_goes_first(tmp_path: Path) -> None:
    plant(tmp_path, *FFPP, *DFD)
    (read,) = read_dataset(tmp_path, name="dfd")
    assert [sample.dataset for sample in read.samples] == ["dfd"]
    assert [(problem.code, problem.path) for problem in read.problems] == [
        ("not_used", "manipulated_sequences/Deepfakes/c23/videos"),
        ("not_used", "original_sequences/youtube/c23/videos"),
    ]
    with pytest.raises(UsageError, match="unknown dataset 'dfdx'; the options are: celeb_df_pp"):
        read_dataset(tmp_path, name="dfdx")


def test_the_named_dataset_may_lie_one_folder_below(tmp_path: Path) -> None:
    plant(tmp_path, *(f"ff/{path}" for path in FFPP), "readme.txt")
    (read,) = read_dataset(tmp_path, name="faceforensics")
    assert read.root == (tmp_path / "ff").resolve()


def test_a_tree_that_nobody_knows_lists_what_is_there_and_what_is_known(tmp_path: Path) -> None:
    plant(tmp_path, "clips/a.mp4", "b.txt")
    with pytest.raises(DataError) as caught:
        read_dataset(tmp_path)
    message = caught.value.message
    assert str(tmp_path) in message
    assert "found b.txt, clips/." in message
    for name in TOYS:
        assert f"  {name} (" in message


def test_no_folder_an_empty_one_and_an_archive(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such folder"):
        read_dataset(tmp_path / "none")
    with pytest.raises(DataError, match="the folder is empty"):
        read_dataset(tmp_path)
    plant(tmp_path, "dfdc_train_part_00.zip")
    with pytest.raises(DataError, match="unpack it first"):
        read_dataset(tmp_path / "dfdc_train_part_00.zip")
    with pytest.raises(DataError, match=r"dfdc_train_part_00\.zip is an archive: unpack it first"):
        read_dataset(tmp_path)


def test_a_name_that_is_not_utf8_is_shown_and_left_out(tmp_path: Path) -> None:
    """Written into an index, such a name breaks it after an hour of reading."""
    plant(tmp_path, *FFPP)
    odd = os.fsencode(tmp_path / "original_sequences/youtube/c23/videos") + b"/caf\xe9.mp4"
    try:
        with open(odd, "wb") as file:  # noqa: PTH123 - a Path cannot hold it
            file.write(b"x")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    (read,) = read_dataset(tmp_path)
    assert len(read.samples) == 2
    assert ("undecodable_name", "original_sequences/youtube/c23/videos/caf\\xe9.mp4") in {
        (problem.code, problem.path) for problem in read.problems
    }


def test_an_archive_that_was_unpacked_beside_itself_is_no_problem(tmp_path: Path) -> None:
    plant(tmp_path, *FFPP, "original_sequences.zip", "masks.tar.gz")
    (read,) = read_dataset(tmp_path)
    assert [problem.path for problem in read.problems if problem.code == "archive"] == ["masks.tar.gz"]


def test_a_folder_with_the_right_names_and_nothing_usable_shows_the_layout(tmp_path: Path) -> None:
    plant(tmp_path, FFPP[0], text="")
    with pytest.raises(DataError, match=r"(?s)nothing in it could be read as FaceForensics\+\+.*is empty.*Expected:"):
        read_dataset(tmp_path)


def test_a_hundred_thousand_names_take_seconds() -> None:
    """Recognising asks every reader about every name, twice; a slow pattern there is minutes on DFDC."""
    letters = str.maketrans("0123456789", "abcdefghij")
    names = [f"{number:010d}".translate(letters) for number in range(100_000)]
    files = [NamedFile(f"dfdc_train_part_{n % 50}/{name}.mp4", 1) for n, name in enumerate(names)]
    start_s = time.process_time()
    ((_, reader),) = recognise(Tree(Path("/dfdc"), files))
    assert reader.name == "dfdc"
    assert time.process_time() - start_s < 20


def test_frames_by_the_million_are_recognised_by_a_few(tmp_path: Path) -> None:
    """Dacon is 1.3 million images: asking each reader about every one of them took a minute and more."""
    clips = [f"deepfake_1st/real/CW/20201012/{person}/image1" for person in range(500)]
    files = [NamedFile(f"{clip}/image_{frame:05d}.jpg", 1) for clip in clips for frame in range(200)]
    start_s = time.process_time()
    ((tree, reader),) = recognise(Tree(tmp_path, files))
    assert (reader.name, len(tree.files)) == ("dacon", 100_000)
    assert time.process_time() - start_s < 5
