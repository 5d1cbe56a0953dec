"""Videos: exact times, exact frames, upright; damage is told, never glossed over."""

from __future__ import annotations

import gc
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from dfdetect.errors import ErrorCode, MediaError
from dfdetect.media.limits import Limits
from dfdetect.media.reader import open_media
from dfdetect.media.sampling import even_indices
from media.clips import audio_file, corner_marked, number_of, numbered_clip, numbered_frame, write_clip

CONTAINERS = [
    ("clip.mp4", "libx264", "h264", "mp4"),
    ("clip.mov", "libx264", "h264", "mov"),
    ("clip.mkv", "libx264", "h264", "mkv"),
    ("clip.avi", "mpeg4", "mpeg4", "avi"),
    ("clip.ts", "libx264", "h264", "mpegts"),
    ("clip.flv", "libx264", "h264", "flv"),
    ("clip.mpg", "mpeg2video", "mpeg2video", "mpeg"),
    ("clip.webm", "libvpx-vp9", "vp9", "webm"),
    ("clip.h264", "libx264", "h264", "h264"),
    ("hevc.mp4", "libx265", "hevc", "mp4"),
    ("vp8.webm", "libvpx", "vp8", "webm"),
    ("mjpeg.mov", "mjpeg", "mjpeg", "mov"),
    ("mpeg1.mpg", "mpeg1video", "mpeg1video", "mpeg"),
]


@pytest.mark.parametrize(("name", "encoder", "codec", "container"), CONTAINERS, ids=[c[0] for c in CONTAINERS])
def test_every_container_gives_the_frames_that_were_asked_for(
    tmp_path: Path, name: str, encoder: str, codec: str, container: str
) -> None:
    """B-frames are stored out of order, raw H.264 has no times, VP8 hides frames: counting packets is not enough."""
    pix_fmt = "yuvj420p" if encoder == "mjpeg" else "yuv420p"
    path = numbered_clip(tmp_path / name, 30, codec=encoder, pix_fmt=pix_fmt)
    wanted = [0, 1, 7, 15, 28, 29]
    with open_media(path) as media:
        given = list(media.frames(wanted))
        info = media.info
        np.testing.assert_allclose(media.times_s, np.arange(30) / 25, atol=0.002)
    assert [f.index for f in given] == wanted
    assert [number_of(f.image) for f in given] == wanted
    assert (info.kind, info.container, info.codec) == ("video", container, codec)
    assert (info.width_px, info.height_px, info.frame_count) == (96, 64, 30)
    assert info.fps == 25
    assert info.duration_s == pytest.approx(1.2, abs=0.05)
    assert info.bit_rate_bps is not None
    assert info.bit_rate_bps > 0


def test_variable_frame_rate_keeps_its_times(tmp_path: Path) -> None:
    times_s = [0, 0.04, 0.08, 0.5, 0.52, 1.0, 3.0, 3.04, 3.5, 4.0]
    path = numbered_clip(tmp_path / "vfr.mp4", 10, times_s=times_s)
    with open_media(path) as media:
        np.testing.assert_allclose(media.times_s, times_s, atol=1e-4)
        given = list(media.frames(even_indices(media.times_s, 4)))
        assert media.info.fps == Fraction(9, 4)
    assert [number_of(f.image) for f in given] == [0, 5, 6, 9]
    assert [f.time_s for f in given] == pytest.approx([0, 1.0, 3.0, 4.0], abs=1e-4)


@pytest.mark.parametrize("start_s", [-0.2, 5.0])
def test_the_first_frame_is_at_zero(tmp_path: Path, start_s: float) -> None:
    """A stream that starts at 5 s, or before zero, must not shift every reported moment."""
    path = numbered_clip(tmp_path / "late.mkv", 10, times_s=[start_s + i / 25 for i in range(10)])
    with open_media(path) as media:
        assert media.times_s[0] == 0
        np.testing.assert_allclose(media.times_s, np.arange(10) / 25, atol=0.002)
        assert [number_of(f.image) for f in media.frames([0, 9])] == [0, 9]


