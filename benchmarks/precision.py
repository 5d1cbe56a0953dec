"""Size and speed of bundles of one run in several precisions, one face at a time, in turn within one process.

    python benchmarks/precision.py FP32_FOLDER FP16_FOLDER INT8_FOLDER [--rounds 40] [--threads 1]

Ratios are medians of ratios within a round, so that what else the machine does meanwhile falls on all alike. The first
bundle is what the others are compared with. Parity is as `dfdetect export` measured it, from the manifests.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from machine import conditions, spread


def scorer_of(folder: Path, threads: int) -> tuple[Callable[[], object], dict[str, str]]:
    """What scores one face, and the fixed cells of its row."""
    import numpy as np

    from dfdetect.detect.backend import make_backend
    from dfdetect.detect.scorer import Scorer
    from dfdetect.models.bundle import load_bundle

    bundle = load_bundle(folder)
    scorer = Scorer(bundle, [make_backend(network, device="cpu", threads=threads) for network in bundle.networks])
    rng = np.random.default_rng(0)
    face = tuple(rng.integers(0, 256, (view.size_px, view.size_px, 3), dtype=np.uint8) for view in bundle.views)
    facts = bundle.manifest.export
    cells = {
        "model": f"{bundle.manifest.name} {bundle.manifest.version}",
        "precision": facts.precision if facts else "-",
        "layers": facts.layers if facts else "-",
        "px": ", ".join(str(view.size_px) for view in bundle.views),
        "MB": f"{bundle.model_bytes / 1e6:.1f}",
        "parity of P": f"{facts.parity_probability:.1e} ({facts.probability})" if facts else "-",
    }
    return lambda: scorer([face]), cells


def measure(folders: list[Path], rounds: int, threads: int) -> None:
    """Print the table."""
    models = [scorer_of(folder, threads) for folder in folders]
    times_ms: list[list[float]] = [[] for _ in models]
    for number in range(rounds + 3):
        for place, (score, _) in enumerate(models):
            start = time.perf_counter()
            score()
            if number >= 3:  # the first ones fill caches
                times_ms[place].append(1e3 * (time.perf_counter() - start))
    print(f"{conditions()}; {threads} thread{'s' if threads > 1 else ''}; {rounds} rounds\n")
    columns = [*models[0][1], "ms a face, median (range)", "of the first"]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for (_, cells), times in zip(models, times_ms, strict=True):
        ratios = [own / first for own, first in zip(times, times_ms[0], strict=True)]
        print(f"| {' | '.join(cells.values())} | {spread(times, 1)} | {statistics.median(ratios):.2f} |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, help="bundles; the first is compared with")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    measure(options.folders, options.rounds, options.threads)
    return 0


if __name__ == "__main__":
    sys.exit(main())
