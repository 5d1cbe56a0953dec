from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.faces import mesh_points
from dfdetect.faces.mesh import (
    FACE_OVAL,
    IBUG_68,
    LEFT_BROW,
    LEFT_EYE,
    LIPS_INNER,
    LIPS_OUTER,
    MIRROR_468,
    NOSE,
    NOSE_BRIDGE,
    RIGHT_BROW,
    RIGHT_EYE,
    WEIGHTS_PATH,
    WEIGHTS_SHA256,
    FaceMesh,
    FaceRoi,
    cut_roi,
    five_points,
    mesh_box_xyxy,
    mirror_mesh,
    roi_of_detection,
    roi_of_mesh,
    yaw_pitch_roll_deg,
)
from dfdetect.faces.yunet import YuNet
from dfdetect.media.image import read_rgb
from dfdetect.values import FaceDetections

ASTRONAUT = skimage.data.astronaut()


@pytest.fixture(scope="module")
def mesh() -> FaceMesh:
    return FaceMesh(threads=1)


@pytest.fixture(scope="module")
def detector() -> YuNet:
    return YuNet()


@pytest.fixture(scope="module")
def face(mesh: FaceMesh, detector: YuNet) -> np.ndarray:
    """The astronaut's mesh, (468, 3) px."""
    return mesh.fit(ASTRONAUT, detector.detect(ASTRONAUT)).points[0]


def eye_distance_px(points: np.ndarray) -> float:
    return float(np.linalg.norm(points[263, :2] - points[33, :2]))


def moved(points: np.ndarray, affine: np.ndarray) -> np.ndarray:
    return points[:, :2] @ affine[:, :2].T + affine[:, 2]


def difference(found: np.ndarray, expected: np.ndarray) -> float:
    """Mean distance in the plane, as a fraction of the distance of the outer eye corners."""
    return float(np.linalg.norm(found[:, :2] - expected[:, :2], axis=1).mean()) / eye_distance_px(expected)


def a_head(rng: np.random.Generator) -> np.ndarray:
    """A symmetric (468, 3) head that looks straight into the camera."""
    points = rng.uniform(-1, 1, (468, 3))
    points[:, 0] = -np.abs(points[:, 0]) - 0.1
    for left, right in enumerate(MIRROR_468):
        if left == right:
            points[left, 0] = 0
        elif left < right:
            points[right] = points[left] * [-1, 1, 1]
    lean = np.tan(np.radians(7.0))
    for rows, y in (([10, 109, 338], -1.0), ([152, 148, 377], 1.0)):
        points[rows, 1:] = y, lean * y
    return points


def turned(points: np.ndarray, yaw_deg: float, pitch_deg: float, roll_deg: float) -> np.ndarray:
    """A head turned by the definition: the nose, at (0, 0, -1), goes down by pitch, right by yaw; roll is clockwise."""
    yaw, pitch, roll = np.radians([yaw_deg, pitch_deg, roll_deg])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    about_y = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return points @ (about_z @ about_y @ about_x).T


# ---- the names of the points ----


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("FACE_OVAL", 36),
        ("NOSE", 24),
        ("NOSE_BRIDGE", 6),
        ("IBUG_68", 68),
        ("MIRROR_468", 468),
        *((f"LIPS_{which}", 20) for which in ("OUTER", "INNER")),
        *((f"{side}_EYE", 16) for side in ("LEFT", "RIGHT")),
        *((f"{side}_BROW", 10) for side in ("LEFT", "RIGHT")),
    ],
)
def test_every_table_names_different_points_of_the_mesh(name: str, count: int) -> None:
    rows = getattr(mesh_points, name)
    assert len(rows) == len(set(rows)) == count
    assert min(rows) >= 0
    assert max(rows) < mesh_points.POINT_COUNT


