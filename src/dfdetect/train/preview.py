"""A contact sheet of what the network will really see."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dfdetect.data.sheet import Tile, captioned_sheet, mask_tile
from dfdetect.media.roundtrip import encode_png
from dfdetect.train.network import resolve
from dfdetect.train.recipe import Recipe
from dfdetect.train.rows import notes_of, training_source
from dfdetect.train.sources import Item, ItemSource, PairSource

PAGE_PX = 2_700  # about as wide as the page becomes
_OF_EACH_FAMILY = 2  # rows of stacks


def write_preview(recipe: Recipe, shards: Path, path: Path, *, items: int = 36) -> str:
    """Write the first items of a run, and some of each family of fakes, as a PNG at the network's own size; say how to
    read it."""
    recipe = resolve(recipe)
    source = training_source(recipe, shards)
    size_px = recipe.model.input_size_px
    columns = min(12, max(2, PAGE_PX // size_px))
    made = [source.make(number, size_px=size_px) for number in range(items)]
    sections = [(f"{recipe.name}: the first {items} items of the run", [_stack(item) for item in made])]
    sections += _families(source, columns, size_px)
    path.write_bytes(encode_png(captioned_sheet(sections, columns=columns)))
    read = "what the network will see, in the order of training"
    if source.images_per_item == 2:
        read = "what the network will see: each real face above its fake and where that was pasted"
    return "\n".join([*notes_of(source), read])


def _families(source: ItemSource, columns: int, size_px: int) -> list[tuple[str, list[list[Tile]]]]:
    """A section for each family of fakes in use."""
    if not isinstance(source, PairSource):
        return []
    sections = []
    for family, share in source.families.items():
        pairs = [source.make_family(n, family, size_px=size_px) for n in range(_OF_EACH_FAMILY * columns)]
        sections.append((f"{family}: {share:.0%} of the fakes", [_stack(pair) for pair in pairs]))
    return sections


def _stack(item: Item) -> list[Tile]:
    tiles = [Tile(crop, (caption,)) for crop, caption in zip(item.crops, item.captions, strict=True)]
    if item.masks is not None and len(item.masks) > 1:
        tiles.append(Tile(mask_tile(np.asarray(item.masks[-1], np.float32)), ("where it was manipulated",)))
    return tiles
