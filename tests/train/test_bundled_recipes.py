"""Every bundled recipe takes two steps on patterns, with a small network and small pictures where its own are large."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from dfdetect.data.shards import FaceRecord, write_shards  # noqa: E402
from dfdetect.train.network import empty_network, resolve, spec_of  # noqa: E402
from dfdetect.train.recipe import bundled_recipes, load_recipe, recipe_from_facts  # noqa: E402
from dfdetect.train.run import Machine, train  # noqa: E402
from face_pictures import plain_records  # noqa: E402

SMALL = ["model.pretrained=false", "loop.epochs=1", "loop.images_per_epoch=16", "loop.images_per_batch=8"]
SMALL += ["loop.accumulate=1", "model.input_size_px=64", "data.val_pairs=4"]
STANDS_FOR = {
    "sbi-b4": "test_efficientnet",
    "effb4-dfb": "test_efficientnet",
    "gend": "test_vit",
    "blend-real": "test_vit",
}
PLACES = {"gend": ["model.input_size_px=96"], "blend-real": ["model.input_size_px=96"]}


def rows(split: str, reuse: str, first: int) -> list[FaceRecord]:
    found = []
    for number, record in enumerate(plain_records(6, reuse=reuse, first=first), first):
        key = f"clip-{number // 2}"
        real = replace(record, split=split, video_id=key, pair_key=key, path=f"{number}.png", target_id=key)
        fake = replace(real, video_id=f"{key}-fake", label=1, path=f"{number}-fake.png", method="swap")
        found += [real, fake]
    return found


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rows") / "faces"
    write_shards(folder, [*rows("train", "free", 0), *rows("val", "research", 100)], about={})
    return folder


@pytest.mark.parametrize("name", bundled_recipes())
def test_every_recipe_takes_two_steps(name: str, shards: Path, tmp_path: Path) -> None:
    """A recipe that nobody had run asked for a head that its backbone does not have."""
    changes = [*SMALL, *PLACES.get(name, [])]
    if name in STANDS_FOR:
        changes.append(f"model.architecture={STANDS_FOR[name]}")
    recipe = load_recipe(name, changes)
    run = train(recipe, shards, tmp_path / "run", machine=Machine(workers=0, threads=1, quiet=True))
    (line,) = [json.loads(text) for text in (run / "metrics.jsonl").read_text().splitlines()]
    assert line["step"] == 2
    assert recipe.loop.metric in line
    facts = json.loads((run / "recipe.json").read_text())["recipe"]
    assert recipe_from_facts(facts).overrides == tuple(changes)
    assert facts["card"]["aim"]


@pytest.mark.parametrize("name", bundled_recipes())
def test_every_recipes_own_network_can_be_laid_out(name: str) -> None:
    """With the size, head and normalisation that it says, without memory for it."""
    recipe = resolve(load_recipe(name))
    with torch.device("meta"):
        net = empty_network(recipe)
        seen = net.eval().look(torch.zeros(2, 3, recipe.model.input_size_px, recipe.model.input_size_px))
    assert seen.logit.shape == (2,)
    assert (seen.cam is not None) == net.has_cam
    assert spec_of(recipe).input_size_px == recipe.model.input_size_px
    assert recipe.loop.images_per_batch % (2 * recipe.loop.accumulate) == 0


def test_which_recipes_there_are() -> None:
    asked = {"default", "sbi-b4", "xception-dfb", "effb4-dfb", "s1-xception-ensemble", "s2-efficientnet-b0", "gend"}
    assert asked | {"blend-real"} <= set(bundled_recipes())
