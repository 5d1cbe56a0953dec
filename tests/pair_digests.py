"""Training pairs by their hashes, where a spawned process can import them by name."""

from __future__ import annotations

import hashlib

from dfdetect.data.pairs import FacePair, PairMaker
from face_pictures import plain_records


def pair_maker(seed: int = 5, n: int = 7) -> PairMaker:
    return PairMaker(plain_records(n), seed=seed)


def digest(pair: FacePair) -> str:
    return hashlib.sha256(pair.real.tobytes() + pair.fake.tobytes()).hexdigest() + f" {pair.record} {pair.mask_name}"


def digests_of(numbers: list[int]) -> list[str]:
    """The pairs of these numbers, made in this order."""
    maker = pair_maker()
    return [digest(maker.make(number, size_px=48)) for number in numbers]
