"""Checkpoints that a killed run goes on from, as if nothing had happened: safetensors and JSON, never a pickle.

    checkpoints/step-00000640.safetensors   every tensor: weights, moving averages, the optimiser's state
    checkpoints/step-00000640.json          where the run stands; SHA-256 of the tensors, and of itself

Each is written under another name, flushed to the disk and renamed, the JSON last: a checkpoint is there when its JSON
is. The newest KEEP are kept, and a damaged one is passed over for the one before it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from dfdetect.batch.whole_file import whole_file
from dfdetect.errors import DataError

FORMAT = "dfdetect.checkpoint/1"
KEEP = 3
_NAME = re.compile(r"step-(\d{8})\.json")


@dataclass
class Progress:
    """Where a run stands. step: steps taken; epoch, step_in_epoch: of the next one.

    loss_sum, right, seen: of this epoch so far, for its line of metrics. best, best_epoch: of the recipe's metric.
    elapsed_s: time spent, over all its sittings.
    """

    step: int = 0
    epoch: int = 0
    step_in_epoch: int = 0
    loss_sum: float = 0.0
    right: float = 0.0
    seen: int = 0
    best: float | None = None
    best_epoch: int = -1
    elapsed_s: float = 0.0
    loss_scale: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint as it was read back: its progress, and all tensors by name (on the CPU)."""

    path: Path
    progress: Progress
    tensors: dict[str, Tensor]
    optimiser: dict[str, Any]


def save_checkpoint(folder: Path, progress: Progress, weights: Mapping[str, Tensor], optimiser: Optimizer) -> Path:
    """Write a checkpoint and remove those older than the newest KEEP. Returns the path of its JSON."""
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"weights.{name}": value for name, value in weights.items()}
    numbers: dict[str, dict[str, Any]] = {}
    for index, state in optimiser.state_dict()["state"].items():
        for name, value in state.items():
            if isinstance(value, Tensor):
                tensors[f"optimiser.{index}.{name}"] = value
            else:
                numbers.setdefault(str(index), {})[name] = value
    data = save({name: value.detach().cpu().contiguous() for name, value in tensors.items()})
    stem = f"step-{progress.step:08d}"
    write_whole(folder / f"{stem}.safetensors", data)
    content = {
        "format": FORMAT,
        "progress": asdict(progress),
        "optimiser": numbers,
        "tensors_sha256": hashlib.sha256(data).hexdigest(),
    }
    path = folder / f"{stem}.json"
    write_whole(path, json.dumps({**content, "sha256": _hash(content)}, indent=2).encode())
    for old in _newest_first(folder)[KEEP:]:
        old.unlink()
        old.with_suffix(".safetensors").unlink(missing_ok=True)
    return path


def load_newest(folder: Path, warn: Callable[[str], None]) -> Checkpoint:
    """The newest checkpoint that is whole. A damaged one is named to `warn`. DataError when none is left."""
    damaged = []
    for path in _newest_first(folder):
        try:
            found = _read(path)
        except (OSError, ValueError, KeyError, TypeError) as error:
            damaged.append(f"{path.name}: {error}")
            continue
        for says in damaged:
            warn(f"checkpoint {says}; it is damaged, going on from {path.name}")
        return found
    raise DataError(f"no whole checkpoint in {folder}: {'; '.join(damaged) or 'there is none'}; start the run anew")


def restore_optimiser(optimiser: Optimizer, checkpoint: Checkpoint) -> None:
    """Give an optimiser of the same shape the state that it had."""
    state: dict[int, dict[str, Any]] = {int(index): dict(values) for index, values in checkpoint.optimiser.items()}
    for name, value in checkpoint.tensors.items():
        if name.startswith("optimiser."):
            _, index, key = name.split(".", 2)
            state.setdefault(int(index), {})[key] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})


def weights_of(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """The weights of a checkpoint, by their names in the module."""
    prefix = "weights."
    return {n.removeprefix(prefix): value for n, value in checkpoint.tensors.items() if n.startswith(prefix)}


def has_checkpoint(folder: Path) -> bool:
    return bool(_newest_first(folder))


def write_whole(path: Path, data: bytes) -> None:
    """A file that is there whole or not at all, on the disk when this returns."""
    with whole_file(path) as part:
        part.write_bytes(data)


def _newest_first(folder: Path) -> list[Path]:
    found = [path for path in folder.glob("step-*.json") if _NAME.fullmatch(path.name)]
    return sorted(found, key=lambda path: path.name, reverse=True)


def _hash(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _read(path: Path) -> Checkpoint:
    from safetensors.torch import load

    content = json.loads(path.read_bytes())
    said = content.pop("sha256")
    if content["format"] != FORMAT:
        raise ValueError(f"expected format {FORMAT}, found {content['format']}")
    if _hash(content) != said:
        raise ValueError("its SHA-256 is not the one that it names")
    data = path.with_suffix(".safetensors").read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != content["tensors_sha256"]:
        raise ValueError(f"SHA-256 of its tensors: expected {content['tensors_sha256'][:12]}..., found {found[:12]}...")
    known = {f.name for f in fields(Progress)}
    if set(content["progress"]) != known:
        raise ValueError(f"expected the keys {sorted(known)}")
    return Checkpoint(path, Progress(**content["progress"]), load(data), content["optimiser"])
