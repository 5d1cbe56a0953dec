"""Real faces -> training pairs: pair number k of seed s is always the same two pictures, whatever the worker count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dfdetect.data.augment import AugmentOptions, cut_mask, same_history
from dfdetect.data.blend import BlendInvisible, BlendOptions, FacePicture
from dfdetect.data.cross_blend import Donors, mesh_of, person_of
from dfdetect.data.fakes import FAMILIES, FakeOptions, FakeTools, open_reconstructor, weights_of
from dfdetect.data.framing import frame_face
from dfdetect.data.shards import FaceRecord
from dfdetect.errors import DataError
from dfdetect.values import Float32Array, UInt8Array


@dataclass(frozen=True, slots=True)
class FacePair:
    """What the network sees: real and fake (S, S, 3) uint8 RGB.

    mask: (S, S) float32 0..1, how much of each pixel of the fake was pasted, in the same crop. family and mask_name
    say what was pasted; record: of which face.
    """

    real: UInt8Array
    fake: UInt8Array
    mask: Float32Array
    family: str
    mask_name: str
    record: int

    def boundary(self) -> Float32Array:
        """(S, S) float32 0..1: 4 m (1 - m) of the mask, 1 on the blending border (Li et al. 2020, arXiv:1912.13458)."""
        return np.asarray(4 * self.mask * (1 - self.mask), np.float32)


class PairMaker:
    """Makes pair k from the records: every record once a round, in an order drawn anew each round.

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
    ) -> None:
        self.records = [record for record in records if record.mesh is not None]
        if not self.records:
            raise DataError("no real faces to make pairs from; check the recipe's `reuse` and the shard folder")
        self.seed = seed
        self.blend = blend or BlendOptions()
        self.augment = augment or AugmentOptions()
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
        turn, place = divmod(pair, len(self.records))
        return int(np.random.default_rng([self.seed, 1, turn]).permutation(len(self.records))[place])

    def make(self, pair: int, *, size_px: int | None, family: str | None = None) -> FacePair:
        """The pair of this number. size_px: side of the crops, None for the face's own; family: only this one."""
        rng = np.random.default_rng([self.seed, 2, pair])
        record = self.record_of(pair)
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
        real, fake = same_history([made.real, made.fake], framed.square, size, rng, self.augment)
        return FacePair(real, fake, cut_mask(made.mask, framed.square, size), name, made.mask_name, index)
