"""The whole training room learns: EfficientNet-B0 from random weights tells drawn fakes of people it never saw."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

from dfdetect.train.recipe import parse_recipe  # noqa: E402
from dfdetect.train.run import Machine, train  # noqa: E402
from drawn_fakes import drawn_shards  # noqa: E402

RECIPE = """
[data]
kind = "labelled"
train_reuse = []
val_reuse = []
train_split = "train"
val_split = "val"
pairing = "source"

[model]
architecture = "tf_efficientnet_b0"
pretrained = false
input_size_px = 64

[optimiser]
lr = 2e-3
ema_decay = 0.95

[loop]
epochs = 7
images_per_epoch = 960
images_per_batch = 32

[augment]
p_turn = 0
p_shear = 0
p_stretch = 0
p_colour = 0
p_video = 0
p_photo_jpeg = 0
p_webp = 0
p_shrink = 0
p_blur = 0
p_noise = 0
p_gray = 0
p_retouch = 0
p_again = 0
p_cutout = 0
"""


def test_efficientnet_b0_learns_from_scratch(tmp_path: Path) -> None:
    """Labels that were reversed on the way, a frozen backbone or a loss without gradient all ran without an error."""
    shards = drawn_shards(tmp_path / "faces", train_people=400, val_people=80)
    run = train(parse_recipe("scratch", RECIPE), shards, tmp_path / "run", machine=Machine(0, 1, "cpu", 1, True))
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    last = rows[-1]
    sys.stdout.write(f"validation AUC {[row['val_auc'] for row in rows]} in {last['elapsed_s']} s\n")
    assert last["val_auc"] > 0.95, rows
    assert last["accuracy"] > 0.8
