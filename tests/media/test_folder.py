"""Folders of images as clips: order, names, what is no image, what cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from dfdetect.errors import ErrorCode, MediaError
from dfdetect.media.folder import FrameFolder
from dfdetect.media.roundtrip import encode_jpeg, encode_png
from media.clips import number_of, numbered_frame


def folder_of(path: Path, names: Sequence[str]) -> FrameFolder:
    """Images that tell their place in `names`."""
    path.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        image = numbered_frame(number)
        (path / name).write_bytes(encode_png(image) if name.endswith(".png") else encode_jpeg(image, 95))
    return FrameFolder(path)


@pytest.mark.parametrize(
    ("names", "order", "numbers"),
    [
        (["001", "002", "010"], [0, 1, 2], [1, 2, 10]),  # VidTIMIT
        (["image_2.jpg", "image_10.jpg", "image_1.jpg"], [2, 0, 1], [1, 2, 10]),
        (["b.png", "a.png"], [1, 0], [0, 1]),
        (["x1.png", "y1.png", "a2.png"], [2, 0, 1], [0, 1, 2]),  # the same number twice: by name
    ],
)
def test_images_come_in_the_order_of_their_numbers(
    tmp_path: Path, names: list[str], order: list[int], numbers: list[int]
) -> None:
    """`image_10` once came before `image_2`, and tracks jumped."""
    with folder_of(tmp_path / "clip", names) as clip:
        frames = list(clip.frames(range(len(names))))
        assert [number_of(frame.image) for frame in frames] == order
        assert clip.numbers.tolist() == numbers
        assert [frame.time_s for frame in frames] == pytest.approx([(n - numbers[0]) / 25 for n in numbers])
        assert (clip.info.kind, clip.info.frame_count, clip.info.fps) == ("video", len(names), None)
        assert (clip.info.width_px, clip.info.height_px) == (96, 64)


def test_only_images_are_frames(tmp_path: Path) -> None:
    folder_of(tmp_path / "clip", ["0.jpg", "1.JPG"])
    for name in ("Thumbs.db", ".DS_Store", "readme", "landmarks.npy", ".2.jpg"):
        (tmp_path / "clip" / name).write_bytes(b"no image")
    (tmp_path / "clip" / "2.jpg").mkdir()
    assert FrameFolder(tmp_path / "clip").info.frame_count == 2


def test_wanted_frames_alone_are_read_each_once(tmp_path: Path) -> None:
    clip = folder_of(tmp_path / "clip", [f"{n}.jpg" for n in range(9)])
    (tmp_path / "clip" / "5.jpg").unlink()
    assert [frame.index for frame in clip.frames([8, 2, 2, 0])] == [0, 2, 8]


def test_an_image_that_cannot_be_read_is_left_out_many_are_an_error(tmp_path: Path) -> None:
    clip = folder_of(tmp_path / "clip", [f"{n:02d}.jpg" for n in range(20)])
    (tmp_path / "clip" / "00.jpg").write_bytes(b"")
    assert [frame.index for frame in FrameFolder(tmp_path / "clip").frames(range(20))] == list(range(1, 20))
    for number in range(3):
        (tmp_path / "clip" / f"{number:02d}.jpg").write_bytes(b"torn")
    with pytest.raises(
        MediaError, match=r"3 of the 20 images wanted of this folder cannot be read, the first is 00"
    ) as e:
        list(clip.frames(range(20)))
    assert e.value.code == ErrorCode.CORRUPT_DATA


def test_no_image_and_no_folder_have_their_codes(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(MediaError) as nothing:
        FrameFolder(tmp_path / "empty")
    assert nothing.value.code == ErrorCode.NO_FRAME
    with pytest.raises(MediaError) as gone:
        FrameFolder(tmp_path / "gone")
    assert gone.value.code == ErrorCode.IO_ERROR
    (tmp_path / "empty" / "1.jpg").write_bytes(b"text")
    with pytest.raises(MediaError) as torn:
        FrameFolder(tmp_path / "empty")
    assert torn.value.code == ErrorCode.UNSUPPORTED_TYPE
