"""Several devices share a batch and do what one does; and a machine without PyAV and pydantic trains."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from safetensors.torch import load_file  # noqa: E402

from dfdetect.data.shards import write_shards  # noqa: E402
from tiny_run import tiny_records, tiny_shards, write_recipe  # noqa: E402

SOURCE = Path(__file__).resolve().parents[2] / "src"
# Batch norm sees half of the pictures on each of two devices, so a network without it is compared.
SMALL = ["model.architecture=test_convnext", "model.input_size_px=32", "augment.p_video=0", "model.dropout=0"]


def dfdetect(*arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """`dfdetect ...` in a process of its own; after running `before` in it, `python -m dfdetect.train ...`."""
    start = [sys.executable, "-m", "dfdetect"]
    if before:
        code = f"{before}\nimport sys\nfrom dfdetect.train.__main__ import main\nsys.exit(main(sys.argv[2:]))"
        start = [sys.executable, "-c", code]
    done = subprocess.run(
        [*start, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE), "CUDA_VISIBLE_DEVICES": ""},
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def trained(folder: Path, *more: str, changes: list[str] | None = None) -> Path:
    recipe = write_recipe(folder)
    sets = [word for change in [*SMALL, *(changes or [])] for word in ("--set", change)]
    common = ["-d", str(tiny_shards()), "--workers", "0", "--threads", "1", "--device", "cpu", "-q"]
    dfdetect("train", str(recipe), "-o", str(folder / "run"), *common, *sets, *more)
    return folder / "run"


def test_two_processes_do_what_one_does(tmp_path: Path) -> None:
    """Each of two processes saw the whole data in the same order: twice the electricity for the same run."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one = trained(tmp_path / "one")
    two = trained(tmp_path / "two", "--devices", "2")
    rows = [[json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()] for run in (one, two)]
    assert [row["step"] for row in rows[1]] == [row["step"] for row in rows[0]] == [2, 4]
    for first, second in zip(*rows, strict=True):
        assert second["val_loss"] == pytest.approx(first["val_loss"], abs=2e-4)
        assert second["loss"] == pytest.approx(first["loss"], abs=2e-4)
        assert second["accuracy"] == first["accuracy"]
    weights = [load_file(run / "weights.safetensors") for run in (one, two)]
    begun = max(float((weights[0][name] - weights[1][name]).abs().max()) for name in weights[0])
    assert begun < 2e-4


BLOCKED = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ('av', 'pydantic', 'pydantic_settings', 'typer'):
            raise ModuleNotFoundError(f'No module named {name!r}', name=name)
sys.meta_path.insert(0, Absent())
"""


def test_a_machine_without_pyav_and_pydantic_trains(tmp_path: Path) -> None:
    """The GPU machine had neither, and importing the training room failed after the data had been copied there."""
    recipe = write_recipe(tmp_path)
    write_shards(tmp_path / "faces", tiny_records(), about={})
    sets = [word for change in [*SMALL, "loop.epochs=1"] for word in ("--set", change)]
    common = ["-d", str(tmp_path / "faces"), "-o", str(tmp_path / "run"), "--workers", "0", "-q"]
    done = dfdetect("train", str(recipe), *common, *sets, before=BLOCKED)
    assert "run folder:" in done.stdout
    assert json.loads((tmp_path / "run" / "metrics.jsonl").read_text())["step"] == 2
