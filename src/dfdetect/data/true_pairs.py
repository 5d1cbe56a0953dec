"""Rows as they are labelled -> crops: one row, or a real and a true fake side by side.

Where the fake was cut by the squares of its original (`FaceRecord.aligned`), both get one frame, one history and one
cut-out, and may be mixed: then nothing but the manipulation tells them apart. Elsewhere each has its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dfdetect.data.augment import AugmentOptions
from dfdetect.data.cutouts import cut_out
from dfdetect.data.framing import FramedFace, frame_face
from dfdetect.data.history import cut_mask, same_history
from dfdetect.data.pairs import mixed
from dfdetect.data.sampling import copy_of
from dfdetect.data.shards import FaceRecord
from dfdetect.errors import DataError
from dfdetect.faces.mesh_points import POINT_COUNT
from dfdetect.values import Float32Array, UInt8Array


@dataclass(frozen=True, slots=True)
class TruePair:
    """real, fake: (S, S, 3) uint8 RGB. mask: (S, S) float32 0..1 of the manipulation, None where nobody knows.

    labels: of real and fake, 0 and 1 unless the two were mixed. aligned: whether they had one history.
    """

    real: UInt8Array
    fake: UInt8Array
    mask: Float32Array | None
    labels: tuple[float, float]
    aligned: bool


def points_of(record: FaceRecord) -> Float32Array:
    """(N, 3) points whose tight box is the face's: the mesh, or the corners of the box where none could be fitted."""
    if record.mesh is not None:
        return record.mesh
    if record.box_xyxy is None:
        raise DataError(f"{record.path}: this row of the shards has neither mesh nor box; run `dfdetect prepare` again")
    left, top, right, bottom = record.box_xyxy
    return np.array([[left, top, 0], [right, bottom, 0]], np.float32)


def same_place(real: FaceRecord, fake: FaceRecord) -> bool:
    """Whether the fake is the manipulated version of this very crop."""
    return (
        fake.aligned
        and fake.pair_key == (real.video_id or real.path)
        and (fake.frame_index, fake.track_id) == (real.frame_index, real.track_id)
        and copy_of(fake.compression) == copy_of(real.compression)
    )


def labelled_crop(
    record: FaceRecord, rng: np.random.Generator, options: AugmentOptions, *, size_px: int
) -> tuple[UInt8Array, Float32Array | None]:
    """One row through frame, history and cut-out: its crop (S, S, 3) uint8 RGB and mask (S, S), None if unknown."""
    picture = record.picture()
    seed = int(rng.integers(2**63))
    framed = frame_face(picture, points_of(record), np.random.default_rng(seed), options, size_px=size_px)
    mask = _mask_of(record, picture, points_of(record), seed, options, size_px)
    crops = same_history([framed.image], framed.square, size_px, rng, options)
    crops, mask = _cut_out(crops, mask, framed, size_px, rng, options)
    return crops[0], mask


def true_pair(
    real: FaceRecord, fake: FaceRecord, rng: np.random.Generator, options: AugmentOptions, *, size_px: int
) -> TruePair:
    """A real row and a fake one through the augmentation."""
    pictures = [real.picture(), fake.picture()]
    if not (same_place(real, fake) and pictures[0].shape == pictures[1].shape):
        own = labelled_crop(real, rng, options, size_px=size_px)[0]
        other, mask = labelled_crop(fake, rng, options, size_px=size_px)
        return TruePair(own, other, mask, (0.0, 1.0), aligned=False)
    seed, points = int(rng.integers(2**63)), points_of(real)
    framed = [frame_face(p, points, np.random.default_rng(seed), options, size_px=size_px) for p in pictures]
    mask = _mask_of(fake, pictures[1], points, seed, options, size_px)
    crops = same_history([f.image for f in framed], framed[0].square, size_px, rng, options)
    crops, mask = _cut_out(crops, mask, framed[0], size_px, rng, options)
    if rng.random() >= options.p_mixup:
        return TruePair(crops[0], crops[1], mask, (0.0, 1.0), aligned=True)
    own, other, share = mixed(crops[0], crops[1], rng)
    return TruePair(own, other, mask, (share, 1 - share), aligned=True)


def _mask_of(
    record: FaceRecord, picture: UInt8Array, points: Float32Array, seed: int, options: AugmentOptions, size_px: int
) -> Float32Array | None:
    """The row's mask in the frame that this seed draws."""
    if record.label == 0:
        return np.zeros((size_px, size_px), np.float32)
    mask = record.mask()
    if mask is None or mask.shape != picture.shape[:2]:
        return None
    framed = frame_face(
        np.repeat(mask[..., None], 3, axis=2), points, np.random.default_rng(seed), options, size_px=size_px
    )
    return cut_mask(np.asarray(framed.image[..., 0] / np.float32(255), np.float32), framed.square, size_px)


def _cut_out(
    crops: list[UInt8Array],
    mask: Float32Array | None,
    framed: FramedFace,
    size_px: int,
    rng: np.random.Generator,
    options: AugmentOptions,
) -> tuple[list[UInt8Array], Float32Array | None]:
    """A cut-out as often as asked, where there is a mesh and it is known what must stay."""
    if rng.random() >= options.p_cutout or mask is None or len(framed.mesh) != POINT_COUNT:
        return crops, mask
    return cut_out(crops, mask, framed.mesh_in_crop(size_px), rng)
