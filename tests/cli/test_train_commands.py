"""`prepare`, `train`, `export`, `calibrate`: what they print, and exit codes for what cannot work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from dfdetect.cli.main import run
from dfdetect.data.drawn_faces import draw_face
from dfdetect.data.lists import read_list
from dfdetect.evaluate.calibrate import calibration_items
from dfdetect.evaluate.scores import VideoScore, append_score
from dfdetect.media.roundtrip import decode, encode_png
from dfdetect.models.bundle import load_bundle
from tiny_bundle import make_tiny_bundle
from tiny_run import tiny_run, tiny_shards, write_recipe


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two drawn people and a wall, with their list."""
    for seed in range(2):
        (tmp_path / f"{seed}.png").write_bytes(encode_png(draw_face(np.random.default_rng(seed), 240)))
    (tmp_path / "wall.png").write_bytes(encode_png(np.full((90, 90, 3), 70, np.uint8)))
    (tmp_path / "list.csv").write_text("path,label,reuse\n0.png,real,free\n1.png,real,free\nwall.png,real,free\n")
    return tmp_path / "list.csv"


def test_the_list_of_recipes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--list"]) == 0
    out = capsys.readouterr().out
    assert "\ndefault\n  " in out
    assert "self-blended" in out


def test_a_preview_shows_pairs_and_trains_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = write_recipe(tmp_path)
    assert run(["train", str(recipe), "-d", str(tiny_shards()), "--preview", "look.png"]) == 0
    assert "each real face above its fake and where that was pasted: look.png" in capsys.readouterr().out
    sheet = decode(Path("look.png").read_bytes())
    stack = 3 * (64 + 20)  # real, fake and mask, each with its caption
    families = 4 * (36 + 2 * stack)
    assert sheet.shape == (36 + 3 * stack + families, 12 * 64, 3)
    assert not np.array_equal(sheet[:64], sheet[64:128])


def test_train_names_what_comes_next_and_overwrites_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe, shards = str(write_recipe(tmp_path)), str(tiny_shards())
    assert run(["train", recipe, "-d", shards, "-o", "run", "--epochs", "1", "--workers", "0", "--threads", "1"]) == 0
    assert f"next: dfdetect export run -d {shards} -o BUNDLE" in capsys.readouterr().out
    assert run(["train", recipe, "-d", shards, "-o", "run"]) == 2
    assert "--resume" in capsys.readouterr().err
    assert len(Path("run/metrics.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["prepare", "none.csv", "-o", "x", "-q"], 3, "none.csv: expected a CSV list"),
        (["train"], 2, "train needs --data FOLDER"),
        (["train", "-d", "SHARDS"], 2, "train needs --out RUN"),
        (["train", "mine", "-d", "SHARDS", "-o", "r"], 2, "unknown recipe 'mine'; the options are:"),
        (["train", "mine.toml", "-d", "SHARDS", "-o", "r"], 2, "recipe file mine.toml does not exist"),
        (["train", "RECIPE", "-d", "nowhere", "-o", "r"], 3, "holds no manifest.json; make face shards with"),
        (["train", "RECIPE", "-d", "SHARDS", "-o", "r", "--resume"], 2, "nothing to resume"),
        (["export", "nowhere", "-d", "SHARDS", "-o", "b"], 2, "is no run folder: recipe.json is missing"),
        (["export", "RUN", "-d", "nowhere", "-o", "b"], 3, "holds no manifest.json"),
        (["export", "RUN", "-d", "SHARDS", "-o", "b", "--precision", "int4"], 2, "the options are: fp16, fp32, int8"),
        (["export", "RUN", "-d", "SHARDS", "-o", "b", "--calibrated", "none"], 4, "no model 'none'"),
        (["calibrate", "nowhere", "--photos", "p.csv", "--clips", "c.csv"], 4, "expected the folder of a model bundle"),
    ],
)
def test_what_cannot_work_says_what_to_do(
    arguments: list[str], code: int, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A list that was not there ended in a traceback."""
    stands_for = {"SHARDS": str(tiny_shards()), "RECIPE": str(write_recipe(tmp_path))}
    if "RUN" in arguments:
        stands_for["RUN"] = str(tiny_run())
    assert run([stands_for.get(argument, argument) for argument in arguments]) == code
    assert says in capsys.readouterr().err


def test_export_says_how_far_the_file_is_from_the_network(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["export", str(tiny_run()), "-d", str(tiny_shards()), "-o", "b", "--precision", "fp16", "--crops", "4"]
    assert run(arguments) == 0
    out, err = capsys.readouterr()
    assert "b: fp16 (46 of 46, 100% of the weights), 6.8 MB; 4 crops agree within" in out
    assert "next: dfdetect calibrate b" in out
    assert "fp16, last 46 of 46" in err
    assert run(["models", "show", "b"]) == 0
    assert "fp16 (46 of 46, 100% of the weights), within" in capsys.readouterr().out


def test_calibrate_sets_the_bounds_and_seals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The files were scored before, so only what `calibrate` does with scores is run here."""
    bundle = make_tiny_bundle(tmp_path / "models" / "tiny")
    lines = [f"{n}.jpg,real,{'free' if n else 'other'}" for n in range(81)]
    for name in ("photos", "clips"):
        (tmp_path / f"{name}.csv").write_text("\n".join(["path,label,reuse", *lines]))
    rng = np.random.default_rng(1)
    photo_rows = [row for row in read_list(tmp_path / "photos.csv") if row.reuse == "free"]
    for item in calibration_items(photo_rows, read_list(tmp_path / "clips.csv")):
        logit = float(rng.normal(3.0 * item.blended, 1))
        row = VideoScore(item.key, int(item.blended), source=item.population, group=item.key, logit=logit, n_tracks=1)
        append_score(tmp_path / "scores.jsonl", row)
    lists = ["--photos", "photos.csv", "--clips", "clips.csv", "--reuse", "free", "--scores", "scores.jsonl", "-q"]
    assert run(["calibrate", str(bundle), *lists]) == 0
    out = capsys.readouterr().out
    found = load_bundle(bundle).calibration
    for kind, n_reals in (("image", 80), ("video", 161)):
        point = found.thresholds[kind]["1"]
        assert point.n_reals == n_reals
        assert 0 < point.no_manipulation_found < point.likely_manipulated < 1
        assert f"{kind}: likely manipulated above {point.likely_manipulated:.3f}" in out
    assert "of 80 real photos; people left out in turn" in out


def test_calibrate_with_too_few_reals_leaves_the_bundle_alone(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = make_tiny_bundle(tmp_path / "models" / "tiny")
    before = {path.name: path.read_bytes() for path in bundle.iterdir()}
    arguments = ["calibrate", str(bundle), "--photos", str(photos), "--clips", str(photos), "-q"]
    assert run(arguments) == 3
    assert "needs at least 50 usable real files of kind 'photo'" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in bundle.iterdir()} == before
    kept = tmp_path / "models" / "tiny.calibration-scores.jsonl"
    assert len(kept.read_text().splitlines()) >= 6
