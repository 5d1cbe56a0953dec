"""A run killed at any moment goes on to the very weights of the unbroken one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")

TESTS = Path(__file__).resolve().parents[1]


def kill(times: int, folder: Path) -> str:
    search = os.pathsep.join([str(TESTS), str(TESTS.parent / "src")])
    done = subprocess.run(
        [sys.executable, str(TESTS / "killed_runs.py"), str(times), str(folder)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": search, "CUDA_VISIBLE_DEVICES": ""},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
@pytest.mark.parametrize("times", [5, pytest.param(40, marks=pytest.mark.slow)])
def test_killed_runs_end_in_the_same_weights(times: int, tmp_path: Path) -> None:
    """A spot instance was taken away 11 times in a night, and the run was another one in the morning."""
    out = kill(times, tmp_path)
    sys.stdout.write(out)
    assert f"{times} of {times} killed runs ended in the weights of the unbroken one" in out
