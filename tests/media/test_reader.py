"""Paths, bytes and the promise that nothing but a MediaError comes out."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dfdetect.errors import ErrorCode, MediaError
from dfdetect.media.boundary import media_errors
from dfdetect.media.image import read_rgb
from dfdetect.media.reader import open_media
from media.clips import encoded, numbered_clip, numbered_frame


def _code(path: Path | str) -> ErrorCode:
    with pytest.raises(MediaError) as caught:
        open_media(path)
    assert caught.value.stage in ("open", "probe")
    return caught.value.code


def test_paths_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("not a video")
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "dangling.mp4").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop.mp4").symlink_to(tmp_path / "loop.mp4")
    listener = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(tmp_path)  # the name of a socket may not be long
    listener.bind("socket.mp4")
    os.chdir(here)
    try:
        codes = {
            name: _code(tmp_path / name)
            for name in ("empty.mp4", "text.mp4", "pipe.mp4", "dangling.mp4", "loop.mp4", "socket.mp4", "none.mp4", ".")
        }
    finally:
        listener.close()
    assert codes == {
        "empty.mp4": ErrorCode.EMPTY,
        "text.mp4": ErrorCode.UNSUPPORTED_TYPE,
        "pipe.mp4": ErrorCode.PATH_REFUSED,
        "dangling.mp4": ErrorCode.IO_ERROR,
        "loop.mp4": ErrorCode.IO_ERROR,
        "socket.mp4": ErrorCode.PATH_REFUSED,
        "none.mp4": ErrorCode.IO_ERROR,
        ".": ErrorCode.PATH_REFUSED,
    }
    assert _code("/dev/null") is ErrorCode.PATH_REFUSED
    assert _code("zero\0byte.jpg") is ErrorCode.PATH_REFUSED
    assert _code("n" * 5000) is ErrorCode.IO_ERROR


def test_an_unreadable_file_is_permission_denied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.jpg"
    path.write_bytes(b"\xff\xd8\xff")

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    assert _code(path) is ErrorCode.PERMISSION_DENIED


def test_a_disk_that_fails_on_the_way_is_io_error() -> None:
    with pytest.raises(MediaError) as caught, media_errors("decode"):
        raise OSError(5, "Input/output error")
    assert caught.value.code is ErrorCode.IO_ERROR


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SyntaxError("broken PNG"), ErrorCode.CORRUPT_DATA),
        (TypeError("an int is needed"), ErrorCode.CORRUPT_DATA),
        (OSError("image file is truncated"), ErrorCode.CORRUPT_DATA),
        (UnicodeDecodeError("utf-8", b"x", 0, 1, "bad"), ErrorCode.CORRUPT_DATA),
        (ZeroDivisionError(), ErrorCode.CORRUPT_DATA),
        (MemoryError(), ErrorCode.OUT_OF_MEMORY),
        (AttributeError("our own slip"), ErrorCode.INTERNAL),
        (MediaError(ErrorCode.TIMEOUT, "as it was"), ErrorCode.TIMEOUT),
    ],
)
def test_every_exception_has_a_code(error: Exception, code: ErrorCode) -> None:
    with pytest.raises(MediaError) as caught, media_errors("decode"):
        raise error
    assert caught.value.code is code


def test_ctrl_c_is_not_an_error_of_the_file() -> None:
    with pytest.raises(KeyboardInterrupt), media_errors("decode"):
        raise KeyboardInterrupt


def test_messages_hold_no_control_characters() -> None:
    with pytest.raises(MediaError) as caught, media_errors("decode"):
        raise ValueError("\x1b[31m" + "x" * 5000)
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) < 400


def test_sha256_and_size_are_of_the_whole_file(tmp_path: Path) -> None:
    path = numbered_clip(tmp_path / "clip.mp4", 10)
    with open_media(str(path)) as media:
        assert media.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert media.bytes == path.stat().st_size


def test_the_name_is_never_believed(tmp_path: Path) -> None:
    """A JPEG named .mp4 went to FFmpeg's image demuxer, whose name patterns open other files."""
    path = tmp_path / "%05d.mp4"
    path.write_bytes(encoded(Image.fromarray(numbered_frame(5)), "JPEG"))
    with open_media(path) as media:
        assert (media.info.kind, media.info.container) == ("image", "jpeg")


def test_frames_can_be_taken_again_and_wrong_indices_are_refused(tmp_path: Path) -> None:
    path = numbered_clip(tmp_path / "clip.mp4", 10)
    with open_media(path) as media:
        first = [f.image for f in media.frames([3, 3, 1])]
        again = [f.image for f in media.frames([1, 3])]
        np.testing.assert_array_equal(first, again)
        for wrong in ([-1], [10]):
            with pytest.raises(ValueError, match=r"0\.\.9"):
                media.frames(wrong)
    picture = tmp_path / "still.png"
    picture.write_bytes(encoded(Image.fromarray(numbered_frame(3)), "PNG"))
    with open_media(picture) as media:
        np.testing.assert_array_equal(*[next(iter(media.frames([0]))).image for _ in range(2)])
        np.testing.assert_array_equal(next(iter(media.frames([0]))).image, read_rgb(picture))


def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    path = numbered_clip(tmp_path / "clip.mp4", 10)
    with open_media(path) as media:
        with path.open("ab") as file:
            file.write(b"more")
        with pytest.raises(MediaError) as caught:
            list(media.frames([0]))
    assert caught.value.code is ErrorCode.CHANGED_DURING_READ


def _code_or_none(read: Callable[[], object]) -> ErrorCode | None:
    """Any exception but a MediaError goes through and fails the test."""
    try:
        read()
    except MediaError as error:
        return error.code
    return None


def _seeds() -> list[bytes]:
    picture = Image.fromarray(numbered_frame(77))
    return [encoded(picture, kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")]


SEEDS = _seeds()


@settings(max_examples=150, deadline=None)
@given(
    seed=st.sampled_from(SEEDS),
    damage=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=8),
    kept=st.floats(0.05, 1.0),
)
def test_damaged_images_give_pixels_or_a_code(seed: bytes, damage: list[tuple[float, int]], kept: float) -> None:
    """Pillow raised eleven classes of exception on a public corpus of damaged files."""
    data = bytearray(seed)
    for place, value in damage:
        data[int(place * (len(data) - 1))] = value
    assert _code_or_none(lambda: read_rgb(bytes(data[: int(len(data) * kept)]))) is not ErrorCode.INTERNAL


@pytest.fixture(scope="module")
def clip_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return numbered_clip(tmp_path_factory.mktemp("seed") / "clip.mp4", 12).read_bytes()


@settings(max_examples=60, deadline=None)
@given(damage=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_damaged_videos_give_frames_or_a_code(
    clip_bytes: bytes, tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[float, int]]
) -> None:
    data = bytearray(clip_bytes)
    for place, value in damage:
        data[int(place * (len(data) - 1))] = value
    path = tmp_path_factory.mktemp("mutant") / "clip.mp4"
    path.write_bytes(data)

    def read() -> None:
        with open_media(path) as media:
            list(media.frames(range(min(4, media.info.frame_count))))

    assert _code_or_none(read) is not ErrorCode.INTERNAL
