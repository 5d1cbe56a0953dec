"""Settings: which place wins, and that a misspelt one is never ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from dfdetect.config import Settings, load_settings, user_file
from dfdetect.errors import UsageError


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("DFDETECT_MODELS", raising=False)
    return tmp_path


def write_user_file(text: str) -> None:
    user_file().parent.mkdir(parents=True)
    user_file().write_text(text)


def test_defaults() -> None:
    settings = load_settings()
    assert (settings.model, settings.device, settings.detector) == ("default", "auto", "yunet")
    assert (settings.frames, settings.jobs, settings.quiet) == (32, 1, False)


def test_flags_beat_environment_beats_project_beats_user(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_user_file("frames = 1\njobs = 1\nmodel = 'user'\ndetector = 'mtcnn'\n")
    (alone / "dfdetect.toml").write_text("frames = 2\njobs = 2\nmodel = 'project'\n")
    monkeypatch.setenv("DFDETECT_FRAMES", "3")
    monkeypatch.setenv("DFDETECT_JOBS", "3")
    settings = load_settings(frames=4, jobs=None)
    assert settings == Settings.model_construct(
        model="project", device="auto", detector="mtcnn", frames=4, jobs=3, quiet=False
    )


@pytest.mark.parametrize("place", ["project", "user", "environment", "flag"])
def test_an_unknown_setting_is_an_error_that_lists_the_known(
    alone: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """A misspelt threshold or model that is silently ignored gives answers nobody asked for."""
    flags: dict[str, object] = {}
    if place == "project":
        (alone / "dfdetect.toml").write_text("modle = 'x'\n")
    elif place == "user":
        write_user_file("modle = 'x'\n")
    elif place == "environment":
        monkeypatch.setenv("DFDETECT_MODLE", "x")
    else:
        flags["modle"] = "x"
    with pytest.raises(UsageError, match=r"(?i)unknown .*modle.*options are: .*model"):
        load_settings(**flags)


@pytest.mark.parametrize(
    ("name", "value"), [("frames", "0"), ("frames", "many"), ("jobs", "-1"), ("device", "tpu"), ("quiet", "maybe")]
)
def test_a_wrong_value_names_the_setting_and_the_value(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"DFDETECT_{name.upper()}", value)
    with pytest.raises(UsageError, match=f"(?s)setting '{name}'.*{value}"):
        load_settings()


def test_broken_toml_is_a_usage_error(alone: Path) -> None:
    (alone / "dfdetect.toml").write_text("model = \n")
    with pytest.raises(UsageError, match=r"dfdetect\.toml"):
        load_settings()


def test_variables_of_other_rooms_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DFDETECT_MODELS", "somewhere")
    monkeypatch.setenv("DFDETECT_DEBUG", "1")
    load_settings()


def test_a_dot_env_file_is_not_read(alone: Path) -> None:
    (alone / ".env").write_text("DFDETECT_FRAMES=99\n")
    assert load_settings().frames == 32
