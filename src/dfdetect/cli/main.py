"""The command line itself: which commands there are, each loaded only when it is the one asked for, and exit codes.

Exit: 0 done; 1 a condition that was asked for is met (`--fail-on`); 2 usage or configuration; 3 some inputs failed;
4 no usable model; 130 Ctrl-C; 141 whoever read standard output went away.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from dfdetect import __version__
from dfdetect.errors import DfdetectError, ModelUnusable, UsageError

DONE, CONDITION_MET, USAGE, SOME_FAILED, NO_MODEL, INTERRUPTED, READER_GONE = 0, 1, 2, 3, 4, 130, 141


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """A command in a module of its own: its function `command`, or for a group of commands `app: typer.Typer`."""

    module: str
    help: str
    group: bool = False


COMMANDS: dict[str, LazyCommand] = {
    "scan": LazyCommand("dfdetect.cli.scan", "Say whether faces in images and videos were manipulated."),
    "demo": LazyCommand("dfdetect.cli.demo", "Scan the sample clips that come with the package."),
    "models": LazyCommand("dfdetect.cli.models", "List, show, verify, combine and import models.", group=True),
    "data": LazyCommand("dfdetect.cli.data", "Index, count, split and audit datasets; draw toy ones.", group=True),
    "prepare": LazyCommand("dfdetect.cli.prepare", "Cut faces out of photographs, into shards for training."),
    "train": LazyCommand("dfdetect.cli.train", "Train a detector from face shards."),
    "reconstructor": LazyCommand("dfdetect.cli.reconstructor", "Train the auto-encoder of one family of fakes."),
    "export": LazyCommand("dfdetect.cli.export", "Make a model bundle from a training run."),
    "evaluate": LazyCommand("dfdetect.cli.evaluate", "Say how good a model is, on data with known labels."),
    "calibrate": LazyCommand("dfdetect.cli.calibrate", "Set a bundle's thresholds from real photos and clips."),
    "serve": LazyCommand("dfdetect.cli.serve", "Run the service: REST API, jobs, webhooks.", group=True),
    "doctor": LazyCommand("dfdetect.cli.doctor", "Check this installation and say how to mend it."),
}


def build_app(arguments: Sequence[str]) -> typer.Typer:
    """The application for one command line: only the command that it names is imported, of the others there is help."""
    app = typer.Typer(
        name="dfdetect",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="Tells whether a face in an image or a video was manipulated, where, and how sure it is.",
        epilog="Exit: 0 done, 1 --fail-on met, 2 usage, 3 some inputs failed, 4 no usable model, 130 Ctrl-C.",
    )
    app.callback()(_root)
    wanted = next((argument for argument in arguments if not argument.startswith("-")), None)
    for name, command in COMMANDS.items():
        if name != wanted:
            app.command(name, help=command.help)(_not_loaded)
        elif command.group:
            app.add_typer(importlib.import_module(command.module).app, name=name, help=command.help)
        else:
            app.command(name)(importlib.import_module(command.module).command)
    return app


def _not_loaded() -> None:
    raise AssertionError("a command that was not named on the command line was called")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dfdetect {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run the command line; returns the exit code, never raises."""
    try:
        build_app(arguments)(args=list(arguments), prog_name="dfdetect")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else DONE if stop.code is None else SOME_FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except UsageError as error:
        return _tell(error.message, USAGE)
    except ModelUnusable as error:
        return _tell(error.message, NO_MODEL)
    except DfdetectError as error:
        return _tell(error.message, SOME_FAILED)
    except ModuleNotFoundError as error:
        return _tell(f"this needs the package {error.name}, which is not installed; see `dfdetect doctor`", USAGE)
    return DONE


def _tell(message: str, exit_code: int) -> int:
    from dfdetect.detect.wording import plain

    sys.stderr.write(f"dfdetect: {plain(message)}\n")
    return exit_code
