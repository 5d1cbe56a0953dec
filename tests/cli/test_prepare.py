"""`dfdetect prepare`: what it prints, where things go, and exit codes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from dfdetect.cli.main import run
from dfdetect.data.drawn_faces import draw_face
from dfdetect.data.sample import write_index
from dfdetect.data.shards import read_manifest, read_shards
from dfdetect.media.roundtrip import decode, encode_png
from toy_clips import clips, fake, sample


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two drawn people and a wall, with their list."""
    for seed in range(2):
        (tmp_path / f"{seed}.png").write_bytes(encode_png(draw_face(np.random.default_rng(seed), 240)))
    (tmp_path / "wall.png").write_bytes(encode_png(np.full((90, 90, 3), 70, np.uint8)))
    (tmp_path / "list.csv").write_text("path,label,reuse\n0.png,real,free\n1.png,real,free\nwall.png,real,free\n")
    return tmp_path / "list.csv"


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """Two clips and their fakes, of which one has a mask."""
    samples = [
        sample(clips(), "real.mp4", split="train"),
        fake(clips(), "swap.mp4", "real.mp4", split="train"),
        fake(clips(), "mouth.mp4", "real.mp4", method="mouth", split="val"),
        sample(clips(), "two.mp4"),
        fake(clips(), "two_swap.mp4", "two.mp4", mask_path=f"{clips()}/two_mask.mp4"),
    ]
    write_index(tmp_path / "index.parquet", samples)
    return tmp_path / "index.parquet"


def test_a_list_says_what_it_kept_and_left_out(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prepare", str(photos), "-o", "faces", "-q"]) == 0
    out = capsys.readouterr().out
    assert "2 faces of 2 of 3 files in faces" in out
    assert "left out, no_face: 1 (wall.png)" in out
    assert [record.path for record in read_shards(Path("faces"))] == ["0.png", "1.png"]
    assert decode(Path("faces/sheet-list.png").read_bytes()).shape == (160 + 3 * 14 + 6, 2 * 160, 3)
    assert run(["prepare", str(photos), "-o", "faces", "-q"]) == 0
    assert "2 faces of 2 of 3 files in faces (done before)" in capsys.readouterr().out


def test_sheets_go_where_they_are_wanted(photos: Path) -> None:
    assert run(["prepare", str(photos), "-o", "faces", "-q", "--sheet", "look"]) == 0
    assert [path.name for path in Path("look").iterdir()] == ["sheet-list.png"]
    assert not list(Path("faces").glob("*.png"))
    assert run(["prepare", str(photos), "-o", "others", "-q", "--no-sheet"]) == 0
    assert not list(Path("others").glob("*.png"))


def test_an_index_with_filters_and_options(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["prepare", str(index), "-q", "--min-face", "40", "--frames", "2"]
    assert run([*arguments, "-o", "all", "--faces", "all", "--other-faces", "real"]) == 0
    assert "14 faces of 5 of 5 files in all" in capsys.readouterr().out
    assert run([*arguments, "-o", "train", "--split", "train", "--margin", "0.2", "--size", "64"]) == 0
    rows = list(read_shards(Path("train")))
    assert {row.path for row in rows} == {"real.mp4", "swap.mp4"}
    assert {row.picture().shape[0] for row in rows} == {64}
    assert run([*arguments, "-o", "mouth", "--method", "mouth", "--every", "0.5"]) == 0
    assert {row.path for row in read_shards(Path("mouth"))} == {"real.mp4", "mouth.mp4", "two.mp4"}
    assert read_manifest(Path("mouth"))["options"]["every_s"] == 0.5
    assert run([*arguments, "-o", "few", "--most-per-clip", "1", "--label", "real", "--detector", "mtcnn"]) == 0
    assert len(list(read_shards(Path("few")))) == 2


def test_a_dataset_s_folder_as_it_was_downloaded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "toy", "uadfv", "-o", "toys", "-q"]) == 0
    capsys.readouterr()
    assert run(["prepare", "toys/uadfv", "-o", "faces", "-q", "--min-face", "40", "--frames", "2"]) == 0
    out = capsys.readouterr().out
    assert "24 faces of 12 of 12 files" in out
    assert {row.label_from for row in read_shards(Path("faces")) if row.label} == {"difference"}


