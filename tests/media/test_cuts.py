"""Cuts are found on every decoded frame, whatever frames are asked for; a moving camera is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dfdetect.media.cuts import CutFinder, thumbnail_size
from dfdetect.media.reader import open_media
from media.clips import write_clip


def _shot(rng: np.random.Generator, count: int, shift_px: int = 1) -> list[np.ndarray]:
    """A smooth coloured pattern under a slowly moving camera."""
    coarse = rng.integers(0, 255, (9, 16, 3)).astype(np.uint8)
    scene = np.kron(coarse, np.ones((12, 12, 1), np.uint8))
    return [np.roll(scene, shift_px * i, axis=1)[:90, :160].copy() for i in range(count)]


def test_cuts_lie_where_the_shots_meet(tmp_path: Path, rng: np.random.Generator) -> None:
    frames = _shot(rng, 30) + _shot(rng, 20) + _shot(rng, 25)
    path = write_clip(tmp_path / "three_shots.mp4", frames)
    with open_media(path) as media:
        list(media.frames([0, 74]))
        assert media.cuts_s == pytest.approx((30 / 25, 50 / 25))


def test_cuts_use_real_times(tmp_path: Path, rng: np.random.Generator) -> None:
    times_s = [i / 25 for i in range(20)] + [5 + i / 10 for i in range(20)]
    path = write_clip(tmp_path / "vfr.mp4", _shot(rng, 20) + _shot(rng, 20), times_s=times_s)
    with open_media(path) as media:
        list(media.frames([0]))
        assert media.cuts_s == pytest.approx((5.0,))


def test_without_find_cuts_decoding_stops_after_the_last_wanted_frame(tmp_path: Path, rng: np.random.Generator) -> None:
    path = write_clip(tmp_path / "two_shots.mp4", _shot(rng, 20) + _shot(rng, 20))
    with open_media(path) as media:
        assert [f.index for f in media.frames([3], find_cuts=False)] == [3]
        assert media.cuts_s == ()


def test_one_shot_has_no_cut(rng: np.random.Generator) -> None:
    finder = CutFinder()
    for index, frame in enumerate(_shot(rng, 60, shift_px=3)):
        finder.add(index, frame)
    assert finder.cut_indices == ()


@pytest.mark.parametrize(
    ("size", "expected"),
    [((1920, 1080), (144, 81)), ((1080, 1920), (81, 144)), ((64, 48), (64, 48)), ((9000, 1), (144, 1))],
)
def test_thumbnail_size(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert thumbnail_size(*size) == expected
