"""A training run of seconds: patterns instead of faces, 64 px, two epochs of eight pairs. Made once a process."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from dfdetect.data.shards import FaceRecord, write_shards
from face_pictures import plain_records

RECIPE_TOML = """
about = "for tests"

[model]
pretrained = false
input_size_px = 64

[loop]
epochs = 2
images_per_epoch = 16
images_per_batch = 8

[optimiser]
lr = 1e-3
ema_decay = 0.998

[loss]
mask_weight = 0.3

[data]
val_pairs = 4

[augment]
p_video = 0.2
"""


def write_recipe(folder: Path, text: str = RECIPE_TOML) -> Path:
    path = folder / "tiny.toml"
    path.write_text(text)
    return path


def tiny_records() -> list[FaceRecord]:
    """Eight people to learn from and three to validate on."""
    return [*plain_records(8), *plain_records(3, reuse="research", first=100)]


@functools.cache
def _home() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="tiny-run-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def tiny_shards() -> Path:
    write_shards(_home() / "faces", tiny_records(), about={"list": "drawn.csv"})
    return _home() / "faces"


@functools.cache
def tiny_run() -> Path:
    """The run folder of an unbroken run. Read only."""
    from dfdetect.train.recipe import load_recipe
    from dfdetect.train.run import Machine, train

    recipe = load_recipe(str(write_recipe(_home())))
    return train(recipe, tiny_shards(), _home() / "run", machine=Machine(workers=0, threads=1, quiet=True))
