"""Do the bounds of `dfdetect calibrate --reals` keep their promise? On scores that it kept, drawn apart many times.

    dfdetect calibrate --reals reals.csv -o mine
    python benchmarks/own_thresholds.py mine.calibration-scores.jsonl

(or the file of the same name that `dfdetect calibrate BUNDLE --photos ... --clips ...` keeps.)
A part of the people sets the bound, the others are counted above it. Prints the mean of that rate and how many of the
draws kept the claim; with a confidence the second must not be lower than it, but for the coarseness of a small rest.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from dfdetect.calibration import sigmoid, upper_quantile
from dfdetect.evaluate.claims import people_needed, share_below
from dfdetect.evaluate.own_files import is_used
from dfdetect.evaluate.scores import VideoScore

DRAWS = 4000
CLAIMS = ((0.01, None), (0.02, None), (0.05, None), (0.01, 0.95), (0.02, 0.95), (0.05, 0.95))


def one_a_person(scores: Path, kind: str) -> np.ndarray:
    """Logits of the first usable file with one face of every person."""
    kept = [json.loads(line) for line in scores.read_text(encoding="utf-8").splitlines()]
    rows = [VideoScore(**line.get("score", line)) for line in kept]
    used = [row for row in rows if is_used(row) and row.kind == kind and row.n_tracks <= 1 and row.label == 0]
    return np.array([row.logit for row in {row.group: row for row in reversed(used)}.values()], np.float64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scores", type=Path)
    parser.add_argument("--kind", choices=["image", "video"], default="image")
    options = parser.parse_args()
    p = sigmoid(one_a_person(options.scores, options.kind))
    print(f"{len(p)} people, one {options.kind} each; {DRAWS} draws")
    print("| claim | people that set the bound | of the others above it, mean | draws that keep the claim |")
    print("|---|---|---|---|")
    rng = np.random.default_rng(0)
    for rate, confidence in CLAIMS:
        n = people_needed(rate, confidence)
        if n >= 0.8 * len(p):
            continue
        share, above = share_below(n, rate, confidence), []
        for _ in range(DRAWS):
            order = rng.permutation(len(p))
            above.append(float(np.mean(p[order[n:]] > upper_quantile(p[order[:n]].tolist(), share))))
        kept = np.mean(np.asarray(above) <= rate + 1e-12)
        sure = "on average" if confidence is None else f"with {confidence:.0%} confidence"
        print(f"| {rate:.0%} {sure} | {n} | {np.mean(above):.2%} | {kept:.0%} |")


if __name__ == "__main__":
    main()
