"""Checkpoints: what goes in comes out, and a damaged one is passed over."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from dfdetect.errors import DataError  # noqa: E402
from dfdetect.train.checkpoint import (  # noqa: E402
    KEEP,
    Progress,
    has_checkpoint,
    load_newest,
    restore_optimiser,
    save_checkpoint,
    weights_of,
)


def trained(steps: int = 3) -> tuple[nn.Linear, torch.optim.Optimizer]:
    torch.manual_seed(1)
    net = nn.Linear(3, 2)
    optimiser = torch.optim.AdamW(net.parameters(), lr=0.1)
    for _ in range(steps):
        optimiser.zero_grad()
        net(torch.ones(1, 3)).sum().backward()
        optimiser.step()
    return net, optimiser


def written(folder: Path, *steps: int) -> None:
    for step in steps:
        net, optimiser = trained(step)
        save_checkpoint(folder, Progress(step=step, loss_sum=0.1 * step, best=1 / 3), net.state_dict(), optimiser)


def test_everything_comes_back(tmp_path: Path) -> None:
    net, optimiser = trained()
    progress = Progress(3, 1, 2, 0.7, 5.0, 9, 1 / 3, 0, 12.5, {"scale": 2.0})
    save_checkpoint(tmp_path, progress, net.state_dict(), optimiser)
    found = load_newest(tmp_path, pytest.fail)
    assert asdict(found.progress) == asdict(progress)
    other, fresh = trained(0)
    other.load_state_dict(weights_of(found))
    restore_optimiser(fresh, found)
    for one, its in ((net, optimiser), (other, fresh)):
        its.zero_grad()
        one(torch.ones(1, 3)).sum().backward()
        its.step()
    assert torch.equal(net.weight, other.weight)


def test_the_newest_are_kept(tmp_path: Path) -> None:
    assert not has_checkpoint(tmp_path)
    written(tmp_path, 1, 2, 3, 4, 5)
    assert len(list(tmp_path.iterdir())) == 2 * KEEP
    assert load_newest(tmp_path, pytest.fail).progress.step == 5


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flip(data: bytes) -> bytes:
    return data[:-20] + bytes([data[-20] ^ 1]) + data[-19:]


DAMAGE = {"truncated": cut, "zeroed": lambda data: bytes(len(data)), "bit flipped": flip, "empty": lambda _: b""}


@pytest.mark.parametrize("how", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("suffix", [".safetensors", ".json"])
def test_a_damaged_newest_falls_back_and_says_so(tmp_path: Path, how: object, suffix: str) -> None:
    """A power cut left a file of zeros, and the run began from nothing."""
    written(tmp_path, 1, 2)
    path = tmp_path / f"step-00000002{suffix}"
    path.write_bytes(how(path.read_bytes()))  # type: ignore[operator]
    said: list[str] = []
    assert load_newest(tmp_path, said.append).progress.step == 1
    (line,) = said
    assert line.startswith("checkpoint step-00000002.json: ")
    assert line.endswith("it is damaged, going on from step-00000001.json")


def test_missing_tensors_fall_back_too(tmp_path: Path) -> None:
    written(tmp_path, 1, 2)
    (tmp_path / "step-00000002.safetensors").unlink()
    said: list[str] = []
    assert load_newest(tmp_path, said.append).progress.step == 1
    assert len(said) == 1


def test_nothing_whole_is_an_error(tmp_path: Path) -> None:
    written(tmp_path, 1)
    (tmp_path / "step-00000001.json").write_text("{}")
    with pytest.raises(DataError, match=r"no whole checkpoint in .*step-00000001.json: .*start the run anew"):
        load_newest(tmp_path, pytest.fail)


def test_a_number_changed_in_the_json_is_found(tmp_path: Path) -> None:
    written(tmp_path, 1, 2)
    path = tmp_path / "step-00000002.json"
    path.write_text(path.read_text().replace('"step": 2', '"step": 3'))
    assert load_newest(tmp_path, lambda _: None).progress.step == 1
