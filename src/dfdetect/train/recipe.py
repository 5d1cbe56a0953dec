"""A training run, written down: TOML -> frozen dataclasses. An unknown key is an error that lists the known ones."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from dfdetect.data.augment import AugmentOptions
from dfdetect.data.self_blend import BlendOptions
from dfdetect.errors import UsageError, unknown_name

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DataPart:
    """Which rows of the shards train and which validate: by what their owners allow (`reuse`)."""

    train_reuse: tuple[str, ...] = ("free", "stock")
    val_reuse: tuple[str, ...] = ("research",)
    val_pairs: int = 256


@dataclass(frozen=True, slots=True)
class ModelPart:
    """architecture: a name of models.zoo. margin: of the crop when scanning (training draws around it)."""

    architecture: str = "tf_efficientnet_lite0"
    imagenet: bool = True
    input_size_px: int = 224
    margin: float = 0.125
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)


@dataclass(frozen=True, slots=True)
class LoopPart:
    """pairs: real/fake pairs in the whole run. pairs_per_epoch: between two checkpoints.

    small_size_px: input side until `small_until` of the run (0..1) is over, then the model's input_size_px.
    """

    pairs: int = 40_000
    pairs_per_epoch: int = 1_024
    pairs_per_batch: int = 16
    small_size_px: int = 160
    small_until: float = 0.6
    lr: float = 4e-4
    head_lr: float = 2e-3
    weight_decay: float = 1e-4
    warmup: float = 0.03
    label_smoothing: float = 0.02
    ema_decay: float = 0.998
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole run. `name` is the file's stem."""

    name: str
    about: str = ""
    data: DataPart = field(default_factory=DataPart)
    model: ModelPart = field(default_factory=ModelPart)
    loop: LoopPart = field(default_factory=LoopPart)
    blend: BlendOptions = field(default_factory=BlendOptions)
    augment: AugmentOptions = field(default_factory=AugmentOptions)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def epochs(self) -> int:
        return -(-self.loop.pairs // self.loop.pairs_per_epoch)

    def size_px(self, epoch: int) -> int:
        """Input side in this epoch."""
        early = epoch < self.loop.small_until * self.epochs
        return min(self.loop.small_size_px, self.model.input_size_px) if early else self.model.input_size_px


_PARTS: dict[str, type[Any]] = {
    "data": DataPart,
    "model": ModelPart,
    "loop": LoopPart,
    "blend": BlendOptions,
    "augment": AugmentOptions,
}


def bundled_recipes() -> dict[str, str]:
    """Recipes that come with dfdetect: name -> TOML text."""
    folder = resources.files("dfdetect.train") / "recipes"
    return {f.name.removesuffix(".toml"): f.read_text() for f in folder.iterdir() if f.name.endswith(".toml")}


def load_recipe(name_or_file: str) -> Recipe:
    """A bundled recipe by name, or a TOML file. UsageError for an unknown name, key or a value of a wrong type."""
    path = Path(name_or_file)
    if path.suffix == ".toml":
        if not path.is_file():
            raise UsageError(f"recipe file {path} does not exist; `dfdetect train --list` shows the bundled ones")
        return parse_recipe(path.stem, path.read_text())
    recipes = bundled_recipes()
    if name_or_file not in recipes:
        raise unknown_name("recipe", name_or_file, recipes)
    return parse_recipe(name_or_file, recipes[name_or_file])


def parse_recipe(name: str, text: str) -> Recipe:
    """TOML text -> Recipe."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"recipe {name}: not valid TOML: {error}") from error
    _refuse_unknown(name, "", found, {"about", *_PARTS})
    parts = {key: _part(name, key, kind, found.get(key, {})) for key, kind in _PARTS.items()}
    return Recipe(name=name, about=str(found.get("about", "")), **parts)


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
        values[name] = value
    return kind(**values)


def _refuse_unknown(recipe: str, where: str, found: dict[str, Any], known: set[str]) -> None:
    unknown = sorted(set(found) - known)
    if unknown:
        raise UsageError(
            f"recipe {recipe}: {where}unknown key {unknown[0]!r}; the keys are: {', '.join(sorted(known))}"
        )
