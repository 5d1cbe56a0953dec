"""`dfdetect doctor`: what it finds wrong, and the command that mends it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dfdetect.cli import doctor
from dfdetect.cli.doctor import Check, version_tuple
from dfdetect.cli.main import run
from tiny_bundle import make_tiny_bundle


@pytest.fixture(autouse=True)
def sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One usable default model and no settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    make_tiny_bundle(tmp_path / "shelf" / "default", name="default")
    monkeypatch.setenv("DFDETECT_MODELS", str(tmp_path / "shelf"))
    return tmp_path


def checks() -> dict[str, Check]:
    return {check.name: check for check in doctor.all_checks()}


def test_a_sound_installation_is_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor"]) == 0
    text = capsys.readouterr().out
    for name in (
        "dfdetect",
        "python",
        "numpy",
        "onnxruntime",
        "providers",
        "ffmpeg",
        "opencv",
        "model default",
        "limits",
    ):
        assert name in text
    assert run(["doctor", "--json"]) == 0
    assert {"state", "name", "text", "mend"} == set(json.loads(capsys.readouterr().out)[0])


def test_a_broken_default_model_is_4_and_says_how_to_mend_it(sound: Path) -> None:
    (sound / "shelf" / "default" / "card.md").write_text("altered")
    assert run(["doctor"]) == 4
    found = checks()["model default"]
    assert (found.state, "pip install" in found.mend) == ("failed", True)


def test_no_model_is_4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dfdetect.models.bundle.list_bundles", dict)
    assert run(["doctor"]) == 4


def test_gui_opencv_and_old_ffmpeg_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """opencv-python beside the headless one overwrites its files, and needs libGL at import."""
    versions = {"opencv-python": "4.10.0"}
    real = doctor._installed
    monkeypatch.setattr(doctor, "_installed", lambda package: versions.get(package) or real(package))
    monkeypatch.setattr("av.ffmpeg_version_info", "8.1.2")
    found = checks()
    assert found["opencv"].state == "warning"
    assert "uninstall -y opencv-python" in found["opencv"].mend
    assert found["ffmpeg (in av)"].state == "warning"
    monkeypatch.setattr("av.ffmpeg_version_info", "9.0.2")
    assert checks()["ffmpeg (in av)"].state == "ok"


@pytest.mark.parametrize(("version", "state"), [(None, "failed"), ("1.0", "warning"), ("99.0", "ok")])
def test_libraries_are_held_to_the_floors_of_the_package(
    monkeypatch: pytest.MonkeyPatch, version: str | None, state: str
) -> None:
    monkeypatch.setattr(doctor, "_installed", lambda _package: version)
    assert checks()["numpy"].state == state


def test_a_missing_extra_comes_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    real = doctor._installed
    monkeypatch.setattr(doctor, "_installed", lambda package: None if package == "torch" else real(package))
    found = checks()["extra train"]
    assert "torch" in found.text
    assert "[train]" in found.mend


def test_a_library_that_does_not_import_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ImportError("libfoo.so.1: cannot open shared object file")

    monkeypatch.setattr(doctor, "_ffmpeg", broken)
    assert any("libfoo" in check.text and check.state == "failed" for check in doctor.all_checks())


def test_wrong_settings_are_a_finding(sound: Path) -> None:
    (sound / "dfdetect.toml").write_text("modle = 'x'\n")
    assert checks()["settings"].state == "failed"


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("8.1.2", (8, 1, 2)), ("8.1.3-static", (8, 1, 3)), ("n9.0", (9, 0)), ("5.0.0.93", (5, 0, 0, 93)), ("git", ())],
)
def test_version_tuple(text: str, numbers: tuple[int, ...]) -> None:
    assert version_tuple(text) == numbers
