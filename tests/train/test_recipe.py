"""Recipes: what is written is what runs, and a slip of the pen is an error that says what is possible."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from dfdetect.data.augment import AugmentOptions
from dfdetect.data.self_blend import BlendOptions
from dfdetect.errors import UsageError
from dfdetect.train.recipe import LoopPart, Recipe, bundled_recipes, load_recipe, parse_recipe


def test_nothing_written_is_the_defaults() -> None:
    recipe = parse_recipe("mine", "")
    assert recipe == Recipe("mine")
    assert recipe.blend == BlendOptions()
    assert recipe.augment == AugmentOptions()


def test_every_kind_of_value_is_read() -> None:
    recipe = parse_recipe(
        "mine",
        'about = "x"\n[data]\ntrain_reuse = ["free"]\n[model]\nimagenet = false\nmean = [0.1, 0.2, 0.3]\n'
        "[loop]\npairs = 1_000\nlr = 1\n[blend]\nratios = [0.5, 1.0]\n[augment]\nvideo_crf = [20, 30]\n",
    )
    assert recipe.about == "x"
    assert recipe.data.train_reuse == ("free",)
    assert recipe.model.imagenet is False
    assert recipe.model.mean == (0.1, 0.2, 0.3)
    assert recipe.loop.pairs == 1000
    assert recipe.loop.lr == 1.0
    assert isinstance(recipe.loop.lr, float)
    assert recipe.blend.ratios == (0.5, 1.0)
    assert recipe.augment.video_crf == (20, 30)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[loop", "recipe mine: not valid TOML"),
        ("[lopp]\npairs = 3", r"unknown key 'lopp'; the keys are: about, augment, blend, data, loop, model"),
        ("[loop]\nlearning_rate = 0.1", r"\[loop\] unknown key 'learning_rate'; the keys are: .*head_lr.*lr, .*pairs"),
        ('[loop]\npairs = "many"', r"\[loop\] pairs must be int; got 'many'"),
        ("[loop]\npairs = 1.5", r"\[loop\] pairs must be int; got 1.5"),
        ("[loop]\npairs = true", r"\[loop\] pairs must be int; got True"),
        ("[loop]\nlr = true", r"\[loop\] lr must be float; got True"),
        ("[model]\nimagenet = 1", r"\[model\] imagenet must be bool; got 1"),
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
        assert recipe.loop.pairs % recipe.loop.pairs_per_batch == 0


def test_unknown_names_and_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown recipe 'defualt'; the options are: .*default"):
        load_recipe("defualt")
    with pytest.raises(UsageError, match=r"recipe file .*none.toml does not exist; `dfdetect train --list`"):
        load_recipe(str(tmp_path / "none.toml"))


def test_a_file_is_named_by_its_stem(tmp_path: Path) -> None:
    (tmp_path / "night.toml").write_text("[loop]\npairs = 12\n")
    recipe = load_recipe(str(tmp_path / "night.toml"))
    assert (recipe.name, recipe.loop.pairs) == ("night", 12)


def test_small_pictures_first_then_full_size() -> None:
    recipe = Recipe("x", loop=LoopPart(pairs=100, pairs_per_epoch=10, small_size_px=160, small_until=0.6))
    assert recipe.epochs == 10
    assert [recipe.size_px(epoch) for epoch in range(10)] == [160] * 6 + [224] * 4
    assert Recipe("x", loop=LoopPart(small_size_px=500)).size_px(0) == 224


def test_a_broken_last_epoch_counts() -> None:
    assert Recipe("x", loop=LoopPart(pairs=101, pairs_per_epoch=10)).epochs == 11


def test_the_whole_recipe_can_be_written_down() -> None:
    assert set(Recipe("x").as_dict()) == {f.name for f in fields(Recipe)}
