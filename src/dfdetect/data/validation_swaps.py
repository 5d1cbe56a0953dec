"""Fakes for validation only (V1): a plain face swap by which a checkpoint may be chosen, never trained on.

Validating on the fakes that training makes only says that the network learnt them: it is near its ceiling early and
does not rank checkpoints. These swaps share nothing with the training families but landmarks and crop: alignment by
five points, a hull that is grown by dilation, colours matched by the means of LAB (Reinhard et al. 2001), and an edge
feathered by distance. Real and fake get histories of their own, drawn alike, as real and fake files have.
Import rules keep training from using this module, and this module from using the operators of training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from dfdetect.data.augment import AugmentOptions
from dfdetect.data.framing import frame_face
from dfdetect.data.history import cut_mask, same_history
from dfdetect.data.pairs import FacePair
from dfdetect.data.shards import FaceRecord
from dfdetect.errors import DataError
from dfdetect.faces.mesh import five_points
from dfdetect.faces.mesh_points import FACE_OVAL
from dfdetect.values import Float32Array, UInt8Array

FAMILY = "validation_swap"
_DILATION = 0.04  # of the face's width, every way
_FEATHER = 0.08  # of the face's width, inwards
_DONORS = 40  # looked at: the one whose head is turned most alike gives its face


def validation_swap(
    picture: UInt8Array, mesh: Float32Array, donor: UInt8Array, donor_mesh: Float32Array
) -> tuple[UInt8Array, Float32Array]:
    """The donor's face on this picture: (fake (H, W, 3) uint8 RGB, mask (H, W) float32 0..1, share of the donor).

    picture, donor: (H, W, 3) uint8 RGB; meshes (468, 2 or 3) pixels of them.
    """
    height, width = picture.shape[:2]
    # OpenCV counts from pixel centres, our points from pixel edges.
    move, _ = cv2.estimateAffinePartial2D(five_points(donor_mesh) - 0.5, five_points(mesh) - 0.5, method=cv2.LMEDS)
    if move is None:
        raise DataError("the five points of a donor do not determine an alignment; its mesh is degenerate")
    face = cv2.warpAffine(donor, move, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    hull = _hull(mesh, height, width)
    mask = _feathered(hull, _FEATHER * float(np.ptp(mesh[:, 0])))
    coloured = _lab_means_matched(np.asarray(face, np.uint8), picture, hull)
    mixed = picture * (1 - mask[..., None]) + coloured * mask[..., None]
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8), mask


def _hull(mesh: Float32Array, height: int, width: int) -> UInt8Array:
    """(H, W) uint8 0 or 1: the face's oval, grown."""
    hull = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.rint(mesh[list(FACE_OVAL), :2]).astype(np.int32)), 1)
    size = 2 * max(1, round(_DILATION * float(np.ptp(mesh[:, 0])))) + 1
    return np.asarray(cv2.dilate(hull, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))), np.uint8)


def _feathered(hull: UInt8Array, reach_px: float) -> Float32Array:
    """From 0 at the hull's edge to 1 reach_px inside it."""
    framed = cv2.copyMakeBorder(hull, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)  # the picture's edge is an edge too
    depth = cv2.distanceTransform(framed, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    return np.asarray(np.clip(depth / max(reach_px, 1.0), 0, 1), np.float32)


def _lab_means_matched(face: UInt8Array, picture: UInt8Array, hull: UInt8Array) -> UInt8Array:
    """The face moved in LAB so that its mean inside the hull is the picture's."""
    labs = [cv2.cvtColor(p.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) for p in (face, picture)]
    means = [np.array(cv2.mean(lab, hull)[:3], np.float32) for lab in labs]
    moved = cv2.cvtColor(labs[0] + (means[1] - means[0]), cv2.COLOR_LAB2RGB)
    return np.clip(np.rint(moved * 255), 0, 255).astype(np.uint8)


class ValidationSwaps:
    """Makes pair k: a real face of the records and a swap onto it, in the form that `PairMaker` gives.

    records: real faces of people who are not trained on; those without a mesh are left out. Donors come from the same
    records. DataError where they show fewer than two people.
    """

    def __init__(self, records: Sequence[FaceRecord], *, seed: int, augment: AugmentOptions | None = None) -> None:
        self.records = [record for record in records if record.mesh is not None]
        self.people = np.array([record.target_id or record.video_id or record.path for record in self.records])
        if len(set(self.people)) < 2:
            raise DataError(
                f"validation swaps need real faces of at least two people; got {len(set(self.people))}. Add people, "
                'or set data.val_kind = "self_blend"'
            )
        self.seed = seed
        self.augment = replace(augment or AugmentOptions(), p_cutout=0.0, p_mixup=0.0)
        self.yaws = np.array([record.yaw_deg for record in self.records])

    def record_of(self, pair: int) -> int:
        """Which record pair number `pair` is made from: every one once a round."""
        turn, place = divmod(pair, len(self.records))
        return int(np.random.default_rng([self.seed, 1, turn]).permutation(len(self.records))[place])

    def donor_of(self, index: int, rng: np.random.Generator) -> int:
        """Of some others, the record whose head is turned most alike."""
        others = np.flatnonzero(self.people != self.people[index])
        drawn = rng.choice(others, min(_DONORS, len(others)), replace=False)
        return int(drawn[int(np.argmin(np.abs(self.yaws[drawn] - self.yaws[index])))])

    def make(self, pair: int, *, size_px: int) -> FacePair:
        """The pair of this number at this crop size."""
        rng = np.random.default_rng([self.seed, 5, pair])
        index = self.record_of(pair)
        record = self.records[index]
        donor = self.records[self.donor_of(index, rng)]
        assert record.mesh is not None
        assert donor.mesh is not None
        framed = frame_face(record.picture(), record.mesh, rng, self.augment, size_px=size_px)
        fake, mask = validation_swap(framed.image, framed.mesh, donor.picture(), donor.mesh)
        # One history each, drawn from one distribution: nobody encodes a fake with the numbers of its original.
        crops = [same_history([p], framed.square, size_px, rng, self.augment)[0] for p in (framed.image, fake)]
        return FacePair(crops[0], crops[1], cut_mask(mask, framed.square, size_px), FAMILY, "dilated_hull", index)
