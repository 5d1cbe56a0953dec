"""`dfdetect evaluate` from its arguments to the folder that it leaves."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from dfdetect.cli.main import run
from dfdetect.data.drawn_faces import draw_face
from dfdetect.evaluate.eval_report import EvalReport
from dfdetect.media.roundtrip import encode_jpeg
from foreign_onnx import foreign_onnx
from tiny_bundle import make_tiny_bundle

pytest.importorskip("sklearn", reason="evaluation needs the extra: evaluate")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list of twelve drawn faces, the fakes brighter, and of one file that is not there."""
    folder = tmp_path_factory.mktemp("data")
    lines = ["path,label,method,person,source,tone"]
    for n in range(12):
        fake = n % 2
        picture = np.clip(draw_face(np.random.default_rng(n), 160).astype(int) + 40 * fake, 0, 255).astype(np.uint8)
        (folder / f"{n:02d}.jpg").write_bytes(encode_jpeg(picture, 90))
        lines.append(f"{n:02d}.jpg,{'fake' if fake else 'real'},{'bright' if fake else ''},p{n // 2},web,dark")
    (folder / "list.csv").write_text("\n".join([*lines, "gone.jpg,fake,bright,p9,web,light"]) + "\n")
    return folder / "list.csv"


@pytest.fixture(scope="module")
def scored(model: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("scored") / "out"
    assert run(["evaluate", "-d", str(data), "-m", str(model), "-o", str(out), "-q"]) == 0
    return out


def test_a_run_leaves_its_scores_and_what_they_are_of(scored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert {"scores.parquet", "scores.csv", "frame_scores.parquet", "run.json"} <= {p.name for p in scored.iterdir()}
    about = json.loads((scored / "run.json").read_text())
    assert (about["model"]["name"], about["protocol"]["name"], about["data"]["name"]) == ("tiny", "native", "list.csv")
    assert about["data"]["rows"] == 13
    assert str(scored) not in (scored / "run.json").read_text()


def test_the_same_command_again_scores_nothing(
    scored: Path, model: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (scored / "scores.parquet").stat().st_mtime_ns
    assert run(["evaluate", "-d", str(data), "-m", str(model), "-o", str(scored), "-q"]) == 0
    assert (scored / "scores.parquet").stat().st_mtime_ns == before
    assert "6 of 6 real scored; 6 of 7 fake scored, 1 failed" in capsys.readouterr().out


def test_figures_from_kept_scores_need_no_model(
    scored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["evaluate", "--scores", str(scored), "-o", str(tmp_path / "again"), "-q"]) == 0
    out = capsys.readouterr().out
    assert "tiny 1.0 (native, list.csv)" in out
    assert "6 of 6 real scored; 6 of 7 fake scored, 1 failed" in out
    assert {"report.html", "report.json", "report.md"} <= {path.name for path in (tmp_path / "again").iterdir()}
    again = EvalReport.from_json((tmp_path / "again" / "report.json").read_text())
    first = EvalReport.from_json((scored / "report.json").read_text())
    assert again == first
    assert again.fairness is not None
    assert again.worst is not None


def test_scores_that_somebody_sent_are_held_against_the_data(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "\n".join(f"{n:02d}.jpg,{n % 2},{0.1 + 0.05 * n}" for n in range(10))
    (tmp_path / "theirs.csv").write_text(f"path,label,score\n{rows}\n")
    asked = ["evaluate", "--scores", str(tmp_path / "theirs.csv"), "-d", str(data), "-o", str(tmp_path / "out"), "-q"]
    assert run(asked) == 0
    out = capsys.readouterr().out
    assert "5 of 6 real scored, 1 missing; 5 of 7 fake scored, 2 missing" in out
    assert "RED: 3 of 13 samples have no row in the score file" in out
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<title>Evaluation: theirs</title>" in page
    assert "the scores came without one" in page, "which protocol made them is not known"


def test_a_part_of_the_data_by_a_benchmarks_protocol(
    data: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["evaluate", "-d", str(data), "-m", str(model), "--protocol", "dfb", "--first-frames", "8"]
    assert run([*asked, "--limit", "6", "--seed", "3", "-o", str(tmp_path / "out"), "-q"]) == 0
    about = json.loads((tmp_path / "out" / "run.json").read_text())
    assert about["data"]["rows"] == 6
    assert about["data"]["left_out"] == {"not drawn (--limit, --per-source)": 7}
    assert about["protocol"]["first_frames"] == 8
    assert about["seed"] == 3
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [way["name"] for way in report["counting"]["counted"]][:2] == ["no face left out", "no face is 0.5"]
    assert "files counted as by dfb, first 8 of 32 frames: AUC" in capsys.readouterr().out


def test_a_peer_is_scored_beside(data: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = f"half={sys.executable} -c \"print('0.5')\" {{path}}"
    asked = ["evaluate", "-d", str(data), "-m", str(model), "--limit", "3", "--peer", command]
    assert run([*asked, "-o", str(tmp_path / "out"), "-q"]) == 0
    out = capsys.readouterr().out
    assert "tiny 1.0 (native, list.csv)" in out
    assert "half command (native, list.csv)" in out
    assert "half command against tiny 1.0, 3 files that both scored" in out
    assert (tmp_path / "out" / "peers" / "half" / "scores.parquet").is_file()


def test_two_runs_are_compared(scored: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = make_tiny_bundle(tmp_path / "other", name="other", gain=-4.0)
    assert run(["evaluate", "-d", str(data), "-m", str(other), "-o", str(tmp_path / "b"), "-q"]) == 0
    assert (
        run(["evaluate", "--scores", str(scored), "--scores", str(tmp_path / "b"), "-o", str(tmp_path / "c"), "-q"])
        == 0
    )
    out = capsys.readouterr().out
    assert "other 1.0 against tiny 1.0, 12 files that both scored: AUC" in out
    assert "the scores run the wrong way" in out
    found = EvalReport.from_json((tmp_path / "c" / "report.json").read_text())
    assert [(one.a, one.b) for one in found.comparisons] == [("tiny 1.0", "other 1.0")]
    assert (tmp_path / "c" / "report-other-1.0.json").is_file()


def test_a_leak_by_the_training_index_is_red(
    scored: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "train.csv").write_text("path,label,person\nx/1.jpg,real,p0\nx/2.jpg,real,p1\n")
    asked = ["evaluate", "--scores", str(scored), "--trained-on", str(tmp_path / "train.csv")]
    assert run([*asked, "-o", str(tmp_path / "out"), "-q"]) == 0
    assert "RED: the model was trained on what it is tested on" in capsys.readouterr().out


def test_a_model_that_learned_from_the_test_data_is_refused_or_said_in_red(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from dfdetect.models.bundle import seal
    from dfdetect.models.manifest import Source

    seal(make_tiny_bundle(tmp_path / "m"), sources=[Source(name="web", licence="CC0", used_for="training, 9 photos")])
    asked = ["evaluate", "-d", str(data), "-m", str(tmp_path / "m"), "-o", str(tmp_path / "out"), "-q"]
    assert run(asked) == 2
    assert "the training source 'web' is tested. Use --protocol identity-disjoint" in capsys.readouterr().err
    assert run([*asked, "--allow-trained-on"]) == 0
    assert "RED: trained on the test data: the training source 'web' is tested" in capsys.readouterr().out
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.index("trained on the test data") < page.index("At a glance")


def test_a_peers_network_is_the_same_peer_in_a_resumed_run(
    data: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bundle that was made of it used to lie in OUT, so the second command found the place taken."""
    (tmp_path / "theirs.onnx").write_bytes(foreign_onnx())
    (tmp_path / "theirs.toml").write_text(
        'input_size = 32\nmargin = 0.3\nmean = [0, 0, 0]\nstd = [1, 1, 1]\npixels = "0-1"\nlayout = "NCHW"\n'
        'channels = "RGB"\noutput = "logit:fake=high"\nsource = "drawn for a test"\nlicence = "Apache-2.0"\n'
    )
    asked = ["evaluate", "-d", str(data), "-m", str(model), "--limit", "3", "-o", str(tmp_path / "out"), "-q"]
    for _ in range(2):
        assert run([*asked, "--peer", f"theirs={tmp_path / 'theirs.onnx'}"]) == 0
        assert "theirs 0.1 (native, list.csv)" in capsys.readouterr().out
    about = json.loads((tmp_path / "out" / "report-theirs-0.1.json").read_text())
    whole = about["blocks"][0]
    assert set(whole["decisions"]) == {"half"}, "no thresholds were shipped, so none has a false-positive rate"
    assert whole["real"]["abstained"] is None
    kept = sorted(path.name for path in (tmp_path / "out" / "peers" / "theirs").iterdir())
    assert kept == ["frame_scores.parquet", "run.json", "scores.csv", "scores.parquet"]
    assert run(asked) == 2, "without the peer it is another run"
    assert "peers" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["-d", "DATA"], 2, "needs --out FOLDER"),
        (["-o", "OUT"], 2, "needs --data INDEX, LIST or FOLDER, or --scores"),
        (["-d", "DATA", "-o", "OUT", "--protocol", "best"], 2, "the options are: dfb, ff-official"),
        (["-d", "DATA", "-o", "OUT", "--protocol", "ff-official"], 2, "ff-official takes the official test videos"),
        (["-d", "DATA", "-o", "OUT", "--first-frames", "8"], 2, "of the protocols dfb and sbi"),
        (["-d", "DATA", "-o", "OUT", "--method", "dull"], 2, "no sample has method 'dull'; there are: '', 'bright'"),
        (["-d", "DATA", "-o", "OUT", "--model", "nobody"], 4, "no model 'nobody'"),
        (["-d", "DATA", "-o", "OUT", "--root", "/nowhere"], 3, "none of the files is there"),
        (["-d", "none.csv", "-o", "OUT"], 3, "expected a CSV list"),
        (["--scores", "none", "-o", "OUT"], 3, "no such file or folder"),
        (["--scores", "DATA", "-o", "OUT"], 3, "expected one column of scores"),
        (["-d", "DATA", "-o", "OUT", "--higher-means", "good"], 2, "expected fake or real"),
        (["-d", "DATA", "-o", "OUT", "--peer", "x"], 2, "expected NAME=FOLDER"),
        (["-d", "DATA", "-o", "OUT", "--detector", "eyes"], 2, "unknown face detector 'eyes'"),
        (["-d", "DATA", "-o", "OUT", "--device", "tpu"], 2, "unknown device 'tpu'; the options are: auto, cpu, cuda"),
        (["-d", "DATA", "-o", "OUT", "--thumbnails", "none"], 2, "--thumbnails none: expected the folder that holds"),
        (
            ["-d", "DATA", "-o", "OUT", "--trained-on", "none.parquet"],
            2,
            "none.parquet: nothing there; expected the index",
        ),
        (
            ["--scores", "x.csv", "-o", "OUT", "--protocol", "dfb"],
            2,
            "--protocol: does nothing here; files are not scored",
        ),
        (
            ["--scores", "x.csv", "-o", "OUT", "--limit", "5"],
            2,
            "--limit: does nothing here; with --scores name the data",
        ),
        (["-d", "DATA", "-o", "OUT", "--groups", "tone,hue"], 2, "unknown column of groups 'hue'; the options are: "),
        (["-d", "DATA", "-o", "OUT", "--robustness", "--cells", "jpg"], 2, "laundering grid 'jpg'"),
        (["-d", "DATA", "-o", "OUT", "--cells", "jpeg"], 2, "--cells names what --robustness launders"),
    ],
)
def test_what_is_asked_wrongly_is_said(
    arguments: list[str],
    code: int,
    says: str,
    data: Path,
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stands_for = {"DATA": str(data), "OUT": str(tmp_path / "out")}
    words = [stands_for.get(word, word) for word in arguments]
    own = [] if "--model" in words or "--scores" in words else ["-m", str(model)]
    assert run(["evaluate", *words, *own, "-q"]) == code
    assert says in capsys.readouterr().err
    assert not (tmp_path / "out" / "scores.parquet").exists(), "hours of scoring came before the answer"
