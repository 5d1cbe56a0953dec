"""Pair k is pair k: in any order, in any process, after any interruption."""

from __future__ import annotations

import multiprocessing
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.data.augment import AugmentOptions
from dfdetect.data.blend import BlendOptions
from dfdetect.data.pairs import PairMaker, mix
from dfdetect.errors import DataError
from face_pictures import face_record, plain_mesh, plain_records
from pair_digests import digest, digests_of, pair_maker


def test_order_does_not_matter() -> None:
    """With a generator shared by all pairs, a resumed run trained on other pictures than the unbroken one."""
    numbers = [0, 1, 2, 9, 30]
    forward = dict(zip(numbers, digests_of(numbers), strict=True))
    backward = dict(zip(numbers[::-1], digests_of(numbers[::-1]), strict=True))
    assert forward == backward
    assert len(set(forward.values())) == len(numbers)


def test_another_process_makes_the_same_pairs() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(digests_of, ([3, 8],)) == digests_of([3, 8])


def test_another_seed_makes_other_pairs() -> None:
    assert digest(pair_maker(seed=5).make(0, size_px=48)) != digest(pair_maker(seed=6).make(0, size_px=48))


@given(st.integers(1, 40), st.integers(0, 2**31), st.integers(0, 5))
@settings(deadline=None)
def test_every_record_comes_once_a_round(n: int, seed: int, turn: int) -> None:
    own = PairMaker(plain_records(1) * n, seed=seed)
    assert sorted(own.record_of(turn * n + place) for place in range(n)) == list(range(n))


def test_each_round_has_its_own_order() -> None:
    own = pair_maker(n=20)
    assert [own.record_of(k) for k in range(20)] != [own.record_of(k) for k in range(20, 40)]


def test_a_pair_is_two_crops_of_the_record_it_names() -> None:
    own = pair_maker()
    for number in range(4):
        pair = own.make(number, size_px=40)
        assert pair.record == own.record_of(number)
        assert pair.real.shape == pair.fake.shape == (40, 40, 3)
        assert pair.real.dtype == np.uint8
        assert not np.array_equal(pair.real, pair.fake)


def test_one_face_that_cannot_be_blended_is_replaced() -> None:
    outside = face_record(np.zeros((96, 96, 3), np.uint8), plain_mesh(96) + np.float32([900, 900, 0]))
    own = PairMaker([outside, *plain_records(3)], seed=1)
    bad = next(number for number in range(20) if own.record_of(number) == 0)
    assert own.make(bad, size_px=40).record != 0


def test_faces_that_cannot_be_blended_stop_the_run() -> None:
    own = PairMaker(plain_records(2), seed=1, blend=BlendOptions(min_difference=255.0, tries=1))
    with pytest.raises(DataError, match=r"pair 4: ten faces in a row gave no visible blend; look at the shards"):
        own.make(4, size_px=40)


def test_no_faces_are_refused_with_advice() -> None:
    with pytest.raises(DataError, match="no real faces to make pairs from; check the recipe's `reuse`"):
        PairMaker([], seed=0)


def test_options_reach_the_pictures() -> None:
    """A recipe's [augment] was read, checked and then not passed on."""
    plain = AugmentOptions(p_gray=1.0, p_video=0, p_photo_jpeg=0, p_webp=0, p_noise=0, p_cutout=0)
    gray = PairMaker(plain_records(2), seed=1, augment=plain)
    pair = gray.make(0, size_px=40)
    assert (pair.real == pair.real[..., :1]).all()
    regions = PairMaker(plain_records(2), seed=1, blend=BlendOptions(p_region=1.0))
    named = Counter(regions.make(number, size_px=32).mask_name for number in range(6))
    assert not set(named) & {"oval", "below_forehead", "three_hulls", "components", "raised_components", "inner_face"}


def test_mixed_pairs_have_labels_to_match() -> None:
    plain = PairMaker(plain_records(4), seed=3, augment=AugmentOptions(p_cutout=0))
    mixed = PairMaker(plain_records(4), seed=3, augment=AugmentOptions(p_cutout=0, p_mixup=1.0))
    for number in range(12):
        pure, pair = plain.make(number, size_px=32), mixed.make(number, size_px=32)
        share, rest = pair.labels
        assert pure.labels == (0.0, 1.0)
        assert 0 <= share <= 0.5
        assert rest == 1 - share
        expected = (1 - share) * pure.real.astype(float) + share * pure.fake
        assert np.abs(pair.real - expected).max() <= 0.51
        assert np.allclose(pair.masks()[1], rest * pure.mask)
        assert not pure.masks()[0].any()
    shares = [mix(pure, np.random.default_rng(seed)).labels[0] for seed in range(300)]
    assert np.median(shares) == pytest.approx(0.146, abs=0.04)  # Beta(.5, .5) is mostly near the ends


def test_the_boundary_is_where_the_mask_is_half() -> None:
    pair = pair_maker().make(1, size_px=48)
    assert pair.boundary().shape == (48, 48)
    assert np.array_equal(pair.boundary(), 4 * pair.mask * (1 - pair.mask))