def test_an_index_whose_files_moved_is_told_once(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = [sample(Path("/somewhere/else"), name) for name in ("real.mp4", "other.mp4")]
    write_index(index, samples)
    arguments = ["prepare", str(index), "-o", "faces", "-q", "--min-face", "40"]
    assert run(arguments) == 3
    assert "2 of 2 files looked for are not in /somewhere/else" in capsys.readouterr().err
    assert run([*arguments, "--root", str(clips())]) == 0
    assert len(list(read_shards(Path("faces")))) == 16


def test_unreadable_files_are_listed_and_turn_the_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ("real.mp4", "empty.mp4", "torn.mp4")
    Path("list.csv").write_text("\n".join(["path,label", *(f"{name},real" for name in names)]))
    assert run(["prepare", "list.csv", "--root", str(clips()), "-o", "faces", "-q", "--min-face", "40"]) == 3
    out = capsys.readouterr().out
    assert "left out, empty: 1 (empty.mp4)" in out
    assert "8 faces of 1 of 3 files" in out


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["none.parquet"], 3, "none.parquet: no such index; make one with `dfdetect data index"),
        (["none.csv"], 3, "none.csv: expected a CSV list"),
        (["EMPTY"], 3, "the folder is empty"),
        (["EMPTY", "--root", "x"], 2, "is the folder itself: --root is for an index or a list"),
        (["INDEX", "--split", "tset"], 2, "no sample has split 'tset'; there are: '', 'train', 'val'"),
        (["INDEX", "--faces", "some"], 2, "unknown choice of faces 'some'; the options are: all, best"),
        (["INDEX", "--other-faces", "real"], 2, "add --faces all"),
        (["INDEX", "--detector", "eyes"], 2, "unknown face detector 'eyes'; the options are: mtcnn, yunet"),
        (["INDEX", "--engine", "cloud"], 2, "unknown engine 'cloud'; the options are: local, ray"),
        (["INDEX", "--every", "-1"], 2, "every_s must be at least 0"),
        (["INDEX", "--root", "a", "--root", "b"], 2, "INDEX"),
    ],
)
def test_what_cannot_work_says_what_to_do(
    arguments: list[str], code: int, says: str, index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("nothing").mkdir()
    stands_for = {"INDEX": str(index), "EMPTY": "nothing"}
    arguments = [stands_for.get(word, word) for word in arguments]
    if says == "INDEX":  # both moves of the one root: the last one counts, and its files are not there
        assert run(["prepare", *arguments, "-o", "out", "-q"]) == 3
        assert "are not in" in capsys.readouterr().err
        return
    assert run(["prepare", *arguments, "-o", "out", "-q"]) == code
    assert says in capsys.readouterr().err
    assert not Path("out/manifest.json").exists()


def test_ctrl_c_leaves_what_can_be_gone_on_with(tmp_path: Path, photos: Path) -> None:
    lines = [f"{number}.png,real" for number in range(120)]
    for number in range(120):
        (tmp_path / f"{number}.png").write_bytes((tmp_path / f"{number % 2}.png").read_bytes())
    Path("many.csv").write_text("\n".join(["path,label", *lines]))
    command = [sys.executable, "-m", "dfdetect", "prepare", "many.csv", "-o", "faces", "--jobs", "1", "-q"]
    # A shell without job control starts its children with Ctrl-C ignored, and they hand that on.
    started = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    while not list(Path("faces/work").glob("*.unit")):
        assert started.poll() is None
        time.sleep(0.02)
    os.kill(started.pid, signal.SIGINT)
    _, err = started.communicate(timeout=60)
    assert started.returncode == 130
    assert "stopped; the same command goes on where this one was" in err
    assert not Path("faces/manifest.json").exists()
    assert run(["prepare", "many.csv", "-o", "faces", "--jobs", "1", "-q"]) == 0
    assert len(list(read_shards(Path("faces")))) == 2, "all the same two pictures"
