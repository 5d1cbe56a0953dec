"""MTCNN against facenet-pytorch 2.6.0: boxes within 1 px, scores within 1e-3, on pictures that may be published.

The expected numbers were written by that package (`benchmarks/mtcnn_parity.py --write-golden`), which also compares
both on photographs. Where the drawing itself was changed on purpose, write them again.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dfdetect.faces.mtcnn import Mtcnn
from parity.golden_pictures import golden_pictures

EXPECTED = json.loads((Path(__file__).parent / "mtcnn_golden.json").read_text())
PICTURES = dict(golden_pictures())


@pytest.fixture(scope="module")
def detector() -> Mtcnn:
    return Mtcnn()


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_same_faces_as_the_peer(detector: Mtcnn, name: str) -> None:
    """A cascade that rounds one corner otherwise gives boxes some pixels off, and nobody notices."""
    found, expected = detector.detect(PICTURES[name]), EXPECTED[name]
    assert len(found) == len(expected)
    for face in expected:
        row = np.abs(found.boxes_xyxy - face["box_xyxy"]).max(axis=1).argmin()
        assert np.abs(found.boxes_xyxy[row] - face["box_xyxy"]).max() < 1.0
        assert abs(found.score[row] - face["score"]) < 1e-3
        assert np.abs(found.landmarks[row] - face["landmarks"]).max() < 1.0


def test_the_golden_numbers_cover_people_and_no_people() -> None:
    counts = [len(faces) for faces in EXPECTED.values()]
    assert sorted(EXPECTED) == sorted(PICTURES)
    assert min(counts) == 0
    assert max(counts) >= 3
    assert sum(counts) >= 15
