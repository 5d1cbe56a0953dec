"""Toy clips must hold faces, fakes that are local, and nothing by which the whole picture gives the fake away."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dfdetect.data.toy.painter import N_FRAMES, SIZE_WH, Shot, Toy, masks, pictures
from dfdetect.faces.detector import FACE_DETECTORS, make_detector
from dfdetect.media.reader import open_media
from dfdetect.media.roundtrip import encode_jpeg
from dfdetect.metrics import roc_auc
from dfdetect.values import Label, UInt8Array

Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def shots() -> list[Shot]:
    """Thirty clips, each followed by its fake."""
    found = []
    for number in range(30):
        real = Shot(f"person {number}")
        fake = real.fake(f"person {number + 1}", method=f"m{number % 4}", way="swap" if number % 2 else "reenact")
        found += [real, fake]
    return found


@pytest.fixture(scope="module")
def clips(shots: list[Shot]) -> list[tuple[UInt8Array, ...]]:
    return [pictures(shot) for shot in shots]


@pytest.mark.parametrize("name", sorted(FACE_DETECTORS))
def test_both_detectors_find_the_face(name: str, clips: list[tuple[UInt8Array, ...]]) -> None:
    """Toys without findable faces would make every test of the stages behind them pass on nothing."""
    detector = make_detector(name)
    found = [len(detector.detect(clip[frame])) for clip in clips for frame in (0, 5)]
    assert found.count(1) >= 0.95 * len(found)


def test_colour_and_size_of_the_whole_picture_do_not_separate_real_from_fake(
    shots: list[Shot], clips: list[tuple[UInt8Array, ...]]
) -> None:
    """A set whose fakes are darker or smaller files teaches a network that and nothing about faces."""
    features = np.array([_whole_picture(clip) for clip in clips])
    labels = np.array([int(shot.label) for shot in shots])
    person = np.arange(len(shots)) // 2
    scores = np.zeros(len(shots))
    for fold in range(5):
        left_out = person % 5 == fold
        scores[left_out] = _logistic(features[~left_out], labels[~left_out], features[left_out])
    assert roc_auc(labels, scores) <= 0.6
    # The check can fail: the same regression does find a fake that is brighter by a few levels.
    brighter = features.copy()
    brighter[labels == 1, :3] += 60
    assert roc_auc(labels, _logistic(brighter, labels, brighter)) > 0.9


def _whole_picture(clip: tuple[UInt8Array, ...]) -> list[float]:
    """Mean and spread of each colour, width, height, size of the first frame as a file."""
    means, spreads = np.mean(clip, axis=(0, 1, 2)), np.std(clip, axis=(0, 1, 2))
    return [*means, *spreads, *clip[0].shape[:2], len(encode_jpeg(clip[0], 90))]


def _logistic(features: Floats, labels: NDArray[np.int_], asked: Floats) -> Floats:
    """Logits of a logistic regression fitted by Newton's method with a small ridge."""
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-9
    known = np.column_stack([(features - mean) / spread, np.ones(len(features))])
    weights = np.zeros(known.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-known @ weights))
        slope = known.T @ (p - labels) + 0.01 * weights
        weights -= np.linalg.solve(known.T @ (known * (p * (1 - p))[:, None]) + 0.01 * np.eye(len(weights)), slope)
    return np.column_stack([(asked - mean) / spread, np.ones(len(asked))]) @ weights


def test_a_fake_is_its_real_clip_but_for_the_inside_of_the_face(shots: list[Shot]) -> None:
    for real, fake in (shots[:2], shots[2:4]):
        assert fake.real == real
        assert (real.label, fake.label) == (Label.REAL, Label.FAKE)
        detector = make_detector("yunet")
        for before, after, mask in zip(pictures(real), pictures(fake), masks(fake), strict=True):
            assert np.array_equal(before[mask == 0], after[mask == 0])
            assert np.abs(before.astype(int) - after)[mask > 0.5].mean() > 1.5
            left, top, right, bottom = detector.detect(before).boxes_xyxy[0]
            y, x = np.nonzero(mask)
            assert left - 5 < x.min()
            assert x.max() < right + 5
            assert top - 5 < y.min()
            assert y.max() < bottom + 5


def test_a_bystander_is_left_alone() -> None:
    real = Shot("one", bystander="other")
    fake = real.fake("donor")
    for before, after in zip(pictures(real), pictures(fake), strict=True):
        assert np.array_equal(before[:, SIZE_WH[0] // 2 :], after[:, SIZE_WH[0] // 2 :])
        assert not np.array_equal(before, after)


def test_one_seed_gives_the_same_bytes_and_another_other_people(tmp_path: Path) -> None:
    for name, seed in (("first", 0), ("again", 0), ("other", 1)):
        toy = Toy(tmp_path / name, seed)
        toy.video("a.mp4", Shot("one").fake("two"))
        toy.frames("frames", Shot("one"), name="{:03d}")
        pictures.cache_clear()
        masks.cache_clear()
    for file in ("a.mp4", "frames/001"):
        first, again, other = ((tmp_path / name / file).read_bytes() for name in ("first", "again", "other"))
        assert first == again
        assert first != other


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    toy = Toy(tmp_path)
    fake = Shot("one").fake("two")
    toy.video("clip.avi", fake)
    toy.mask_video("mask.mp4", fake)
    toy.frames("frames", fake, name="{:04d}.png")
    toy.crops("crops", fake)
    toy.mask_crops("masks", fake)
    toy.image("image.jpg", fake, frame=3)
    toy.crop("crop.png", fake)
    toy.silence("sound.wav")
    toy.csv("list.csv", ["path", "label"], [["clip.avi", 1]])
    toy.json("list.json", {"clip.avi": "ü"})
    for name in ("clip.avi", "mask.mp4"):
        with open_media(tmp_path / name) as media:
            assert media.info.duration_s == pytest.approx(1.0, abs=0.01)
            assert (media.info.width_px, media.info.height_px) == SIZE_WH
    for folder in ("frames", "crops", "masks"):
        assert len(list((tmp_path / folder).iterdir())) == N_FRAMES
    assert (tmp_path / "list.csv").read_text() == "path,label\nclip.avi,1\n"
    assert [(item.path, item.kind) for item in toy.items] == [
        ("clip.avi", "video"),
        ("frames", "frames"),
        ("crops", "crop"),
        ("image.jpg", "image"),
        ("crop.png", "crop"),
    ]
