"""What a network has learnt, taken apart: by people, by history, by source, and with the batch's help.

    python benchmarks/learning_gap.py runs/p1/weights.safetensors work/faces [--recipe FILE] [--pairs 200] [--size 192]

One pooled AUC does not say why it is low. Three tables do, each over fresh fakes that no run has seen:

1. People x history: faces of training against held-out people, clean, as photos and as videos. A gap between people is
   learning by heart. `pairs right` counts the pairs whose fake scores higher than its own real: where that is high and
   the AUC low, the trace is found and the level of the face hides it.
2. The batch: the same pairs as scanning judges them (fixed statistics of batch norm) and with the statistics of a batch
   that holds each real beside its fake. Where the second is better, training taught comparing and not judging
   (docs/experiments.md, run 3).
3. Sources: mean logit of the untouched reals. Their range is the drift that one threshold must live with.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from dfdetect.data.augment import AugmentOptions
from dfdetect.data.pairs import FacePair, PairMaker
from dfdetect.data.shards import FaceRecord, read_shards
from dfdetect.metrics import FloatArray, roc_auc
from dfdetect.models.input_tensor import InputTensor
from dfdetect.models.zoo import CamNet, PooledNet
from dfdetect.train.network import empty_network, load_weights, resolve, spec_of
from dfdetect.train.recipe import Recipe, load_recipe
from dfdetect.values import UInt8Array

PAIRS_PER_BATCH = 16
_CLEAN: dict[str, float] = dict.fromkeys(
    ("p_colour", "p_gray", "p_retouch", "p_blur", "p_noise", "p_shrink", "p_photo_jpeg", "p_webp", "p_video"), 0.0
)


@dataclass(frozen=True, slots=True)
class Gap:
    """Of one kind of pairs: AUC over all, share of pairs whose fake scores higher, mean and spread of real logits."""

    name: str
    auc: float
    pairs_right: float
    real_mean: float
    real_sd: float

    def row(self) -> str:
        return f"| {self.name} | {self.auc:.3f} | {self.pairs_right:.3f} | {self.real_mean:+.1f} | {self.real_sd:.1f} |"


class Judge:
    """Logits of crops by the weights of a run."""

    def __init__(self, recipe: Recipe, weights: Path) -> None:
        self.net: CamNet | PooledNet = empty_network(recipe)
        load_weights(self.net, weights)
        self.net.to(memory_format=torch.channels_last).eval()
        self.to_input = InputTensor(spec_of(recipe))

    @torch.inference_mode()
    def logits(self, crops: Sequence[UInt8Array]) -> FloatArray:
        """(N,) logits of N crops (S, S, 3), in batches of 2 * PAIRS_PER_BATCH."""
        step = 2 * PAIRS_PER_BATCH
        parts = [np.stack(crops[start : start + step]) for start in range(0, len(crops), step)]
        found = [self.net(self.to_input(torch.from_numpy(part)))[0].numpy() for part in parts]
        return np.concatenate(found).astype(np.float64)

    def use_batch_statistics(self, wanted: bool) -> None:
        """Batch norm by the batch at hand, as in training; the statistics that are kept do not change."""
        for layer in self.net.modules():
            if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                layer.train(wanted)
                layer.momentum = 0.0


def histories(options: AugmentOptions) -> dict[str, AugmentOptions]:
    """Nothing at all, a photo's life, a video's."""
    whole = replace(options, p_cutout=0.0, p_mixup=0.0)
    return {
        "clean": replace(whole, **_CLEAN),
        "photo": replace(whole, p_video=0.0),
        "video": replace(whole, p_video=1.0),
    }


def pairs_of(records: Sequence[FaceRecord], recipe: Recipe, options: AugmentOptions, n: int) -> list[FacePair]:
    """n fresh pairs of these faces."""
    maker = PairMaker(records, seed=2_000_003, blend=recipe.blend, augment=options, fakes=recipe.fakes)
    return [maker.make(number, size_px=recipe.model.input_size_px) for number in range(n)]


def gap(name: str, judge: Judge, pairs: Sequence[FacePair]) -> Gap:
    """Judged in batches that hold each real beside its fake."""
    real, fake = [], []
    for start in range(0, len(pairs), PAIRS_PER_BATCH):
        some = pairs[start : start + PAIRS_PER_BATCH]
        logits = judge.logits([pair.real for pair in some] + [pair.fake for pair in some])
        real.append(logits[: len(some)])
        fake.append(logits[len(some) :])
    reals, fakes = np.concatenate(real), np.concatenate(fake)
    auc = roc_auc(np.repeat([0, 1], len(reals)), np.concatenate([reals, fakes]))
    return Gap(name, auc, float(np.mean(fakes > reals)), float(reals.mean()), float(reals.std()))


def drift(judge: Judge, records: Sequence[FaceRecord], recipe: Recipe, n: int) -> dict[str, tuple[float, float, int]]:
    """Source -> (mean logit, spread, how many) of its untouched faces, at most n of each."""
    sources: dict[str, list[FaceRecord]] = {}
    for record in records:
        sources.setdefault(record.source, []).append(record)
    found = {}
    for source, own in sorted(sources.items()):
        some = own[:: max(1, len(own) // n)][:n]
        clean = histories(recipe.augment)["clean"]
        logits = judge.logits([pair.real for pair in pairs_of(some, recipe, clean, len(some))])
        found[source] = (float(logits.mean()), float(logits.std()), len(some))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("shards", type=Path)
    parser.add_argument("--recipe", default="default")
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--size", type=int, help="side of the crops (default: the recipe's)")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    recipe = resolve(load_recipe(asked.recipe))
    if asked.size:
        recipe = replace(recipe, model=replace(recipe.model, input_size_px=asked.size))
    judge = Judge(recipe, asked.weights)
    reals = [r for r in read_shards(asked.shards) if r.label == 0 and r.mesh is not None]
    trained = [r for r in reals if r.reuse in recipe.data.train_reuse]
    held_out = [r for r in reals if r.reuse in recipe.data.val_reuse]
    print("| pairs | AUC | pairs right | real logit, mean | spread |\n|---|---|---|---|---|")
    for people, records in (("people of training", trained), ("held-out people", held_out)):
        for history, options in histories(recipe.augment).items():
            print(gap(f"{people}, {history}", judge, pairs_of(records, recipe, options, asked.pairs)).row(), flush=True)
    mixed = pairs_of(held_out, recipe, replace(recipe.augment, p_cutout=0.0, p_mixup=0.0), asked.pairs)
    for name, by_batch in (("held-out people, as scanned", False), ("held-out people, each beside its twin", True)):
        judge.use_batch_statistics(by_batch)
        print(gap(name, judge, mixed).row())
    judge.use_batch_statistics(False)
    print("\n| source of the reals | mean logit | spread | n |\n|---|---|---|---|")
    for source, (mean, spread, n) in drift(judge, reals, recipe, asked.pairs // 2).items():
        print(f"| {source} | {mean:+.1f} | {spread:.1f} | {n} |", flush=True)


if __name__ == "__main__":
    main()
