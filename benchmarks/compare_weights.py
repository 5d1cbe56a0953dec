"""Several weights on the same fresh pairs of held-out people: which of them is better, and by more than chance?

    python benchmarks/compare_weights.py work/faces old=weights/default-0.4.fp16.safetensors new=new.safetensors

128 validation pairs cannot tell two runs apart (docs/experiments.md): the difference is taken pair by pair, and drawn
again over the pairs. Four kinds: the training's own mix of fakes as it comes and as videos, and V1, plain swaps that
share no operator with training, as photos and as videos. The first weights are what the others are compared with.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from learning_gap import Judge, histories

from dfdetect.data.pairs import FacePair, PairMaker
from dfdetect.data.shards import FaceRecord, read_shards
from dfdetect.data.validation_swaps import ValidationSwaps
from dfdetect.metrics import FloatArray, roc_auc
from dfdetect.train.network import resolve
from dfdetect.train.recipe import Recipe, load_recipe

DRAWS = 200
SEED = 3_000_017


def kinds(records: Sequence[FaceRecord], recipe: Recipe, pairs: int) -> Iterator[tuple[str, list[FacePair]]]:
    """(what they are, fresh pairs), one kind at a time."""
    mixed = replace(recipe.augment, p_cutout=0.0, p_mixup=0.0)
    lives = histories(recipe.augment)
    size_px = recipe.model.input_size_px
    for name, life in (("own mix, mixed history", mixed), ("own mix, video history", lives["video"])):
        maker = PairMaker(records, seed=SEED, blend=recipe.blend, augment=life, fakes=recipe.fakes)
        yield name, [maker.make(number, size_px=size_px) for number in range(pairs)]
    for name, life in (("V1, as photos", lives["photo"]), ("V1, video history", lives["video"])):
        swaps = ValidationSwaps(records, seed=SEED, augment=life)
        yield name, [swaps.make(number, size_px=size_px) for number in range(pairs)]


def logits_of(judge: Judge, pairs: Sequence[FacePair]) -> tuple[FloatArray, FloatArray]:
    """Logits of the reals and of their fakes."""
    logits = judge.logits([crop for pair in pairs for crop in (pair.real, pair.fake)])
    return logits[0::2], logits[1::2]


def auc(reals: FloatArray, fakes: FloatArray) -> float:
    return roc_auc(np.repeat([0, 1], len(reals)), np.concatenate([reals, fakes]))


def found_at_5(reals: FloatArray, fakes: FloatArray) -> float:
    """Share of the fakes above the 95th percentile of the reals."""
    return float(np.mean(fakes > np.percentile(reals, 95)))


def difference(one: tuple[FloatArray, FloatArray], other: tuple[FloatArray, FloatArray]) -> str:
    """AUC of one less that of the other, with what 95 % of draws over the pairs give."""
    rng = np.random.default_rng(SEED)
    drawn = []
    for _ in range(DRAWS):
        some = rng.integers(0, len(one[0]), len(one[0]))
        drawn.append(auc(one[0][some], one[1][some]) - auc(other[0][some], other[1][some]))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"{auc(*one) - auc(*other):+.3f}, {low:+.3f} to {high:+.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shards", type=Path)
    parser.add_argument("weights", nargs="+", metavar="NAME=FILE")
    parser.add_argument("--recipe", default="default")
    parser.add_argument("--pairs", type=int, default=500)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    recipe = resolve(load_recipe(asked.recipe))
    judges = {name: Judge(recipe, Path(file)) for name, file in (one.split("=", 1) for one in asked.weights)}
    held_out = [
        r for r in read_shards(asked.shards) if r.label == 0 and r.mesh is not None and r.reuse in recipe.data.val_reuse
    ]
    first = next(iter(judges))
    print(f"| pairs | {' | '.join(judges)} | fakes found at 5 % false alarms |\n|---|{'---|' * (len(judges) + 1)}")
    for kind, pairs in kinds(held_out, recipe, asked.pairs):
        logits = {name: logits_of(judge, pairs) for name, judge in judges.items()}
        cells = [f"{auc(*logits[first]):.3f}"]
        cells += [f"{auc(*logits[n]):.3f} ({difference(logits[n], logits[first])})" for n in judges if n != first]
        found = ", ".join(f"{found_at_5(*logits[n]):.2f}" for n in judges)
        print(f"| {kind} | {' | '.join(cells)} | {found} |", flush=True)


if __name__ == "__main__":
    main()
