"""The figures of a model's card that no report prints: pooled sets, what was flagged, own test fakes, drift.

    python benchmarks/eval_table.py ../shared/data/eval.csv --model NEW --out runs/eval-new
    dfdetect evaluate -d fakes/list.csv --model NEW -o runs/fakes-new
    python benchmarks/card_figures.py runs/eval-new --fakes runs/fakes-new --calibration NEW.calibration-scores.jsonl

Made of kept scores alone. 95 % bootstraps: over files for the pooled sets, over people for the test fakes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from eval_table import ALL_VIDEO_REALS, FF
from numpy.typing import NDArray

from dfdetect.evaluate.bootstrap import Scored, draw_figures
from dfdetect.evaluate.score_set import open_scores
from dfdetect.evaluate.score_table import ScoreTable
from dfdetect.evaluate.scores import read_scores
from dfdetect.metrics import roc_auc
from dfdetect.values import Verdict

C40 = ("ffpp_c40_deepfakes", "ffpp_c40_faceswap", "ffpp_c40_face2face", "ffpp_c40_neuraltextures")
VIDEO_REALS = ("dfdc_real", *ALL_VIDEO_REALS)
POOLED = {
    "c40 Deepfakes, FaceSwap, DFDC / all video reals": ((*C40[:2], "dfdc_aaronchong"), VIDEO_REALS),
    "all four c40 methods, DFDC / all video reals": ((*C40, "dfdc_aaronchong"), VIDEO_REALS),
    "the same and DFD / all video and DFD reals": (
        (*C40, "dfdc_aaronchong", "dfd_frames_fake"),
        (*VIDEO_REALS, "dfd_frames_real"),
    ),
    "CIPLab / CIPLab": (("ciplab_fake",), ("ciplab_real",)),
}
SWAPS = (*C40, "dfdc_aaronchong", "dfd_frames_fake")
DRAWS = 1_000
SWAP_KINDS = ("t1_mesh_swap", "t2_poisson_swap", "t3_pyramid_swap")


def auc_with_interval(table: ScoreTable, groups: NDArray[np.intp]) -> str:
    labels, scores = table["label"], table["probability"].astype(np.float64)
    (drawn,) = draw_figures(
        [Scored(labels, scores, {})], groups, rng=np.random.default_rng(0), draws=DRAWS, auc_only=True
    )
    low, high = np.nanpercentile(drawn["roc_auc"], [2.5, 97.5])
    return f"{roc_auc(labels, scores):.3f} ({low:.2f} - {high:.2f})"


def of_sources(table: ScoreTable, fakes: Sequence[str], reals: Sequence[str]) -> ScoreTable:
    """Scored fakes and reals of these sources."""
    wanted = np.where(table["label"] == 1, np.isin(table["source"], fakes), np.isin(table["source"], reals))
    return table.select(table.scored & wanted)


def print_eval(table: ScoreTable) -> None:
    c40 = [of_sources(table, [name], FF) for name in C40]
    means = [roc_auc(part["label"], part["probability"]) for part in c40]
    print(f"c40, each method against the five originals: {means}, mean {np.mean(means):.3f}")
    print("\n| fakes / reals | n fake / real | AUC |\n|---|---|---|")
    for name, (fakes, reals) in POOLED.items():
        part = of_sources(table, fakes, reals)
        n_fake = int(part["label"].sum())
        shown = auc_with_interval(part, np.arange(len(part), dtype=np.intp))
        print(f"| {name} | {n_fake} / {len(part) - n_fake} | {shown} |")
    for name, mask in (
        ("all fakes", table["label"] == 1),
        ("video swaps and re-enactments (c40, DFDC, DFD)", np.isin(table["source"], SWAPS)),
        ("composites (CIPLab)", np.isin(table["source"], ["ciplab_fake"])),
        ("reals", table["label"] == 0),
    ):
        verdicts = table["verdict"][mask]
        counts = {verdict.value: int((verdicts == verdict.value).sum()) for verdict in Verdict}
        print(f"{name}: {int(mask.sum())} files, {counts}")


def print_fakes(table: ScoreTable) -> None:
    print("\n| kind | AUC (people drawn again) | flagged |\n|---|---|---|")
    aucs = {}
    for method in sorted({str(one) for one in table["method"]} - {""}):
        part = table.select(table.scored & ((table["label"] == 0) | (table["method"] == method)))
        groups = np.unique(part["group"], return_inverse=True)[1].astype(np.intp)
        fakes = part["label"] == 1
        flagged = float(np.mean(part["verdict"][fakes] == Verdict.LIKELY_MANIPULATED.value))
        aucs[method] = roc_auc(part["label"], part["probability"])
        print(f"| {method} ({int(fakes.sum())}) | {auc_with_interval(part, groups)} | {flagged:.0%} |")
    if set(SWAP_KINDS) <= set(aucs):
        print(f"mean of the swaps: {np.mean([aucs[name] for name in SWAP_KINDS]):.3f}")


def print_drift(path: Path) -> None:
    rows = [row for row in read_scores(path) if row.logit is not None and row.usable and row.label == 0]
    print("\n| held-out reals | n | mean logit | spread |\n|---|---|---|---|")
    for population in ("photo", "photo_clip", "clip"):
        logits = np.array([row.logit for row in rows if row.source == population], np.float64)
        print(f"| {population} | {len(logits)} | {logits.mean():+.2f} | {logits.std():.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("eval", type=Path, help="folder of benchmarks/eval_table.py")
    parser.add_argument("--fakes", type=Path, help="folder of `dfdetect evaluate` on `dfdetect data fakes`")
    parser.add_argument("--calibration", type=Path, help="scores that `dfdetect calibrate` kept")
    asked = parser.parse_args()
    print_eval(open_scores(asked.eval).table)
    if asked.fakes:
        print_fakes(open_scores(asked.fakes).table)
    if asked.calibration:
        print_drift(asked.calibration)


if __name__ == "__main__":
    main()
