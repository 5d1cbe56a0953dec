"""A training run on a GPU computer that takes little: pack faces here, measure and train there.

    python scripts/gpu_run.py pack faces -o out/gpu --max-mb 60   # here: faces and first weights, within that
    python scripts/gpu_run.py rate out/gpu                               # there: pictures a second, loader included
    python scripts/gpu_run.py train out/gpu -o out/run --minutes 9       # there: the run, and the same again to go on

There, only PyTorch, Lightning, timm, pyarrow and OpenCV are needed (docs/gpu.md). Without PyAV the recipe's H.264
histories are off, and the run says so.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from dfdetect.data.shards import FaceRecord, read_shards, write_shards
from dfdetect.media.roundtrip import encode_jpeg

WEIGHTS = "weights.safetensors"
FACES = "faces"
GPU_SHARE = 0.85


def pack(given: argparse.Namespace) -> None:
    """As many faces as fit, evenly over the rows, and the backbone's first weights as fp16."""
    given.out.mkdir(parents=True, exist_ok=True)
    room = given.max_mb * 1_000_000 - _pack_weights(given.architecture, given.out / WEIGHTS)
    rows = [_smaller(record, given.side, given.quality) for record in read_shards(given.faces)]
    sizes = np.array([record.held_bytes for record in rows], float)
    share = min(1.0, 0.98 * room / max(1.0, float(sizes.sum())))
    kept = [rows[place] for place in np.unique(np.linspace(0, len(rows) - 1, int(share * len(rows))).astype(int))]
    write_shards(given.out / FACES, kept, about={"packed_from": given.faces.name, "side_px": given.side})
    total = sum(path.stat().st_size for path in given.out.rglob("*") if path.is_file())
    print(f"{len(kept)} of {len(rows)} faces, {total / 1e6:.1f} MB in {given.out}")


def _pack_weights(architecture: str, path: Path) -> int:
    from safetensors.torch import save_file

    from dfdetect.models.pretrained import pretrained_backbone

    net, start = pretrained_backbone(architecture)
    state = {k: v.half().contiguous() if v.is_floating_point() else v for k, v in net.state_dict().items()}
    save_file(state, path, metadata={"architecture": architecture, "name": start.name, "licence": start.licence})
    return path.stat().st_size


def _smaller(record: FaceRecord, side_px: int, quality: int) -> FaceRecord:
    """The record at no more than side_px, with everything that is measured in its pixels."""
    import cv2

    picture = record.picture()
    scale = min(1.0, side_px / max(picture.shape[:2]))
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if scale < 1 else picture
    scaled = {
        name: None if getattr(record, name) is None else np.asarray(getattr(record, name) * scale, np.float32)
        for name in ("mesh", "landmarks", "box_xyxy")
    }
    data = encode_jpeg(np.asarray(small, np.uint8), quality, subsampling="444")
    return replace(record, image_bytes=data, mask_bytes=None, **scaled)


def _recipe(given: argparse.Namespace, changes: Sequence[str]) -> Any:
    from dfdetect.train.recipe import load_recipe

    changes = [*changes, f"model.weights={given.pack / WEIGHTS}"]
    if importlib.util.find_spec("av") is None:
        print("PyAV is not here: augment.p_video = 0, no H.264 histories")
        changes.append("augment.p_video=0")
    return load_recipe(given.recipe, [*changes, *given.set])


def train_there(given: argparse.Namespace) -> None:
    """The run, or its next sitting."""
    from dfdetect.train.checkpoint import has_checkpoint
    from dfdetect.train.run import Machine, train

    workers = given.workers or max(1, (os.cpu_count() or 2) - 1)
    machine = Machine(workers=workers, device=given.device, quiet=True, max_minutes=given.minutes)
    resume = has_checkpoint(given.out / "checkpoints")
    train(_recipe(given, []), given.pack / FACES, given.out, resume=resume, machine=machine)
    metrics = given.out / "metrics.jsonl"
    print(metrics.read_text() if metrics.is_file() else "no epoch is over yet")


