"""Rule 3 of self-blending: whoever looks only beside the face must not tell the fake from the real."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dfdetect.data.augment import AugmentOptions
from face_pictures import astronaut_face, drawn_face

ROOT = Path(__file__).resolve().parents[2]
SHARDS = ROOT / "work" / "faces"


def _benchmark(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


periphery = _benchmark("periphery_audit")
OPTIONS = periphery.roomy(AugmentOptions())


@pytest.fixture(scope="module")
def pairs() -> list[Any]:
    """208 pairs of 13 people through the whole shared history, video and photo."""
    faces = [astronaut_face(), *(drawn_face(seed, 300) for seed in range(12))]
    return [periphery.masked_pair(faces[number % len(faces)], number, OPTIONS) for number in range(208)]


def test_the_periphery_does_not_tell(pairs: list[Any]) -> None:
    """Re-encoding only the fake let a classifier that sees nothing of the face reach AUC 0.94; on real forgeries the
    same cue was worth 0.48."""
    found = periphery.audit(pairs)
    assert found.pairs >= 200
    assert 0.45 <= found.auc <= 0.55


def test_the_audit_sees_what_it_must(pairs: list[Any]) -> None:
    """An audit that cannot fail proves nothing."""
    assert periphery.audit(periphery.only_fakes_reencoded(pairs)).auc > 0.9


def test_without_a_lossy_history_the_periphery_is_identical() -> None:
    plain = replace(OPTIONS, p_video=0, p_photo_jpeg=0, p_webp=0, p_shrink=0, p_blur=0)
    for seed in range(6):
        pair = periphery.masked_pair(astronaut_face(), seed, plain)
        blocks = periphery.far_blocks(pair.mask).repeat(8, axis=0).repeat(8, axis=1)
        height, width = blocks.shape
        assert np.array_equal(pair.real[:height, :width][blocks], pair.fake[:height, :width][blocks])


@pytest.mark.shared_data
@pytest.mark.slow
def test_the_periphery_of_photographs_does_not_tell() -> None:
    """The same audit on the photographs that the shipped model learns from."""
    if not (SHARDS / "manifest.json").is_file():
        pytest.skip("NOT MEASURED: work/faces is absent; make it with `dfdetect prepare`")
    found = periphery.audit(periphery.pairs_of_shards(SHARDS, 300, ["free", "stock"]))
    assert found.pairs >= 200
    assert 0.45 <= found.auc <= 0.55
