"""Our own bytes, there and back."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import skimage.data

from dfdetect.errors import UsageError
from dfdetect.media import roundtrip
from dfdetect.values import UInt8Array

PHOTO = np.ascontiguousarray(skimage.data.astronaut()[20:164, 130:290])
SIZES_WH = [(64, 48), (65, 48), (64, 49), (63, 47), (17, 16)]


def mean_error(found: UInt8Array, expected: UInt8Array) -> float:
    return float(np.abs(found.astype(int) - expected.astype(int)).mean())


def cut(width: int, height: int) -> UInt8Array:
    return np.ascontiguousarray(PHOTO[:height, :width])


@pytest.mark.parametrize(("width", "height"), SIZES_WH)
def test_pictures_keep_size_and_channel_order(width: int, height: int) -> None:
    picture = cut(width, height)
    assert np.array_equal(roundtrip.decode(roundtrip.encode_png(picture)), picture)
    assert np.array_equal(roundtrip.decode(roundtrip.encode_webp(picture, 101)), picture)
    for found in (roundtrip.jpeg_round_trip(picture, 95), roundtrip.webp_round_trip(picture, 95)):
        assert found.shape == picture.shape
        assert mean_error(found, picture) < 6
        assert mean_error(found, picture) < mean_error(found, picture[..., ::-1])


def test_lossy_means_less_at_lower_quality() -> None:
    for trip in (roundtrip.jpeg_round_trip, roundtrip.webp_round_trip):
        errors = [mean_error(trip(PHOTO, quality), PHOTO) for quality in (95, 70, 30)]
        assert errors == sorted(errors)
        assert errors[0] < errors[-1]


def test_full_chroma_keeps_colour_edges() -> None:
    """Shards were once written with halved chroma, and every red lip lost its outline."""
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2, 0] = 255
    full, halved = (roundtrip.jpeg_round_trip(stripes, 95, subsampling=name) for name in ("444", "420"))
    assert mean_error(full, stripes) < 0.5 * mean_error(halved, stripes)


def test_unknown_subsampling_lists_the_options() -> None:
    with pytest.raises(UsageError, match=r"chroma subsampling '411'; the options are: 420, 422, 444"):
        roundtrip.encode_jpeg(PHOTO, 90, subsampling="411")


def test_foreign_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="not a picture that this module encoded"):
        roundtrip.decode(b"hello")


@pytest.mark.parametrize("codec", sorted(roundtrip.CODECS))
@pytest.mark.parametrize(("width", "height"), SIZES_WH[:4])
@pytest.mark.parametrize("count", [1, 3, 7])
def test_a_codec_gives_every_frame_back_in_order(codec: str, width: int, height: int, count: int) -> None:
    """The last frames stay in the encoder until it is told to flush: then the last of three frames was the first."""
    clip = [cut(width, height) // 2 + np.uint8(18 * number) for number in range(count)]
    found = roundtrip.video_round_trip(clip, crf=20, codec=codec)
    assert [picture.shape for picture in found] == [picture.shape for picture in clip]
    for number, picture in enumerate(found):
        nearest = min(range(count), key=lambda other: mean_error(picture, clip[other]))
        assert nearest == number
    assert np.array_equal(roundtrip.last_after_video(clip, crf=20, codec=codec), found[-1])


@pytest.mark.parametrize("codec", sorted(roundtrip.CODECS))
def test_the_error_grows_with_crf(codec: str) -> None:
    found = [roundtrip.last_after_video([PHOTO] * 2, crf=crf, codec=codec) for crf in (18, 26, 36)]
    errors = [mean_error(picture, PHOTO) for picture in found]
    assert errors == sorted(errors)
    assert 1.4 * errors[0] < errors[-1]


def test_one_crf_is_about_one_loss_for_every_codec() -> None:
    """A codec drawn at half the loss of the others would mean "nearly untouched" and not another codec."""
    for crf in (20, 28, 34):
        losses = [
            mean_error(roundtrip.last_after_video([PHOTO] * 3, crf=crf, codec=codec), PHOTO)
            for codec in roundtrip.CODECS
        ]
        assert max(losses) < 2.2 * min(losses), (crf, losses)


@pytest.mark.parametrize("codec", sorted(roundtrip.CODECS))
def test_a_codec_is_the_same_every_time(codec: str) -> None:
    first, again = (roundtrip.video_round_trip([PHOTO] * 2, crf=28, codec=codec) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_an_unknown_codec_lists_the_options() -> None:
    with pytest.raises(UsageError, match="unknown video codec 'h266'; the options are: h264, mpeg1, mpeg2, mpeg4, vp9"):
        roundtrip.video_round_trip([PHOTO], crf=20, codec="h266")


def test_written_video_has_its_frames_and_rate(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    roundtrip.write_video(path, (np.roll(PHOTO, n, axis=1) for n in range(9)), fps=Fraction(30000, 1001), crf=20)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        assert stream.average_rate == Fraction(30000, 1001)
    assert len(frames) == 9
    assert frames[0].shape == PHOTO.shape
    assert mean_error(frames[4], np.roll(PHOTO, 4, axis=1)) < 8


def test_a_repeatable_video_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    """x264's look-ahead gave other bytes from run to run, so that one seed gave many datasets."""
    frames = [np.roll(PHOTO, n, axis=1) for n in range(9)]
    written = set()
    for _ in range(5):
        roundtrip.write_video(tmp_path / "clip.mp4", frames, fps=8, repeatable=True)
        written.add((tmp_path / "clip.mp4").read_bytes())
    assert len(written) == 1
