"""benchmarks/learning_gap.py on the tiny run: the batch's help shows where it is used, and scanning has none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from tiny_run import tiny_run, tiny_shards

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "learning_gap.py"


def test_every_table_has_its_rows() -> None:
    run = tiny_run()
    command = [sys.executable, str(SCRIPT), str(run / "weights.safetensors"), str(tiny_shards()), "--pairs", "4"]
    done = subprocess.run(
        [*command, "--recipe", str(run / "recipe.json")], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split("|")[1:-1] for line in done.stdout.splitlines() if line.startswith("| ")]
    gaps = {row[0].strip(): [float(cell) for cell in row[1:]] for row in rows if len(row) == 5 and "AUC" not in row[1]}
    people = ("people of training", "held-out people")
    split = {f"{who}, {history}" for who in people for history in ("clean", "photo", "video")}
    scanned, twin = "held-out people, as scanned", "held-out people, each beside its twin"
    assert set(gaps) == split | {scanned, twin}
    assert all(0 <= auc <= 1 and 0 <= right <= 1 and spread >= 0 for auc, right, _, spread in gaps.values())
    assert gaps[scanned] != gaps[twin]
    sources = [row for row in rows if len(row) == 4 and row[1].strip()[0] in "+-"]
    assert sum(int(row[3]) for row in sources) == 2  # of the one source: half as many as pairs
