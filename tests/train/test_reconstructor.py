"""The auto-encoder of the reconstructed fakes: it learns, its file runs without PyTorch, and it comes with dfdetect."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dfdetect.cli.main import run  # noqa: E402
from dfdetect.data.fakes import open_reconstructor  # noqa: E402
from dfdetect.data.reconstruct import SIDES_PX, Reconstructor, cut_level_face  # noqa: E402
from dfdetect.errors import DataError  # noqa: E402
from dfdetect.train.reconstructor import DECODERS, export_reconstructor, face_crops, train_reconstructor  # noqa: E402
from dfdetect.values import UInt8Array  # noqa: E402
from face_pictures import astronaut_face, face_record, plain_records  # noqa: E402
from tiny_run import tiny_shards  # noqa: E402


def astronaut_crop(side_px: int) -> UInt8Array:
    return cut_level_face(*astronaut_face(), side_px)[0]


def distance(a: UInt8Array, b: UInt8Array) -> float:
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def test_it_learns_and_its_file_says_the_same(tmp_path: Path) -> None:
    faces = face_crops([face_record(*astronaut_face())] * 3)
    assert faces.shape == (3, 96, 96, 3)
    losses: list[float] = []
    net = train_reconstructor(faces, steps=30, batch=4, lr=4e-3, on_step=losses.append)
    assert len(losses) == 30
    assert np.mean(losses[-3:]) < 0.8 * np.mean(losses[:3])
    export_reconstructor(net, tmp_path / "own.onnx")
    own = Reconstructor(tmp_path / "own.onnx")
    assert own.decoders == list(DECODERS)
    with torch.no_grad():
        wanted = net(torch.from_numpy(faces[:2].transpose(0, 3, 1, 2).astype(np.float32) / 255))
    for name, expected in zip(DECODERS, wanted, strict=True):
        made = own(faces[:2], name)
        assert distance(made, np.rint(expected.numpy().transpose(0, 2, 3, 1) * 255).astype(np.uint8)) < 0.1


def test_one_seed_learns_one_network() -> None:
    faces = face_crops(plain_records(3))
    first, again = (train_reconstructor(faces, steps=2, batch=2, seed=5).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_without_real_faces_it_is_refused() -> None:
    with pytest.raises(DataError, match="no real faces to train the reconstructor on"):
        face_crops([face_record(*astronaut_face(), label=1)])


@pytest.mark.parametrize("side_px", SIDES_PX)
def test_the_one_of_the_package_gives_faces_back_blurred(side_px: int) -> None:
    """Too good a copy would be an invisible fake, too bad a one a fake that no forger would show."""
    builtin = open_reconstructor("builtin")
    assert builtin is not None
    face = astronaut_crop(side_px)
    for name in builtin.decoders:
        assert 2 < distance(builtin(face[None], name)[0], face) < 20
    by_both = [builtin(face[None], name)[0] for name in builtin.decoders]
    assert distance(*by_both) > 0.5


def test_it_travels_to_other_processes_unopened() -> None:
    """A session that is forked or pickled hangs or fails in the worker."""
    builtin = open_reconstructor("builtin")
    assert builtin is not None
    face = astronaut_crop(64)[None]
    before = builtin(face, "nearest")
    assert np.array_equal(pickle.loads(pickle.dumps(builtin))(face, "nearest"), before)


def test_the_command_writes_a_file_that_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "r.onnx"
    assert run(["reconstructor", str(tiny_shards()), "-o", str(out), "--reuse", "free", "--steps", "2"]) == 0
    assert "learnt from 8 faces, reconstructs them to" in capsys.readouterr().out
    assert Reconstructor(out)(astronaut_crop(64)[None], "transposed").shape == (1, 64, 64, 3)
