"""`dfdetect models list | show | verify`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dfdetect.cli.main import run
from dfdetect.data.drawn_faces import draw_scene
from dfdetect.media.roundtrip import encode_jpeg
from dfdetect.models.bundle import seal
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
    for expected in (
        "network   tiny: mean_brightness",
        "network   wide:",
        "heatmap   where it read its evidence",
        "not calibrated: every verdict",
        "# pair",
    ):
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


STATED = {
    "--input-size": "32", "--margin": "0.2", "--mean": "0.5,0.5,0.5", "--std": "0.5,0.5,0.5", "--pixels": "0-1",
    "--channels": "RGB", "--layout": "NCHW", "--output": "logit:fake=high", "--source": "a paper", "--licence": "MIT",
}  # fmt: skip


def import_it(folder: Path, **changes: str | None) -> int:
    pytest.importorskip("onnx")
    from foreign_onnx import foreign_onnx

    (folder / "theirs.onnx").write_bytes(foreign_onnx())
    stated = {**STATED, **{f"--{name.replace('_', '-')}": value for name, value in changes.items()}}
    flags = [part for flag, value in stated.items() if value is not None for part in (flag, value)]
    return run(["models", "import", str(folder / "theirs.onnx"), "-o", str(folder / "theirs"), *flags])


def test_somebody_elses_network_is_imported_and_marked(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert import_it(shelf) == 0
    assert f"next: dfdetect calibrate {shelf / 'theirs'}" in capsys.readouterr().out
    assert run(["models", "show", "theirs"]) == 0
    shown = capsys.readouterr().out
    for expected in ("imported  from a paper: not ours, not measured by us", "weights   MIT", "heatmap   none"):
        assert expected in shown
    assert run(["models", "list"]) == 0
    assert "imported" in capsys.readouterr().out
    assert run(["models", "verify", "theirs"]) == 0


@pytest.mark.parametrize("flag", sorted(STATED))
def test_each_statement_must_be_made(shelf: Path, flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert import_it(shelf, **{flag.removeprefix("--").replace("-", "_"): None}) == 2
    assert flag in capsys.readouterr().err
    assert not (shelf / "theirs").exists()


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"mean": "0.5"}, 2, "--mean: expected three numbers"),
        ({"std": "a,b,c"}, 2, "--std: expected three numbers"),
        ({"pixels": "-1-1"}, 2, "the options are: 0-1, 0-255"),
        ({"channels": "GRB"}, 2, "a channel order of RGB, BGR"),
        ({"output": "prob"}, 2, "expected FORM:fake=WHICH"),
        ({"layout": "NHWC"}, 4, "expected an input (B, S, S, 3)"),
        ({"output": "probability:fake=high"}, 4, "stated to give probability"),
    ],
)
def test_a_wrong_statement_is_said(
    shelf: Path, changes: dict[str, str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert import_it(shelf, **changes) == code
    assert says in capsys.readouterr().err


def test_show_writes_the_card_as_a_page(shelf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seal(shelf / "tiny", not_covered=("whole generated faces (AUC .40)",))
    assert run(["models", "show", "tiny", "--html", str(tmp_path / "card.html")]) == 0
    assert "card.html: the card of tiny" in capsys.readouterr().out
    page = (tmp_path / "card.html").read_text(encoding="utf-8")
    assert "<title>Model tiny 1.0</title>" in page
    assert "whole generated faces (AUC .40)" in page
    assert run(["models", "show", "tiny"]) == 0
    assert "misses    whole generated faces (AUC .40)" in capsys.readouterr().out
