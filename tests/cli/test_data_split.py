"""`dfdetect data split`: what it prints and writes, and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")

from dfdetect.cli.main import run
from dfdetect.data.sample import Sample, read_index, write_index
from dfdetect.values import Label


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """Twenty people with a real clip and a fake each."""
    rows = []
    for n in range(20):
        keys = {"dataset": "d", "kind": "video", "target_id": f"p{n}", "pair_key": f"v{n}"}
        rows.append(Sample(f"/d/v{n}.mp4", "/d", Label.REAL, video_id=f"v{n}", **keys))  # type: ignore[arg-type]
        rows.append(Sample(f"/d/f{n}.mp4", "/d", Label.FAKE, video_id=f"f{n}", method="swap", **keys))  # type: ignore[arg-type]
    write_index(tmp_path / "index.parquet", rows)
    return tmp_path / "index.parquet"


def test_text_index_and_ids(index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, ids = tmp_path / "split.parquet", tmp_path / "ids.csv"
    assert run(["data", "split", str(index), "-o", str(out), "--ids", str(ids)]) == 0
    text = capsys.readouterr().out
    assert "d: no official split\n  groups 20, the largest of 2 samples" in text
    assert "no video, pair, person or upload is in more than one split" in text
    samples = read_index(out)
    assert [sample.split for sample in samples].count("train") == 32
    assert len(ids.read_text().splitlines()) == 41


def test_json(index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "split", str(index), "-o", str(tmp_path / "s.parquet"), "--ratios", "50/0/50", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["schema"] == "dfdetect.split/1"
    assert report["ratios"] == {"train": 0.5, "val": 0.0, "test": 0.5}
    assert set(report["datasets"][0]["counts"]) == {"train", "test"}
    assert len(report["hash"]) == 64


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        (["--ratios", "80/20"], 2, "--ratios takes 3 numbers such as 80/10/10 (train, val, test); got '80/20'"),
        (["--ratios", "a/b/c"], 2, "--ratios takes 3 numbers"),
        (["--whole", "uadfv"], 2, "--whole takes DATASET=SPLIT"),
        (["--whole", "x=test"], 2, "unknown dataset 'x'; the options are: d"),
        (["--keep-apart", "faces"], 2, "unknown kind of key 'faces'"),
        (["--ids", "ids.txt"], 2, "written as .json or .csv"),
        (["--ids", "none/ids.csv"], 2, "--ids none/ids.csv: there is no folder none; make it first"),
    ],
)
def test_wrong_usage(
    index: Path, tmp_path: Path, flags: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["data", "split", str(index), "-o", str(tmp_path / "s.parquet"), *flags]) == code
    assert says in capsys.readouterr().err


def test_no_index(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "split", "none.parquet", "-o", str(tmp_path / "s.parquet")]) == 3
    assert "make one with `dfdetect data index" in capsys.readouterr().err
