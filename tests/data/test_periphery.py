"""Rule 3 of self-blending: whoever looks only beside the face must not tell the fake from the real."""

from __future__ import annotations

import functools
import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dfdetect.data.augment import AugmentOptions
from dfdetect.data.fakes import FAMILIES
from dfdetect.data.shards import FaceRecord, write_shards
from face_pictures import astronaut_face, drawn_face, face_record

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


@functools.cache
def records() -> list[FaceRecord]:
    """Thirteen people: one photograph and twelve drawings."""
    faces = [astronaut_face(), *(drawn_face(seed, 300) for seed in range(12))]
    return [face_record(*face, path=f"{number}.png", person=f"p{number}") for number, face in enumerate(faces)]


@functools.cache
def pairs(family: str) -> list[Any]:
    """104 pairs through the whole shared history, video and photo; twice as many of the family drawn most."""
    return periphery.masked_pairs(records(), range(208 if family == "self_blend" else 104), family, OPTIONS)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_the_periphery_does_not_tell(family: str) -> None:
    """Re-encoding only the fake let a classifier that sees nothing of the face reach AUC 0.94; on real forgeries the
    same cue was worth 0.48."""
    found = periphery.audit(pairs(family))
    assert found.pairs >= 90
    assert 0.45 <= found.auc <= 0.55


def test_the_audit_sees_what_it_must() -> None:
    """An audit that cannot fail proves nothing."""
    assert periphery.audit(periphery.only_fakes_reencoded(pairs("self_blend"))).auc > 0.9


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_without_a_lossy_history_the_periphery_is_identical(family: str) -> None:
    plain = replace(OPTIONS, p_video=0, p_photo_jpeg=0, p_webp=0, p_shrink=0, p_blur=0)
    for pair in periphery.masked_pairs(records(), range(6), family, plain):
        blocks = periphery.far_blocks(pair.mask).repeat(8, axis=0).repeat(8, axis=1)
        height, width = blocks.shape
        assert np.array_equal(pair.real[:height, :width][blocks], pair.fake[:height, :width][blocks])


@pytest.mark.shared_data
@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_the_periphery_of_photographs_does_not_tell(family: str) -> None:
    """The same audit on the photographs that the shipped model learns from."""
    if not (SHARDS / "manifest.json").is_file():
        pytest.skip("NOT MEASURED: work/faces is absent; make it with `dfdetect prepare`")
    photographs = periphery.records_of_shards(SHARDS, 300, ["free", "stock"])
    found = periphery.audit(periphery.masked_pairs(photographs, range(300), family, OPTIONS))
    assert found.pairs >= 200
    assert 0.45 <= found.auc <= 0.55


def test_the_clock_of_the_pairs_runs(tmp_path: Path) -> None:
    """benchmarks/self_blend.py on three faces: every line of its table has its three figures."""
    write_shards(tmp_path, records()[:3], about={})
    script = str(ROOT / "benchmarks" / "self_blend.py")
    command = [sys.executable, script, str(tmp_path), "--pairs", "2", "--size", "64"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()[2:]
    assert len(lines) == 7
    assert all(float(line.split()[-3]) > 0 for line in lines)
