"""A model with other bounds: a new folder, whole or not there, the old one untouched."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dfdetect.calibration import Curve
from dfdetect.errors import ModelUnusable, UsageError
from dfdetect.models import recalibrated
from dfdetect.models.bundle import Bundle, load_bundle
from dfdetect.models.recalibrated import write_recalibrated
from tiny_bundle import make_tiny_bundle, tiny_calibration
from tiny_ensemble import make_tiny_ensemble


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def base(tmp_path: Path) -> Bundle:
    return load_bundle(make_tiny_bundle(tmp_path / "tiny"))


def test_all_but_calibration_card_and_name_is_as_it_was(base: Bundle, tmp_path: Path) -> None:
    before = files(base.folder)
    wanted = replace(tiny_calibration(0.7, 0.3), curve=Curve((-1.0, 1.0), (0.2, 0.8)))
    made = write_recalibrated(base, tmp_path / "own", wanted, name="own", card_section="## Own\n\n- a line")
    assert files(base.folder) == before
    assert made.calibration == wanted
    assert made.manifest.name == "own"
    assert made.manifest.version == base.manifest.version
    assert made.networks[0].model == base.networks[0].model
    assert made.card == base.card.rstrip() + "\n\n## Own\n\n- a line\n"
    assert made.sha256 != base.sha256
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_an_ensemble_keeps_its_members(tmp_path: Path) -> None:
    members = [make_tiny_bundle(tmp_path / name, name=name) for name in ("one", "two")]
    base = load_bundle(make_tiny_ensemble(tmp_path / "both", members))
    made = write_recalibrated(base, tmp_path / "own", tiny_calibration(0.7, 0.3), name="own", card_section="x")
    assert [member.sha256 for member in made.members] == [member.sha256 for member in base.members]
    assert made.calibration.thresholds["image"]["1"].likely_manipulated == 0.7


def test_a_folder_that_holds_something_is_left_alone(base: Bundle, tmp_path: Path) -> None:
    before = files(base.folder)
    for folder in (base.folder, base.folder / "card.md"):
        with pytest.raises(UsageError, match="already holds something; name a new folder, no model is changed"):
            write_recalibrated(base, folder, tiny_calibration(), name="x", card_section="")
    with pytest.raises(UsageError, match="there is no folder"):
        write_recalibrated(base, tmp_path / "no" / "own", tiny_calibration(), name="x", card_section="")
    assert files(base.folder) == before
    (tmp_path / "empty").mkdir()
    write_recalibrated(base, tmp_path / "empty", tiny_calibration(), name="x", card_section="")


def test_a_model_that_was_altered_meanwhile_is_not_copied(base: Bundle, tmp_path: Path) -> None:
    (base.folder / "model.onnx").write_bytes(b"x" * 100)
    with pytest.raises(ModelUnusable, match="expected SHA-256"):
        write_recalibrated(base, tmp_path / "own", tiny_calibration(), name="x", card_section="")
    assert not (tmp_path / "own").exists()


def test_what_fails_half_way_leaves_nothing(base: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle without its calibration looked finished, and the next run refused the folder as taken."""

    def full_disk(folder: Path, *_: object) -> None:
        folder.mkdir()
        (folder / "model.onnx").write_bytes(b"half")
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(recalibrated, "write_files", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_recalibrated(base, tmp_path / "own", tiny_calibration(), name="x", card_section="")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny"]
