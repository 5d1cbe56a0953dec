"""Crops -> logits as they come: batches, mirrored twins of short tracks, and a bounded store of pictures."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from dfdetect.detect.examiner import CropScorer
from dfdetect.detect.scorer import Cuts
from dfdetect.values import FaceCrop, Float32Array

BATCH = 8  # keeps a CPU busy; 16 is no faster and costs 100 MB of activations
MIRROR_BELOW = 8  # tracks of fewer crops are scored mirrored too: where there are few, two views steady the mean
KEPT_BYTES = 64 * 2**20  # of pictures, so that memory stays flat: 446 crops of 224 px


@dataclass(slots=True)
class CropScores:
    """Scores of crops by number, in the order in which they were added.

    cuts: which of the pictures of a crop (its image is 0, its views follow) are the scorer's; None for all. crops:
    without their pictures. logits, cams: of the crop, or the mean with its mirror image once mirrored.
    mirrored: number -> (logit as it is, logit mirrored). pictures: number -> every cut that the model takes, the first
    to be shown; beyond KEPT_BYTES those with the lowest logits are dropped, and can then neither be mirrored nor shown.
    """

    scorer: CropScorer
    cuts: Sequence[int] | None = None
    crops: list[FaceCrop] = field(default_factory=list)
    logits: list[float] = field(default_factory=list)
    cams: list[Float32Array | None] = field(default_factory=list)
    mirrored: dict[int, tuple[float, float]] = field(default_factory=dict)
    pictures: dict[int, Cuts] = field(default_factory=dict)
    _lowest: list[tuple[float, int]] = field(default_factory=list)

    def add(self, crops: Sequence[FaceCrop]) -> None:
        """Take more crops, cut as the scorer's views ask; score those that fill a batch."""
        for crop in crops:
            pictures = (crop.image, *crop.views)
            self.pictures[len(self.crops)] = pictures if self.cuts is None else tuple(pictures[n] for n in self.cuts)
            self.crops.append(replace(crop, image=np.zeros((0, 0, 3), np.uint8), mesh=None, views=()))
        while len(self.crops) - len(self.logits) >= BATCH:
            self._score_next(BATCH)

    def finish(self) -> None:
        """Score what is left."""
        self._score_next(len(self.crops) - len(self.logits))

    def mirror_short(self, tracks: Iterable[Sequence[int]]) -> None:
        """Score the crops of short tracks mirrored too. tracks: the numbers of the crops of each."""
        for numbers in tracks:
            if len(numbers) < MIRROR_BELOW:
                self._mirror(numbers)

    def _mirror(self, numbers: Sequence[int]) -> None:
        """Score the mirror images of these crops too, where their pictures are kept, and take the mean of both."""
        kept = [number for number in numbers if number in self.pictures and number not in self.mirrored]
        for at in range(0, len(kept), BATCH):
            batch = kept[at : at + BATCH]
            twins = [tuple(np.ascontiguousarray(cut[:, ::-1]) for cut in self.pictures[number]) for number in batch]
            logits, cams = self.scorer(twins)
            for row, number in enumerate(batch):
                self.mirrored[number] = (self.logits[number], float(logits[row]))
                self.logits[number] = float(np.mean(self.mirrored[number]))
                cam = self.cams[number]
                if cam is not None and cams is not None:
                    self.cams[number] = np.asarray(0.5 * (cam + cams[row][:, ::-1]), np.float32)

    def _score_next(self, count: int) -> None:
        if count <= 0:
            return
        first = len(self.logits)
        numbers = range(first, first + count)
        logits, cams = self.scorer([self.pictures[number] for number in numbers])
        for row, number in enumerate(numbers):
            self.logits.append(float(logits[row]))
            self.cams.append(None if cams is None else cams[row])
            heapq.heappush(self._lowest, (self.logits[number], number))
        most = max(1, KEPT_BYTES // self.scorer.bytes_per_face)
        while len(self._lowest) > most:
            del self.pictures[heapq.heappop(self._lowest)[1]]
