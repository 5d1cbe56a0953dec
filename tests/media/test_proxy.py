"""The small copy to look at: size, times, frames, and nothing of the original's metadata."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfdetect.media.proxy import MOST_FRAMES, proxy_indices, proxy_suffix, write_proxy
from dfdetect.media.reader import open_media
from dfdetect.media.roundtrip import encode_jpeg, write_video


def _nothing() -> None: ...


def _moving(count: int, height: int, width: int) -> Iterator[np.ndarray]:
    for n in range(count):
        picture = np.full((height, width, 3), 40, np.uint8)
        picture[:, : width * (n + 1) // count] = 220
        yield picture


@pytest.mark.parametrize(
    ("size", "expected"), [((1080, 1920), (720, 1280)), ((1280, 722), (1276, 720)), ((240, 320), (240, 320))]
)
def test_a_clip_is_at_most_720p_with_its_own_times(
    tmp_path: Path, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    write_video(tmp_path / "a.mp4", _moving(12, *size), fps=Fraction(24))
    with open_media(tmp_path / "a.mp4") as media:
        times_s = media.times_s
        assert proxy_suffix(media) == ".mp4"
        write_proxy(tmp_path / "b.mp4", media, [], check=_nothing)
    with open_media(tmp_path / "b.mp4") as copy:
        assert (copy.info.height_px, copy.info.width_px, copy.info.codec) == (*expected, "h264")
        np.testing.assert_allclose(copy.times_s, times_s, atol=2e-5)
        edges = [int((frame.image[5, :, 0] > 130).sum()) for frame in copy.frames(range(12))]
    np.testing.assert_allclose(edges, [expected[1] * (n + 1) // 12 for n in range(12)], atol=8)


def test_times_of_a_clip_that_skips_are_kept(tmp_path: Path) -> None:
    class Skipping:
        """A reader of a clip whose frames come at odd times."""

        def __init__(self, inner: object) -> None:
            self.info = inner.info  # type: ignore[attr-defined]
            self.times_s = np.array([0.0, 0.1, 0.15, 2.0])
            self.frames = self._frames
            self._inner = inner

        def _frames(self, indices: Sequence[int], *, find_cuts: bool = True) -> Iterator[object]:
            from dataclasses import replace

            for frame in self._inner.frames(indices, find_cuts=find_cuts):  # type: ignore[attr-defined]
                yield replace(frame, time_s=float(self.times_s[frame.index]))

    write_video(tmp_path / "a.mp4", _moving(4, 64, 64))
    with open_media(tmp_path / "a.mp4") as media:
        write_proxy(tmp_path / "b.mp4", Skipping(media), [], check=_nothing)  # type: ignore[arg-type]
    with open_media(tmp_path / "b.mp4") as copy:
        np.testing.assert_allclose(copy.times_s, [0.0, 0.1, 0.15, 2.0], atol=2e-5)


def test_a_still_is_a_jpeg_without_what_the_camera_wrote(tmp_path: Path) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x010E] = "where I live"
    Image.new("RGB", (2400, 1000), "teal").save(tmp_path / "a.jpg", exif=exif)
    assert b"where I live" in (tmp_path / "a.jpg").read_bytes()
    with open_media(tmp_path / "a.jpg") as media:
        assert proxy_suffix(media) == ".jpg"
        write_proxy(tmp_path / "b.jpg", media, [0], check=_nothing)
    assert b"where I live" not in (tmp_path / "b.jpg").read_bytes()
    with Image.open(tmp_path / "b.jpg") as copy:
        assert (copy.size, copy.format, dict(copy.getexif())) == ((1600, 666), "JPEG", {})


def test_the_work_is_broken_off_between_two_frames(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", _moving(30, 64, 64))
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise TimeoutError

    with open_media(tmp_path / "a.mp4") as media, pytest.raises(TimeoutError):
        write_proxy(tmp_path / "b.mp4", media, [], check=check)
    assert calls == 5


@given(count=st.integers(1, 12_000), fps=st.sampled_from([1.0, 24.0, 30000 / 1001, 30.0, 60.0, 240.0]), data=st.data())
def test_every_scored_frame_is_in_it_and_the_rest_is_spread(count: int, fps: float, data: st.DataObject) -> None:
    times_s = np.arange(count) / fps
    scored = data.draw(st.lists(st.integers(0, count - 1), max_size=20))
    found = proxy_indices(times_s, scored)
    assert found == sorted(set(found))
    assert set(scored) <= set(found)
    assert found[0] == 0
    assert len(found) <= MOST_FRAMES + 1 + len(set(scored))
    if fps <= 30 and count <= MOST_FRAMES:
        assert len(found) == count
    assert np.diff(times_s[[*found, count - 1]]).max() <= max(1 / 30, times_s[-1] / MOST_FRAMES) + 1 / fps + 1e-6


def test_encode_is_of_even_sides(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encode_jpeg(np.full((33, 65, 3), 9, np.uint8), 90))
    with open_media(tmp_path / "a.jpg") as media:
        write_proxy(tmp_path / "b.jpg", media, [], check=_nothing)
    with open_media(tmp_path / "b.jpg") as copy:
        assert (copy.info.height_px, copy.info.width_px) == (32, 64)
