"""The swaps that checkpoints are chosen by: another person's face, feathered, means matched, with its own history."""

from __future__ import annotations

import functools
from dataclasses import replace

import cv2
import numpy as np
import pytest

from dfdetect.data.augment import AugmentOptions
from dfdetect.data.shards import FaceRecord
from dfdetect.data.validation_swaps import FAMILY, ValidationSwaps, validation_swap
from dfdetect.errors import DataError
from face_pictures import astronaut_face, drawn_face, face_record, plain_mesh, plain_records

NOTHING = AugmentOptions(
    p_flip=0, p_turn=0, p_shear=0, p_stretch=0, p_colour=0, p_gray=0, p_retouch=0, p_blur=0, p_noise=0, p_shrink=0,
    p_photo_jpeg=0, p_webp=0, p_video=0,
)  # fmt: skip


@functools.cache
def people() -> list[FaceRecord]:
    return [face_record(*drawn_face(seed), path=f"{seed}.png", person=f"p{seed}") for seed in range(4)]


def test_only_the_face_changes_and_its_core_is_the_donors() -> None:
    picture, mesh = astronaut_face()
    fake, mask = validation_swap(picture, mesh, *drawn_face(1))
    assert fake.shape == picture.shape
    assert mask.dtype == np.float32
    assert np.array_equal(fake[mask == 0], picture[mask == 0])
    assert np.abs(fake.astype(int) - picture)[mask == 1].mean() > 5
    width = float(np.ptp(mesh[:, 0]))
    assert (mask == 1).sum() > 0.3 * width * width
    steps = np.abs(np.diff(mask, axis=1)).max()
    assert steps == pytest.approx(1 / (0.08 * width), rel=0.1)  # straight up over 8 % of the face


def test_colours_are_moved_onto_the_targets_means() -> None:
    """A face that is merely another colour would be found without looking at its border."""
    picture, mesh = astronaut_face()
    donor, donor_mesh = drawn_face(2)
    tinted = np.clip(donor.astype(int) + np.array([0, 40, 0]), 0, 255).astype(np.uint8)
    fakes = [validation_swap(picture, mesh, p, donor_mesh) for p in (donor, tinted)]
    inside = (fakes[0][1] == 1).astype(np.uint8)
    plain, green, target = (np.array(cv2.mean(p, inside)[:3]) for p in (fakes[0][0], fakes[1][0], picture))
    assert np.abs(plain - target).max() < 20
    assert np.abs(green - plain).max() < 10  # of 40


def test_a_donor_is_always_somebody_else_and_turned_alike() -> None:
    records = [replace(record, yaw_deg=float(10 * number)) for number, record in enumerate(plain_records(6))]
    swaps = ValidationSwaps([*records, replace(records[0], path="again.jpg")], seed=0)
    for index in range(7):
        for seed in range(5):
            donor = swaps.donor_of(index, np.random.default_rng(seed))
            assert swaps.people[donor] != swaps.people[index]
            assert abs(swaps.yaws[donor] - swaps.yaws[index]) <= 10


def test_pair_k_is_pair_k() -> None:
    first, again = (ValidationSwaps(people(), seed=3).make(5, size_px=64) for _ in range(2))
    assert np.array_equal(first.fake, again.fake)
    assert np.array_equal(first.real, again.real)
    assert first.family == FAMILY
    assert first.labels == (0.0, 1.0)
    assert first.mask.shape == (64, 64)
    other = ValidationSwaps(people(), seed=4).make(5, size_px=64)
    assert not np.array_equal(first.fake, other.fake)


def test_every_record_comes_once_a_round() -> None:
    swaps = ValidationSwaps(people(), seed=3)
    assert sorted(swaps.record_of(k) for k in range(4)) == [0, 1, 2, 3]
    assert sorted(swaps.record_of(k) for k in range(4, 8)) == [0, 1, 2, 3]


def test_real_and_fake_have_histories_of_their_own() -> None:
    """Nobody compresses a fake with the numbers of its original; that they differ must be what validation sees too."""
    noisy = replace(NOTHING, p_photo_jpeg=1.0, jpeg_quality=(30, 90))
    differ = 0
    for number in range(4):
        pair = ValidationSwaps(people(), seed=1, augment=noisy).make(number, size_px=96)
        differ += not np.array_equal(pair.real[pair.mask == 0], pair.fake[pair.mask == 0])
    assert differ == 4
    plain = ValidationSwaps(people(), seed=1, augment=NOTHING).make(0, size_px=96)
    outside = cv2.dilate((plain.mask > 0).astype(np.uint8), np.ones((5, 5), np.uint8)) == 0
    assert np.array_equal(plain.real[outside], plain.fake[outside])


def test_cut_outs_and_mixing_are_off() -> None:
    swaps = ValidationSwaps(people(), seed=1, augment=AugmentOptions(p_cutout=1.0, p_mixup=1.0))
    assert swaps.augment.p_cutout == 0
    assert swaps.make(0, size_px=32).labels == (0.0, 1.0)


def test_one_person_alone_is_refused_with_advice() -> None:
    with pytest.raises(DataError, match="at least two people; got 1"):
        ValidationSwaps(people()[:1], seed=0)


def test_a_degenerate_mesh_is_refused() -> None:
    picture, mesh = astronaut_face()
    with pytest.raises(DataError, match="do not determine an alignment"):
        validation_swap(picture, mesh, picture, np.full_like(plain_mesh(), 7.0))
