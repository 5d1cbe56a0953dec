"""Photographs -> records: what is kept is right, what is left out is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data

from dfdetect.data.drawn_faces import draw_face, draw_scene
from dfdetect.data.prepare import LOOSE_MARGIN, MAX_LOOSE_PX, PrepareReport, loose_crop, prepare_photos
from dfdetect.data.sample import Sample
from dfdetect.data.shards import FaceRecord
from dfdetect.faces.detector import make_detector
from dfdetect.faces.mesh import FaceMesh, mesh_box_xyxy
from dfdetect.media.roundtrip import encode_jpeg, encode_png
from dfdetect.values import Label
from face_pictures import astronaut_mesh


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(3):
        (folder / f"drawn-{seed}.png").write_bytes(encode_png(draw_face(np.random.default_rng(seed), 256)))
    (folder / "two.png").write_bytes(encode_png(draw_scene(np.random.default_rng(3), (700, 380), n_faces=2).image))
    (folder / "small.png").write_bytes(encode_png(draw_face(np.random.default_rng(1), 110)))
    (folder / "wall.png").write_bytes(encode_png(np.full((200, 200, 3), 90, np.uint8)))
    (folder / "torn.jpg").write_bytes(encode_jpeg(skimage.data.astronaut(), 90)[:2000])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.jpg").write_text("hello")
    return folder


def prepare(folder: Path, *names: str) -> tuple[list[FaceRecord], PrepareReport, list[int]]:
    rows = [
        Sample(f"{folder}/{name}", str(folder), Label.REAL, "list", name, "image", target_id=f"p-{name}", reuse="free")
        for name in names
    ]
    report, seen = PrepareReport(), []
    records = prepare_photos(
        rows, detector=make_detector("yunet"), mesh=FaceMesh(threads=1), report=report, on_progress=seen.append
    )
    return list(records), report, seen


def test_every_row_is_kept_or_named(photos: Path) -> None:
    """A list of 100 photos once gave 83 records and not a word about the rest."""
    names = ["drawn-0.png", "wall.png", "torn.jpg", "drawn-1.png", "empty.jpg", "text.jpg", "none.jpg", "small.png"]
    records, report, seen = prepare(photos, *names)
    assert [record.path for record in records] == ["drawn-0.png", "drawn-1.png"]
    assert report.kept == 2
    assert report.paths["no_face"] == ["wall.png"]
    assert report.paths["face_too_small"] == ["small.png"]
    assert report.paths["empty"] == ["empty.jpg"]
    assert report.paths["io_error"] == ["none.jpg"]
    assert report.paths["unsupported_type"] == ["text.jpg"]
    assert {path for paths in report.paths.values() for path in paths} == set(names) - {"drawn-0.png", "drawn-1.png"}
    assert {reason: len(paths) for reason, paths in report.paths.items()} == dict(report.left_out)
    assert seen == list(range(1, len(names) + 1))


def test_a_record_is_the_face_with_its_mesh_and_origin(photos: Path) -> None:
    (record,), _, _ = prepare(photos, "drawn-2.png")
    picture = record.picture()
    assert picture.shape[0] == picture.shape[1]
    left, top, right, bottom = mesh_box_xyxy(record.mesh)
    side = picture.shape[0]
    assert max(right - left, bottom - top) * (1 + 2 * LOOSE_MARGIN) == pytest.approx(side, abs=1)
    assert (left + right) / 2 == pytest.approx(side / 2, abs=1)
    assert (top + bottom) / 2 == pytest.approx(side / 2, abs=1)
    assert (record.label, record.target_id, record.reuse) == (0, "p-drawn-2.png", "free")
    assert record.face_px > 80
    assert 0.5 < record.detector_score <= 1
    assert abs(record.yaw_deg) < 30


def test_one_face_a_photo(photos: Path) -> None:
    records, report, _ = prepare(photos, "two.png")
    assert len(records) == report.kept == 1


def test_native_pixels_where_the_face_is_small_enough() -> None:
    astronaut, mesh = skimage.data.astronaut(), astronaut_mesh()
    picture, points = loose_crop(astronaut, mesh)
    shift = np.rint(mesh[0, :2] - points[0, :2]).astype(int)
    rows, columns = np.arange(60, 150), np.arange(60, 150)
    assert np.array_equal(picture[np.ix_(rows, columns)], astronaut[np.ix_(rows + shift[1], columns + shift[0])])
    assert np.allclose(points[:, :2] + shift, mesh[:, :2], atol=1e-3)
    assert np.allclose(points[:, 2], mesh[:, 2])


def test_large_faces_are_shrunk_with_their_mesh() -> None:
    astronaut = skimage.data.astronaut().repeat(4, axis=0).repeat(4, axis=1)
    picture, points = loose_crop(astronaut, astronaut_mesh() * 4)
    assert picture.shape == (MAX_LOOSE_PX, MAX_LOOSE_PX, 3)
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    assert float((high - low).max()) * (1 + 2 * LOOSE_MARGIN) == pytest.approx(MAX_LOOSE_PX, rel=0.01)
    depth, before = np.ptp(points[:, 2]), np.ptp(astronaut_mesh()[:, 2])
    assert depth / float((high - low).max()) == pytest.approx(
        before / float(np.ptp(astronaut_mesh()[:, :2], axis=0).max()), rel=0.01
    )
