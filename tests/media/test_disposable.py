"""What is left out of a video changes no pixel of what is given out."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from dfdetect.media.disposable import DisposablePictures
from dfdetect.media.reader import MediaReader, open_media
from media.clips import numbered_clip, write_clip

AVCC = b"\x01\x64\x00\x1f\xff"  # a configuration record whose lengths take four bytes


def _moving(count: int, rng: np.random.Generator) -> list[np.ndarray]:
    """A pattern that drifts: B-frames that predict from one another."""
    field = np.kron(rng.integers(0, 255, (9, 16, 3)), np.ones((12, 12, 1))).astype(np.uint8)
    return [np.roll(field, i, axis=1)[:90, :160].copy() for i in range(count)]


def _decoded(media: MediaReader, wanted: list[int] | None) -> int:
    return sum(1 for _ in media._pictures.pictures(wanted))


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.avi", "a.flv"])
@pytest.mark.parametrize("options", [{}, {"x264-params": "b-pyramid=none:bframes=3"}, {"x264-params": "open-gop=1"}])
def test_wanted_frames_are_those_of_a_decoder_that_leaves_nothing_out(
    tmp_path: Path, rng: np.random.Generator, name: str, options: dict[str, str]
) -> None:
    """A picture that is left out although others need it smears every frame up to the next key frame."""
    path = write_clip(tmp_path / name, _moving(60, rng), options={**options, "g": "25"})
    wanted = [0, 7, 8, 21, 40, 59]
    with open_media(path) as media:
        whole = {frame.index: frame.image for frame in media.frames(range(60))}
        sparse = {frame.index: frame.image for frame in media.frames(wanted)}
        assert list(sparse) == wanted
        assert all(np.array_equal(sparse[index], whole[index]) for index in wanted)


def test_b_frames_that_nobody_wants_are_not_decoded(tmp_path: Path, rng: np.random.Generator) -> None:
    path = write_clip(tmp_path / "a.mp4", _moving(80, rng), options={"x264-params": "b-adapt=0:bframes=3"})
    with open_media(path) as media:
        assert _decoded(media, None) == _decoded(media, list(range(80))) == 80
        assert _decoded(media, [0, 79]) < 50


@pytest.mark.parametrize(
    ("name", "codec"), [("a.ts", "libx264"), ("a.avi", "libx264"), ("a.mpg", "mpeg2video"), ("a.webm", "libvpx-vp9")]
)
def test_where_it_cannot_be_told_everything_is_decoded(tmp_path: Path, name: str, codec: str) -> None:
    """A packet of a transport stream may be half an interlaced picture; the times of AVI's packets are guessed."""
    path = numbered_clip(tmp_path / name, 30, codec=codec)
    with open_media(path) as media:
        assert _decoded(media, [0, 27]) == _decoded(media, None) >= 28


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        ([b"\x01slice"], True),
        ([b"\x06info", b"\x01slice", b"\x01slice"], True),
        ([b"\x41slice"], False),  # referenced
        ([b"\x01slice", b"\x61slice"], False),
        ([b"\x65key"], False),
        ([b"\x68parameters", b"\x01slice"], False),  # later pictures need the parameters
        ([b"\x06info"], False),
        ([b"\x02partition"], False),
        ([], False),
    ],
)
def test_a_packet_is_disposable_only_if_all_of_it_is(units: list[bytes], expected: bool) -> None:
    by_length = b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)
    by_start_code = b"".join(b"\0\0\0\1" + unit for unit in units)
    assert (by_length in DisposablePictures(SimpleNamespace(name="h264", extradata=AVCC))) is expected
    assert (by_start_code in DisposablePictures(SimpleNamespace(name="h264", extradata=None))) is expected
    assert by_length not in DisposablePictures(SimpleNamespace(name="hevc", extradata=AVCC))


@pytest.mark.parametrize("data", [b"\0\0\0\x09\x01", b"\0\0\0\0\x01", b"\x01", b"\xff\xff\xff\xff\x01abc"])
def test_lengths_that_make_no_sense_are_left_to_the_decoder(data: bytes) -> None:
    assert data not in DisposablePictures(SimpleNamespace(name="h264", extradata=AVCC))


def test_a_cut_lies_between_the_wanted_frames_that_it_parts(tmp_path: Path, rng: np.random.Generator) -> None:
    """Between frames that are left out a cut may be told late, but tracks must end on the right side of it."""
    path = write_clip(tmp_path / "a.mp4", _moving(31, rng) + _moving(32, rng), options={"x264-params": "bframes=3"})
    for wanted in ([0, 30, 31, 62], [0, 29, 33, 62]):
        with open_media(path) as media:
            list(media.frames(wanted))
            assert len(media.cuts_s) == 1
            assert wanted[1] / 25 < media.cuts_s[0] <= wanted[2] / 25
