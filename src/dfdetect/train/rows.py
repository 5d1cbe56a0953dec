"""Which rows of the shards train and which validate, by the recipe; what the audit finds on both sides is refused."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dfdetect.data.audit import Leak, audit
from dfdetect.data.pairs import PairMaker
from dfdetect.data.shards import FaceRecord, read_columns, read_shards
from dfdetect.data.validation_swaps import ValidationSwaps
from dfdetect.errors import DataError, UsageError
from dfdetect.train.recipe import Recipe
from dfdetect.train.sources import ItemSource, LabelledSource, PairSource, PlainSource

if TYPE_CHECKING:
    import pyarrow as pa

_AUDITED = (
    *("path", "label", "dataset", "method", "compression", "kind"),
    *("video_id", "target_id", "donor_id", "pair_key", "source_key"),
)
_VERBS = {"train": "train on", "val": "validate on"}
_VAL_SEED = 1_000_003  # added to the run's seed: validation draws other numbers


def sources(
    recipe: Recipe, shards: Path, *, allow_leaks: bool = False, warn: Callable[[str], None] | None = None
) -> tuple[ItemSource, ItemSource | None]:
    """(training, validation or None). DataError for an empty side, a single class, or a leak.

    allow_leaks: a leak is no error but handed to `warn` as text.
    """
    part = recipe.data
    train_rows = training_rows(recipe, shards)
    if part.validation == "none":
        return _training(recipe, train_rows), None
    kind = part.val_kind or part.kind
    val_rows = _rows(shards, part.val_reuse, part.val_split, kind)
    if not val_rows:
        says = _nothing("val", shards, part.val_reuse, part.val_split, kind)
        raise DataError(f"{says}. To train without: --set data.validation=none, and nothing is chosen by it")
    leaks = leaks_between(train_rows, val_rows)
    if leaks and not allow_leaks:
        raise DataError(
            f"{_leak_text(leaks)}. Validation would measure memory: split the data anew (`dfdetect data split`), or "
            "--allow-leaks where the official split itself is so"
        )
    if leaks and warn is not None:
        warn(f"{_leak_text(leaks)}; allowed, so say it beside every number of this validation")
    return _training(recipe, train_rows), _validation(recipe, val_rows, kind)


def training_rows(recipe: Recipe, shards: Path) -> list[FaceRecord]:
    """The rows that a recipe trains on. DataError when there are none."""
    part = recipe.data
    rows = _rows(shards, part.train_reuse, part.train_split, part.kind)
    if not rows:
        raise DataError(_nothing("train", shards, part.train_reuse, part.train_split, part.kind))
    return rows


def training_source(recipe: Recipe, shards: Path) -> ItemSource:
    """What a recipe trains on, alone: for a look at it."""
    return _training(recipe, training_rows(recipe, shards))


def _rows(shards: Path, reuse: Sequence[str], split: str, kind: str) -> list[FaceRecord]:
    blended = kind in ("self_blend", "swap")  # needs real faces with a mesh

    def wanted(record: FaceRecord) -> bool:
        ours = (not reuse or record.reuse in reuse) and (not split or record.split == split)
        return ours and (not blended or (record.label == 0 and record.mesh is not None))

    return list(read_shards(shards, where=wanted))


def notes_of(source: ItemSource) -> tuple[str, ...]:
    """What a recipe asked for and does not get, and why."""
    maker = source.maker if isinstance(source, PairSource | LabelledSource) else None
    return maker.notes if isinstance(maker, PairMaker) else ()


def _training(recipe: Recipe, rows: list[FaceRecord]) -> ItemSource:
    if recipe.augment.p_video > 0 and importlib.util.find_spec("av") is None:
        raise UsageError(
            f"recipe {recipe.name} passes pictures through H.264 while training (augment.p_video = "
            f"{recipe.augment.p_video}), which needs the package av: install it, or --set augment.p_video=0 "
            "and let `dfdetect prepare --video-copies 2` make the compressed crops"
        )
    seed = recipe.loop.seed
    if recipe.data.kind == "self_blend":
        return PairSource(_maker(recipe, rows))
    maker = _maker(recipe, [row for row in rows if row.label == 0]) if recipe.sampling.made_share > 0 else None
    part = recipe.data
    return LabelledSource(
        rows, seed=seed, augment=recipe.augment, pairing=part.pairing, sampling=recipe.sampling, maker=maker
    )


def _maker(recipe: Recipe, reals: list[FaceRecord]) -> PairMaker:
    return PairMaker(
        reals,
        seed=recipe.loop.seed,
        blend=recipe.blend,
        augment=recipe.augment,
        fakes=recipe.fakes,
        sampling=recipe.sampling,
    )


def _validation(recipe: Recipe, rows: list[FaceRecord], kind: str) -> ItemSource:
    if kind == "self_blend":
        seed = recipe.loop.seed + _VAL_SEED
        augment = replace(recipe.augment, p_mixup=0.0, p_cutout=0.0)
        return PairSource(PairMaker(rows, seed=seed, blend=recipe.blend, augment=augment, fakes=recipe.fakes))
    if kind == "swap":
        return PairSource(ValidationSwaps(rows, seed=recipe.loop.seed + _VAL_SEED, augment=recipe.augment))
    if len({record.label for record in rows}) < 2:
        raise DataError("validation on labelled rows needs both classes; all that were found are of one")
    wanted = recipe.data.val_images or len(rows)
    picked = [rows[place * len(rows) // wanted] for place in range(min(wanted, len(rows)))]
    return PlainSource(picked, margin=recipe.model.margin)


def leaks_between(train_rows: Sequence[FaceRecord], val_rows: Sequence[FaceRecord]) -> tuple[Leak, ...]:
    """What `dfdetect data audit` finds of these rows on both sides: people, originals, clips, uploads, files. What has
    no name cannot be told."""
    return audit(splits={"train": _names_of(train_rows), "val": _names_of(val_rows)}).leaks


def _names_of(rows: Sequence[FaceRecord]) -> pa.Table:
    """Rows without their pictures. A crop that has no file of its own (a frame of a folder) goes by its bytes."""
    import pyarrow as pa

    columns = {name: [getattr(row, name) for row in rows] for name in _AUDITED}
    own_file = [row.clip_sha256 or hashlib.sha256(row.image_bytes).hexdigest() for row in rows]
    return pa.table(columns | {"clip_sha256": own_file, "split": [""] * len(rows)})


def _leak_text(leaks: Sequence[Leak]) -> str:
    found = [
        f"{leak.text} ({leak.examples[0].key}: {leak.examples[0].first} | {leak.examples[0].second})" for leak in leaks
    ]
    return f"training and validation leak: {'; '.join(found)}"


def _nothing(side: str, shards: Path, reuse: Sequence[str], split: str, kind: str) -> str:
    """Why there is no row for "train" or "val", what the rows have instead, and how to take them."""
    wanted = [f"reuse in {list(reuse)}"] if reuse else []
    wanted += [f"split {split!r}"] if split else []
    rows = "row" if kind == "labelled" else "real row"
    table = read_columns(shards, ["reuse", "split"])
    if not table.num_rows:
        return f"nothing to {_VERBS[side]}: {shards} holds no face; its manifest.json says what was left out, and why"
    have = [
        f"{name} {', '.join(repr(value) for value in sorted(set(table.column(name).to_pylist())))}"
        for name, asked in (("reuse", reuse), ("split", split))
        if asked
    ]
    text = f"nothing to {_VERBS[side]}: no {rows} of {shards} has {' and '.join(wanted) or 'been found'}"
    if have:
        text += f"; its {table.num_rows:,} rows have {' and '.join(have)}"
    if reuse:
        text += f". To take rows whatever their owners allow: --set data.{side}_reuse=[]"
    return text
