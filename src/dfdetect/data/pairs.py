"""Real faces -> training pairs: pair number k of seed s is always the same two pictures, whatever the worker count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dfdetect.data.augment import AugmentOptions, face_square, rotate, same_history
from dfdetect.data.self_blend import BlendInvisible, BlendOptions, self_blend
from dfdetect.data.shards import FaceRecord
from dfdetect.errors import DataError
from dfdetect.values import UInt8Array


@dataclass(frozen=True, slots=True)
class FacePair:
    """What the network sees: real and fake (S, S, 3) uint8 RGB; mask_name says what was pasted."""

    real: UInt8Array
    fake: UInt8Array
    mask_name: str
    record: int


class PairMaker:
    """Makes pair k from the records: every record once a round, in an order drawn anew each round.

    records: real faces; those without a mesh are left out. size_px: side of the crops. Raises DataError when ten
    pictures in a row cannot be blended.
    """

    def __init__(
        self,
        records: Sequence[FaceRecord],
        *,
        seed: int,
        blend: BlendOptions | None = None,
        augment: AugmentOptions | None = None,
    ) -> None:
        self.records = [record for record in records if record.mesh is not None]
        if not self.records:
            raise DataError("no real faces to make pairs from; check the recipe's `reuse` and the shard folder")
        self.seed = seed
        self.blend = blend or BlendOptions()
        self.augment = augment or AugmentOptions()

    def record_of(self, pair: int) -> int:
        """Which record pair number `pair` is made from."""
        turn, place = divmod(pair, len(self.records))
        return int(np.random.default_rng([self.seed, 1, turn]).permutation(len(self.records))[place])

    def make(self, pair: int, *, size_px: int) -> FacePair:
        """The pair of this number, at this crop size."""
        rng = np.random.default_rng([self.seed, 2, pair])
        record = self.record_of(pair)
        for _ in range(10):
            try:
                return self._from(record, rng, size_px)
            except BlendInvisible:
                record = int(rng.integers(len(self.records)))
        raise DataError(f"pair {pair}: ten faces in a row gave no visible blend; look at the shards' pictures")

    def _from(self, index: int, rng: np.random.Generator, size_px: int) -> FacePair:
        record = self.records[index]
        assert record.mesh is not None
        blended = self_blend(record.picture(), record.mesh, rng, self.blend)
        pictures, points = rotate([blended.real, blended.fake], record.mesh, rng, self.augment)
        square = face_square(points, rng, self.augment)
        real, fake = same_history(pictures, square, size_px, rng, self.augment)
        return FacePair(real, fake, blended.mask_name, index)
