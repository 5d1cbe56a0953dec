"""What the user names -> the list of inputs."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from dfdetect.cli.inputs import Input, collect, open_list, output_names, read_list
from dfdetect.errors import UsageError
from fake_scanner import make_files


def is_jpeg(head: bytes) -> bool:
    return head.startswith(b"\xff\xd8\xff")


def found(*paths: str, listed: tuple[str, ...] = (), recursive: bool = False) -> list[Input]:
    return collect(list(paths), listed, recursive=recursive, is_media=is_jpeg)


def names(inputs: list[Input]) -> list[str]:
    return [Path(item.path).name for item in inputs]


def codes(inputs: list[Input]) -> list[str | None]:
    return [item.refusal and item.refusal.code for item in inputs]


def test_a_file_is_itself_whatever_it_is_called(tmp_path: Path) -> None:
    paths = make_files(tmp_path, "a.jpg", "notes.txt", "no_suffix")
    assert found(*paths) == [Input(path) for path in paths]


def test_a_missing_path_is_a_record_not_an_end(tmp_path: Path) -> None:
    (path,) = make_files(tmp_path, "a.jpg")
    inputs = found(str(tmp_path / "absent.jpg"), path, str(tmp_path / "no" / "folder" / "*.jpg"))
    assert codes(inputs) == ["io_error", None, "io_error"]


@pytest.mark.parametrize("path", ["", "nul\0.jpg"])
def test_what_is_no_path_is_a_record(path: str) -> None:
    assert codes(found(path)) == ["io_error"]


def test_a_folder_gives_its_media_sorted_and_without_hidden_files(tmp_path: Path) -> None:
    make_files(tmp_path, "b.jpg", "a.mp4", ".hidden.jpg", "no_suffix", ".git/c.jpg", "sub/d.jpg")
    (tmp_path / "notes.txt").write_text("no media")
    (tmp_path / "code.ts").write_text("export const a = 1")
    (tmp_path / "text.mp4").write_text("calls itself a video")
    assert names(found(str(tmp_path))) == ["a.mp4", "b.jpg", "no_suffix", "text.mp4"]
    assert names(found(str(tmp_path), recursive=True)) == ["a.mp4", "b.jpg", "no_suffix", "d.jpg", "text.mp4"]


def test_a_folder_without_media_is_one_record(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no media")
    make_files(tmp_path, "sub/d.jpg")
    inputs = found(str(tmp_path))
    assert codes(inputs) == ["empty"]
    assert "-r" in inputs[0].refusal.message  # type: ignore[union-attr]
    assert names(found(str(tmp_path), recursive=True)) == ["d.jpg"]


def test_links_cannot_make_a_loop(tmp_path: Path) -> None:
    """A folder linked into itself once kept a walk going until the path was too long."""
    make_files(tmp_path, "a.jpg", "sub/b.jpg")
    (tmp_path / "sub" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "self.jpg").symlink_to(tmp_path / "self.jpg")
    (tmp_path / "linked.jpg").symlink_to(tmp_path / "a.jpg")
    assert names(found(str(tmp_path), recursive=True)) == ["a.jpg", "linked.jpg", "self.jpg", "b.jpg"]
    assert codes(found(str(tmp_path / "self.jpg"))) == ["io_error"]


def test_a_linked_folder_that_is_named_is_entered(tmp_path: Path) -> None:
    make_files(tmp_path, "real/a.jpg")
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    assert names(found(str(tmp_path / "link"))) == ["a.jpg"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system here")
def test_a_pipe_is_refused_and_never_opened(tmp_path: Path) -> None:
    """Opening a pipe that nobody writes to waits for ever."""
    os.mkfifo(tmp_path / "pipe.jpg")
    make_files(tmp_path, "a.jpg")
    assert codes(found(str(tmp_path))) == [None, "path_refused"]
    assert codes(found(str(tmp_path / "pipe.jpg"))) == ["path_refused"]


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no sockets in the file system here")
def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.jpg")
        assert codes(found("s.jpg")) == ["path_refused"]


def test_an_unreadable_folder_is_permission_denied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_path: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", denied)
    assert codes(found(str(tmp_path))) == ["permission_denied"]


def test_globs_are_expanded_where_the_shell_did_not(tmp_path: Path) -> None:
    make_files(tmp_path, "b.jpg", "a.jpg", "c.png", "sub/d.jpg")
    assert names(found(str(tmp_path / "*.jpg"))) == ["a.jpg", "b.jpg"]
    assert names(found(str(tmp_path / "**" / "*.jpg"))) == ["a.jpg", "b.jpg", "d.jpg"]


def test_a_name_with_glob_signs_is_a_name_first(tmp_path: Path) -> None:
    make_files(tmp_path, "a[1].jpg", "a1.jpg")
    assert names(found(str(tmp_path / "a[1].jpg"))) == ["a[1].jpg"]


def test_lists_are_taken_literally(tmp_path: Path) -> None:
    make_files(tmp_path, "a.jpg", "sub/b.jpg")
    inputs = found(listed=(str(tmp_path / "*.jpg"), str(tmp_path / "sub")))
    assert codes(inputs) == ["io_error", None]
    assert names(inputs)[1] == "b.jpg"


def test_what_is_named_twice_is_one_input_at_its_first_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder and one of its files: the file was scanned twice, and its second report overwrote the first."""
    make_files(tmp_path, "a.jpg", "b.jpg", "sub/a.jpg")
    monkeypatch.chdir(tmp_path)
    inputs = found("b.jpg", ".", "sub", listed=("./a.jpg", str(tmp_path / "b.jpg"), "none.jpg", "none.jpg"))
    assert [item.path for item in inputs] == ["b.jpg", "./a.jpg", "sub/a.jpg", "none.jpg"]
    (tmp_path / "link.jpg").symlink_to(tmp_path / "a.jpg")
    assert len(found("a.jpg", "link.jpg")) == 2


def test_list_files(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes("a b.jpg\r\n\n  \nö.mp4\n".encode() + b"\xe9.mp4")
    assert open_list(str(path)) == ["a b.jpg", "ö.mp4", "\udce9.mp4"]
    assert read_list([]) == []
    with pytest.raises(UsageError, match="--list"):
        open_list(str(tmp_path / "absent"))


def test_output_names_are_the_inputs_own_unless_two_share_one() -> None:
    """Two clips of one name in two folders once wrote one report."""
    inputs = [Input("x/a.mp4"), Input("y/A.mp4"), Input("b.mp4"), Input("x/" + "n" * 250)]
    made = output_names(inputs)
    assert made[2] == "b.mp4"
    assert len({name.casefold() for name in made}) == 4
    assert all(len(os.fsencode(name)) <= 200 for name in made)
    assert output_names(inputs[::-1]) == made[::-1]  # told by the set of inputs, not by their order
