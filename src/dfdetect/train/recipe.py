"""A training run, written down: TOML -> frozen dataclasses. An unknown key is an error that lists the known ones."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from dfdetect.data.augment import AugmentOptions
from dfdetect.data.blend import BlendOptions
from dfdetect.data.fakes import FakeOptions
from dfdetect.data.sampling import SamplingOptions
from dfdetect.errors import UsageError, unknown_name

T = TypeVar("T")

# What a recipe may choose the best epoch by (train.validation), and which way is better.
METRICS: dict[str, str] = {
    "val_auc": "max",
    "val_ap": "max",
    "val_loss": "min",
    "val_tpr_at_fpr2": "max",
    "val_video_auc": "max",
    "val_video_ap": "max",
}

CHOICES: dict[str, tuple[str, ...]] = {
    "data.kind": ("self_blend", "labelled"),
    "data.val_kind": ("", "self_blend", "swap", "labelled"),
    "data.validation": ("rows", "none"),
    "data.pairing": ("none", "class", "source"),
    "model.pool": ("mean", "max", "token"),
    "model.tune": ("all", "norm", "head"),
    "model.norm_statistics": ("batch", "fixed"),
    "loss.name": ("cross_entropy", "focal"),
    "loss.mask_target": ("boundary", "mask"),
    "optimiser.name": ("adamw", "adam", "sgd", "sam"),
    "optimiser.schedule": ("cosine", "linear", "step", "constant"),
    "loop.precision": ("auto", "32", "bf16", "fp16"),
    "loop.keep": ("last", "best"),
    "loop.metric": tuple(METRICS),
}


@dataclass(frozen=True, slots=True)
class CardPart:
    """What one must know before choosing this recipe; `dfdetect train --list` shows it.

    data: what to prepare. cost: time and hardware, measured or said to be an estimate. aim: the published number, its
    level (frame or video) and source. faults: what is known to be wrong or different in this setting.
    """

    data: str = ""
    cost: str = ""
    aim: str = ""
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DataPart:
    """Which rows of the shards train, which validate, and what is made of them.

    kind: "self_blend" trains on pairs made from the real rows; "labelled" on the rows as they are labelled.
    val_kind: the same for validation ("" = as kind), or "swap": face swaps that share no operator with the fakes of
    training (data.validation_swaps), so that checkpoints differ by them. validation "none": no held-out rows, so
    nothing is chosen by them.
    train_reuse, val_reuse: what the owners of the pictures allow ([] = whatever is said). train_split, val_split:
    the split that the rows belong to ("" = any).
    pairing, of labelled rows: "source" puts a fake and the real clip that it was made from into one batch, "class" a
    fake and any real, "none" takes rows as they come, however unequal the classes.
    val_pairs: pairs made for a validation; val_images: labelled rows for one, spread evenly (0 = all).
    """

    kind: str = "self_blend"
    val_kind: str = ""
    validation: str = "rows"
    train_reuse: tuple[str, ...] = ("free", "stock")
    val_reuse: tuple[str, ...] = ("research",)
    train_split: str = ""
    val_split: str = ""
    pairing: str = "class"
    val_pairs: int = 256
    val_images: int = 0


@dataclass(frozen=True, slots=True)
class ModelPart:
    """architecture: a name of models.zoo, or any of timm. pretrained: begin with its published weights, from `weights`
    where that names a file. input_size_px 0 and mean, std []: those that the weights were published with.
    margin: of the crop when scanning (training draws around it). pool ... dropout: the head (models.zoo.Head).
    tune: "all", "norm" (normalisation layers and head) or "head". norm_statistics: of batch-norm layers while training,
    those of the "batch", or "fixed" ones of the first weights, as in scanning. Where a real and the fake made from it
    stand in one batch, the batch's own statistics let the network compare the two (docs/experiments.md, run 3).
    """

    architecture: str = "tf_efficientnet_lite0"
    pretrained: bool = True
    weights: str = ""
    input_size_px: int = 0
    margin: float = 0.125
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    pool: str = "mean"
    hidden: tuple[int, ...] = ()
    batch_norm: bool = False
    unit_length: bool = False
    dropout: float = 0.2
    tune: str = "all"
    norm_statistics: str = "batch"


@dataclass(frozen=True, slots=True)
class LossPart:
    """Binary cross-entropy or focal loss (Lin et al. 2017, arXiv:1708.02002) on the logit, and what is added to it.

    mask_weight: of a 1x1-convolution mask head on the last feature map, which learns where the paste is: its boundary
    4 m (1 - m) (Li et al. 2020, arXiv:1912.13458) or the mask m itself. The head is used in training only.
    uniformity, alignment: weights of the losses of Wang & Isola 2020 (arXiv:2005.10242) on unit-length features.
    """

    name: str = "cross_entropy"
    label_smoothing: float = 0.0
    focal_gamma: float = 2.0
    mask_weight: float = 0.0
    mask_target: str = "boundary"
    uniformity: float = 0.0
    alignment: float = 0.0


@dataclass(frozen=True, slots=True)
class OptimiserPart:
    """How weights move. Rates are those of the whole batch, whatever the number of devices.

    head_lr: rate of the head (0 = lr). rho: SAM's radius; SAM steps with SGD (Foret et al. 2021, arXiv:2010.01412).
    schedule, after `warmup` (share of the run): "cosine" to min_lr, in `cycles` equal parts; "linear": lr until
    `constant_until` of the run, then straight to min_lr; "step": times step_factor after every step_epochs epochs.
    """

    name: str = "adamw"
    lr: float = 4e-4
    head_lr: float = 0.0
    weight_decay: float = 1e-4
    momentum: float = 0.9
    rho: float = 0.05
    clip_norm: float = 5.0
    schedule: str = "cosine"
    warmup: float = 0.03
    min_lr: float = 0.0
    cycles: int = 1
    constant_until: float = 0.75
    step_epochs: int = 5
    step_factor: float = 0.5
    ema_decay: float = 0.0


@dataclass(frozen=True, slots=True)
class LoopPart:
    """images_per_epoch: real and fake crops between two validations (0 = as many as there are training rows).

    images_per_batch: of one step, over all devices. accumulate: parts that a batch is worked on in, to save memory.
    small_size_px: input side until `small_until` of the run (0..1) is over, then the model's input_size_px (0 = that
    all along). keep: weights of the "last" epoch or of the "best" by `metric`. patience: stop after so many epochs
    without a better `metric` (0 = never). checkpoint_minutes, checkpoint_steps: whichever comes first (0 = never).
    """

    epochs: int = 20
    images_per_epoch: int = 2_048
    images_per_batch: int = 32
    accumulate: int = 1
    precision: str = "auto"
    sync_batch_norm: bool = True
    small_size_px: int = 0
    small_until: float = 0.0
    keep: str = "last"
    metric: str = "val_auc"
    patience: int = 0
    checkpoint_minutes: float = 10.0
    checkpoint_steps: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole run. `name` is the file's stem; overrides: the `--set` options that changed it."""

    name: str
    about: str = ""
    overrides: tuple[str, ...] = ()
    card: CardPart = field(default_factory=CardPart)
    data: DataPart = field(default_factory=DataPart)
    model: ModelPart = field(default_factory=ModelPart)
    loss: LossPart = field(default_factory=LossPart)
    optimiser: OptimiserPart = field(default_factory=OptimiserPart)
    loop: LoopPart = field(default_factory=LoopPart)
    fakes: FakeOptions = field(default_factory=FakeOptions)
    sampling: SamplingOptions = field(default_factory=SamplingOptions)
    blend: BlendOptions = field(default_factory=BlendOptions)
    augment: AugmentOptions = field(default_factory=AugmentOptions)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def size_px(self, epoch: int) -> int:
        """Input side in this epoch."""
        small, full = self.loop.small_size_px, self.model.input_size_px
        early = small > 0 and epoch < self.loop.small_until * self.loop.epochs
        return min(small, full) if early else full


