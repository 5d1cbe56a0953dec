"""DeepFake-TIMIT with VidTIMIT: two downloads that must meet by their keys."""

from __future__ import annotations

from pathlib import Path

from dataset_trees import plant, read_with
from dfdetect.data.readers.deepfake_timit import check
from dfdetect.values import Label

FAKES = (
    "DeepfakeTIMIT/higher_quality/fadg0/sa1-video-fram1.avi",
    "DeepfakeTIMIT/lower_quality/fadg0/sa1-video-fram1.avi",
    "DeepfakeTIMIT/higher_quality/fram1/si123-video-fadg0.AVI",
)
FRAMES = ("VidTIMIT/fadg0/video/sa1/001", "VidTIMIT/fadg0/video/sa1/002", "VidTIMIT/fadg0/video/sa1/003")


def test_fakes_know_their_recording_and_both_people(tmp_path: Path) -> None:
    found = read_with("deepfake_timit", plant(tmp_path, *FAKES, "DeepfakeTIMIT/higher_quality/fadg0/sa1.wav"))
    assert not found.problems
    high, low = found.samples[FAKES[0]], found.samples[FAKES[1]]
    assert (high.label, high.target_id, high.donor_id) == (Label.FAKE, "timit:fadg0", "timit:fram1")
    assert high.pair_key == low.pair_key == "timit/VidTIMIT/fadg0/sa1"
    assert (high.method, low.method) == ("faceswap-GAN-HQ", "faceswap-GAN-LQ")
    assert high.video_id != low.video_id


def test_frames_without_a_suffix_are_one_clip(tmp_path: Path) -> None:
    """VidTIMIT comes as JPEG files named 001, 002, ... in a folder."""
    found = read_with("deepfake_timit", plant(tmp_path, *FAKES, *FRAMES, "VidTIMIT/fadg0/audio/sa1.wav"))
    clip = found.samples["VidTIMIT/fadg0/video/sa1"]
    assert (clip.label, clip.kind, clip.bytes) == (Label.REAL, "frames", 3)
    assert clip.video_id == clip.pair_key == found.samples[FAKES[0]].pair_key
    assert not found.problems


def test_two_roots_meet_by_their_keys(tmp_path: Path) -> None:
    fakes = read_with("deepfake_timit", plant(tmp_path / "DeepfakeTIMIT", *(p.partition("/")[2] for p in FAKES)))
    reals = read_with("deepfake_timit", plant(tmp_path / "vid", "fadg0/sa1.avi", "fram1/video/si123.mp4"))
    assert {s.pair_key for s in fakes.samples.values()} == {s.video_id for s in reals.samples.values()}
    assert reals.problems == [("swapped_unknown", "")]


def test_only_swapped_people_count_as_reals(tmp_path: Path) -> None:
    """11 of VidTIMIT's 43 people were never swapped: with them the classes would differ in who is seen."""
    others = ("VidTIMIT/mabw0/sa1.avi", "VidTIMIT/mabw0/sa2.avi", "VidTIMIT/fadg0/video/head/001")
    found = read_with("deepfake_timit", plant(tmp_path, *FAKES, *FRAMES, *others))
    assert {name for name, sample in found.samples.items() if sample.label is Label.REAL} == {
        "VidTIMIT/fadg0/video/sa1"
    }
    assert found.problems == [("not_swapped", "VidTIMIT/fadg0"), ("not_swapped", "VidTIMIT/mabw0")]
    assert found.texts[1].startswith("2 recordings")


def test_a_recording_as_frames_and_as_video_is_read_once(tmp_path: Path) -> None:
    found = read_with("deepfake_timit", plant(tmp_path, *FAKES, *FRAMES, "VidTIMIT/fadg0/sa1.avi"))
    assert found.problems == [("duplicate", "VidTIMIT/fadg0/video/sa1")]
    assert "VidTIMIT/fadg0/sa1.avi" in found.samples


def test_bad_names_and_empty_files_are_said(tmp_path: Path) -> None:
    plant(tmp_path, *FAKES, "DeepfakeTIMIT/lower_quality/fadg0/holiday.avi", "VidTIMIT/fadg0/me.avi", "x.mp4")
    plant(tmp_path, "DeepfakeTIMIT/lower_quality/fadg0/sa2-video-fram1.avi", "VidTIMIT/fadg0/video/sa2/001", text="")
    found = read_with("deepfake_timit", tmp_path)
    assert sorted(code for code, _ in found.problems) == [*["unknown_name"] * 3, "zero_bytes", "zero_bytes"]
    assert len(found.samples) == len(FAKES)


def test_counts(tmp_path: Path) -> None:
    found = read_with("deepfake_timit", plant(tmp_path, *FAKES, *FRAMES))
    counts = {c.what: (c.found, c.published) for c in check(list(found.samples.values()))}
    assert counts["faceswap-GAN-HQ"] == (2, 320)
    assert counts["recordings of VidTIMIT that were swapped"] == (1, 320)