def rate(given: argparse.Namespace) -> None:
    """Pictures a second of the network alone on a batch that lies on the device, and of a run with its loader."""
    import torch

    changes = [
        f"model.architecture={given.architecture}", f"model.input_size_px={given.size}", "model.pretrained=false",
        f"loop.images_per_batch={given.images}", f"loop.images_per_epoch={given.images * given.steps}",
        "loop.epochs=1", "loop.small_size_px=0", "data.validation=none", "loop.checkpoint_minutes=0",
    ]  # fmt: skip
    device = torch.device("cuda" if torch.cuda.is_available() and given.device != "cpu" else "cpu")
    recipe = _recipe(given, changes)
    alone = _alone(recipe, device, given.images, given.steps)
    loaded = _loaded(recipe, given, device)
    name = torch.cuda.get_device_name() if device.type == "cuda" else f"{torch.get_num_threads()} CPU threads"
    print(f"{given.architecture} at {given.size} px, {given.images} images a step, {name}, PyTorch {torch.__version__}")
    print(
        f"network alone {alone:.1f} images/s; with the loader ({given.workers or os.cpu_count()} workers) {loaded:.1f}"
    )
    met = "met" if loaded >= GPU_SHARE * alone else "NOT met"
    print(f"share {loaded / alone:.3f}; at least {GPU_SHARE}: {met}")


def _alone(recipe: Any, device: Any, images: int, steps: int) -> float:
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    from dfdetect.train.network import first_network, resolve

    net = first_network(resolve(recipe), None)[0].to(device).train()
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-4)
    size_px = recipe.model.input_size_px
    batch = torch.randn(images, 3, size_px, size_px, device=device).to(memory_format=torch.channels_last)
    labels = torch.arange(images, device=device).remainder(2).float()
    warm_up = max(2, steps // 5)
    for step in range(steps + warm_up):
        if step == warm_up:
            _wait(device)
            began = time.perf_counter()
        optimiser.zero_grad()
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            loss = binary_cross_entropy_with_logits(net(batch)[0], labels)
        loss.backward()
        optimiser.step()
    _wait(device)
    return float(images * steps / (time.perf_counter() - began))


def _wait(device: Any) -> None:
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize()


def _loaded(recipe: Any, given: argparse.Namespace, device: Any) -> float:
    """From the end of the first fifth of the steps: workers start slowly."""
    from dfdetect.train.module import FaceModule
    from dfdetect.train.run import Machine, train

    ends: list[float] = []
    begin = FaceModule.on_train_batch_start

    def noted(self: Any, batch: Any, batch_idx: int) -> None:
        ends.append(time.perf_counter())
        begin(self, batch, batch_idx)

    FaceModule.on_train_batch_start = noted  # type: ignore[method-assign]
    workers = given.workers or os.cpu_count() or 1
    machine = Machine(workers=workers, device=device.type, quiet=True)
    with tempfile.TemporaryDirectory() as folder:
        train(recipe, given.pack / FACES, Path(folder) / "run", machine=machine)
    _wait(device)
    skipped = max(1, len(ends) // 5)
    return float(given.images * (len(ends) - 1 - skipped) / (ends[-1] - ends[skipped]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("pack", help="faces and first weights, no more than so many MB")
    one.add_argument("faces", type=Path)
    one.add_argument("--out", "-o", type=Path, required=True)
    one.add_argument("--max-mb", type=float, default=60)
    one.add_argument("--side", type=int, default=360, help="pixels of the loose crop")
    one.add_argument("--quality", type=int, default=92, help="of the JPEG")
    one.add_argument("--architecture", default="tf_efficientnet_lite0")
    for name in ("rate", "train"):
        one = commands.add_parser(name)
        one.add_argument("pack", type=Path)
        one.add_argument("--recipe", default="default")
        one.add_argument("--set", action="append", default=[], metavar="PART.KEY=VALUE")
        one.add_argument("--workers", type=int, default=0)
        one.add_argument("--device", default="auto")
    one.add_argument("--out", "-o", type=Path, required=True)
    one.add_argument("--minutes", type=float, default=9)
    rating = commands.choices["rate"]
    rating.add_argument("--architecture", default="tf_efficientnet_b4")
    rating.add_argument("--size", type=int, default=380)
    rating.add_argument("--images", type=int, default=64)
    rating.add_argument("--steps", type=int, default=60)
    return parser


def main(arguments: Sequence[str]) -> None:
    given = _parser().parse_args(arguments)
    {"pack": pack, "rate": rate, "train": train_there}[given.command](given)


if __name__ == "__main__":
    main(sys.argv[1:])