_PARTS: dict[str, type[Any]] = {
    "card": CardPart,
    "data": DataPart,
    "model": ModelPart,
    "loss": LossPart,
    "optimiser": OptimiserPart,
    "loop": LoopPart,
    "fakes": FakeOptions,
    "sampling": SamplingOptions,
    "blend": BlendOptions,
    "augment": AugmentOptions,
}


def bundled_recipes() -> dict[str, str]:
    """Recipes that come with dfdetect: name -> TOML text."""
    folder = resources.files("dfdetect.train") / "recipes"
    return {f.name.removesuffix(".toml"): f.read_text() for f in folder.iterdir() if f.name.endswith(".toml")}


def load_recipe(name_or_file: str, overrides: Sequence[str] = ()) -> Recipe:
    """A bundled recipe by name, a TOML file, or the recipe.json of an earlier run.

    overrides: "part.key=value" each, values as in TOML. UsageError for an unknown name, key or a value of a wrong type.
    """
    path = Path(name_or_file)
    if path.suffix in (".toml", ".json"):
        if not path.is_file():
            raise UsageError(f"recipe file {path} does not exist; `dfdetect train --list` shows the bundled ones")
        if path.suffix == ".json":
            return recipe_from_facts(json.loads(path.read_text())["recipe"], overrides)
        return parse_recipe(path.stem, path.read_text(), overrides)
    recipes = bundled_recipes()
    if name_or_file not in recipes:
        raise unknown_name("recipe", name_or_file, recipes)
    return parse_recipe(name_or_file, recipes[name_or_file], overrides)


