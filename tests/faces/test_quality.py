from __future__ import annotations

import csv
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st

from dfdetect.faces.mesh import FaceMesh, yaw_pitch_roll_deg
from dfdetect.faces.quality import blur_of, measure, yaw_of_landmarks_deg
from dfdetect.faces.yunet import YuNet
from dfdetect.media.image import read_rgb

ASTRONAUT = skimage.data.astronaut()
BOX = np.array([173, 62, 273, 192], np.float32)
FACE = np.ascontiguousarray(ASTRONAUT[62:192, 173:273])


def blurred(face: np.ndarray, sigma_px: float) -> np.ndarray:
    return cv2.GaussianBlur(face, (0, 0), sigma_px) if sigma_px else face


def resized(face: np.ndarray, scale: float) -> np.ndarray:
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(face, None, fx=scale, fy=scale, interpolation=how)


def noisy(face: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    return np.clip(face + rng.normal(0, sigma, face.shape), 0, 255).astype(np.uint8)


def test_more_blur_reads_as_more_blur() -> None:
    values = [blur_of(blurred(FACE, sigma)) for sigma in (0, 0.7, 1, 1.5, 2, 3, 4)]
    assert values == sorted(values)
    assert values[0] < 0.45
    assert values[4] > 0.55
    assert values[-1] > 0.75


@pytest.mark.parametrize("scale", [2, 3, 5])
@pytest.mark.parametrize("sigma", [1.5, 3])
def test_the_same_blur_of_a_larger_face_reads_the_same(scale: float, sigma: float) -> None:
    """Measured in frame pixels, a close-up always looks blurred and a distant face always sharp."""
    base = resized(FACE, 1.6)
    assert blur_of(resized(blurred(base, sigma), scale)) == pytest.approx(blur_of(blurred(base, sigma)), abs=0.06)


def test_enlarging_a_small_face_does_not_make_it_sharp() -> None:
    assert blur_of(resized(resized(FACE, 0.4), 2.5)) > blur_of(FACE) + 0.1


@pytest.mark.parametrize("noise", [3, 6])
def test_noise_does_not_make_a_blurred_face_sharp(noise: float, rng: np.random.Generator) -> None:
    """A gradient count takes the grain of a dark, blurred clip for detail."""
    soft = blurred(resized(FACE, 2), 3.5)
    assert blur_of(noisy(soft, noise, rng)) > 0.55
    assert blur_of(noisy(soft, noise, rng)) > blur_of(FACE) + 0.15


@pytest.mark.parametrize("shape", [(15, 200, 3), (200, 15, 3), (1, 1, 3), (0, 10, 3), (120, 120, 3)])
def test_nothing_to_judge_is_blurred(shape: tuple[int, int, int]) -> None:
    assert blur_of(np.full(shape, 77, np.uint8)) == 1.0


@given(st.integers(16, 200), st.integers(16, 200), st.integers(0, 2**32 - 1))
def test_blur_stays_between_0_and_1(height_px: int, width_px: int, seed: int) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (height_px, width_px, 3), dtype=np.uint8)
    assert 0.0 <= blur_of(picture) <= 1.0


def test_measure_gives_size_blur_yaw_and_score() -> None:
    found = YuNet().detect(ASTRONAUT)
    points = FaceMesh(threads=1).fit(ASTRONAUT, found).points[0]
    quality = measure(ASTRONAUT, BOX, points, 0.9)
    assert quality.face_px == 100
    assert quality.blur == blur_of(FACE)
    assert quality.yaw_deg == yaw_pitch_roll_deg(points)[0]
    assert quality.detector_score == 0.9
    assert abs(yaw_of_landmarks_deg(found.landmarks[0]) - quality.yaw_deg) < 12


@pytest.mark.parametrize(
    ("nose_x", "low_deg", "high_deg"), [(50, -0.1, 0.1), (60, 10, 30), (40, -30, -10), (90, 45, 90), (10, -90, -45)]
)
def test_landmarks_alone_tell_the_turn(nose_x: float, low_deg: float, high_deg: float) -> None:
    landmarks = np.array([[30, 40], [70, 40], [nose_x, 62], [35, 80], [65, 80]], np.float32)
    quality = measure(ASTRONAUT, BOX, None, 0.5, landmarks=landmarks)
    assert low_deg <= quality.yaw_deg <= high_deg
    turn = cv2.getRotationMatrix2D((50.0, 50.0), 130, 2.0)
    tilted = (landmarks @ turn[:, :2].T + turn[:, 2]).astype(np.float32)
    assert yaw_of_landmarks_deg(tilted) == pytest.approx(quality.yaw_deg, abs=0.1)


def test_an_unknown_turn_is_not_frontal() -> None:
    """0 degrees for "could not tell" would pass every profile as a frontal face."""
    assert math.isnan(measure(ASTRONAUT, BOX, None, 0.5).yaw_deg)


@pytest.mark.parametrize("box", [(-60, -40, 60, 90), (480, 480, 600, 640), (-100, -100, -10, -10), (5, 5, 5, 5)])
def test_a_face_at_the_frame_edge_can_be_measured(box: tuple[float, ...]) -> None:
    quality = measure(ASTRONAUT, np.array(box, np.float32), None, 0.5)
    assert 0 <= quality.blur <= 1
    assert quality.face_px == min(box[2] - box[0], box[3] - box[1])


@pytest.mark.shared_data
def test_blur_rises_on_every_photograph(shared_data: Path) -> None:
    detector, sharp, soft = YuNet(), [], []
    with (shared_data / "train_real.csv").open(newline="") as file:
        paths = [row["path"] for row in csv.DictReader(file)][::110]
    for path in paths:
        image = read_rgb(shared_data / path)
        found = detector.detect(image)
        if not len(found):
            continue
        left, top, right, bottom = np.maximum(np.round(found.boxes_xyxy[0]), 0).astype(int)
        face = image[top:bottom, left:right]
        face = resized(face, 224 / max(face.shape[:2]))
        values = [blur_of(blurred(face, sigma)) for sigma in (0, 1, 2, 4)]
        assert values == sorted(values), path
        sharp.append(values[0])
        soft.append(values[2])
    assert len(sharp) >= 30
    assert np.median(sharp) < 0.4
    assert np.quantile(soft, 0.1) > 0.48
