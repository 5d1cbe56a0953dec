"""`dfdetect models list | show | verify`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dfdetect.cli.main import run
from tiny_bundle import make_tiny_bundle


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one sound and one broken model, and nothing else installed."""
    make_tiny_bundle(tmp_path / "shelf" / "tiny")
    make_tiny_bundle(tmp_path / "shelf" / "bent", name="bent")
    (tmp_path / "shelf" / "bent" / "card.md").write_text("altered")
    monkeypatch.setenv("DFDETECT_MODELS", str(tmp_path / "shelf"))
    return tmp_path / "shelf"


def test_list_says_which_can_be_used(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "list"]) == 0
    text = capsys.readouterr().out
    assert "tiny  1.0" in text
    assert "bent  UNUSABLE" in text
    assert run(["models", "list", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["tiny"]["usable"]
    assert not rows["bent"]["usable"]
    assert str(shelf) in rows["tiny"]["folder"]


def test_show_repeats_licence_sources_measured_error_and_card(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "show", "tiny"]) == 0
    text = capsys.readouterr().out
    for expected in (
        "Apache-2.0",
        "made from none",
        "2 % of real files flagged (120",
        "# tiny",
        "experimental",
        "64 px",
    ):
        assert expected in text
    assert run(["models", "show", str(shelf / "tiny"), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["operating_points"][0]["n_reals"] == 120
    assert facts["card"].startswith("# tiny")


@pytest.mark.parametrize(("name", "code"), [("tiny", 0), ("bent", 4), ("absent", 4)])
def test_verify(shelf: Path, name: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "verify", name]) == code
    out, err = capsys.readouterr()
    assert ("the network runs" in out) == (code == 0)
    assert ("SHA-256" in err) == (name == "bent")
    assert ("options" in err or "one of" in err) == (name == "absent")


def test_no_model_at_all_is_4(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dfdetect.models.bundle.list_bundles", dict)
    assert run(["models", "list"]) == 4
