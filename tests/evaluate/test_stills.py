"""Photographs as clips: really encoded, of one even size, moving a little."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import skimage.data

from dfdetect.evaluate.stills import CLIP_FRAMES, CRFS, pan_and_zoom, write_still_clip
from dfdetect.media.reader import open_media

PHOTO = skimage.data.astronaut()[:301, 100:351]


@pytest.mark.parametrize("shape", [(301, 251), (900, 700), (15, 40)])
def test_frames_have_one_even_size(shape: tuple[int, int]) -> None:
    """x264 refuses odd sides, and half of all photographs have one."""
    picture = np.zeros((*shape, 3), np.uint8)
    frames = list(pan_and_zoom(picture, np.random.default_rng(0)))
    assert len(frames) == CLIP_FRAMES == 32
    assert len({frame.shape for frame in frames}) == 1
    height, width = frames[0].shape[:2]
    assert height % 2 == width % 2 == 0
    assert max(height, width) <= 640
    assert height / width == pytest.approx(shape[0] / shape[1], rel=0.12)


def test_the_picture_moves_smoothly_and_little() -> None:
    frames = [frame.astype(int) for frame in pan_and_zoom(PHOTO, np.random.default_rng(4))]
    steps = [np.abs(a - b).mean() for a, b in itertools.pairwise(frames)]
    assert max(steps) < 8
    assert np.abs(frames[0] - frames[-1]).mean() > 1


def test_one_seed_is_one_clip() -> None:
    first, again = (list(pan_and_zoom(PHOTO, np.random.default_rng(2), frames=3)) for _ in range(2))
    other = list(pan_and_zoom(PHOTO, np.random.default_rng(3), frames=3))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize("crf", CRFS)
def test_the_written_clip_reads_as_video(tmp_path: Path, crf: int) -> None:
    path = tmp_path / "clip.mp4"
    write_still_clip(PHOTO, path, crf=crf, seed=1)
    with open_media(path) as media:
        frames = list(media.frames(range(media.info.frame_count)))
    assert media.info.kind == "video"
    assert len(frames) == 32
    assert float(media.info.fps or 0) == pytest.approx(25, rel=0.01)


def test_worse_quality_is_a_smaller_file(tmp_path: Path) -> None:
    sizes = []
    for crf in CRFS:
        write_still_clip(PHOTO, tmp_path / f"{crf}.mp4", crf=crf, seed=1)
        sizes.append((tmp_path / f"{crf}.mp4").stat().st_size)
    assert sizes == sorted(sizes, reverse=True)
