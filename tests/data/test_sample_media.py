"""The bundled clips: small, whole, alike but for the face and the writing."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

import dfdetect
from dfdetect.faces.detector import make_detector

SAMPLES = Path(dfdetect.__file__).parent / "samples"


def _pictures(name: str) -> np.ndarray:
    with av.open(str(SAMPLES / name)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


@pytest.fixture(scope="module")
def real() -> np.ndarray:
    return _pictures("astronaut_real.mp4")


@pytest.fixture(scope="module")
def fake() -> np.ndarray:
    return _pictures("astronaut_fake.mp4")


def test_the_wheel_stays_small() -> None:
    sizes = {path.name: path.stat().st_size for path in SAMPLES.glob("*.mp4")}
    assert sorted(sizes) == ["astronaut_fake.mp4", "astronaut_real.mp4"]
    assert max(sizes.values()) <= 400_000


def test_each_shows_one_face_all_the_time(real: np.ndarray, fake: np.ndarray) -> None:
    detector = make_detector()
    for clip in (real, fake):
        assert clip.shape == (100, 480, 640, 3)
        assert [len(detector.detect(frame)) for frame in clip[::10]] == [1] * 10


def test_only_the_face_and_the_writing_differ(real: np.ndarray, fake: np.ndarray) -> None:
    """A fake that also differs in its background or its motion lets a broken detector pass the demo."""
    detector = make_detector()
    for before, after in zip(real[::20], fake[::20], strict=True):
        left, top, right, bottom = detector.detect(before).boxes_xyxy[0].astype(int)
        difference = np.abs(before.astype(int) - after.astype(int)).mean(axis=2)
        assert difference[top:bottom, left:right].mean() > 5
        outside = np.ones(difference.shape, bool)
        grow = (right - left) // 4
        outside[max(0, top - grow) : bottom + grow, max(0, left - grow) : right + grow] = False
        outside[420:] = False
        assert difference[outside].mean() < 2.5


def test_the_fake_says_so_below_the_face_in_every_frame(fake: np.ndarray) -> None:
    detector = make_detector()
    for frame in fake[::9]:
        band = frame[424:].astype(int)
        assert (band.max(axis=2) < 40).mean() > 0.5
        assert (band.min(axis=2) > 200).mean() > 0.03
        assert detector.detect(frame).boxes_xyxy[0, 3] < 424
