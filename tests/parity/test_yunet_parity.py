"""YuNet against `cv2.FaceDetectorYN`, which runs the same weights: OpenCV is what its authors publish it for."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from dfdetect.faces.yunet import WEIGHTS_PATH, YuNet
from parity.golden_pictures import golden_pictures

PICTURES = dict(golden_pictures())


@pytest.fixture(scope="module")
def peer() -> Iterator[cv2.FaceDetectorYN]:
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)  # a warning about its engine
    yield cv2.FaceDetectorYN.create(str(WEIGHTS_PATH), "", (320, 320), 0.6, 0.3, 5000)
    cv2.utils.logging.setLogLevel(level)


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_same_faces_as_the_peer(peer: cv2.FaceDetectorYN, name: str) -> None:
    """A cell counted along the wrong side, or from its middle, moves every box by some pixels and nobody notices."""
    image = PICTURES[name]
    height, width = image.shape[:2]
    found = YuNet(long_sides_px=(max(height, width),)).detect(image)
    peer.setInputSize((width, height))
    rows = peer.detect(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1]
    rows = np.zeros((0, 15), np.float32) if rows is None else np.asarray(rows)
    rows = rows[np.argsort(-rows[:, 14], kind="stable")]
    assert len(found) == len(rows)
    corners = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
    assert np.allclose(found.boxes_xyxy, corners, atol=0.01)
    assert np.allclose(found.score, rows[:, 14], atol=1e-4)
    assert np.allclose(found.landmarks.reshape(-1, 10), rows[:, 4:14], atol=0.01)


def test_the_pictures_show_people_and_no_people() -> None:
    counts = [len(YuNet().detect(image)) for image in PICTURES.values()]
    assert min(counts) == 0
    assert max(counts) >= 3
