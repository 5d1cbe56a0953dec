"""`dfdetect models list | show | verify`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dfdetect.cli.main import run
from dfdetect.data.drawn_faces import draw_scene
from dfdetect.media.roundtrip import encode_jpeg
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


def test_an_ensemble_is_made_listed_shown_and_verified(
    shelf: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = make_tiny_bundle(shelf / "wide", name="wide", size_px=96, margin=0.3)
    out = shelf / "both"
    assert run(["models", "ensemble", "tiny", str(wide), "-o", str(out), "--name", "pair"]) == 0
    said = capsys.readouterr().out
    assert "wide: mean_brightness, faces of 96 px, margin 0.3" in said
    assert f"next: dfdetect calibrate {out}" in said
    assert run(["models", "list"]) == 0
    assert "both  0.1" in (listed := capsys.readouterr().out)
    assert "ensemble of 2" in listed
    assert run(["models", "show", "both"]) == 0
    shown = capsys.readouterr().out
    for expected in ("network   tiny: mean_brightness", "network   wide:", "heatmap   yes", "not measured", "# pair"):
        assert expected in shown
    assert run(["models", "show", "both", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [network["spec"]["input_size_px"] for network in facts["networks"]] == [64, 96]
    assert facts["ensemble"]
    assert run(["models", "verify", "both"]) == 0
    assert "13 files as sealed; its 2 networks run" in capsys.readouterr().out


def test_what_cannot_be_combined_is_said(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = shelf / "both"
    assert run(["models", "ensemble", "tiny", "bent", "-o", str(out)]) == 4
    assert "expected SHA-256" in capsys.readouterr().err
    assert run(["models", "ensemble", "tiny", "-o", str(shelf)]) == 2
    assert "already holds something" in capsys.readouterr().err
    assert run(["models", "ensemble", "-o", str(out)]) == 2
    assert not out.exists()


def test_a_model_without_a_map_says_so(shelf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--heatmaps` gave nulls without a word, and the report left the pictures bare."""
    make_tiny_bundle(shelf / "blind", name="blind", with_cam=False)
    assert run(["models", "show", "blind"]) == 0
    assert "heatmap   none" in capsys.readouterr().out
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(encode_jpeg(draw_scene(np.random.default_rng(1), (480, 360)).image, 92))
    arguments = ["scan", str(photo), "--json", "--heatmaps", "--html", "--out", str(tmp_path / "out")]
    assert run([*arguments, "--model", "blind"]) == 0
    assert "the model blind has no map of where it read its evidence" in capsys.readouterr().err
    assert "This model has no map" in next((tmp_path / "out").glob("*.html")).read_text()
    assert run([*arguments, "--model", "tiny"]) == 0
    assert "has no map" not in capsys.readouterr().err
    assert "This model has no map" not in next((tmp_path / "out").glob("*.html")).read_text()
