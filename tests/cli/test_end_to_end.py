"""From a file to an answer through every real room, with a model whose scores can be told by hand."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dfdetect import Scanner
from dfdetect.cli.main import run
from dfdetect.data.drawn_faces import draw_clip, draw_scene
from dfdetect.detect.result_json import ScanDocument, to_dict
from dfdetect.media.roundtrip import encode_jpeg, encode_png, write_video
from tiny_bundle import make_tiny_bundle


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo of one face, a clip of two, a picture of none, and a text that calls itself a video."""
    folder = tmp_path_factory.mktemp("media")
    (folder / "photo.jpg").write_bytes(encode_jpeg(draw_scene(np.random.default_rng(1), (480, 360)).image, 92))
    clip = draw_clip(np.random.default_rng(5), 8, (480, 270), n_faces=2)
    write_video(folder / "two.mp4", [scene.image for scene in clip])
    (folder / "wall.png").write_bytes(encode_png(np.full((120, 160, 3), 90, np.uint8)))
    (folder / "text.mp4").write_text("hello")
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def scan(media: Path, model: Path, capsys: pytest.CaptureFixture[str], *flags: str) -> list[dict[str, Any]]:
    code = run(["scan", str(media), "--model", str(model), "--format", "jsonl", *flags])
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for record in records:
        ScanDocument.model_validate(record)
    assert code == 3  # text.mp4
    return sorted(records, key=lambda record: record["input"]["path"])


def without_times(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "timing_s"}


def test_a_folder_and_the_same_answers_from_two_processes_and_from_python(
    media: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two ways to one answer that disagree are the classic fault of this field."""
    found = scan(media, model, capsys, "--jobs", "2")
    assert [Path(record["input"]["path"]).name for record in found] == ["photo.jpg", "text.mp4", "two.mp4", "wall.png"]
    photo, text, two, wall = found
    assert photo["status"] == two["status"] == "ok"
    assert len(two["tracks"]) == 2
    assert text["error"]["code"] == "unsupported_type"
    assert wall["verdict"] == "not_applicable"
    scanner = Scanner(model)
    for record in found:
        assert without_times(json.loads(json.dumps(to_dict(scanner.scan(record["input"]["path"]))))) == without_times(
            record
        )


def test_reports_of_real_results(media: Path, model: Path, tmp_path: Path) -> None:
    flags = ["--model", str(model), "--html", "--out", str(tmp_path / "out"), "--quiet"]
    assert run(["scan", str(media / "two.mp4"), str(media / "wall.png"), *flags]) == 0
    html = (tmp_path / "out" / "two.mp4.report.html").read_text()
    assert html.count('src="data:image/jpeg;base64,') >= 4
    assert "120 real test files" in html
    assert "Not applicable" in (tmp_path / "out" / "wall.png.report.html").read_text()


@pytest.mark.parametrize("damage", ["missing", "altered", "absent", "pickle"])
def test_a_broken_model_is_4_and_no_record(
    media: Path, model: Path, tmp_path: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A scan with a damaged model must say so, never answer."""
    broken = tmp_path / "broken"
    if damage != "absent":
        shutil.copytree(model, broken)
    if damage == "missing":
        (broken / "calibration.json").unlink()
    elif damage == "altered":
        (broken / "model.onnx").write_bytes((broken / "model.onnx").read_bytes() + b"\0")
    elif damage == "pickle":
        (broken / "model.onnx").rename(broken / "model.pt")
    for jobs in ("1", "2"):
        assert run(["scan", str(media), "--model", str(broken), "--json", "--jobs", jobs]) == 4
        out, err = capsys.readouterr()
        assert out == ""
        assert str(broken) in err


def test_an_unknown_detector_is_usage(media: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scan", str(media), "--model", str(model), "--detector", "eyes", "--jobs", "2"]) == 2
    assert "yunet" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="sends a signal to a process group")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_ends_every_process_and_keeps_finished_results(
    media: Path, model: Path, tmp_path: Path, jobs: str
) -> None:
    """Ctrl-C once left decoding processes behind."""
    for number in range(60):
        shutil.copy(media / "photo.jpg", tmp_path / f"{number:02}.jpg")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "dfdetect", "scan", str(tmp_path), "--model", str(model), "--jobs", jobs]
    process = subprocess.Popen(
        [*command, "--out", str(out), "--format", "jsonl"],
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job in the background inherits "ignore"
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline_s = time.monotonic() + 60
    while time.monotonic() < deadline_s and not (out / "results.jsonl").exists():
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    records = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    assert 1 <= len(records) < 60
    assert _gone(process.pid)


@pytest.mark.skipif(os.name != "posix", reason="closes a pipe")
def test_a_closed_pipe_is_no_failed_input(media: Path, model: Path) -> None:
    """`dfdetect scan ... | head -1` said with its exit code that some inputs had failed."""
    command = [sys.executable, "-m", "dfdetect", "scan", str(media / "photo.jpg"), str(media / "wall.png"), "--json"]
    process = subprocess.Popen(
        [*command, "--model", str(model)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(timeout=120) == 141
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()


def _gone(group: int) -> bool:
    """Whether no process of the group is left; multiprocessing's own helper ends a moment after its parent."""
    deadline_s = time.monotonic() + 30
    while time.monotonic() < deadline_s:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