def test_mirroring_twice_changes_nothing() -> None:
    assert [MIRROR_468[partner] for partner in MIRROR_468] == list(range(468))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (LEFT_EYE, RIGHT_EYE),
        (LEFT_BROW, RIGHT_BROW),
        *((part, part) for part in (LIPS_OUTER, LIPS_INNER, NOSE, FACE_OVAL, NOSE_BRIDGE)),
    ],
)
def test_parts_mirror_into_parts(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    assert {MIRROR_468[row] for row in left} == set(right)


def test_the_68_points_mirror_as_the_ibug_order_does() -> None:
    """A mixed-up row would bend one corner of a self-blending mask on one side of the face only."""
    pairs = [*zip(range(8), range(16, 8, -1), strict=True), (8, 8)]
    pairs += [(17 + i, 26 - i) for i in range(5)] + [(i, i) for i in (27, 28, 29, 30, 33)] + [(31, 35), (32, 34)]
    pairs += [(36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)]
    pairs += [(48, 54), (49, 53), (50, 52), (51, 51), (55, 59), (56, 58), (57, 57)]
    pairs += [(60, 64), (61, 63), (62, 62), (65, 67), (66, 66)]
    assert {row for pair in pairs for row in pair} == set(range(68))
    assert [MIRROR_468[IBUG_68[a]] for a, _ in pairs] == [IBUG_68[b] for _, b in pairs]


def test_rings_are_drawn_in_order_around_their_part(face: np.ndarray) -> None:
    """Polygon masks of a ring in the wrong order are bow ties. A ring in order covers nearly its convex hull."""
    for name in ("FACE_OVAL", "LIPS_OUTER", "LEFT_EYE", "RIGHT_EYE", "NOSE", "LEFT_BROW", "RIGHT_BROW"):
        ring = face[list(getattr(mesh_points, name)), :2].astype(np.float32)
        covered = abs(cv2.contourArea(ring)) / cv2.contourArea(cv2.convexHull(ring))
        assert covered > (0.6 if "BROW" in name else 0.8), name


# ---- pose ----


@given(st.floats(-80, 80), st.floats(-60, 60), st.floats(-170, 170), st.floats(0.5, 400), st.integers(0, 2**32 - 1))
def test_a_turned_head_says_how_it_was_turned(
    yaw_deg: float, pitch_deg: float, roll_deg: float, scale_px: float, seed: int
) -> None:
    head = turned(a_head(np.random.default_rng(seed)), yaw_deg, pitch_deg, roll_deg) * scale_px + 1000
    np.testing.assert_allclose(yaw_pitch_roll_deg(head), (yaw_deg, pitch_deg, roll_deg), atol=1e-4)


@given(st.floats(-80, 80), st.floats(-60, 60), st.floats(-170, 170))
def test_mirroring_turns_yaw_and_roll_round(yaw_deg: float, pitch_deg: float, roll_deg: float) -> None:
    head = turned(a_head(np.random.default_rng(0)), yaw_deg, pitch_deg, roll_deg) * 100 + 300
    found = yaw_pitch_roll_deg(mirror_mesh(head, 640))
    np.testing.assert_allclose(found, (-yaw_deg, pitch_deg, -roll_deg), atol=1e-4)


# ---- the square that the network sees ----


@settings(deadline=None)
@given(st.floats(30, 32), st.floats(30, 32), st.floats(20, 38), st.floats(-np.pi, np.pi), st.integers(1, 10))
def test_a_square_shows_the_pixels_that_its_map_names(
    x: float, y: float, side_px: float, angle_rad: float, enlarged: int
) -> None:
    """Half a pixel between pixel centres and pixel edges moves every mesh, most of all on small faces."""
    ramp = np.tile(np.arange(2, 250, 4, dtype=np.uint8), (62, 1))  # 4 grey levels a pixel: edge e is at 4 * e
    picture = np.stack([ramp, ramp.T, ramp], axis=2).repeat(enlarged, axis=0).repeat(enlarged, axis=1)
    patch, to_frame = cut_roi(picture, FaceRoi((x * enlarged, y * enlarged), side_px * enlarged, angle_rad))
    centres = np.stack(np.meshgrid(np.arange(192) + 0.5, np.arange(192) + 0.5), axis=-1).reshape(-1, 2)
    expected = (centres @ to_frame[:, :2].T + to_frame[:, 2]) / enlarged * 4
    error = patch[..., :2].reshape(-1, 2).astype(float) - expected
    assert np.abs(error.mean(axis=0)).max() <= 0.2
    assert np.abs(error).max() <= 3  # of 4 grey levels: enlarged pixels are steps


@given(st.floats(-3, 3), st.floats(20, 500), st.floats(-200, 900), st.floats(-200, 900))
def test_the_square_turns_and_grows_with_the_face(angle_rad: float, size_px: float, x: float, y: float) -> None:
    box = np.array([x - size_px / 2, y - size_px / 2, x + size_px / 2, y + size_px / 2], np.float32)
    along = np.array([np.cos(angle_rad), np.sin(angle_rad)]) * size_px / 4
    landmarks = (np.array([x, y]) + np.stack([-along, along, *np.zeros((3, 2))])).astype(np.float32)
    roi = roi_of_detection(box, landmarks)
    assert roi.angle_rad == pytest.approx(angle_rad, abs=1e-2)
    assert roi.side_px == pytest.approx(1.25 * size_px, rel=1e-4)
    below = np.subtract(roi.centre_xy, (x, y)) @ [-np.sin(angle_rad), np.cos(angle_rad)]
    assert below == pytest.approx(0.05 * size_px, abs=0.02 * size_px)


def test_the_square_of_a_turned_mesh_is_the_turned_square(face: np.ndarray) -> None:
    upright, angle_rad = roi_of_mesh(face), 0.7
    affine = np.array([[np.cos(angle_rad), -np.sin(angle_rad), 30], [np.sin(angle_rad), np.cos(angle_rad), -4]])
    found = roi_of_mesh(moved(face, affine))
    assert found.angle_rad - upright.angle_rad == pytest.approx(angle_rad, abs=1e-4)
    assert found.side_px == pytest.approx(upright.side_px, rel=1e-4)
    np.testing.assert_allclose(found.centre_xy, affine[:, :2] @ upright.centre_xy + affine[:, 2], atol=0.01)


# ---- fitting ----


def test_the_vendored_file_is_the_one_that_was_checked() -> None:
    assert hashlib.sha256(WEIGHTS_PATH.read_bytes()).hexdigest() == WEIGHTS_SHA256


def test_the_mesh_sits_on_the_face(mesh: FaceMesh, detector: YuNet) -> None:
    found = detector.detect(ASTRONAUT)
    fit = mesh.fit(ASTRONAUT, found)
    assert fit.points.shape == (1, 468, 3)
    assert fit.points.dtype == fit.presence.dtype == np.float32
    assert fit.presence[0] > 0.95
    eye_px = eye_distance_px(fit.points[0])
    assert np.linalg.norm(five_points(fit.points[0]) - found.landmarks[0], axis=1).max() < 0.15 * eye_px
    left, top, right, bottom = mesh_box_xyxy(fit.points[0])
    overlap = found.boxes_xyxy[0]
    assert left < overlap[0] + 20 < right
    assert top < overlap[1] + 30 < bottom
    assert np.all(fit.points[0, list(NOSE_BRIDGE), 2] < fit.points[0, [234, 454], 2].min())  # the nose is nearer


def test_a_mirrored_picture_gives_the_mirrored_mesh(mesh: FaceMesh, detector: YuNet, face: np.ndarray) -> None:
    """Left and right named from the subject's side in one place and from the picture's in another."""
    picture = np.ascontiguousarray(ASTRONAUT[:, ::-1])
    found = mesh.fit(picture, detector.detect(picture)).points[0]
    assert difference(found, mirror_mesh(face, ASTRONAUT.shape[1])) < 0.03
    assert yaw_pitch_roll_deg(found)[0] == pytest.approx(-yaw_pitch_roll_deg(face)[0], abs=4)


@pytest.mark.parametrize("angle_deg", [-40, -20, 20, 40])
def test_a_tilted_head_is_looked_at_again(mesh: FaceMesh, detector: YuNet, face: np.ndarray, angle_deg: float) -> None:
    """The detector's eyes are off by several degrees on a tilted head; the first mesh missed by an eye's height."""
    affine = cv2.getRotationMatrix2D((220.0, 120.0), angle_deg, 1.0)
    affine[1, 2] += 60
    picture = cv2.warpAffine(ASTRONAUT, affine, (480, 400), borderMode=cv2.BORDER_REPLICATE)
    found = mesh.fit(picture, detector.detect(picture)).points[0]
    assert difference(found, moved(face, affine)) < 0.05
    assert yaw_pitch_roll_deg(found)[2] - yaw_pitch_roll_deg(face)[2] == pytest.approx(-angle_deg, abs=5)


@pytest.mark.parametrize("scale", [0.4, 3.0])
def test_size_does_not_matter(mesh: FaceMesh, detector: YuNet, face: np.ndarray, scale: float) -> None:
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    picture = cv2.resize(ASTRONAUT, None, fx=scale, fy=scale, interpolation=how)
    found = mesh.fit(picture, detector.detect(picture)).points[0] / scale
    assert difference(found, face) < 0.05
    assert np.abs(found[:, 2] - face[:, 2]).mean() < 0.05 * eye_distance_px(face)


def test_several_faces_keep_the_order_of_the_detections(mesh: FaceMesh, detector: YuNet) -> None:
    half = cv2.resize(ASTRONAUT, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    picture = np.concatenate([ASTRONAUT, np.zeros_like(ASTRONAUT)], axis=1)
    picture[:256, 700:956] = half
    found = detector.detect(picture)
    assert len(found) == 2
    together = mesh.fit(picture, found)
    for row in range(2):
        one = FaceDetections(found.boxes_xyxy[[row]], found.score[[row]], found.landmarks[[row]])
        np.testing.assert_allclose(together.points[row], mesh.fit(picture, one).points[0], atol=0.05)
        centre = mesh_box_xyxy(together.points[row]).reshape(2, 2).mean(axis=0)
        assert np.all(centre > found.boxes_xyxy[row, :2])
        assert np.all(centre < found.boxes_xyxy[row, 2:])


def test_no_face_needs_no_network(mesh: FaceMesh) -> None:
    fit = FaceMesh().fit(ASTRONAUT, FaceDetections.none())
    assert fit.points.shape == (0, 468, 3)
    assert fit.presence.shape == (0,)


@pytest.mark.parametrize("shape_hw", [(1, 1), (3, 400), (40, 40), (6000, 8)])
@pytest.mark.parametrize("box", [(-50, -50, 20, 20), (0, 0, 1, 1), (-3000, -3000, 3000, 3000), (900, 900, 950, 980)])
def test_any_box_on_any_picture_gives_a_mesh(mesh: FaceMesh, shape_hw: tuple[int, int], box: tuple[float, ...]) -> None:
    """A face at the frame's edge must not end the scan of a file."""
    image = np.full((*shape_hw, 3), 90, np.uint8)
    boxes = np.array([box], np.float32)
    centre = np.tile((boxes[:, None, :2] + boxes[:, None, 2:]) / 2, (1, 5, 1))  # eyes that coincide: no eye line
    fit = mesh.fit(image, FaceDetections(boxes, np.ones(1, np.float32), centre))
    assert np.all(np.isfinite(fit.points))
    assert 0 <= fit.presence[0] <= 1


@pytest.mark.parametrize("image", [np.zeros((20, 20), np.uint8), np.zeros((20, 20, 3), np.float32)])
def test_refuses_what_is_not_rgb(mesh: FaceMesh, image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8 RGB"):
        mesh.fit(image, FaceDetections.none())


@pytest.mark.shared_data
def test_yaw_turns_round_in_mirrored_photographs(mesh: FaceMesh, detector: YuNet, shared_data: Path) -> None:
    with (shared_data / "train_real.csv").open(newline="") as file:
        paths = [row["path"] for row in csv.DictReader(file)][::150]
    sums, differences = [], []
    for path in paths:
        image = read_rgb(shared_data / path)
        found = detector.detect(image)
        if len(found) != 1:
            continue
        flipped = np.ascontiguousarray(image[:, ::-1])
        here = mesh.fit(image, found)
        there = mesh.fit(flipped, detector.detect(flipped))
        if here.presence[0] < 0.5 or len(there.points) != 1:
            continue
        sums.append(yaw_pitch_roll_deg(here.points[0])[0] + yaw_pitch_roll_deg(there.points[0])[0])
        differences.append(difference(there.points[0], mirror_mesh(here.points[0], image.shape[1])))
    assert len(sums) >= 15
    assert np.median(np.abs(sums)) < 2.5
    assert np.max(np.abs(sums)) < 12
    assert np.median(differences) < 0.025


def test_a_face_is_found_again_from_the_mesh_of_another_picture(mesh: FaceMesh, detector: YuNet) -> None:
    """A fake is looked at where its original's face was: no detection, so no box that moved."""
    image = skimage.data.astronaut()
    first = mesh.fit(image, detector.detect(image))
    again = mesh.fit_rois(image, [roi_of_mesh(first.points[0])])
    assert again.presence[0] > 0.9
    assert difference(again.points[0], first.points[0]) < 0.03
    assert len(mesh.fit_rois(image, []).points) == 0
