"""Recipes: what is written is what runs, and a slip of the pen is an error that says what is possible."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest

from dfdetect.data.augment import AugmentOptions
from dfdetect.data.blend import BlendOptions
from dfdetect.errors import UsageError
from dfdetect.train.recipe import LoopPart, ModelPart, Recipe, bundled_recipes, load_recipe, parse_recipe


def test_nothing_written_is_the_defaults() -> None:
    recipe = parse_recipe("mine", "")
    assert recipe == Recipe("mine")
    assert recipe.blend == BlendOptions()
    assert recipe.augment == AugmentOptions()


def test_every_kind_of_value_is_read() -> None:
    recipe = parse_recipe(
        "mine",
        'about = "x"\n[data]\ntrain_reuse = ["free"]\n[model]\npretrained = false\nmean = [0.1, 0.2, 0.3]\n'
        "[loop]\nimages_per_epoch = 1_000\n[optimiser]\nlr = 1\n[blend]\nratios = [0.5, 1.0]\n"
        "[augment]\nvideo_crf = [20, 30]\n",
    )
    assert recipe.about == "x"
    assert recipe.data.train_reuse == ("free",)
    assert recipe.model.pretrained is False
    assert recipe.model.mean == (0.1, 0.2, 0.3)
    assert recipe.loop.images_per_epoch == 1000
    assert recipe.optimiser.lr == 1.0
    assert isinstance(recipe.optimiser.lr, float)
    assert recipe.blend.ratios == (0.5, 1.0)
    assert recipe.augment.video_crf == (20, 30)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[loop", "recipe mine: not valid TOML"),
        (
            "[lopp]\nepochs = 3",
            r"unknown key 'lopp'; the keys are: about, augment, blend, card, data, .*loop, loss, model",
        ),
        (
            "[optimiser]\nlearning_rate = 0.1",
            r"\[optimiser\] unknown key 'learning_rate'; the keys are: .*head_lr.*lr, ",
        ),
        ('[loop]\nepochs = "many"', r"\[loop\] epochs must be int; got 'many'"),
        ("[loop]\nepochs = 1.5", r"\[loop\] epochs must be int; got 1.5"),
        ("[loop]\nepochs = true", r"\[loop\] epochs must be int; got True"),
        ("[optimiser]\nlr = true", r"\[optimiser\] lr must be float; got True"),
        ("[model]\npretrained = 1", r"\[model\] pretrained must be bool; got 1"),
        ('[optimiser]\nname = "adamv"', r"\[optimiser\] unknown name 'adamv'; the options are: adam, adamw, sam, sgd"),
        ('[loop]\nkeep = "newest"', r"\[loop\] unknown keep 'newest'; the options are: best, last"),
        (
            '[optimiser]\nname = "sam"\n[loop]\naccumulate = 2',
            "SAM needs the whole batch twice; use loop.accumulate = 1",
        ),
        ('[optimiser]\nname = "sam"\n[loop]\nprecision = "fp16"', "SAM does not work with fp16's loss scaling"),
        ('[data]\nvalidation = "none"\n[loop]\nkeep = "best"', "without validation nothing can be chosen by it"),
        ("[loss]\nuniformity = 0.5", "uniformity and alignment need model.unit_length = true"),
        (
            '[data]\nkind = "labelled"\n[loss]\nmask_weight = 0.3',
            "the mask head needs masks, so data.kind = self_blend",
        ),
        ('[loop]\nmetric = "auc"', r"unknown metric 'auc'; the options are: val_ap, val_auc"),
        ("[data]\ntrain_reuse = 3", r"\[data\] train_reuse must be tuple; got 3"),
    ],
)
def test_mistakes_are_named(text: str, says: str) -> None:
    """An unknown key that is ignored is a run of hours with the default in its place."""
    with pytest.raises(UsageError, match=says):
        parse_recipe("mine", text)


def test_bundled_recipes_load_and_say_what_they_are() -> None:
    assert "default" in bundled_recipes()
    for name in bundled_recipes():
        recipe = load_recipe(name)
        assert recipe.about.strip()
        assert recipe.name == name
        assert recipe.card.data.strip()
        assert recipe.card.cost.strip()
        assert recipe.card.aim.strip()
        assert all(fault.strip() for fault in recipe.card.faults)


def test_unknown_names_and_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown recipe 'defualt'; the options are: .*default"):
        load_recipe("defualt")
    with pytest.raises(UsageError, match=r"recipe file .*none.toml does not exist; `dfdetect train --list`"):
        load_recipe(str(tmp_path / "none.toml"))


def test_a_file_is_named_by_its_stem(tmp_path: Path) -> None:
    (tmp_path / "night.toml").write_text("[loop]\nepochs = 12\n")
    recipe = load_recipe(str(tmp_path / "night.toml"))
    assert (recipe.name, recipe.loop.epochs) == ("night", 12)


def test_small_pictures_first_then_full_size() -> None:
    model = ModelPart(input_size_px=224)
    recipe = Recipe("x", model=model, loop=LoopPart(epochs=10, small_size_px=160, small_until=0.6))
    assert [recipe.size_px(epoch) for epoch in range(10)] == [160] * 6 + [224] * 4
    assert Recipe("x", model=model, loop=LoopPart(small_size_px=500, small_until=0.6)).size_px(0) == 224
    assert Recipe("x", model=model).size_px(0) == 224


def test_single_values_can_be_changed_and_are_kept() -> None:
    """Which of two runs had the smaller pictures? Nobody had written it down."""
    changes = [
        "model.input_size_px=64",
        "model.architecture=convnext_atto",
        "loop.small_until=0.5",
        "data.train_reuse=[]",
    ]
    recipe = load_recipe("default", changes)
    assert (recipe.model.input_size_px, recipe.model.architecture, recipe.loop.small_until) == (
        64,
        "convnext_atto",
        0.5,
    )
    assert recipe.data.train_reuse == ()
    assert recipe.overrides == tuple(changes)
    assert recipe.loop.epochs == load_recipe("default").loop.epochs


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("epochs=3", r"--set epochs=3: expected PART.KEY=VALUE with a part of: augment, blend, "),
        ("loop.epochs", "expected PART.KEY=VALUE"),
        ("loop.epoch=3", r"\[loop\] unknown key 'epoch'"),
        ("loop.epochs=three", r"\[loop\] epochs must be int; got 'three'"),
    ],
)
def test_a_slip_in_a_change_is_named(change: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        load_recipe("default", [change])


def test_a_runs_own_recipe_can_be_run_again(tmp_path: Path) -> None:
    recipe = load_recipe("default", ["loop.epochs=3"])
    (tmp_path / "recipe.json").write_text(json.dumps({"recipe": recipe.as_dict()}))
    assert load_recipe(str(tmp_path / "recipe.json")) == recipe
    again = load_recipe(str(tmp_path / "recipe.json"), ["loop.seed=1"])
    assert (again.loop.epochs, again.overrides) == (3, ("loop.epochs=3", "loop.seed=1"))


def test_the_whole_recipe_can_be_written_down() -> None:
    assert set(Recipe("x").as_dict()) == {f.name for f in fields(Recipe)}
