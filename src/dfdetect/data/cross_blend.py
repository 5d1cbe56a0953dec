"""Family F2, cross-identity blends: the face of the person with the most alike landmarks, put into another's picture
(the idea of Li et al. 2020, Face X-ray, arXiv:1912.13458; here with colours matched by their histograms).

The donor is moved onto the target by one similarity transform. Matching colours by their mean (in RGB or LAB),
feathering by distance, Poisson and pyramid blending are not used here: they belong to the validation and test fakes,
which must share no operator with what is trained.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dfdetect.data.affine import similarity, warp
from dfdetect.data.blend import (
    Blended,
    BlendOptions,
    FacePicture,
    blend,
    draw_mask_name,
    draw_ratio,
    soft_mask,
    until_visible,
)
from dfdetect.data.changes import match_histogram, sharpen, shrink_and_grow
from dfdetect.data.masks import draw_mask
from dfdetect.data.shards import FaceRecord
from dfdetect.errors import DataError
from dfdetect.faces.mesh import IBUG_68, LEFT_EYE, RIGHT_EYE
from dfdetect.values import Float32Array, UInt8Array

_LOOKED_AT = 400  # donors compared for each fake: the nearest of so many is near, and not always the same one


class Donors:
    """Who can give a face to whom: the records' landmarks, each moved to one place, size and turn.

    records: real faces, at least one, each with a mesh. Somebody else means another target_id, and another clip and
    path where that is unknown.
    """

    def __init__(self, records: Sequence[FaceRecord]) -> None:
        self.records = records
        self.persons = np.array([person_of(record) for record in records])
        self.shapes = np.stack([_shape(mesh_of(record)) for record in records])

    def nearest(self, face: FacePicture, rng: np.random.Generator) -> FaceRecord | None:
        """The record with the most alike landmarks among those looked at; None where nobody else is there."""
        others = rng.integers(0, len(self.records), _LOOKED_AT)
        others = others[(self.persons[others] != face.person) & (others != face.record)]
        if len(others) == 0:
            others = np.flatnonzero((self.persons != face.person) & (np.arange(len(self.records)) != face.record))
        if len(others) == 0:
            return None
        distance = np.square(self.shapes[others] - _shape(face.mesh)).sum(axis=1)
        return self.records[int(others[int(np.argmin(distance))])]


def person_of(record: FaceRecord) -> str:
    """Who is in the picture, as far as is known: target_id, else the clip, else the file."""
    return record.target_id or record.video_id or record.path


def mesh_of(record: FaceRecord) -> Float32Array:
    """Its mesh. DataError where none was fitted."""
    if record.mesh is None:
        raise DataError(f"{record.path} (frame {record.frame_index}) has no mesh; leave such rows out of the donors")
    return record.mesh


def _shape(mesh: Float32Array) -> Float32Array:
    """(136,) float32: the 68 points about their mean, of unit spread, eyes level."""
    points = mesh[list(IBUG_68), :2] - mesh[list(IBUG_68), :2].mean(axis=0)
    across = mesh[list(RIGHT_EYE), :2].mean(axis=0) - mesh[list(LEFT_EYE), :2].mean(axis=0)
    cos, sin = across / max(float(np.hypot(*across)), 1e-6)
    level = points @ np.array([[cos, -sin], [sin, cos]], np.float32)
    return np.asarray(level / max(float(np.sqrt(np.square(level).sum())), 1e-6), np.float32).ravel()


def cross_blend(
    face: FacePicture, donors: Donors, rng: np.random.Generator, options: BlendOptions | None = None
) -> Blended:
    """A donor's face in this picture. DataError when the records hold nobody else."""
    chosen = options or BlendOptions()
    return until_visible(lambda: _one_try(face, donors, rng, chosen), chosen, face.image.shape[:2])


def _one_try(face: FacePicture, donors: Donors, rng: np.random.Generator, options: BlendOptions) -> Blended:
    donor = donors.nearest(face, rng)
    if donor is None:
        raise DataError(
            "cross-identity fakes need faces of at least two people (another target_id); "
            "add people, or set cross_blend = 0 in the recipe's [fakes]"
        )
    picture = donor.picture()
    kind = rng.choice(["shrink", "sharpen", "none"], p=[0.25, 0.15, 0.6])
    if kind == "shrink":
        picture = shrink_and_grow(picture, float(rng.uniform(1.3, 3.0)), rng)
    elif kind == "sharpen":
        picture = sharpen(picture, float(rng.uniform(0.3, 0.8)))
    source = move_onto(picture, mesh_of(donor), face)
    inside = draw_mask(face.mesh, "below_forehead", shape=face.image.shape[:2]) > 0
    source = match_histogram(source, face.image, inside, rng.uniform(0.7, 1.0))
    name = draw_mask_name(rng, options)
    mask = soft_mask(face.image.shape, face.mesh, name, rng) * max(0.5, draw_ratio(name, rng, options))
    return Blended(face.image, blend(source, face.image, mask), mask, name)


def move_onto(picture: UInt8Array, mesh: Float32Array, face: FacePicture) -> UInt8Array:
    """The donor's picture turned, scaled and shifted so that its landmarks lie on the target's (least squares)."""
    rows = list(IBUG_68)
    height, width = face.image.shape[:2]
    return warp(picture, similarity(mesh[rows, :2], face.mesh[rows, :2]), (width, height))
