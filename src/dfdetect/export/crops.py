"""Crops that an exported network is checked on: what its recipe trains on, real and fake."""

from __future__ import annotations

import itertools

import numpy as np

from dfdetect.models.spec import ModelSpec
from dfdetect.train.sources import ItemSource
from dfdetect.values import UInt8Array


def crops_of(source: ItemSource, spec: ModelSpec, n: int, *, after: int = 0) -> UInt8Array:
    """(n, S, S, 3) uint8 RGB at the spec's size, from the items that come after the first `after` crops.

    A source draws every row once before any comes again, so crops of two ranges are of other faces while rows last.
    """
    first = -(-after // source.images_per_item)
    items = (source.make(number, size_px=spec.input_size_px).crops for number in itertools.count(first))
    return np.stack(list(itertools.islice((crop for item in items for crop in item), n)))
