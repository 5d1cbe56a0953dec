"""Google DFD: in the tree of FaceForensics++ and as copied elsewhere."""

from __future__ import annotations

from pathlib import Path

from dataset_trees import plant, read_with
from dfdetect.values import Label

FAKE = "24_23__outside_talking_still_laughing__YR5OVD4S"


def test_a_fake_names_target_donor_and_scene(tmp_path: Path) -> None:
    plant(tmp_path, f"manipulated_sequences/DeepFakeDetection/c0/videos/{FAKE}.mp4")
    plant(tmp_path, f"manipulated_sequences/DeepFakeDetection/masks/videos/{FAKE}.mp4")
    plant(tmp_path, "original_sequences/actors/raw/videos/24__outside_talking_still_laughing.mp4")
    found = read_with("dfd", tmp_path)
    fake, real = found.samples.values()
    assert (fake.label, fake.target_id, fake.donor_id, fake.compression) == (Label.FAKE, "dfd:24", "dfd:23", "raw")
    assert fake.pair_key == real.video_id == real.pair_key == "dfd/24__outside_talking_still_laughing"
    assert fake.mask_path.endswith(f"masks/videos/{FAKE}.mp4")
    assert (real.label, real.target_id, real.donor_id) == (Label.REAL, "dfd:24", "")
    assert not found.problems


def test_the_copy_with_other_folder_names_has_no_known_compression(tmp_path: Path) -> None:
    plant(tmp_path, f"DFD_manipulated_sequences/DFD_manipulated_sequences/{FAKE}.mp4")
    plant(tmp_path, "DFD_original sequences/24__outside_talking_still_laughing.mp4")
    found = read_with("dfd", tmp_path)
    assert [(s.label, s.compression) for s in found.samples.values()] == [(Label.FAKE, ""), (Label.REAL, "")]


def test_crops_with_masks_and_names_that_do_not_fit(tmp_path: Path) -> None:
    base = "manipulated_sequences/DeepFakeDetection/c23"
    plant(tmp_path, f"{base}/frames/{FAKE}/000.png", f"{base}/masks/{FAKE}/000.png", f"{base}/videos/24__scene.mp4")
    found = read_with("dfd", tmp_path)
    (sample,) = found.samples.values()
    assert (sample.kind, sample.mask_path) == ("crop", (tmp_path / base / "masks" / FAKE).as_posix())
    assert found.problems == [("unknown_name", f"{base}/videos/24__scene.mp4")]


def test_originals_that_fakes_name_are_missing(tmp_path: Path) -> None:
    from dfdetect.data.readers import READERS

    plant(tmp_path, f"manipulated_sequences/DeepFakeDetection/c40/videos/{FAKE}.mp4")
    samples = list(read_with("dfd", tmp_path).samples.values())
    originals, fakes = READERS["dfd"].check(samples)
    assert (originals.found, originals.published) == (0, 363)
    assert originals.missing == ("24__outside_talking_still_laughing",)
    assert (fakes.what, fakes.found, fakes.published) == ("c40 fakes", 1, 3068)
