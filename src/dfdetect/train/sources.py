"""What a run learns from, by number: item k of a seed is always the same pictures, whichever process makes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dfdetect.data.augment import AugmentOptions
from dfdetect.data.framing import frame_face
from dfdetect.data.history import same_history
from dfdetect.data.pairs import PairMaker
from dfdetect.data.shards import FaceRecord
from dfdetect.data.validation_swaps import ValidationSwaps
from dfdetect.errors import DataError
from dfdetect.faces.align import cut_square, resize_square, square_around
from dfdetect.faces.mesh import mesh_box_xyxy
from dfdetect.values import Float32Array, UInt8Array


@dataclass(frozen=True, slots=True)
class Item:
    """n crops that belong together: crops (n, S, S, 3) uint8 RGB; labels (n,) float32, 1 = fake.

    masks: (n, S, S) float32 0..1, the share of each pixel that was pasted, or None where nobody knows.
    videos: (n,) names of the clips they come from, for video-level figures.
    """

    crops: UInt8Array
    labels: Float32Array
    masks: Float32Array | None
    videos: tuple[str, ...]


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
        record = self.maker.records[pair.record]
        video = record.video_id or record.path
        return Item(
            crops=np.stack([pair.real, pair.fake]),
            labels=np.array(pair.labels, np.float32),
            masks=pair.masks(),
            videos=(f"{video}", f"{video} blended"),
        )


class LabelledSource:
    """Rows as they are labelled, through the augmentation: for training on real fakes.

    pairing: "none" gives one row an item; "class" a real and any fake; "source" a fake with the real clip it was made
    from (its pair_key), or any real where that clip is absent. Every row once a round, in an order drawn anew.
    """

    def __init__(self, records: Sequence[FaceRecord], *, seed: int, augment: AugmentOptions, pairing: str) -> None:
        self.records = records
        self.seed, self.augment, self.pairing = seed, augment, pairing
        self.images_per_item = 1 if pairing == "none" else 2
        self.rows = len(records)
        self.reals = [index for index, record in enumerate(records) if record.label == 0]
        self.fakes = [index for index, record in enumerate(records) if record.label == 1]
        if not self.reals or not self.fakes:
            raise DataError(
                f"training on labelled rows needs both classes; got {len(self.reals)} real and {len(self.fakes)} fake. "
                'Real rows alone: use data.kind = "self_blend"'
            )
        self.orders: dict[int, tuple[int, NDArray[np.int64]]] = {}
        self.of_video: dict[str, list[int]] = {}
        for index in self.reals:
            for key in {records[index].video_id, records[index].pair_key} - {""}:
                self.of_video.setdefault(key, []).append(index)

    def make(self, number: int, *, size_px: int) -> Item:
        rng = np.random.default_rng([self.seed, 3, number])
        if self.pairing == "none":
            rows = [self._turn(range(len(self.records)), 0, number)]
        else:
            fake = self._turn(self.fakes, 1, number)
            partners = self.of_video.get(self.records[fake].pair_key, []) if self.pairing == "source" else []
            real = int(rng.choice(partners)) if partners else self._turn(self.reals, 2, number)
            rows = [real, fake]
        crops = [self._crop(self.records[row], rng, size_px) for row in rows]
        return item_of([self.records[row] for row in rows], crops)

    def _turn(self, rows: Sequence[int], stream: int, number: int) -> int:
        turn, place = divmod(number, len(rows))
        if self.orders.get(stream, (-1, None))[0] != turn:  # one order a stream is held: items come nearly in turn
            order = np.random.default_rng([self.seed, 4, stream, turn]).permutation(len(rows))
            self.orders[stream] = (turn, order)
        return rows[int(self.orders[stream][1][place])]

    def _crop(self, record: FaceRecord, rng: np.random.Generator, size_px: int) -> UInt8Array:
        framed = frame_face(record.picture(), points_of(record), rng, self.augment, size_px=size_px)
        return same_history([framed.image], framed.square, size_px, rng, self.augment)[0]


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


def points_of(record: FaceRecord) -> Float32Array:
    """(N, 3) points whose tight box is the face's: the mesh, or the corners of the box where none could be fitted."""
    if record.mesh is not None:
        return record.mesh
    if record.box_xyxy is None:
        raise DataError(f"{record.path}: this row of the shards has neither mesh nor box; run `dfdetect prepare` again")
    left, top, right, bottom = record.box_xyxy
    return np.array([[left, top, 0], [right, bottom, 0]], np.float32)


def item_of(records: Sequence[FaceRecord], crops: Sequence[UInt8Array]) -> Item:
    """Labelled crops as an item."""
    return Item(
        crops=np.stack(crops),
        labels=np.array([record.label for record in records], np.float32),
        masks=None,
        videos=tuple(record.video_id or record.path for record in records),
    )
