"""A contact sheet of what the network will really see."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dfdetect.data.sheet import contact_sheet
from dfdetect.media.roundtrip import encode_png
from dfdetect.train.network import resolve
from dfdetect.train.recipe import Recipe
from dfdetect.train.rows import training_source

COLUMNS = 12


def write_preview(recipe: Recipe, shards: Path, path: Path, *, items: int = 36) -> str:
    """Write the first items of a run as a PNG at the network's own size, and say how to read it."""
    recipe = resolve(recipe)
    source = training_source(recipe, shards)
    made = [source.make(number, size_px=recipe.model.input_size_px) for number in range(items)]
    if source.images_per_item == 1:
        crops = [item.crops[0] for item in made]
        path.write_bytes(encode_png(contact_sheet(crops, columns=COLUMNS, tile_px=recipe.model.input_size_px)))
        return "what the network will see, in the order of training"
    stacked = [np.vstack(list(item.crops)) for item in made]
    rows = [np.hstack(stacked[start : start + COLUMNS]) for start in range(0, items, COLUMNS)]
    path.write_bytes(encode_png(np.vstack(rows)))
    return "what the network will see, each real face above its fake"
