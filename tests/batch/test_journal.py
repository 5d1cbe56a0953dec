"""The archive of done inputs: what counts as done, and what a crash may leave behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.batch.journal import HEADER, InputKey, Journal, drop_torn_line, input_key
from dfdetect.errors import UsageError


def key(path: str = "a.jpg", model: str = "m1") -> InputKey:
    return InputKey(path, 10, 20, model)


def test_what_was_added_is_found_again(tmp_path: Path) -> None:
    with Journal(tmp_path / "done.txt") as journal:
        assert key() not in journal
        journal.add(key())
        assert key() in journal
    with Journal(tmp_path / "done.txt") as journal:
        assert len(journal) == 1
        assert key() in journal
        assert key(model="m2") not in journal
        assert None not in journal


def test_a_changed_file_or_model_is_work_again(tmp_path: Path) -> None:
    """Keyed by path alone, a file replaced under the same name would never be scanned."""
    file = tmp_path / "a.jpg"
    file.write_bytes(b"one")
    before = input_key(str(file), "m1")
    assert before == input_key(str(file), "m1")
    file.write_bytes(b"three")
    assert input_key(str(file), "m1") != before
    file.write_bytes(b"one")
    os.utime(file, ns=(1, 1))
    assert input_key(str(file), "m1") != before
    assert input_key(str(file), "m1") != input_key(str(file), "m2")


@pytest.mark.parametrize("path", ["absent.jpg", "nul\0byte.jpg"])
def test_no_file_no_key(path: str) -> None:
    assert input_key(path, "m1") is None


def test_the_key_is_the_same_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jpg").write_bytes(b"one")
    absolute = input_key(str(tmp_path / "a.jpg"), "m1")
    monkeypatch.chdir(tmp_path)
    assert input_key("a.jpg", "m1") == absolute


def test_lines_reach_the_file_at_once(tmp_path: Path) -> None:
    """A killed run must not lose what it had finished."""
    journal = Journal(tmp_path / "done.txt")
    journal.add(key())
    assert (tmp_path / "done.txt").read_text().count("\n") == 2


@given(cut=st.integers(0, 400))
@settings(max_examples=25, deadline=None)
def test_a_torn_last_line_is_forgotten_and_the_rest_kept(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("torn") / "done.txt"
    with Journal(path) as journal:
        for number in range(5):
            journal.add(key(f"{number}.jpg"))
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])
    complete = max(0, whole[:cut].count(b"\n") - 1)  # less the header
    with Journal(path) as journal:
        assert len(journal) == complete
        journal.add(key("new.jpg"))
    with Journal(path) as journal:
        assert len(journal) == complete + 1
    assert path.read_text().startswith(HEADER)


def test_a_line_of_rubbish_is_work_again(tmp_path: Path) -> None:
    path = tmp_path / "done.txt"
    path.write_bytes(HEADER.encode() + b'\0\0\0\n["a.jpg", 10, 20, "m1"]\n["b.jpg"]\n')
    with Journal(path) as journal:
        assert len(journal) == 1


@pytest.mark.parametrize("content", [b"\xff\xd8\xff\xe0 a picture", b"notes\n", b"["])
def test_a_file_of_another_kind_is_left_alone(tmp_path: Path, content: bytes) -> None:
    """`--archive clip.mp4` by mistake would otherwise cut the clip at its last newline."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="not an archive"):
        Journal(path)
    assert path.read_bytes() == content


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected a file"):
        Journal(tmp_path)
    with pytest.raises(UsageError, match="make it first"):
        Journal(tmp_path / "absent" / "done.txt")


@pytest.mark.parametrize(
    ("content", "kept"),
    [(b"", b""), (b"a\n", b"a\n"), (b"a\nb", b"a\n"), (b"torn", b""), (b"x\n" + b"y" * 200_000, b"x\n")],
)
def test_drop_torn_line(tmp_path: Path, content: bytes, kept: bytes) -> None:
    path = tmp_path / "list"
    path.write_bytes(content)
    drop_torn_line(path)
    assert path.read_bytes() == kept


def test_drop_torn_line_of_no_file(tmp_path: Path) -> None:
    drop_torn_line(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()
