"""`dfdetect data toy`."""

from __future__ import annotations

from pathlib import Path

import pytest

from dfdetect.cli.main import run
from dfdetect.data.readers import READERS
from dfdetect.data.toy import TOYS


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Toys of one file each: drawing is tested elsewhere."""
    for name in TOYS:
        monkeypatch.setitem(TOYS, name, lambda toy: toy.text("made.txt", "x"))


def test_toys_are_named_as_their_readers() -> None:
    assert set(TOYS) <= set(READERS)


@pytest.mark.usefixtures("quick")
def test_writes_the_named_ones_and_says_what_they_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "toy", "faceforensics", "faceforensics", "-o", str(tmp_path)]) == 0
    assert (tmp_path / "faceforensics" / "made.txt").is_file()
    assert capsys.readouterr().out == f"{tmp_path / 'faceforensics'}: 0 real, 0 fake\n"


@pytest.mark.usefixtures("quick")
def test_all_means_all(tmp_path: Path) -> None:
    assert run(["data", "toy", "all", "-o", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == set(TOYS)


def test_an_unknown_name_lists_the_known_before_anything_is_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["data", "toy", "faceforensics", "nonsense", "-o", str(tmp_path)]) == 2
    assert "the options are: all" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "faceforensics").mkdir()
    (tmp_path / "faceforensics" / "thesis.txt").write_text("mine")
    assert run(["data", "toy", "faceforensics", "-o", str(tmp_path)]) == 3
    assert "expected an empty folder or none" in capsys.readouterr().err
