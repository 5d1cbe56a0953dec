"""DF40: fakes without reals, under the keys of the datasets that they were made from."""

from __future__ import annotations

import json
from pathlib import Path

from dataset_trees import plant, read_with
from dfdetect.values import Label

FF = "DF40/simswap/ff/frames/033_097"
CDF = "DF40/simswap/cdf/frames/id0_id16_0003"


def test_fakes_meet_the_clips_of_faceforensics(tmp_path: Path) -> None:
    """Trained on FaceForensics++ and tested on DF40 of the same clips: the audit must see one original in both."""
    plant(tmp_path / "ff", "original_sequences/youtube/c23/videos/033.mp4")
    plant(tmp_path / "ff", "conversion_dict.json", text=json.dumps({"033": "abcDEF 2"}))
    plant(tmp_path / "df40", f"{FF}/000.png", f"{FF}/004.png")
    (real,) = read_with("faceforensics", tmp_path / "ff").samples.values()
    (fake,) = read_with("df40", tmp_path / "df40", lists=tmp_path / "ff").samples.values()
    assert (fake.pair_key, fake.target_id, fake.source_key) == (real.video_id, real.target_id, real.source_key)
    assert (fake.donor_id, fake.kind, fake.bytes, fake.method) == ("ffpp:097", "crop", 2, "simswap")


def test_fakes_meet_the_clips_of_celeb_df(tmp_path: Path) -> None:
    plant(tmp_path / "Celeb-DF-v2", "Celeb-real/id0_0003.mp4", "YouTube-real/00012.mp4")
    plant(tmp_path / "df40", f"{CDF}/000.png", "DF40/fomm/cdf/frames/00012/000.png")
    reals = read_with("celeb_df_v2", tmp_path / "Celeb-DF-v2").samples
    fakes = read_with("df40", tmp_path / "df40").samples
    assert fakes[CDF].pair_key == fakes[CDF].source_key == reals["Celeb-real/id0_0003.mp4"].video_id
    assert fakes[CDF].target_id == reals["Celeb-real/id0_0003.mp4"].target_id
    stranger = reals["YouTube-real/00012.mp4"]
    assert fakes["DF40/fomm/cdf/frames/00012"].source_key == stranger.source_key
    assert stranger.target_id == ""


def test_fakes_of_celeb_df(tmp_path: Path) -> None:
    found = read_with("df40", plant(tmp_path, f"{CDF}/000.png", "DF40/fomm/cdf/frames/00012/000.png"))
    fake, stranger = found.samples[CDF], found.samples["DF40/fomm/cdf/frames/00012"]
    assert (fake.target_id, fake.donor_id) == ("celeb_df:id0", "celeb_df:id16")
    assert fake.pair_key == "celeb_df/Celeb-real/id0_0003"
    assert (stranger.target_id, stranger.source_key) == ("", "celeb_df/YouTube-real/00012")


def test_a_fake_under_the_name_of_a_real_is_a_fake(tmp_path: Path) -> None:
    """danet's clips are called as the reals that they were made from."""
    (fake,) = read_with("df40", plant(tmp_path, "danet/cdf/frames/id0_0000/012.png")).samples.values()
    assert (fake.label, fake.method, fake.target_id) == (Label.FAKE, "danet", "celeb_df:id0")
    assert fake.pair_key == ""
    assert fake.source_key.endswith("/id0_0000")


def test_only_swaps_follow_their_original_frame_by_frame(tmp_path: Path) -> None:
    plant(tmp_path, "sadtalker/ff/frames/033_097/0.png", "ddim/ff/033/0.png")
    found = read_with("df40", tmp_path)
    assert {s.pair_key for s in found.samples.values()} == {""}
    assert {s.target_id for s in found.samples.values()} == {"ffpp:033"}


def test_nine_methods_bring_their_reals(tmp_path: Path) -> None:
    plant(tmp_path, "stargan/fake/00931.jpg", "stargan/real/00931.jpg", "heygen/fake/frames/ann/0.png")
    plant(tmp_path, "MidJourney/real/a b.png", "e4e/ff/inversions/033.jpg")
    found = read_with("df40", tmp_path)
    assert {name: s.label for name, s in found.samples.items()} == {
        "stargan/fake/00931.jpg": Label.FAKE,
        "stargan/real/00931.jpg": Label.REAL,
        "heygen/fake/frames/ann": Label.FAKE,
        "MidJourney/real/a b.png": Label.REAL,
        "e4e/ff/inversions/033.jpg": Label.FAKE,
    }
    assert {s.kind for s in found.samples.values()} == {"crop"}
    assert not found.problems


def test_the_same_clip_for_training_and_test_is_kept_in_both(tmp_path: Path) -> None:
    """Its published lists hold the same crop twice: dropping one would hide the leak."""
    plant(tmp_path, "DF40_train/simswap/ff/frames/033_097/0.png", "DF40_test/simswap/ff/frames/033_097/0.png")
    found = read_with("df40", tmp_path)
    assert sorted(s.split for s in found.samples.values()) == ["test", "train"]
    assert len({s.video_id for s in found.samples.values()}) == 1


def test_videos_masks_and_what_is_not_known(tmp_path: Path) -> None:
    plant(tmp_path, "simswap/ff/033_097.mp4", "simswap/ff/landmarks/033_097/0.png", "simswap/ff/holiday.mp4")
    plant(tmp_path, "simswap/real/033.mp4", "newswap/ff/033_097.mp4")
    found = read_with("df40", tmp_path)
    assert [(s.name, s.kind) for s in found.samples.values()] == [("simswap/ff/033_097.mp4", "video")]
    assert sorted(found.problems) == [
        ("unknown_name", "newswap/ff/033_097.mp4"),
        ("unknown_name", "simswap/ff/holiday.mp4"),
        ("unknown_name", "simswap/real/033.mp4"),
    ]
