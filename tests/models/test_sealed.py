"""The files of a bundle: plain ones only, bounded, each read once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dfdetect.errors import ModelUnusable
from dfdetect.models import sealed
from dfdetect.models.bundle import load_bundle, seal
from dfdetect.models.sealed import read_plain
from tiny_bundle import make_tiny_bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return make_tiny_bundle(tmp_path / "tiny")


@pytest.mark.parametrize("name", ["model.onnx", "spec.json", "calibration.json", "card.md", "manifest.json"])
def test_a_huge_file_is_refused_before_it_is_read(bundle: Path, name: str) -> None:
    """A text of 5 GB was read whole before anybody looked at it. The file is sparse: it takes no room here."""
    with (bundle / name).open("r+b") as file:
        file.truncate(5 * 2**30)
    with pytest.raises(ModelUnusable, match=r"expected at most [\d,]+ bytes; found 5,368,709,120"):
        load_bundle(bundle)


def test_a_file_that_grows_meanwhile_is_refused(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "MOST_TEXT_BYTES", 40)
    path = bundle / "card.md"
    real = Path.lstat

    def small(self: Path) -> os.stat_result:
        found = list(real(self))
        found[6] = 1  # st_size
        return os.stat_result(found)

    monkeypatch.setattr(Path, "lstat", small)
    path.write_text("x" * 41)
    with pytest.raises(ModelUnusable, match="it grew while it was read"):
        read_plain(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_and_nobody_waits_for_it(bundle: Path) -> None:
    """Opening a pipe waits for a writer that never comes."""
    (bundle / "card.md").unlink()
    os.mkfifo(bundle / "card.md")
    with pytest.raises(ModelUnusable, match="found a folder, pipe or device"):
        load_bundle(bundle)


def test_a_folder_in_place_of_a_file_is_refused(bundle: Path) -> None:
    (bundle / "card.md").unlink()
    (bundle / "card.md").mkdir()
    with pytest.raises(ModelUnusable, match="found a folder, pipe or device"):
        load_bundle(bundle)


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs symbolic links")
def test_links_inside_are_refused_but_the_folder_may_be_one(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(bundle)
    load_bundle(tmp_path / "link")
    (bundle / "card.md").rename(tmp_path / "card.md")
    (bundle / "card.md").symlink_to(tmp_path / "card.md")
    for use in (load_bundle, seal):
        with pytest.raises(ModelUnusable, match="symbolic link"):
            use(bundle)


def test_a_hidden_link_is_passed_over(bundle: Path, tmp_path: Path) -> None:
    (bundle / ".cache").symlink_to(tmp_path / "nowhere")
    load_bundle(bundle)
