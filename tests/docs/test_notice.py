"""NOTICE must name every weight file as it is: a changed file with the old hash would be somebody else's promise."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WEIGHTS = sorted((ROOT / "src/dfdetect").glob("*/weights/*.onnx"))


@pytest.mark.parametrize("weights", WEIGHTS, ids=lambda path: path.name)
def test_notice_names_each_weight_file_with_its_hash(weights: Path) -> None:
    notice = (ROOT / "NOTICE").read_text()
    assert weights.name in notice
    assert hashlib.sha256(weights.read_bytes()).hexdigest() in notice


def test_notice_tells_of_the_gpl_parts_in_the_decoder() -> None:
    notice = (ROOT / "NOTICE").read_text()
    assert "x264" in notice
    assert "x265" in notice
    assert "GNU General Public" in notice
