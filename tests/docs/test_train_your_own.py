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
                assert run(arguments) == 0, f"{line}\n{capsys.readouterr().err}"
    out = capsys.readouterr().out
    assert "12 of 12 faces kept in faces" in out
    assert len(Path("run/metrics.jsonl").read_text().splitlines()) == 2
    assert {path.name for path in Path().glob("*.png")} == {"faces.png", "pairs.png"}
    calibration = load_bundle("my-model").calibration
    assert {kind: points["1"].n_reals >= 50 for kind, points in calibration.thresholds.items()} == {
        "image": True,
        "video": True,
    }
    rows = [json.loads(line) for line in Path("my-model.calibration-scores.jsonl").read_text().splitlines()]
    assert {row["status"] for row in rows} == {"ok"}


def test_the_guide_walks_through_every_command_of_training() -> None:
    commands = [shlex.split(line)[1] for language, text in blocks() if language == "bash" for line in text.splitlines()]
    assert list(dict.fromkeys(commands)) == ["prepare", "train", "export", "calibrate", "models", "scan"]
    assert set(commands) <= set(COMMANDS)


def test_links_lead_somewhere() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (GUIDE.parent / target).is_file(), target
    for name in re.findall(r"python (benchmarks/\w+\.py)", text):
        assert (GUIDE.parents[1] / name).is_file(), name
