"""DeeperForensics-1.0: fakes of FaceForensics++ clips, under the keys of that dataset."""

from __future__ import annotations

import json
from pathlib import Path

from dataset_trees import plant, read_with
from dfdetect.values import Label

FAKE = "manipulated_videos/end_to_end/033_M101.mp4"
NOISY = "manipulated_videos/end_to_end_level_3/033_M101.mp4"


def test_keys_are_those_of_faceforensics(tmp_path: Path) -> None:
    """The reals are the clips of FaceForensics++: both datasets in one split must be seen to leak."""
    original = read_with("faceforensics", plant(tmp_path / "ff", "original_sequences/youtube/c23/videos/033.mp4"))
    found = read_with("deeperforensics", plant(tmp_path / "deeper", FAKE, NOISY))
    (real,) = original.samples.values()
    for fake in found.samples.values():
        assert (fake.label, fake.pair_key, fake.target_id) == (Label.FAKE, real.video_id, real.target_id)
        assert (fake.source_key, fake.donor_id) == (real.source_key, "deeperforensics:M101")
    assert found.samples[FAKE].video_id != found.samples[NOISY].video_id


def test_source_videos_are_never_reals(tmp_path: Path) -> None:
    """A well-known benchmark takes the actors' recordings as the real class; the authors say that they are not."""
    recording = "source_videos/M004/light_up/neutral/camera_front/M004_light_up_neutral_camera_front.mp4"
    found = read_with("deeperforensics", plant(tmp_path, FAKE, recording))
    assert list(found.samples) == [FAKE]
    assert found.problems == [("not_the_reals", "source_videos")]


def test_splits_and_uploads(tmp_path: Path) -> None:
    plant(tmp_path, FAKE, NOISY)
    plant(tmp_path, "lists/splits/test.txt", text="033_M101.mp4\n")
    plant(tmp_path, "conversion_dict.json", text=json.dumps({"033": "abcDEF 2"}))
    found = read_with("deeperforensics", tmp_path)
    assert {(s.split, s.source_key) for s in found.samples.values()} == {("test", "youtube:abcDEF")}


def test_crops_and_other_names(tmp_path: Path) -> None:
    crops = "manipulated_videos/end_to_end/frames/033_M101"
    found = read_with("deeperforensics", plant(tmp_path, f"{crops}/000.png", "manipulated_videos/end_to_end/x.mp4"))
    assert found.samples[crops].kind == "crop"
    assert found.problems == [("unknown_name", "manipulated_videos/end_to_end/x.mp4")]
