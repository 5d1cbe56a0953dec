"""Can a pair be told apart without looking at the face? The audit of the pairs that training sees.

    python benchmarks/periphery_audit.py work/faces [--pairs 400] [--reuse free --reuse stock] [--family NAME]

A logistic regression looks at 8x8 DCT histograms of blocks at least OFF_MASK_PX away from the blend mask. Real and
fake of a pair were given one history, so it must guess: AUC 0.45-0.55, cross-validated by pair. Left to itself (only
the fake re-encoded) such a classifier learns nothing of faces and is right nearly always: the second line shows that
the audit would have seen it. One family of fakes after the other. Rule of docs/self_blending.md; a test runs it on
drawn faces.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from dfdetect.data.augment import AugmentOptions
from dfdetect.data.fakes import BUILTIN_RECONSTRUCTOR, FAMILIES, FakeOptions
from dfdetect.data.pairs import PairMaker
from dfdetect.data.shards import FaceRecord, read_shards
from dfdetect.media.roundtrip import jpeg_round_trip
from dfdetect.metrics import FloatArray, roc_auc
from dfdetect.values import UInt8Array

OFF_MASK_PX = 24
LEAST_BLOCKS = 12
FOLDS = 5
_BIN_EDGES = np.array([0.5, 1.5, 3.0, 6.0, 12.0, 25.0])


@dataclass(frozen=True, slots=True)
class Audit:
    """pairs: those with enough blocks. auc: fake against real. pairs_right: share of pairs whose fake scores higher."""

    pairs: int
    auc: float
    pairs_right: float


@dataclass(frozen=True, slots=True)
class MaskedPair:
    """Crops (S, S, 3) at native size after the shared history, and where the mask lies in them, (S, S) bool."""

    real: UInt8Array
    fake: UInt8Array
    mask: np.ndarray


def masked_pairs(
    records: Sequence[FaceRecord], numbers: Sequence[int], family: str, options: AugmentOptions
) -> list[MaskedPair]:
    """What `PairMaker` makes of these records at the faces' own size, one family, with where the mask lies."""
    fakes = FakeOptions(moved=0.1, reconstructor=BUILTIN_RECONSTRUCTOR)
    maker = PairMaker(records, seed=71, augment=options, fakes=fakes)
    made = [maker.make(number, size_px=None, family=family) for number in numbers]
    return [MaskedPair(pair.real, pair.fake, pair.mask > 0) for pair in made]


def audit(pairs: Sequence[MaskedPair]) -> Audit:
    """The audit over pairs; those with fewer than LEAST_BLOCKS blocks off the mask are left out."""
    far = [far_blocks(pair.mask) for pair in pairs]
    kept = [(pair, blocks) for pair, blocks in zip(pairs, far, strict=True) if blocks.sum() >= LEAST_BLOCKS]
    real = np.stack([dct_histograms(pair.real, blocks) for pair, blocks in kept])
    fake = np.stack([dct_histograms(pair.fake, blocks) for pair, blocks in kept])
    fold_of = np.random.default_rng(0).permutation(len(kept)) % FOLDS
    scores = np.zeros((2, len(kept)))
    for fold in range(FOLDS):
        rest, own = fold_of != fold, fold_of == fold
        labels = np.repeat([0.0, 1.0], rest.sum())
        centre, spread, weights = _fit(np.concatenate([real[rest], fake[rest]]), labels)
        for row, features in enumerate((real, fake)):
            scores[row, own] = (features[own] - centre) / spread @ weights
    right = np.mean((scores[1] > scores[0]) + 0.5 * (scores[1] == scores[0]))
    return Audit(len(kept), roc_auc(np.repeat([0, 1], len(kept)), scores.ravel()), float(right))


def far_blocks(mask: np.ndarray) -> np.ndarray:
    """(S // 8, S // 8) bool: blocks whose every pixel is at least OFF_MASK_PX from the mask."""
    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    rows, columns = (side // 8 for side in mask.shape)
    blocks = distance[: rows * 8, : columns * 8].reshape(rows, 8, columns, 8)
    return np.asarray(blocks.min(axis=(1, 3)) >= OFF_MASK_PX)


def dct_histograms(picture: UInt8Array, blocks: np.ndarray) -> FloatArray:
    """(63 * 7,) shares of the size of each AC coefficient over the blocks, of the luma."""
    luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    found = [cv2.dct(luma[r * 8 : r * 8 + 8, c * 8 : c * 8 + 8]).ravel()[1:] for r, c in np.argwhere(blocks)]
    bins = np.searchsorted(_BIN_EDGES, np.abs(np.stack(found)))  # (blocks, 63)
    return np.concatenate([(bins == number).mean(axis=0) for number in range(len(_BIN_EDGES) + 1)])


def _fit(features: FloatArray, labels: FloatArray, *, ridge: float = 3.0) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(centre, spread, weights) of a ridge logistic regression, by Newton's method."""
    centre, spread = features.mean(axis=0), features.std(axis=0) + 1e-3
    x = (features - centre) / spread
    weights = np.zeros(x.shape[1])
    for _ in range(8):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        hessian = (x * (p * (1 - p))[:, None]).T @ x + ridge * np.eye(len(weights))
        weights -= np.linalg.solve(hessian, x.T @ (p - labels) + ridge * weights)
    return centre, spread, weights


def roomy(options: AugmentOptions) -> AugmentOptions:
    """The same history in a wider crop, so that there is something to look at beside the face."""
    return replace(options, min_margin=0.25, max_margin=0.4)


def only_fakes_reencoded(pairs: Sequence[MaskedPair]) -> list[MaskedPair]:
    """The mistake that the audit is there to see."""
    return [replace(pair, fake=jpeg_round_trip(pair.fake, 60)) for pair in pairs]


def records_of_shards(shards: Path, n: int, reuse: Sequence[str]) -> list[FaceRecord]:
    """Every k-th real photograph of the shards, about n in all."""
    records = [record for record in read_shards(shards) if record.label == 0 and record.reuse in reuse]
    return records[:: max(1, len(records) // n)][:n]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("shards", type=Path)
    parser.add_argument("--pairs", type=int, default=400)
    parser.add_argument("--reuse", action="append", help="default: free and stock")
    parser.add_argument("--family", action="append", choices=list(FAMILIES), help="default: all")
    asked = parser.parse_args()
    records = records_of_shards(asked.shards, asked.pairs, asked.reuse or ["free", "stock"])
    for family in asked.family or FAMILIES:
        pairs = masked_pairs(records, range(len(records)), family, roomy(AugmentOptions()))
        print(f"{family:14} shared history: {audit(pairs)}")
        print(f"{family:14} only fakes re-encoded: {audit(only_fakes_reencoded(pairs))}")


if __name__ == "__main__":
    main()
