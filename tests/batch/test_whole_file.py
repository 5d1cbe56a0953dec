"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from dfdetect.batch.whole_file import whole_file
from dfdetect.errors import DfdetectError, ErrorCode


def test_the_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with whole_file(path) as part:
        part.write_text("half")
        assert not path.exists()
        part.write_text("whole")
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("before")

    def fails() -> None:
        with whole_file(path) as part:
            part.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fails()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, ErrorCode.DISK_FULL), (errno.EDQUOT, ErrorCode.DISK_FULL), (errno.EIO, ErrorCode.IO_ERROR)],
)
def test_errors_of_the_disk_have_their_code(number: int, code: ErrorCode, tmp_path: Path) -> None:
    def fails() -> None:
        with whole_file(tmp_path / "a") as part:
            part.write_text("x")
            raise OSError(number, os.strerror(number))

    with pytest.raises(DfdetectError) as error:
        fails()
    assert error.value.code == code
    assert list(tmp_path.iterdir()) == []


def test_two_processes_never_share_a_temporary_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with whole_file(tmp_path / "a") as mine:
        monkeypatch.setattr(os, "getpid", lambda: 1)
        with whole_file(tmp_path / "a") as theirs:
            assert mine != theirs
            theirs.write_text("theirs")
        mine.write_text("mine")
    assert (tmp_path / "a").read_text() == "mine"
