"""What a run learns from, by number: item k of a seed is always the same pictures, whichever process makes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Protocol

import numpy as np

from dfdetect.data.augment import AugmentOptions
from dfdetect.data.pairs import FacePair, PairMaker
from dfdetect.data.sampling import Sampler, SamplingOptions, row_of
from dfdetect.data.shards import FaceRecord
from dfdetect.data.true_pairs import labelled_crop, points_of, true_pair
from dfdetect.data.validation_swaps import ValidationSwaps
from dfdetect.faces.align import cut_square, resize_square, square_around
from dfdetect.faces.mesh import mesh_box_xyxy
from dfdetect.values import Float32Array, UInt8Array


@dataclass(frozen=True, slots=True)
class Item:
    """n crops that belong together: crops (n, S, S, 3) uint8 RGB; labels (n,) float32, 1 = fake.

    masks: (n, S, S) float32 0..1, the share of each pixel that was pasted, or None where nobody knows.
    videos: (n,) names of the clips they come from, for video-level figures. captions: (n,) what they are, to be read.
    """

    crops: UInt8Array
    labels: Float32Array
    masks: Float32Array | None
    videos: tuple[str, ...]
    captions: tuple[str, ...] = ()


class ItemSource(Protocol):
    """Where a run's pictures come from. images_per_item: n of every item. rows: how many pictures it draws on."""

    images_per_item: int
    rows: int

    def make(self, number: int, *, size_px: int) -> Item:
        """Item `number` (0, 1, 2, ... without end) with crops of this side."""
        ...


class PairSource:
    """A real face and the fake made from it."""

    images_per_item = 2

    def __init__(self, maker: PairMaker | ValidationSwaps) -> None:
        self.maker = maker
        self.rows = 2 * len(maker.records)

    def make(self, number: int, *, size_px: int) -> Item:
        pair = self.maker.make(number, size_px=size_px)
        return item_of_pair(pair, self.maker.records[pair.record])

    @property
    def families(self) -> dict[str, float]:
        """Share of each family of fakes; empty where there is but one way."""
        return self.maker.families if isinstance(self.maker, PairMaker) else {}

    def make_family(self, number: int, family: str, *, size_px: int) -> Item:
        """The pair of this number as one family makes it."""
        assert isinstance(self.maker, PairMaker)
        pair = self.maker.make(number, size_px=size_px, family=family)
        return item_of_pair(pair, self.maker.records[pair.record])


class LabelledSource:
    """Rows as they are labelled, through the augmentation: for training on true fakes (data.sampling says which).

    pairing: "none" gives one row an item; "class" a real and any fake; "source" a fake with the real clip it was made
    from, at the same frame. maker: of all real rows with a mesh, in order, for the share of items whose fake is made
    (sampling.made_share).
    """

    def __init__(
        self,
        records: Sequence[FaceRecord],
        *,
        seed: int,
        augment: AugmentOptions,
        pairing: str,
        sampling: SamplingOptions | None = None,
        maker: PairMaker | None = None,
    ) -> None:
        self.records, self.seed, self.augment, self.maker = records, seed, augment, maker
        rows = [row_of(record) for record in records]
        self.sampler = Sampler(rows, seed=seed, pairing=pairing, options=sampling)
        self.images_per_item = 1 if pairing == "none" else 2
        self.rows = len(records)
        blendable = [number for number, row in enumerate(rows) if row.label == 0 and row.has_mesh]
        self._place_in_maker = {number: place for place, number in enumerate(blendable)}

    def make(self, number: int, *, size_px: int) -> Item:
        drawn = self.sampler.item(number)
        found = [self.records[row] for row in drawn.rows]
        if drawn.made:
            assert self.maker is not None
            made = self.maker.make_of(self._place_in_maker[drawn.rows[0]], number, size_px=size_px)
            return item_of_pair(made, self.maker.records[made.record])
        rng = np.random.default_rng([self.seed, 3, number])
        if len(found) == 1:
            return item_of(found, [labelled_crop(found[0], rng, self.augment, size_px=size_px)[0]])
        pair = true_pair(found[0], found[1], rng, self.augment, size_px=size_px)
        item = item_of(found, [pair.real, pair.fake])
        masks = None if pair.mask is None else np.stack([np.float32(label) * pair.mask for label in pair.labels])
        return replace(item, labels=np.array(pair.labels, np.float32), masks=masks)


class PlainSource:
    """Labelled rows as scanning crops them, without augmentation: for validation. Item k is row k."""

    images_per_item = 1

    def __init__(self, records: Sequence[FaceRecord], *, margin: float) -> None:
        self.records, self.margin = records, margin
        self.rows = len(records)

    def make(self, number: int, *, size_px: int) -> Item:
        record = self.records[number % len(self.records)]
        left, top, side = square_around(mesh_box_xyxy(points_of(record)), margin=self.margin)
        crop = resize_square(cut_square(record.picture(), left, top, side), size_px)
        return item_of([record], [crop])


def item_of_pair(pair: FacePair, record: FaceRecord) -> Item:
    """A real face and the fake made from it as an item."""
    video = record.video_id or record.path
    return Item(
        crops=np.stack([pair.real, pair.fake]),
        labels=np.array(pair.labels, np.float32),
        masks=pair.masks(),
        videos=(f"{video}", f"{video} blended"),
        captions=(
            f"real {_short(record)}{_share(pair.labels[0])}",
            f"{pair.family}: {pair.mask_name}{_share(1 - pair.labels[1])}",
        ),
    )


def item_of(records: Sequence[FaceRecord], crops: Sequence[UInt8Array]) -> Item:
    """Labelled crops as an item."""
    return Item(
        crops=np.stack(crops),
        labels=np.array([record.label for record in records], np.float32),
        masks=None,
        videos=tuple(record.video_id or record.path for record in records),
        captions=tuple(f"{record.method or 'fake' if record.label else 'real'} {_short(record)}" for record in records),
    )


def _short(record: FaceRecord) -> str:
    return PurePosixPath(record.path).stem[-20:]


def _share(other: float) -> str:
    return f" ({other:.0%} of the other)" if other else ""
