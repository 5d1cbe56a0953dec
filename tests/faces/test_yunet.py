"""YuNet: its file, its sizes, its silence."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import cv2
import numpy as np
import pytest

from dfdetect.data.drawn_faces import draw_face
from dfdetect.faces.yunet import WEIGHTS_PATH, WEIGHTS_SHA256, YuNet


def test_the_weights_are_those_of_opencv_zoo_opened_to_any_size() -> None:
    assert hashlib.sha256(WEIGHTS_PATH.read_bytes()).hexdigest() == WEIGHTS_SHA256


@pytest.mark.parametrize("side_px", [200, 640, 1500])
def test_a_face_that_fills_the_frame_is_found(side_px: int) -> None:
    """At full size a portrait is larger than the biggest anchor, so portraits came back without a face."""
    tight = draw_face(np.random.default_rng(5), 320)[70:230, 90:230]
    portrait = cv2.resize(tight, (side_px, side_px), interpolation=cv2.INTER_CUBIC)
    assert len(YuNet().detect(portrait)) == 1


def test_boxes_are_in_pixels_of_the_frame_whatever_size_was_searched() -> None:
    small = draw_face(np.random.default_rng(6), 300)
    large = cv2.resize(small, (1500, 1500), interpolation=cv2.INTER_LINEAR)
    found_small, found_large = YuNet().detect(small), YuNet().detect(large)
    assert np.allclose(found_large.boxes_xyxy, found_small.boxes_xyxy * 5, atol=0.05 * 1500)
    assert np.allclose(found_large.landmarks, found_small.landmarks * 5, atol=0.05 * 1500)


def test_below_the_threshold_is_no_face() -> None:
    assert len(YuNet(score_threshold=0.999).detect(draw_face(np.random.default_rng(7)))) == 0


def test_creation_writes_nothing() -> None:
    """OpenCV's own engine wrote a warning for every detector, in the middle of the progress bar."""
    code = "import numpy as np; from dfdetect.faces.yunet import YuNet; YuNet().detect(np.zeros((90, 90, 3), np.uint8))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout == ""


def test_the_threads_of_the_rest_of_the_process_are_left_alone() -> None:
    """OpenCV's pool is one for the process: a detector with one thread slowed its caller down."""
    before = cv2.getNumThreads()
    YuNet(threads=1)
    assert cv2.getNumThreads() == before
