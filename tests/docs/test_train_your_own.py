"""The guide is run as it is written: every block of docs/train-your-own.md, in order, in an empty folder."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("pytorch_lightning")
pytest.importorskip("onnxscript")

from dfdetect.cli.main import COMMANDS, run
from dfdetect.models.bundle import load_bundle

UNTRAINED = "does not score blended copies above their reals"  # so few pairs teach nothing, and the guide says so
GUIDE = Path(__file__).resolve().parents[2] / "docs" / "train-your-own.md"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXIT = re.compile(r"# exits with (\d)")


def blocks() -> list[tuple[str, str]]:
    """(language, text) of each fenced block."""
    return _BLOCK.findall(GUIDE.read_text(encoding="utf-8"))


def test_every_line_of_the_guide_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A guide that was right last year costs each newcomer an afternoon."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(
        "os.cpu_count", lambda: 1
    )  # threads of PyTorch that wait for a core in use take ten times as long
    out = ""
    for language, text in blocks():
        if language == "python":
            exec(compile(text, str(GUIDE), "exec"), {"__name__": "__main__"})
        elif language == "toml":
            Path(text.splitlines()[0].removeprefix("# ")).write_text(text)
        else:
            assert language == "bash"
            out += "".join(run_line(line, capsys) for line in text.splitlines())
    assert_says_what_it_should(out)
    assert {str(path) for path in Path().rglob("*.png") if path.parts[0] != "people"} == {
        "faces/sheet-faceforensics.png",
        "photo-faces/sheet-list.png",
        "pairs.png",
        "blended.png",
        "run/learning_curve.png",
        "photo-run/learning_curve.png",
    }
    assert len(Path("run/metrics.jsonl").read_text().splitlines()) == 2
    assert load_bundle("my-model").manifest.name == "mine"
    rows = [json.loads(line) for line in Path("my-model.calibration-scores.jsonl").read_text().splitlines()]
    assert len(rows) == 66 * 3 + 33 * 2
    assert {row["status"] for row in rows} == {"ok"}


def run_line(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Run one line of the guide, check its exit code, return what it printed."""
    program, *arguments = shlex.split(line, comments=True)
    assert program == "dfdetect"
    code, shown = run(arguments), capsys.readouterr()
    said = _EXIT.search(line)
    untrained = arguments[0] == "calibrate" and UNTRAINED in shown.err
    assert untrained or code == (int(said[1]) if said else 0), f"{line}\n{shown.out}{shown.err}"
    return shown.out


def assert_says_what_it_should(out: str) -> None:
    for expected in (
        "1 upload is in both train (of 8) and val (of 2)",
        "3 people are in both train (of 7) and test (of 5)",
        "No leak was found in what could be checked",
        "192 faces of 48 of 48 files in faces",
        "12 faces of 12 of 12 files in photo-faces",
    ):
        assert expected in out


def test_the_guide_walks_through_every_command_of_training() -> None:
    lines = [shlex.split(line) for language, text in blocks() if language == "bash" for line in text.splitlines()]
    commands = [" ".join(words[1:3]) if words[1] == "data" else words[1] for words in lines]
    assert list(dict.fromkeys(commands)) == [
        *("data toy", "data index", "data stats", "data audit", "data split"),
        *("prepare", "train", "export", "calibrate", "models", "scan"),
    ]
    assert {command.split()[0] for command in commands} <= set(COMMANDS)
