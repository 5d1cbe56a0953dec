"""docs/models.md is run as it is written: every bash line, in order, on a desk with the files that it names."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from dfdetect.cli.main import run
from dfdetect.data.drawn_faces import draw_scene
from dfdetect.media.roundtrip import encode_jpeg
from tiny_bundle import make_tiny_bundle

foreign_onnx = pytest.importorskip("foreign_onnx", reason="makes an ONNX file", exc_type=ImportError)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "models.md"
_BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def command_lines() -> list[str]:
    text = PAGE.read_text(encoding="utf-8")
    return [line for block in _BLOCK.findall(text) for line in block.replace("\\\n", " ").splitlines()]


def test_every_line_of_the_page_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("DFDETECT_MODELS", str(tmp_path / "shelf"))
    for name, size_px, margin in (("default", 64, 0.125), ("xception", 96, 0.3), ("b4", 64, 0.1)):
        make_tiny_bundle(tmp_path / "shelf" / name, name=name, size_px=size_px, margin=margin)
    (tmp_path / "photo.jpg").write_bytes(encode_jpeg(draw_scene(np.random.default_rng(1), (480, 360)).image, 92))
    theirs = foreign_onnx.foreign_onnx("two-probabilities", size_px=64)
    (tmp_path / "theirs.onnx").write_bytes(theirs)
    out = ""
    for line in command_lines():
        program, *arguments = shlex.split(line)
        assert program == "dfdetect"
        code, shown = run(arguments), capsys.readouterr()
        assert code == 0, f"{line}\n{shown.err}"
        out += shown.out
    assert "both: 2 networks" in out
    assert "INCONCLUSIVE" in out
