"""Whatever is killed and whenever: every accepted scan ends once, and nothing is left behind."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from serve.killing import KILLS_IN_CI, run


@pytest.mark.skipif(sys.platform != "linux", reason="finds the workers in /proc")
def test_kills_at_random_points_lose_and_double_nothing(store_url: str, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    count = run(store_url, tmp_path, jobs=50, kills=KILLS_IN_CI, seed=8, port=port)
    assert (count.accepted, count.lost, count.doubled, count.stuck, count.left) == (50, 0, 0, 0, 0), count
    assert count.statuses.get("completed", 0) + count.parked == 50
