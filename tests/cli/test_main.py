"""The command line itself: light to start, the right exit code for every kind of failure."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from dfdetect import __version__
from dfdetect.cli import main
from dfdetect.errors import DataError, DfdetectError, ErrorCode, MediaError, ModelUnusable, UsageError

HEAVY = {"numpy", "cv2", "onnxruntime", "av", "PIL", "scenedetect", "torch", "pydantic", "jinja2"}


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["scan", "--help"]], ids=" ".join)
def test_start_and_help_load_nothing_heavy(arguments: list[str]) -> None:
    """`dfdetect --version` once took seconds, because every command's libraries were loaded for it."""
    code = (
        "import sys, json, dfdetect.cli.main as m\n"
        f"code = m.run({arguments!r})\n"
        "print(json.dumps([code, sorted(n for n in sys.modules if '.' not in n)]), file=sys.stderr)"
    )
    found = python(code)
    exit_code, modules = json.loads(found.stderr.splitlines()[-1])
    assert exit_code == 0
    # The vocabulary of a command is numpy's, and typer looks for pydantic; the rest is for those who scan.
    assert HEAVY & set(modules) <= ({"numpy", "pydantic"} if "--version" not in arguments else set())


def test_import_loads_nothing_heavy() -> None:
    found = python("import sys, dfdetect; print(sorted(n for n in sys.modules if '.' not in n))")
    assert found.returncode == 0
    assert not HEAVY & set(json.loads(found.stdout.replace("'", '"')))


@pytest.mark.parametrize("start", [["-m", "dfdetect"], ["-c", "from dfdetect.cli.main import main; main()"]], ids=str)
def test_it_runs_without_an_installed_script(start: list[str]) -> None:
    found = subprocess.run([sys.executable, *start, "--version"], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout.strip()) == (0, f"dfdetect {__version__}")


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--help"]) == 0
    text = capsys.readouterr().out
    for name in main.COMMANDS:
        assert f" {name} " in text


@pytest.mark.parametrize("name", sorted(main.COMMANDS))
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run([name, "--help"]) == 0
    assert f"dfdetect {name}" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["serve"], ["serve", "keys", "add"]], ids=" ".join)
def test_help_of_the_service_names_its_defaults(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Words in square brackets are markup to the help printer: "Model for those who name none ." was what it said."""
    assert main.run([*arguments, "--help"]) == 0
    text = " ".join(capsys.readouterr().out.replace("│", " ").split())
    wanted = ["(default: scan and read)"] if "add" in arguments else ["(default: default)", "(default: balanced)"]
    assert [words for words in wanted if words not in text] == []


@pytest.mark.parametrize("arguments", [["nonsense"], ["--nonsense"], ["scan", "--nonsense"], ["models", "nonsense"]])
def test_wrong_usage_is_2(arguments: list[str]) -> None:
    assert main.run(arguments) == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("wrong option"), 2),
        (ModelUnusable("no model"), 4),
        (DataError("broken list"), 3),
        (MediaError(ErrorCode.IO_ERROR, "cannot read"), 3),
        (DfdetectError("full", code=ErrorCode.DISK_FULL), 3),
        (ModuleNotFoundError("No module named 'torch'", name="torch"), 2),
        (KeyboardInterrupt(), 130),
    ],
    ids=lambda value: type(value).__name__,
)
def test_exit_code_of_every_failure(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(_: object) -> None:
        raise error

    monkeypatch.setattr(main, "build_app", failing)
    assert main.run(["scan"]) == code
    err = capsys.readouterr().err
    assert "Traceback" not in err
    if isinstance(error, DfdetectError):
        assert err == f"dfdetect: {error.message}\n"


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(main, "build_app", failing)
    with pytest.raises(ZeroDivisionError):
        main.run(["scan"])
