"""Faces with a mesh, as loose crops: one photograph that may be used freely, drawn people, and plain patterns."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import skimage.data

from dfdetect.data.drawn_faces import draw_face
from dfdetect.data.prepare import loose_crop
from dfdetect.data.shards import FaceRecord
from dfdetect.faces.detector import make_detector
from dfdetect.faces.mesh import FaceMesh
from dfdetect.media.roundtrip import encode_jpeg
from dfdetect.values import Float32Array, UInt8Array

_GOLDEN = Path(__file__).parent / "parity" / "mesh_golden.json"


@functools.cache
def astronaut_mesh() -> Float32Array:
    """(468, 3) pixels of `skimage.data.astronaut()`: the stored answer of the original runtime, so no network runs."""
    points = np.array(json.loads(_GOLDEN.read_text())["large"]["points"], np.float32).reshape(468, 3)
    return np.asarray(points + np.float32([128, 10, 0]), np.float32)


@functools.cache
def astronaut_face() -> tuple[UInt8Array, Float32Array]:
    """(picture (S, S, 3), mesh (468, 3) in its pixels)."""
    return loose_crop(skimage.data.astronaut(), astronaut_mesh())


def plain_picture(size_px: int = 192) -> UInt8Array:
    """A coloured pattern that is nobody's face, from whole numbers alone: the same bytes on every computer."""
    y, x = np.mgrid[0:size_px, 0:size_px]
    layers = [(3 * x + 5 * y) % 211, (x * y // 16) % 199 + 20, (7 * x + 2 * y + (x // 12 + y // 9) % 2 * 40) % 240]
    return np.stack(layers, axis=2).astype(np.uint8)


def plain_mesh(size_px: int = 192) -> Float32Array:
    """The astronaut's mesh in the middle of a square picture, about half as wide."""
    mesh = astronaut_mesh().copy()
    low, high = mesh[:, :2].min(axis=0), mesh[:, :2].max(axis=0)
    mesh *= np.float32(0.53 * size_px / float((high - low).max()))
    middle = (mesh[:, :2].min(axis=0) + mesh[:, :2].max(axis=0)) / 2
    mesh[:, :2] += size_px / 2 - middle
    return mesh


@functools.cache
def drawn_face(seed: int, size_px: int = 320) -> tuple[UInt8Array, Float32Array]:
    """A drawn person as a loose crop with its mesh, through the real detector and mesh."""
    image = draw_face(np.random.default_rng(seed), size_px)
    points = _mesh().fit(image, make_detector("yunet").detect(image)).points
    assert len(points) == 1, f"drawn face {seed}: expected one face, the detector found {len(points)}"
    return loose_crop(image, points[0])


@functools.cache
def _mesh() -> FaceMesh:
    return FaceMesh(threads=1)


def face_record(
    picture: UInt8Array,
    mesh: Float32Array,
    *,
    path: str = "a.jpg",
    person: str = "",
    reuse: str = "free",
    label: int = 0,
) -> FaceRecord:
    """A record as `prepare` makes it."""
    return FaceRecord(
        image_bytes=encode_jpeg(picture, 95, subsampling="444"),
        mesh=mesh,
        label=label,
        path=path,
        target_id=person,
        source="drawn",
        licence="Apache-2.0",
        reuse=reuse,
        method="",
        face_px=float(np.ptp(mesh[:, 0])),
        blur=0.1,
        yaw_deg=0.0,
        detector_score=0.9,
    )


def plain_records(n: int, *, size_px: int = 96, reuse: str = "free", first: int = 0) -> list[FaceRecord]:
    """Small records of different patterns under one mesh: for tests of order and files, where no face is needed."""
    mesh = plain_mesh(size_px)
    return [
        face_record(
            np.roll(plain_picture(size_px), (5 * (number // size_px), 11 * number), axis=(0, 1)),
            mesh,
            path=f"{reuse}/{number}.jpg",
            person=f"person-{number}",
            reuse=reuse,
        )
        for number in range(first, first + n)
    ]
