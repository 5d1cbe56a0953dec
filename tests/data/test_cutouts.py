"""Cut-outs: both pictures lose the same part, and never the manipulation itself."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.data.augment import AugmentOptions
from dfdetect.data.blend import BlendOptions
from dfdetect.data.cutouts import cut_out
from dfdetect.data.pairs import PairMaker
from face_pictures import plain_mesh, plain_picture, plain_records


@given(st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_both_lose_the_same_part_and_the_mask_with_it(seed: int) -> None:
    real, mesh = plain_picture(128), plain_mesh(128)
    fake = 255 - real
    mask = np.full((128, 128), 0.5, np.float32)
    (cut_real, cut_fake), left = cut_out([real, fake], mask, mesh, np.random.default_rng(seed))
    gone = left == 0
    assert 0.002 < gone.mean() < 0.4
    assert np.array_equal(cut_real[gone], cut_fake[gone])
    assert np.array_equal(cut_real[~gone], real[~gone])
    assert np.array_equal(cut_fake[~gone], fake[~gone])


def test_a_manipulation_is_never_painted_over() -> None:
    """A fake without its fake is a wrong label."""
    picture, mesh = plain_picture(128), plain_mesh(128)
    refused = 0
    for seed in range(60):
        mask = np.zeros((128, 128), np.float32)
        x, y = np.rint(mesh[4, :2]).astype(int)  # the tip of the nose
        mask[y - 4 : y + 5, x - 4 : x + 5] = 1
        (real, fake), left = cut_out([picture, 255 - picture], mask, mesh, np.random.default_rng(seed))
        assert left.sum() >= 0.5 * mask.sum()
        assert (real != fake).any()
        refused += np.array_equal(real, picture)
    assert 5 < refused < 55


def test_pairs_are_cut_as_often_as_asked() -> None:
    blend = BlendOptions(p_region=0)
    never, often = (
        PairMaker(plain_records(3), seed=2, blend=blend, augment=AugmentOptions(p_cutout=p)) for p in (0, 1)
    )
    changed = 0
    for number in range(12):
        whole, cut = never.make(number, size_px=48), often.make(number, size_px=48)
        changed += not np.array_equal(whole.real, cut.real)
        assert cut.mask.sum() >= 0.5 * whole.mask.sum()
    assert changed >= 6
