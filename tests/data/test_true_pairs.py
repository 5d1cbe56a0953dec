"""True fakes beside their originals: one history where they show the same place, and masks that follow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dfdetect.data.augment import AugmentOptions
from dfdetect.data.shards import FaceRecord
from dfdetect.data.true_pairs import labelled_crop, points_of, same_place, true_pair
from dfdetect.errors import DataError
from dfdetect.media.roundtrip import encode_jpeg, encode_png
from dfdetect.values import UInt8Array
from face_pictures import face_record, plain_mesh, plain_picture

OPTIONS = AugmentOptions(p_cutout=0)
NOTHING = AugmentOptions(
    p_flip=0, p_turn=0, p_shear=0, p_stretch=0, p_colour=0, p_gray=0, p_retouch=0, p_blur=0, p_noise=0, p_shrink=0,
    p_photo_jpeg=0, p_webp=0, p_video=0, p_cutout=0,
)  # fmt: skip
SIZE = 96


def mouth() -> UInt8Array:
    """Where the fake differs: (160, 160) uint8, 255 inside."""
    mask = np.zeros((160, 160), np.uint8)
    mask[90:110, 60:100] = 255
    return mask


def pair_of_rows() -> tuple[FaceRecord, FaceRecord]:
    picture = plain_picture(160)
    changed = picture.copy()
    changed[mouth() > 0] = 255 - changed[mouth() > 0]
    real = replace(face_record(picture, plain_mesh(160), path="clip"), video_id="clip", frame_index=7, track_id=1)
    fake = replace(
        real,
        label=1,
        video_id="fake",
        pair_key="clip",
        aligned=True,
        image_bytes=encode_jpeg(changed, 95, subsampling="444"),
        mask_bytes=encode_png(np.repeat(mouth()[..., None], 3, axis=2)),
    )
    return real, fake


@pytest.mark.parametrize("p_video", [0.0, 1.0])
def test_an_aligned_pair_has_one_frame_and_one_history(p_video: float) -> None:
    """With a history each, the history is easier to tell than the manipulation."""
    real, fake = pair_of_rows()
    twin = replace(fake, image_bytes=real.image_bytes)  # a fake without a change: nothing else may differ either
    for seed in range(8):
        found = true_pair(real, twin, np.random.default_rng(seed), replace(OPTIONS, p_video=p_video), size_px=SIZE)
        assert found.aligned
        assert np.array_equal(found.real, found.fake)


def test_the_mask_lies_where_the_fake_differs() -> None:
    real, fake = pair_of_rows()
    turned = replace(NOTHING, p_flip=0.5, p_turn=1.0)
    for seed in range(8):
        found = true_pair(real, fake, np.random.default_rng(seed), turned, size_px=SIZE)
        assert found.mask is not None
        differs = np.abs(found.real.astype(int) - found.fake).max(axis=2) > 40
        inside = found.mask > 0.5
        assert (differs & inside).sum() > 0.7 * inside.sum()
        assert (differs & (found.mask == 0)).sum() < 0.1 * differs.sum()


@pytest.mark.parametrize(
    "change",
    [
        {"aligned": False},
        {"frame_index": 8},
        {"track_id": 2},
        {"pair_key": "another"},
    ],
)
def test_rows_of_other_places_have_a_frame_and_history_each(change: dict[str, object]) -> None:
    real, fake = pair_of_rows()
    other = replace(fake, image_bytes=real.image_bytes, **change)  # type: ignore[arg-type]
    assert not same_place(real, other)
    found = [true_pair(real, other, np.random.default_rng(seed), OPTIONS, size_px=SIZE) for seed in range(4)]
    assert not any(pair.aligned for pair in found)
    assert sum(np.array_equal(pair.real, pair.fake) for pair in found) <= 1


def test_only_aligned_pairs_are_mixed() -> None:
    real, fake = pair_of_rows()
    options = replace(NOTHING, p_mixup=1.0)
    plain = true_pair(real, fake, np.random.default_rng(0), NOTHING, size_px=SIZE)
    found = true_pair(real, fake, np.random.default_rng(0), options, size_px=SIZE)
    share = found.labels[0]
    assert 0 < share <= 0.5
    assert found.labels[1] == 1 - share
    assert np.abs(found.real - ((1 - share) * plain.real.astype(float) + share * plain.fake)).max() <= 0.51
    apart = true_pair(real, replace(fake, aligned=False), np.random.default_rng(0), options, size_px=SIZE)
    assert apart.labels == (0.0, 1.0)


def test_a_cut_out_takes_the_same_part_of_both() -> None:
    real, fake = pair_of_rows()
    options = replace(NOTHING, p_cutout=1.0)
    cut = 0
    for seed in range(12):
        found = true_pair(real, fake, np.random.default_rng(seed), options, size_px=SIZE)
        plain = true_pair(real, fake, np.random.default_rng(seed), NOTHING, size_px=SIZE)
        changed = [(a != b).any(axis=2) for a, b in ((found.real, plain.real), (found.fake, plain.fake))]
        assert (changed[0] ^ changed[1]).sum() < 0.2 * max(1, changed[0].sum())
        cut += bool(changed[0].any())
    assert cut >= 4


def test_a_row_without_mesh_or_mask_is_cropped_by_its_box() -> None:
    real, _ = pair_of_rows()
    box = np.array([40, 30, 120, 130], np.float32)
    bare = replace(real, mesh=None, box_xyxy=box, label=1)
    crop, mask = labelled_crop(bare, np.random.default_rng(1), AugmentOptions(p_cutout=1.0), size_px=SIZE)
    assert crop.shape == (SIZE, SIZE, 3)
    assert mask is None
    with pytest.raises(DataError, match="neither mesh nor box; run `dfdetect prepare` again"):
        points_of(replace(bare, box_xyxy=None))
    _, zero = labelled_crop(real, np.random.default_rng(1), NOTHING, size_px=SIZE)
    assert zero is not None
    assert not zero.any()
