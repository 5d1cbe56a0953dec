"""`dfdetect data audit`: exit codes, JSON alone on standard output, a report as HTML."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from audit_splits import write_ff_lists
from dfdetect.cli.main import run
from dfdetect.data.drawn_faces import draw_face
from dfdetect.media.roundtrip import encode_png


@pytest.fixture
def leaking(tmp_path: Path) -> Path:
    (tmp_path / "split.csv").write_text("path,label,split,person\na.png,real,train,ann\nb.png,fake,test,ann\n")
    return tmp_path / "split.csv"


def test_leaks_are_exit_1_and_html(leaking: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    html = tmp_path / "audit.html"
    assert run(["data", "audit", str(leaking), "--html", str(html)]) == 1
    assert "This split leaks: same person." in capsys.readouterr().out
    assert "This split leaks: same person." in html.read_text(encoding="utf-8")


def test_json_is_all_of_standard_output(leaking: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "audit", str(leaking), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["leaks"][0]["kind"] == "identity"


def test_clean_is_exit_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lists = write_ff_lists(tmp_path, straddle=False)
    assert run(["data", "audit", str(lists)]) == 0
    assert "No leak was found." in capsys.readouterr().out


def test_parts_columns_and_patterns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.csv").write_text("where\nx_01.png\n")
    (tmp_path / "b.csv").write_text("where\nx_02.png\n")
    parts = ["--split", f"train={tmp_path}/a.csv", "--split", f"test={tmp_path}/b.csv", "--column", "path=where"]
    assert run(["data", "audit", *parts]) == 0
    assert run(["data", "audit", *parts, "--video-from", r"([^/]+)_\d+\.png"]) == 1
    assert "1 video is in both train (of 1) and test (of 1)" in capsys.readouterr().out


def test_pixels_keep_their_hashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("train", "test"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.png").write_bytes(encode_png(draw_face(np.random.default_rng(1), 96)))
    assert run(["data", "audit", ".", "--pixels", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert [leak["kind"] for leak in report["leaks"]] == ["content", "near_duplicate"]
    assert report["pixels"]["pictures"] == 2
    assert len(Path("dfdetect-hashes.jsonl").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([], 2, "an audit needs a split"),
        (["none.csv"], 2, "there is no such file or folder"),
        (["--split", "train"], 2, "--split takes two words with = between, such as train=train.csv; got 'train'"),
        (["--split", "train=a.csv", "--split", "train=b.csv"], 2, "--split train= is given twice"),
        (["--column", "path"], 2, "--column takes two words"),
        (["empty.csv"], 3, "this file is empty"),
        (["empty.csv", "--html", "none/a.html"], 2, "--html none/a.html: there is no folder none"),
    ],
)
def test_wrong_usage(
    arguments: list[str],
    code: int,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.csv").write_text("")
    assert run(["data", "audit", *arguments]) == code
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.out == ""
