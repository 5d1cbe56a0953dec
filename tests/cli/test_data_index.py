"""`dfdetect data index` and `data stats` as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")

from dfdetect.cli.main import run
from dfdetect.data.sample import read_index
from dfdetect.data.toy import make_toy
from quick_toys import make_quick_toy


def test_index_says_what_it_read_and_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_quick_toy("uadfv", tmp_path / "uadfv")
    (tmp_path / "uadfv" / "fake_videos" / "real" / "0099.mp4").write_bytes(b"")
    index, report = tmp_path / "i.parquet", tmp_path / "r.json"
    arguments = ["data", "index", str(tmp_path / "uadfv"), "-o", str(index), "--report", str(report)]
    assert run([*arguments, "--csv", str(tmp_path / "i.csv")]) == 0
    out = capsys.readouterr().out
    assert "UADFV: 6 real, 6 fake" in out
    assert "real: 6 of 49" in out
    assert "zero_bytes: 1, such as fake_videos/real/0099.mp4: the file is empty" in out
    assert len(read_index(index)) == 12
    assert (tmp_path / "i.csv").read_text().startswith('"path","label"')
    assert json.loads(report.read_text())["datasets"][0]["problems"][0]["code"] == "zero_bytes"
    assert run([*arguments, "--strict", "--quiet"]) == 3
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([], 2, "needs at least one ROOT and --out"),
        (["nowhere", "-o", "i.parquet"], 3, "there is no such folder"),
        (["uadfv=nowhere", "-o", "i.parquet"], 3, "there is no such folder"),
    ],
)
def test_what_cannot_work_says_what_to_do(
    arguments: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["data", "index", *arguments]) == code
    assert says in capsys.readouterr().err


def test_every_layout_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "index", "--layouts"]) == 0
    assert "faceforensics: FaceForensics++" in capsys.readouterr().out


def test_hours_by_probing_go_on_where_they_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_toy("uadfv", tmp_path / "uadfv")
    index = tmp_path / "i.parquet"
    broken = tmp_path / "uadfv" / "fake_videos" / "real" / "0099.mp4"
    broken.write_text("no video")
    assert run(["data", "index", str(tmp_path / "uadfv"), "-o", str(index), "-q"]) == 0
    assert run(["data", "stats", str(index), "--probe"]) == 3
    assert "1 videos could not be opened and count no hours" in capsys.readouterr().out
    kept = (tmp_path / "i.hours.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in kept]
    assert sorted(row["seconds"] or 0 for row in rows)[1] == pytest.approx(1.0, abs=0.2)
    assert [row["error"] for row in rows if row["seconds"] is None] == ["unsupported_type"]
    assert run(["data", "stats", str(index), "--probe"]) == 3
    assert (tmp_path / "i.hours.jsonl").read_text().splitlines() == kept
