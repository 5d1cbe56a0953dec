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

UNTRAINED = "does not score blended copies above their reals"  # sixteen pairs teach nothing, and the guide says so
GUIDE = Path(__file__).resolve().parents[2] / "docs" / "train-your-own.md"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> list[tuple[str, str]]:
    """(language, text) of each fenced block."""
    return _BLOCK.findall(GUIDE.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_every_line_of_the_guide_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A guide that was right last year costs each newcomer an afternoon."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    out = ""
    for language, text in blocks():
        if language == "python":
            exec(compile(text, str(GUIDE), "exec"), {"__name__": "__main__"})
        elif language == "toml":
            Path(text.splitlines()[0].removeprefix("# ")).write_text(text)
        else:
            assert language == "bash"
            for line in text.splitlines():
                program, *arguments = shlex.split(line)
                assert program == "dfdetect"
                code, shown = run(arguments), capsys.readouterr()
                out += shown.out
                assert code == 0 or (arguments[0] == "calibrate" and UNTRAINED in shown.err), f"{line}\n{shown.err}"
    assert "12 faces of 12 of 12 files in faces" in out
    assert len(Path("run/metrics.jsonl").read_text().splitlines()) == 2
    assert {str(path) for path in Path().rglob("*.png") if path.parts[0] != "people"} == {
        "faces/sheet-list.png",
        "pairs.png",
        "run/learning_curve.png",
    }
    assert load_bundle("my-model").manifest.name == "mine"
    rows = [json.loads(line) for line in Path("my-model.calibration-scores.jsonl").read_text().splitlines()]
    assert len(rows) == 66 * 3 + 33 * 2
    assert {row["status"] for row in rows} == {"ok"}


def test_the_guide_walks_through_every_command_of_training() -> None:
    commands = [shlex.split(line)[1] for language, text in blocks() if language == "bash" for line in text.splitlines()]
    assert list(dict.fromkeys(commands)) == ["prepare", "train", "export", "calibrate", "models", "scan"]
    assert set(commands) <= set(COMMANDS)
