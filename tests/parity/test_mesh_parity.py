"""The converted face mesh against the original network on its original runtime, on pictures that may be published.

The expected numbers were written by ai-edge-litert (`benchmarks/mesh_parity.py --write-golden`), which also compares
both on photographs.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dfdetect.faces.mesh import FaceMesh, yaw_pitch_roll_deg
from parity.mesh_patches import mesh_patches

EXPECTED = json.loads((Path(__file__).parent / "mesh_golden.json").read_text())
PATCHES = dict(mesh_patches())


@pytest.mark.parametrize("name", sorted(PATCHES))
def test_same_points_as_the_original_runtime(name: str) -> None:
    """TFLite pads the odd pixel at the other end than PyTorch does: half a pixel a layer, a mesh that is a bit off."""
    points, presence = FaceMesh(threads=1).look_at_patches(PATCHES[name][None])
    expected = np.array(EXPECTED[name]["points"], np.float32).reshape(468, 3)
    assert np.abs(points[0] - expected).max() < 0.5
    assert np.abs(points[0] - expected).max() < 0.02, "within the contract, but no longer the same network"
    assert abs(float(presence[0]) - EXPECTED[name]["presence"]) < 1e-3
    assert np.abs(np.subtract(yaw_pitch_roll_deg(points[0]), yaw_pitch_roll_deg(expected))).max() < 0.1


def test_a_batch_gives_what_single_pictures_give() -> None:
    """A batch dimension frozen at conversion would mix faces or fail at the second face of a frame."""
    mesh = FaceMesh(threads=1)
    together, presence = mesh.look_at_patches(np.stack(list(PATCHES.values())))
    for row, patch in enumerate(PATCHES.values()):
        alone, alone_presence = mesh.look_at_patches(patch[None])
        np.testing.assert_allclose(together[row], alone[0], atol=1e-2)
        np.testing.assert_allclose(presence[row], alone_presence[0], atol=1e-4)


def test_the_golden_patches_hold_faces_and_none() -> None:
    presence = {name: golden["presence"] for name, golden in EXPECTED.items()}
    assert sorted(presence) == sorted(PATCHES)
    assert presence["large"] > 0.99
    assert presence["no_face"] < 0.1
