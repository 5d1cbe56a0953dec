"""Every example in README.md and docs/ works: Python blocks are run, command lines are checked against the commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from dfdetect.cli.main import COMMANDS, build_app
from dfdetect.data.drawn_faces import draw_clip, draw_scene
from dfdetect.data.shards import write_shards
from dfdetect.media.roundtrip import encode_jpeg, write_video
from face_pictures import plain_records
from tiny_bundle import make_tiny_bundle

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
WALKED = "docs/train-your-own.md"  # its blocks run in order, in test_train_your_own.py
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(*languages: str) -> Iterator[tuple[str, str]]:
    """(where, text) of every fenced block in one of these languages."""
    for page in PAGES:
        for match in _BLOCK.finditer(page.read_text(encoding="utf-8")):
            if match[1] in languages:
                line = page.read_text(encoding="utf-8")[: match.start()].count("\n") + 1
                yield f"{page.relative_to(ROOT)}:{line}", match[2]


def command_lines() -> Iterator[tuple[str, list[str]]]:
    """(where, words) of every `dfdetect ...` line; continuation lines are joined, what follows a pipe or # is cut."""
    for where, text in blocks("console", "sh", "bash", "shell"):
        for line in text.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if words[:1] == ["dfdetect"]:
                end = next((n for n, word in enumerate(words) if word in ("|", ";", "&&", ">", "2>")), len(words))
                yield f"{where} {' '.join(words[1:3])}", words[1:end]


def flags(words: list[str]) -> tuple[set[str], set[str]]:
    """(flags used, flags known) of one command line; raises KeyError for a command that does not exist."""
    command: Any = typer.main.get_command(build_app(words))
    rest = list(words)
    while rest and hasattr(command, "commands") and not rest[0].startswith("-"):
        command = command.commands[rest.pop(0)]
    known = {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}
    return {word.split("=")[0] for word in rest if re.fullmatch(r"--?[a-z].*", word)}, known


@pytest.mark.parametrize(("where", "words"), [pytest.param(w, c, id=w) for w, c in command_lines()])
def test_command_lines_exist(where: str, words: list[str]) -> None:
    if words and not words[0].startswith("-"):
        assert words[0] in COMMANDS, f"{where}: no command {words[0]!r}"
    used, known = flags(words)
    assert used <= known, f"{where}: unknown {sorted(used - known)}"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the examples name, and a small model that answers to "default"."""
    folder = tmp_path_factory.mktemp("desk")
    make_tiny_bundle(folder / "models" / "default", name="default")
    (folder / "photo.jpg").write_bytes(encode_jpeg(draw_scene(np.random.default_rng(1), (480, 360)).image, 92))
    write_video(folder / "clip.mp4", [s.image for s in draw_clip(np.random.default_rng(2), 8, (320, 180))])
    write_shards(folder / "faces", plain_records(3), about={"list": "drawn.csv"})
    return folder


@pytest.mark.parametrize(
    ("where", "code"), [pytest.param(w, c, id=w) for w, c in blocks("python") if not w.startswith(WALKED)]
)
def test_python_examples_run(where: str, code: str, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples that are never run end up showing names that are gone."""
    monkeypatch.chdir(desk)
    monkeypatch.setenv("DFDETECT_MODELS", str(desk / "models"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")  # Hugging Face `datasets` must not look anything up
    monkeypatch.setenv("HF_HOME", str(desk / "hf"))
    exec(compile(code, where, "exec"), {"__name__": "example"})


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)}: {target} is not there"
