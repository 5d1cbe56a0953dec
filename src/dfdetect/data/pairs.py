"""Real faces -> training pairs: pair number k of seed s is always the same two pictures, whatever the worker count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from dfdetect.data.augment import AugmentOptions
from dfdetect.data.blend import BlendInvisible, BlendOptions, FacePicture
from dfdetect.data.cross_blend import Donors, mesh_of, person_of
from dfdetect.data.cutouts import cut_out
from dfdetect.data.fakes import FAMILIES, FakeOptions, FakeTools, open_reconstructor, weights_of
from dfdetect.data.framing import frame_face
from dfdetect.data.history import cut_mask, same_history
from dfdetect.data.sampling import Ring, SamplingOptions, row_of
from dfdetect.data.shards import FaceRecord
from dfdetect.errors import DataError
from dfdetect.values import Float32Array, UInt8Array


@dataclass(frozen=True, slots=True)
class FacePair:
    """What the network sees: real and fake (S, S, 3) uint8 RGB.

    mask: (S, S) float32 0..1, how much of each pixel of the fake was pasted, in the same crop. family and mask_name
    say what was pasted; record: of which face. labels: of real and fake, 0 and 1 unless the two were mixed.
    """

    real: UInt8Array
    fake: UInt8Array
    mask: Float32Array
    family: str
    mask_name: str
    record: int
    labels: tuple[float, float] = (0.0, 1.0)

    def boundary(self) -> Float32Array:
        """(S, S) float32 0..1: 4 m (1 - m) of the mask, 1 on the blending border (Li et al. 2020, arXiv:1912.13458)."""
        return np.asarray(4 * self.mask * (1 - self.mask), np.float32)

    def masks(self) -> Float32Array:
        """(2, S, S) float32: of real and fake; that of a pure real is 0."""
        return np.stack([np.float32(label) * self.mask for label in self.labels])


class PairMaker:
    """Makes pair k from the records: every record once a round, in an order drawn anew each round (data.sampling).

    records: real faces; those without a mesh are left out. notes: what was asked for and is off, and why. Raises
    DataError when ten pictures in a row cannot be blended.
    """

    def __init__(
        self,
        records: Sequence[FaceRecord],
        *,
        seed: int,
        blend: BlendOptions | None = None,
        augment: AugmentOptions | None = None,
        fakes: FakeOptions | None = None,
        sampling: SamplingOptions | None = None,
    ) -> None:
        self.records = [record for record in records if record.mesh is not None]
        if not self.records:
            raise DataError("no real faces to make pairs from; check the recipe's `reuse` and the shard folder")
        self.seed = seed
        self.blend = blend or BlendOptions()
        self.augment = augment or AugmentOptions()
        rows = [row_of(record) for record in self.records]
        self._ring = Ring(rows, range(len(rows)), [seed, 1], sampling or SamplingOptions())
        self.notes: tuple[str, ...] = ()
        self.families, self.tools = self._families(fakes or FakeOptions())

    def _families(self, options: FakeOptions) -> tuple[dict[str, float], FakeTools]:
        """The families that can be made from these records, with their shares, and what they need."""
        notes = []
        if options.reconstructed and not options.reconstructor:
            notes.append("family `reconstructed` is off: the recipe's [fakes] names no reconstructor")
        weights = weights_of(options)
        if "cross_blend" in weights and len({person_of(record) for record in self.records}) < 2:
            notes.append("family `cross_blend` is off: it needs faces of at least two people")
            del weights["cross_blend"]
        if not weights:
            raise DataError(f"no family of fakes can be made: {'; '.join(notes)}")
        self.notes = tuple(notes)
        total = sum(weights.values())
        tools = FakeTools(
            donors=Donors(self.records) if "cross_blend" in weights else None,
            reconstructor=open_reconstructor(options.reconstructor) if "reconstructed" in weights else None,
        )
        return {name: weight / total for name, weight in weights.items()}, tools

    def record_of(self, pair: int) -> int:
        """Which record pair number `pair` is made from."""
        return self._ring.at(pair)

    def make(self, pair: int, *, size_px: int | None, family: str | None = None) -> FacePair:
        """The pair of this number. size_px: side of the crops, None for the face's own; family: only this one."""
        return self.make_of(self.record_of(pair), pair, size_px=size_px, family=family)

    def make_of(self, record: int, pair: int, *, size_px: int | None, family: str | None = None) -> FacePair:
        """A pair of this record; `pair` is the number that everything random depends on."""
        rng = np.random.default_rng([self.seed, 2, pair])
        for _ in range(10):
            try:
                return self._from(record, rng, size_px, family)
            except BlendInvisible:
                record = int(rng.integers(len(self.records)))
        raise DataError(f"pair {pair}: ten faces in a row gave no visible blend; look at the shards' pictures")

    def _from(self, index: int, rng: np.random.Generator, size_px: int | None, family: str | None) -> FacePair:
        record = self.records[index]
        drawn = str(rng.choice(list(self.families), p=list(self.families.values())))
        name = family or drawn
        framed = frame_face(record.picture(), mesh_of(record), rng, self.augment, size_px=size_px)
        face = FacePicture(framed.image, framed.mesh, person_of(record), index)
        made = FAMILIES[name](face, rng, self.blend, self.tools)
        size = size_px or framed.square[2]
        crops = same_history([made.real, made.fake], framed.square, size, rng, self.augment)
        mask = cut_mask(made.mask, framed.square, size)
        if rng.random() < self.augment.p_cutout:
            crops, mask = cut_out(crops, mask, framed.mesh_in_crop(size), rng)
        pair = FacePair(crops[0], crops[1], mask, name, made.mask_name, index)
        return mix(pair, rng) if rng.random() < self.augment.p_mixup else pair


def mix(pair: FacePair, rng: np.random.Generator) -> FacePair:
    """The pair with each picture holding a share of the other, and labels to match."""
    real, fake, share = mixed(pair.real, pair.fake, rng)
    return replace(pair, real=real, fake=fake, labels=(share, 1 - share))


def mixed(real: UInt8Array, fake: UInt8Array, rng: np.random.Generator) -> tuple[UInt8Array, UInt8Array, float]:
    """Real with a share of fake, fake with that share of real, and the share: Beta(.5, .5), at most a half.

    After NTech-Lab's entry to the DFDC (2020). Only for pictures of the very same place.
    """
    share = float(rng.beta(0.5, 0.5))
    share = min(share, 1 - share)
    first = cv2.addWeighted(real, 1 - share, fake, share, 0)
    second = cv2.addWeighted(fake, 1 - share, real, share, 0)
    return np.asarray(first, np.uint8), np.asarray(second, np.uint8), share
