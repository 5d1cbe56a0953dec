"""What others may rely on: names, flags, settings, exit codes. Listed here, so that a change of one is deliberate."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

import dfdetect
from dfdetect.cli import main
from dfdetect.cli.output import FORMATS
from dfdetect.config import OTHER_VARIABLES, PREFIX, Settings
from dfdetect.values import Verdict

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "command_line.md").read_text(encoding="utf-8")

PUBLIC_NAMES = {
    "DfdetectError", "FaceScore", "Label", "MediaError", "ModelUnusable", "ScanResult", "Scanner", "TrackResult",
    "UsageError", "Verdict", "__version__",
}  # fmt: skip

SCAN_FLAGS = {
    "-r", "--recursive", "--list", "--json", "--format", "--out", "--html", "--heatmaps", "--jobs", "-j", "--archive",
    "--model", "--fail-on", "--frames", "--device", "--detector", "--engine", "--server", "--quiet", "-q",
}  # fmt: skip

EXIT_CODES = {
    "DONE": 0,
    "CONDITION_MET": 1,
    "USAGE": 2,
    "SOME_FAILED": 3,
    "NO_MODEL": 4,
    "INTERRUPTED": 130,
    "READER_GONE": 141,
}

SETTINGS = {"model", "device", "detector", "frames", "jobs", "quiet"}


def flags_of(*command: str) -> Iterator[str]:
    """The flags of a command, as the command line itself knows them."""
    found: Any = typer.main.get_command(main.build_app(command))
    for name in command:
        found = found.commands[name]
    for parameter in found.params:
        if parameter.param_type_name == "option":
            yield from parameter.opts


def test_the_package_exports_what_is_listed_and_no_more_than_fifteen() -> None:
    assert set(dfdetect.__all__) == PUBLIC_NAMES
    assert len(dfdetect.__all__) <= 15
    for name in dfdetect.__all__:
        assert getattr(dfdetect, name) is not None


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(AttributeError, match="Scanner"):
        _ = dfdetect.nonsense


def test_scan_has_the_flags_listed() -> None:
    assert set(flags_of("scan")) - {"--help"} == SCAN_FLAGS


@pytest.mark.parametrize("flag", sorted(SCAN_FLAGS))
def test_every_flag_of_scan_is_documented(flag: str) -> None:
    assert re.search(rf"`{flag}[ `]", PAGE)


@pytest.mark.parametrize("name", sorted(main.COMMANDS))
def test_every_command_has_its_module(name: str) -> None:
    command = main.COMMANDS[name]
    module = importlib.import_module(command.module)
    assert isinstance(module.app, typer.Typer) if command.group else callable(module.command)


def test_exit_codes_are_listed_and_documented() -> None:
    assert {name: getattr(main, name) for name in EXIT_CODES} == EXIT_CODES
    for code in EXIT_CODES.values():
        assert f"\n| {code} | " in PAGE


def test_settings_are_listed_and_documented() -> None:
    assert set(Settings.model_fields) == SETTINGS
    for name in SETTINGS:
        assert f"| `{name}` | `{PREFIX}{name.upper()}` |" in PAGE
        assert f"--{name}" in SCAN_FLAGS
    for variable in OTHER_VARIABLES:
        assert variable in PAGE


def test_formats_are_documented() -> None:
    for name in FORMATS:
        assert name in PAGE


def test_verdicts_never_claim_that_something_is_real() -> None:
    assert {verdict.value for verdict in Verdict} == {
        "likely_manipulated", "inconclusive", "no_manipulation_found", "not_applicable",
    }  # fmt: skip