@pytest.mark.parametrize("clockwise_deg", [0, 90, 180, 270])
def test_rotation_is_applied(tmp_path: Path, clockwise_deg: int) -> None:
    """A phone clip stores frames sideways: the detector finds no face in it unless the display matrix is applied."""
    upright = corner_marked(96, 64)
    stored = np.ascontiguousarray(np.rot90(upright, clockwise_deg // 90))
    path = write_clip(tmp_path / "turned.mp4", [stored] * 5, rotation_clockwise_deg=clockwise_deg)
    with open_media(path) as media:
        frame = next(iter(media.frames([2])))
        info = media.info
    assert (info.rotation_deg, info.width_px, info.height_px) == (clockwise_deg, 96, 64)
    assert np.abs(frame.image.astype(int) - upright)[8:-8:16, 8:-8:16].max() < 50
    assert frame.image.flags.c_contiguous


@pytest.mark.parametrize("name", ["one.mp4", "one.webm", "one.avi", "one.ts"])
def test_a_video_of_one_frame(tmp_path: Path, name: str) -> None:
    encoder = {"webm": "libvpx-vp9", "avi": "mpeg4"}.get(name.split(".")[1], "libx264")
    path = numbered_clip(tmp_path / name, 1, codec=encoder)
    with open_media(path) as media:
        assert (media.info.kind, media.info.frame_count) == ("video", 1)
        assert [number_of(f.image) for f in media.frames([0])] == [0]
        assert media.cuts_s == ()


@pytest.mark.parametrize(
    ("encoder", "pix_fmt", "size"),
    [("libx264", "yuv420p10le", (96, 64)), ("libx264", "yuv444p", (101, 67)), ("libx265", "yuv422p10le", (96, 64))],
)
def test_deep_and_odd_pictures(tmp_path: Path, encoder: str, pix_fmt: str, size: tuple[int, int]) -> None:
    frames = [numbered_frame(i, *size) for i in range(6)]
    path = write_clip(tmp_path / "odd.mp4", frames, codec=encoder, pix_fmt=pix_fmt)
    with open_media(path) as media:
        given = list(media.frames([0, 5]))
    assert [f.image.shape for f in given] == [(size[1], size[0], 3)] * 2
    assert [number_of(f.image) for f in given] == [0, 5]


def test_a_video_with_alpha_is_read_without_it(tmp_path: Path) -> None:
    path = numbered_clip(tmp_path / "alpha.webm", 5, codec="libvpx-vp9", pix_fmt="yuva420p")
    with open_media(path) as media:
        assert [number_of(f.image) for f in media.frames(range(5))] == [0, 1, 2, 3, 4]


def test_a_change_of_size_on_the_way_keeps_the_first_size(tmp_path: Path) -> None:
    data = b""
    for name, size in (("a.h264", (96, 64)), ("b.h264", (64, 96))):
        frames = [numbered_frame(i, *size) for i in range(5)]
        data += write_clip(tmp_path / name, frames, options={"bf": "0"}).read_bytes()
    path = tmp_path / "both.h264"
    path.write_bytes(data)
    with open_media(path) as media:
        assert {f.image.shape for f in media.frames(range(10))} == {(64, 96, 3)}


def _drop_packets(source: Path, target: Path, keep: Callable[[int], bool]) -> Path:
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for number, packet in enumerate(p for p in old.demux(video=0) if p.size):
            if keep(number):
                packet.stream = stream
                new.mux(packet)
    return target


def test_a_lost_frame_is_replaced_by_the_next_one(tmp_path: Path) -> None:
    """The first frames of a clip that was cut without re-encoding cannot be decoded; the sample must not shrink."""
    whole = numbered_clip(tmp_path / "whole.mkv", 60, options={"g": "5", "bf": "0", "sc_threshold": "0"})
    cut = _drop_packets(whole, tmp_path / "cut.mkv", lambda n: n >= 3)
    with open_media(cut) as media:
        assert media.info.frame_count == 57
        given = list(media.frames([0, 10, 20]))
    assert [number_of(f.image) for f in given] == [f.index + 3 for f in given]
    assert len(given) == 3
    assert given[0].index >= 2


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.avi", "clip.flv"])
def test_a_truncated_video_is_corrupt_data(tmp_path: Path, name: str) -> None:
    """Half of the data with a header for all of it: decoders stop quietly and half a clip would get a verdict."""
    encoder = "mpeg4" if name.endswith("avi") else "libx264"
    options = {"movflags": "faststart"} if name.endswith("mp4") else {}
    whole = numbered_clip(tmp_path / name, 120, codec=encoder, container_options=options, options={"g": "10"})
    data = whole.read_bytes()
    cut = tmp_path / f"cut_{name}"
    cut.write_bytes(data[: len(data) * 6 // 10])
    with pytest.raises(MediaError) as caught, open_media(cut) as media:
        list(media.frames([0]))
    assert caught.value.code is ErrorCode.CORRUPT_DATA


def test_damaged_frames_are_counted_at_the_end(tmp_path: Path) -> None:
    """Every packet is there but half of them is noise; found only once all of it was decoded."""
    path = numbered_clip(tmp_path / "noise.avi", 100, codec="mjpeg", pix_fmt="yuvj420p")
    data = bytearray(path.read_bytes())
    starts = [i for i in range(len(data) - 1) if data[i : i + 3] == b"\xff\xd8\xff"]
    for start, end in pairwise(starts[20:80]):
        data[start : end - 16] = bytes(end - 16 - start)
    path.write_bytes(data)
    with open_media(path) as media:
        frames = media.frames([0, 10])
        assert [next(frames).index, next(frames).index] == [0, 10]
        with pytest.raises(MediaError) as caught:
            next(frames)
    assert caught.value.code is ErrorCode.CORRUPT_DATA
    assert caught.value.stage == "decode"


def _mp4(tmp_path: Path) -> bytes:
    return numbered_clip(tmp_path / "good.mp4", 10).read_bytes()


REFUSED: list[tuple[str, Callable[[Path], bytes], ErrorCode]] = [
    ("audio.m4a", lambda t: audio_file(t / "a.m4a").read_bytes(), ErrorCode.NO_VIDEO),
    ("audio.mp4", lambda t: audio_file(t / "a.mp4").read_bytes(), ErrorCode.NO_VIDEO),
    ("cut header", lambda t: _mp4(t)[:40], ErrorCode.CORRUPT_HEADER),
    ("no moov", lambda t: _mp4(t).replace(b"moov", b"moof"), ErrorCode.CORRUPT_HEADER),
    ("codec", lambda t: numbered_clip(t / "c.mov", 3, codec="prores_ks", pix_fmt="yuv422p10le").read_bytes(),
     ErrorCode.CODEC_REFUSED),
]  # fmt: skip


@pytest.mark.parametrize(("make", "code"), [(m, c) for _, m, c in REFUSED], ids=[n for n, _, _ in REFUSED])
def test_refused(tmp_path: Path, make: Callable[[Path], bytes], code: ErrorCode) -> None:
    path = tmp_path / "input.mp4"
    path.write_bytes(make(tmp_path))
    with pytest.raises(MediaError) as caught:
        open_media(path)
    assert caught.value.code is code, caught.value.message


def test_a_header_without_frames_is_no_frame(tmp_path: Path) -> None:
    options = {"movflags": "frag_keyframe+empty_moov"}
    data = numbered_clip(tmp_path / "frag.mp4", 5, container_options=options).read_bytes()
    path = tmp_path / "init.mp4"
    path.write_bytes(data[: data.index(b"moof") - 4])
    with pytest.raises(MediaError) as caught:
        open_media(path)
    assert caught.value.code is ErrorCode.NO_FRAME


def test_samples_in_another_file_are_an_external_reference(tmp_path: Path) -> None:
    """FFmpeg takes a `dref` without the self-contained flag for this very file and decodes whatever lies there."""
    data = _mp4(tmp_path)
    at = data.index(b"dref") + 12
    assert data[at + 4 : at + 8] == b"url "
    name = b"other.mp4\0"
    entry = (12 + len(name)).to_bytes(4, "big") + b"url \0\0\0\0" + name
    old_entry = int.from_bytes(data[at : at + 4], "big")
    grown = bytearray(data[:at] + entry + data[at + old_entry :])
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        size_at = grown.index(kind) - 4
        size = int.from_bytes(grown[size_at : size_at + 4], "big") + len(entry) - old_entry
        grown[size_at : size_at + 4] = size.to_bytes(4, "big")
    path = tmp_path / "reference.mp4"
    path.write_bytes(grown)
    with pytest.raises(MediaError) as caught:
        open_media(path)
    assert caught.value.code is ErrorCode.EXTERNAL_REFERENCE


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(max_frames=9), ErrorCode.TOO_MANY_FRAMES),
        (Limits(max_duration_s=0.3), ErrorCode.TOO_LONG),
        (Limits(max_frame_pixels=96 * 64 - 1), ErrorCode.TOO_MANY_PIXELS),
        (Limits(max_bytes=100), ErrorCode.TOO_LARGE),
        (Limits(max_streams=0), ErrorCode.TOO_MANY_STREAMS),
    ],
)
def test_limits(tmp_path: Path, limits: Limits, code: ErrorCode) -> None:
    path = tmp_path / "input.mp4"
    path.write_bytes(_mp4(tmp_path))
    with pytest.raises(MediaError) as caught:
        open_media(path, limits=limits)
    assert caught.value.code is code, caught.value.message


def test_a_lying_container_duration_is_ignored(tmp_path: Path) -> None:
    """An mvhd that claims 2^31 units: neither too_long nor corrupt_data, the frames are all there."""
    data = bytearray(_mp4(tmp_path))
    at = data.index(b"mvhd") + 4 + 4 + 4 + 4 + 4  # version and flags, two times, time scale
    data[at : at + 4] = (2**31 - 1).to_bytes(4, "big")
    path = tmp_path / "liar.mp4"
    path.write_bytes(data)
    with open_media(path) as media:
        assert media.info.duration_s == pytest.approx(0.4, abs=0.01)
        assert len(list(media.frames([0, 9]))) == 2


def test_an_edit_list_hides_what_players_hide(tmp_path: Path) -> None:
    """Frames before the edit are decoded for reference but never shown; they must not become samples."""
    whole = numbered_clip(tmp_path / "whole.mp4", 50, options={"g": "50", "bf": "0"})
    data = bytearray(whole.read_bytes())
    at = data.index(b"elst") + 4 + 4 + 4 + 4  # version and flags, count, duration of the first edit
    scale_at = data.index(b"mdhd") + 4 + 4 + 4 + 4
    media_scale = int.from_bytes(data[scale_at : scale_at + 4], "big")
    data[at : at + 4] = (media_scale * 20 // 25).to_bytes(4, "big")  # starts at frame 20
    path = tmp_path / "edited.mp4"
    path.write_bytes(data)
    with open_media(path) as media:
        assert media.info.frame_count == 30
        assert [number_of(f.image) for f in media.frames([0, 29])] == [20, 49]


def test_nothing_of_a_clip_outlives_it(tmp_path: Path) -> None:
    """A frame and its side data held one another: 3 MB of every 1080p clip stayed until Python looked for cycles."""
    path = numbered_clip(tmp_path / "a.mp4", 20)
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            with open_media(path) as media:
                list(media.frames([0, 10]))
        left = [type(one).__name__ for one in gc.get_objects() if isinstance(one, av.VideoFrame)]
    finally:
        gc.enable()
    assert left == []
