"""A hostile file may take its decoding process down, never the one that reads it, and never a word as a score."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dfdetect
from dfdetect import Scanner
from dfdetect.errors import ErrorCode, MediaError
from dfdetect.media.child.limits import ChildLimits
from dfdetect.media.child.reader import ChildReader, DecodeServer, child_opener
from dfdetect.media.reader import open_media
from media.clips import numbered_clip
from media.faulty_child import FAULTS, MARK, WRITTEN

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")

TESTS = Path(__file__).parents[1]
SHORT = ChildLimits(open_s=2.5, video_s=2.5, memory_bytes=1 << 30)


@pytest.fixture(scope="module")
def server() -> Iterator[DecodeServer]:
    one = DecodeServer()
    yield one
    one.close()


@pytest.fixture(scope="module")
def faulty() -> Iterator[DecodeServer]:
    before = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(TESTS), before])
    one = DecodeServer("media.faulty_child")
    yield one
    one.close()
    os.environ["PYTHONPATH"] = before


def _picture(path: Path, fault: str = "") -> Path:
    Image.fromarray(np.full((16, 16, 3), 200, np.uint8)).save(path)
    if fault:
        with path.open("ab") as file:
            file.write(MARK + fault.encode())
    return path


def _read(server: DecodeServer, path: Path, limits: ChildLimits = SHORT) -> tuple[ChildReader, int]:
    with child_opener(server, child_limits=limits)(path) as reader:
        return reader, len(list(reader.frames([0])))


def test_a_clip_reads_as_in_this_process(server: DecodeServer, tmp_path: Path) -> None:
    path = numbered_clip(tmp_path / "clip.mp4", 30)
    with open_media(path) as own, child_opener(server)(path) as other:
        assert (other.info, other.sha256, other.bytes) == (own.info, own.sha256, own.bytes)
        assert np.array_equal(other.times_s, own.times_s)
        for wanted in ([0, 3, 29], [5]):  # a reader may be asked again
            ours, theirs = list(own.frames(wanted)), list(other.frames(wanted))
            assert [(f.index, f.time_s) for f in theirs] == [(f.index, f.time_s) for f in ours]
            assert all(np.array_equal(a.image, b.image) for a, b in zip(ours, theirs, strict=True))
            assert other.cuts_s == own.cuts_s
        with pytest.raises(ValueError, match="expected frame indices"):
            other.frames([30])


def test_an_iteration_that_is_broken_off_does_not_spoil_the_next(server: DecodeServer, tmp_path: Path) -> None:
    with child_opener(server)(numbered_clip(tmp_path / "clip.mp4", 30)) as reader:
        frames = iter(reader.frames(range(30)))
        assert next(frames).index == 0
        frames.close()  # type: ignore[attr-defined]
        assert [frame.index for frame in reader.frames([7, 8])] == [7, 8]


def test_the_errors_of_a_file_are_those_of_the_reader(server: DecodeServer, tmp_path: Path) -> None:
    clip = numbered_clip(tmp_path / "clip.mp4", 30)
    (tmp_path / "text.mp4").write_text("no video at all")
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n/etc/passwd\n")
    (tmp_path / "half.mp4").write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    (tmp_path / "empty.png").touch()
    for path in sorted(tmp_path.iterdir()):
        codes = []
        for opener in (open_media, child_opener(server)):
            try:
                with opener(path) as reader:  # type: ignore[operator]
                    list(reader.frames([0]))
                codes.append("fine")
            except MediaError as error:
                codes.append(f"{error.code} {error.stage} {error.message}")
        assert codes[0] == codes[1], path.name


CODES = {
    "memory": {ErrorCode.OUT_OF_MEMORY, ErrorCode.DECODER_CRASHED},
    "hang": {ErrorCode.TIMEOUT},
    "burn": {ErrorCode.CPU_LIMIT, ErrorCode.TIMEOUT},
}


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_whatever_the_child_does_the_next_file_is_read(faulty: DecodeServer, tmp_path: Path, fault: str) -> None:
    _read(faulty, _picture(tmp_path / "warm.png"), ChildLimits())
    open_before = _descriptors()
    bad, good = _picture(tmp_path / "bad.png", fault), _picture(tmp_path / "good.png")
    start = time.monotonic()
    with pytest.raises(MediaError) as caught:
        _read(faulty, bad)
    assert caught.value.code in CODES.get(fault, {ErrorCode.DECODER_CRASHED})
    assert time.monotonic() - start < 10
    assert _read(faulty, good, ChildLimits())[1] == 1
    assert _descriptors() == open_before
    assert not WRITTEN.exists() or WRITTEN.stat().st_size == 0


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_nothing_is_left_behind(faulty: DecodeServer, tmp_path: Path) -> None:
    """A child that starts a process and dies would leave that process running for ever."""
    for fault in ("orphan", "stubborn", "segv"):
        with pytest.raises(MediaError):
            _read(faulty, _picture(tmp_path / f"{fault}.png", fault))
    assert faulty._process is not None
    assert _children_of(faulty._process.pid) == []
    assert not [name for name in Path("/proc").glob("[0-9]*/cmdline") if b"611" in _content(name).split(b"\0")]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_server_that_died_is_replaced_and_one_whose_parent_is_gone_ends(tmp_path: Path) -> None:
    server = DecodeServer()
    picture = _picture(tmp_path / "a.png")
    assert _read(server, picture, ChildLimits())[1] == 1
    assert server._process is not None
    server._process.kill()
    server._process.wait()
    assert _read(server, picture, ChildLimits())[1] == 1
    process = server._process
    assert process is not None
    assert server._commands is not None
    server._commands.close()  # as when this process dies
    assert process.wait(timeout=10) == 0
    server.close()


def _children_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0


def test_a_scan_through_a_child_answers_as_one_in_this_process(server: DecodeServer, tmp_path: Path) -> None:
    samples = Path(dfdetect.__file__).parent / "samples"
    own, other = Scanner(frames=8), Scanner(frames=8, opener=child_opener(server))
    for path in sorted(samples.glob("*.mp4")):
        first, second = own.scan(path), other.scan(path)
        assert second.tracks == first.tracks
        assert (second.verdict, second.media, second.interval) == (first.verdict, first.media, first.interval)
    assert other.scan(tmp_path / "none.mp4").error == own.scan(tmp_path / "none.mp4").error


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it ended meanwhile
        return b""
