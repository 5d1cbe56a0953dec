"""`dfdetect evaluate --robustness` and `--explanations`, from arguments to the files beside the scores."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from dfdetect.cli.main import run
from dfdetect.data.drawn_faces import draw_scene
from dfdetect.errors import DataError
from dfdetect.evaluate.explanations import read_explanations
from dfdetect.evaluate.robustness import read_robustness
from dfdetect.media.roundtrip import encode_png
from tiny_bundle import make_tiny_bundle

pytest.importorskip("sklearn", reason="evaluation needs the extra: evaluate")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("models") / "tiny", gain=20.0)


@pytest.fixture(scope="module")
def fakes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fakes as `dfdetect data fakes` makes them, of three drawn people."""
    folder = tmp_path_factory.mktemp("reals")
    for n in range(3):
        (folder / f"{n}.png").write_bytes(encode_png(draw_scene(np.random.default_rng(n), (400, 400)).image))
    with (folder / "reals.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "person"), *((f"{n}.png", "real", f"p{n}") for n in range(3))])
    out = folder / "fakes"
    assert run(["data", "fakes", str(folder / "reals.csv"), "-o", str(out), "--kinds", "t1", "-q"]) == 0
    return out / "list.csv"


def test_both_parts_lie_beside_the_scores_and_are_told(
    model: Path, fakes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = ["evaluate", "-d", str(fakes), "-m", str(model), "-o", str(out), "-q"]
    capsys.readouterr()
    assert run([*arguments, "--robustness", "--cells", "mirror,blur", "--explanations"]) == 0
    told = capsys.readouterr().out
    laundered = read_robustness(out)
    assert laundered is not None
    assert laundered["model"] == "tiny"
    assert str(tmp_path) not in (out / "robustness.json").read_text() + (out / "explanation.json").read_text()
    assert [cell["name"] for cell in laundered["cells"]] == [
        "clean", "blur_1", "blur_2", "blur_3", "blur_4", "blur_5", "mirror",
    ]  # fmt: skip
    assert "gate, not measured: loss of the AUC after a messenger" in told
    explained = read_explanations(out)
    assert explained is not None
    assert explained["faces"] == 3
    assert "heatmap: points into the mask" in told
    before = (out / "robustness.jsonl").read_text()
    assert run([*arguments, "--robustness", "--cells", "mirror"]) == 0  # scored before: nothing is done again
    assert (out / "robustness.jsonl").read_text() == before


def test_parts_need_files_to_scan(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "--scores", str(tmp_path), "-o", str(tmp_path / "out"), "--robustness"]) == 2
    assert "give --data and --model" in capsys.readouterr().err


def test_an_unknown_cell_is_refused_by_name(
    model: Path, fakes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["evaluate", "-d", str(fakes), "-m", str(model), "-o", str(tmp_path / "out"), "-q", "--robustness"]
    assert run([*arguments, "--cells", "jpg"]) == 2
    assert "unknown cell or family of the laundering grid 'jpg'" in capsys.readouterr().err


def test_a_part_of_another_schema_is_refused(tmp_path: Path) -> None:
    (tmp_path / "robustness.json").write_text(json.dumps({"schema": "other/1"}))
    with pytest.raises(DataError, match="found 'other/1'"):
        read_robustness(tmp_path)
    assert read_explanations(tmp_path) is None