def parse_recipe(name: str, text: str, overrides: Sequence[str] = ()) -> Recipe:
    """TOML text -> Recipe."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"recipe {name}: not valid TOML: {error}") from error
    return _recipe(name, found, overrides)


def recipe_from_facts(found: Mapping[str, Any], overrides: Sequence[str] = ()) -> Recipe:
    """The recipe of a run, as its recipe.json holds it."""
    parts = {key: value for key, value in found.items() if key not in ("name", "overrides")}
    return _recipe(str(found["name"]), parts, [*found["overrides"], *overrides])


def _recipe(name: str, found: Mapping[str, Any], overrides: Sequence[str]) -> Recipe:
    _refuse_unknown(name, "", found, {"about", *_PARTS})
    tables = {key: dict(found.get(key, {})) for key in _PARTS}
    for override in overrides:
        part, key, value = _override(override)
        tables[part][key] = value
    parts = {key: _part(name, key, kind, tables[key]) for key, kind in _PARTS.items()}
    recipe = Recipe(name=name, about=str(found.get("about", "")), overrides=tuple(overrides), **parts)
    _check(recipe)
    return recipe


def _override(text: str) -> tuple[str, str, Any]:
    """ "loop.epochs=3" -> its part, key and value. What is no TOML value is taken as a word."""
    name, equals, value = text.partition("=")
    part, dot, key = name.strip().partition(".")
    if not equals or not dot or part not in _PARTS:
        raise UsageError(f"--set {text}: expected PART.KEY=VALUE with a part of: {', '.join(sorted(_PARTS))}")
    try:
        return part, key, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return part, key, value.strip()


def _part(recipe: str, key: str, kind: type[T], found: dict[str, Any]) -> T:
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    _refuse_unknown(recipe, f"[{key}] ", found, set(known))
    default = kind()
    values = {}
    for name, value in found.items():
        value = tuple(value) if isinstance(value, list) else value
        wanted = type(getattr(default, name))
        if wanted is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            raise UsageError(f"recipe {recipe}: [{key}] {name} must be {wanted.__name__}; got {value!r}")
        if value not in CHOICES.get(f"{key}.{name}", (value,)):
            raise UsageError(f"recipe {recipe}: [{key}] {unknown_name(name, value, CHOICES[f'{key}.{name}']).message}")
        values[name] = value
    return kind(**values)


def _check(recipe: Recipe) -> None:
    """What no single value shows."""
    if recipe.optimiser.name == "sam" and recipe.loop.accumulate > 1:
        raise UsageError(f"recipe {recipe.name}: SAM needs the whole batch twice; use loop.accumulate = 1 with it")
    if recipe.optimiser.name == "sam" and recipe.loop.precision == "fp16":
        raise UsageError(f"recipe {recipe.name}: SAM does not work with fp16's loss scaling; use bf16 or 32")
    if recipe.data.validation == "none" and (recipe.loop.keep == "best" or recipe.loop.patience):
        raise UsageError(
            f"recipe {recipe.name}: without validation nothing can be chosen by it; keep = last, patience = 0"
        )
    if (recipe.loss.uniformity or recipe.loss.alignment) and not recipe.model.unit_length:
        raise UsageError(f"recipe {recipe.name}: uniformity and alignment need model.unit_length = true")
    if recipe.loss.mask_weight and recipe.data.kind != "self_blend":
        raise UsageError(f"recipe {recipe.name}: the mask head needs masks, so data.kind = self_blend")


def _refuse_unknown(recipe: str, where: str, found: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(set(found) - known)
    if unknown:
        raise UsageError(
            f"recipe {recipe}: {where}unknown key {unknown[0]!r}; the keys are: {', '.join(sorted(known))}"
        )
