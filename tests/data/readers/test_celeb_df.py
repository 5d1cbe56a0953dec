"""Celeb-DF: which version it is, whose face is where, and a list in which 1 means real."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from dataset_trees import plant, read_with
from dfdetect.data.readers import READERS, celeb_df, celeb_df_v2
from dfdetect.data.readers.reader import Reading
from dfdetect.data.readers.recognise import read_dataset
from dfdetect.data.tree import NamedFile, Tree
from dfdetect.errors import DataError
from dfdetect.values import Label

CLIPS = ("Celeb-real/id0_0003.mp4", "YouTube-real/00170.mp4", "Celeb-synthesis/id0_id16_0003.mp4")
AS_PUBLISHED = "1 Celeb-real/id0_0003.mp4\n0 Celeb-synthesis/id0_id16_0003.mp4\n"


def test_a_fake_is_the_clip_of_the_first_with_the_face_of_the_second(tmp_path: Path) -> None:
    root = plant(tmp_path / "Celeb-DF-v2", *CLIPS)
    plant(root, "List_of_testing_videos.txt", text=AS_PUBLISHED)
    found = read_with("celeb_df_v2", root)
    real, fake, other = (found.samples[name] for name in (CLIPS[0], CLIPS[2], CLIPS[1]))
    assert (fake.target_id, fake.donor_id, fake.pair_key) == ("celeb_df:id0", "celeb_df:id16", real.video_id)
    assert (real.label, fake.label, other.label) == (Label.REAL, Label.FAKE, Label.REAL)
    assert (other.target_id, other.source_key) == ("", "celeb_df/YouTube-real/00170")
    assert (real.split, fake.split, other.split) == ("test", "test", "train")
    assert not found.problems


def test_other_spellings_levels_and_crops(tmp_path: Path) -> None:
    root = plant(tmp_path / "celeb_df_v2", "Youtube-real/videos/00170.MP4", "Celeb-real/frames/id0_0003/000.png")
    plant(root, "Celeb-real/landmarks/id0_0003/000.npy")
    plant(root, "List_of_testing_videos.txt", text="1 YouTube-real/00170.mp4\n1 Celeb-real/id0_0003.mp4\n")
    found = read_with("celeb_df_v2", root)
    assert {name: (s.kind, s.split) for name, s in found.samples.items()} == {
        "Youtube-real/videos/00170.MP4": ("video", "test"),
        "Celeb-real/frames/id0_0003": ("crop", "test"),
    }


def test_a_list_turned_round_is_explained_and_labels_stay_right(tmp_path: Path) -> None:
    """Most public loaders read this list the wrong way round, and some copies of it were turned to please them."""
    root = plant(tmp_path / "Celeb-DF-v2", *CLIPS)
    plant(root, "List_of_testing_videos.txt", text="0 Celeb-real/id0_0003.mp4\n1 Celeb-synthesis/id0_id16_0003.mp4\n")
    found = read_with("celeb_df_v2", root)
    assert [code for code, _ in found.problems] == ["label_polarity"]
    assert "1 = real, 0 = fake" in found.texts[0]
    assert found.samples[CLIPS[2]].label is Label.FAKE
    assert found.samples[CLIPS[0]].label is Label.REAL


def test_single_lines_that_contradict_are_counted(tmp_path: Path) -> None:
    root = plant(tmp_path / "Celeb-DF-v2", *CLIPS)
    plant(root, "List_of_testing_videos.txt", text=AS_PUBLISHED + "0 YouTube-real/00170.mp4\n")
    found = read_with("celeb_df_v2", root)
    assert found.problems == [("label_conflict", "List_of_testing_videos.txt")]
    assert found.texts[0].startswith("1 of 3 lines")


def test_without_the_list_nothing_has_a_split(tmp_path: Path) -> None:
    """Taken as training data, the test clips would be trained on."""
    found = read_with("celeb_df_v2", plant(tmp_path / "Celeb-DF-v2", *CLIPS))
    assert {sample.split for sample in found.samples.values()} == {""}
    assert found.problems == [("no_split_list", "")]


@pytest.mark.parametrize("text", ["", "Celeb-real/id0_0003.mp4\n", "1 id0_0003.mp4\n", "2 Celeb-real/id0_0003.mp4\n"])
def test_a_list_of_another_kind_is_an_error(tmp_path: Path, text: str) -> None:
    root = plant(tmp_path / "Celeb-DF-v2", *CLIPS)
    plant(root, "List_of_testing_videos.txt", text=text)
    with pytest.raises(DataError, match="expected lines such as"):
        read_with("celeb_df_v2", root)


def test_listed_clips_that_are_not_there_are_named(tmp_path: Path) -> None:
    root = plant(tmp_path / "Celeb-DF-v2", *CLIPS)
    plant(root, "List_of_testing_videos.txt", text=AS_PUBLISHED + "1 YouTube-real/00299.mp4\n")
    found = read_with("celeb_df_v2", root)
    assert found.problems == [("missing_file", "List_of_testing_videos.txt")]
    assert "youtube-real/00299" in found.texts[0]


def test_a_part_without_list_could_be_v1_or_v2_and_the_error_says_so(tmp_path: Path) -> None:
    root = plant(tmp_path / "celebs", *CLIPS)
    with pytest.raises(DataError) as caught:
        read_dataset(root)
    assert "celeb_df_v1=" in caught.value.message
    assert "celeb_df_v2=" in caught.value.message
    for name in ("celeb_df_v1", "celeb_df_v2"):
        (read,) = read_dataset(root, name=name)
        assert {sample.dataset for sample in read.samples} == {name}


@pytest.mark.parametrize(
    ("root", "counts", "list_lines", "expected"),
    [
        ("Celeb-DF-v1", (1, 1, 1), 0, "v1"),
        ("Celeb-DF (v2)", (1, 1, 1), 0, "v2"),
        ("celebs", (158, 250, 795), 0, "v1"),
        ("celebs", (158, 250, 795), 518, "v2"),
        ("celebs", (1, 1, 796), 0, "v2"),
        ("celebs", (158, 250, 794), 0, None),
    ],
)
def test_the_version_is_told_by_name_list_and_counts(
    tmp_path: Path, root: str, counts: tuple[int, int, int], list_lines: int, expected: str | None
) -> None:
    files = [NamedFile(f"Celeb-real/id{n}_0000.mp4", 1) for n in range(counts[0])]
    files += [NamedFile(f"YouTube-real/{n:05d}.mp4", 1) for n in range(counts[1])]
    files += [NamedFile(f"Celeb-synthesis/id{n}_id1_0000/000.png", 1) for n in range(counts[2])]
    if list_lines:
        name = "List_of_testing_videos.txt"
        plant(tmp_path / root, name, text="1 Celeb-real/id0_0000.mp4\n" * list_lines)
        files.append(NamedFile(name, 1))
    assert celeb_df.version_of(Tree(tmp_path / root, files)) == expected


def test_fakes_of_v1_are_other_clips_than_those_of_v2(tmp_path: Path) -> None:
    ids = {}
    for version in ("v1", "v2"):
        found = read_with(f"celeb_df_{version}", plant(tmp_path / f"Celeb-DF-{version}", *CLIPS))
        ids[version] = [found.samples[name].video_id for name in CLIPS]
    assert ids["v1"][:2] == ids["v2"][:2]
    assert ids["v1"][2] != ids["v2"][2]


def test_plus_plus_keeps_methods_apart_and_pairs_swaps_only(tmp_path: Path) -> None:
    plant(
        tmp_path,
        "Celeb-synthesis/FaceSwap/Celeb-DF/id0_id16_0003.mp4",
        "Celeb-synthesis/FaceSwap/GHOST/id0_id16_0003.mp4",
        "Celeb-synthesis/FaceReenact/LIA/videos/id0_id16_0003.mp4",
        "Celeb-synthesis/TalkingFace/EDTalk/frames/id0_0003_test_0012/000.png",
        "Celeb-synthesis/FaceSwap/GHOST/holiday.mp4",
    )
    found = read_with("celeb_df_pp", tmp_path)
    assert {(s.video_id, s.method, s.donor_id, s.pair_key) for s in found.samples.values()} == {
        ("celeb_df/Celeb-synthesis/id0_id16_0003", "Celeb-DF", "celeb_df:id16", "celeb_df/Celeb-real/id0_0003"),
        ("celeb_df/GHOST/id0_id16_0003", "GHOST", "celeb_df:id16", "celeb_df/Celeb-real/id0_0003"),
        ("celeb_df/LIA/id0_id16_0003", "LIA", "celeb_df:id16", ""),
        ("celeb_df/EDTalk/id0_0003_test_0012", "EDTalk", "", ""),
    }
    assert {(s.target_id, s.source_key) for s in found.samples.values()} == {
        ("celeb_df:id0", "celeb_df/Celeb-real/id0_0003")
    }
    assert ("unknown_name", "Celeb-synthesis/FaceSwap/GHOST/holiday.mp4") in found.problems


def test_counts_name_the_originals_that_are_missing(tmp_path: Path) -> None:
    samples = list(read_with("celeb_df_v2", plant(tmp_path / "Celeb-DF-v2", *CLIPS[1:])).samples.values())
    real, other, fake = READERS["celeb_df_v2"].check(samples)
    assert (real.found, real.published, real.missing) == (0, 590, ("id0_0003",))
    assert (other.found, other.published, len(other.missing)) == (1, 300, 299)
    assert (fake.found, fake.published) == (1, 5639)


@pytest.mark.shared_data
def test_the_official_list_gives_the_published_numbers(shared_data: Path) -> None:
    """518 = 108 + 70 + 340; 56 of the 59 celebrities are in it, so a split by it is not by identity."""
    lists = shared_data / "lists" / "celeb_df_v2"
    names = [line.split()[1] for line in (lists / celeb_df.LIST_NAME).read_text().splitlines()]
    reading = Reading(Tree(Path("/Celeb-DF-v2"), [NamedFile(name, 1) for name in sorted(names)]), lists)
    samples = list(celeb_df_v2.read(reading))
    assert not reading.problems
    assert Counter(sample.name.partition("/")[0] for sample in samples) == {
        "Celeb-real": 108,
        "YouTube-real": 70,
        "Celeb-synthesis": 340,
    }
    assert {sample.split for sample in samples} == {"test"}
    assert {(s.label, s.name.startswith("Celeb-synthesis")) for s in samples} == {
        (Label.REAL, False),
        (Label.FAKE, True),
    }
    people = {key for sample in samples for key in (sample.target_id, sample.donor_id) if key}
    assert len(people) == 56
    tests = [check for check in celeb_df_v2.check(samples) if check.what.startswith("test")]
    assert all(check.found == check.published for check in tests)
