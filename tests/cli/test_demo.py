"""`dfdetect demo`: the sample clips go the way of any other file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dfdetect.cli.main import run
from fake_scanner import install, make_files


@pytest.fixture(autouse=True)
def samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    paths = make_files(tmp_path / "samples", "fake.mp4", "real.mp4")
    monkeypatch.setattr("dfdetect.media.sample_clips._CLIPS", dict.fromkeys(("fake.mp4", "real.mp4"), ("a", "b")))
    monkeypatch.setattr("dfdetect.media.sample_clips.files", lambda _package: tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    install(monkeypatch)
    return paths


def test_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo"]) == 0
    text = capsys.readouterr().out
    assert "TEST FAKE" in text
    assert text.count("probability") == 2


def test_json_is_data_alone(samples: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--json"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["input"]["path"] for record in records] == samples


def test_html(tmp_path: Path) -> None:
    assert run(["demo", "--html"]) == 0
    assert (tmp_path / "fake.mp4.report.html").is_file()


def test_a_package_without_samples_says_so(samples: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for path in samples:
        Path(path).unlink()
    assert run(["demo"]) == 3
    assert "install dfdetect again" in capsys.readouterr().err
