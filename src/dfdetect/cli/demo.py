"""`dfdetect demo`: the sample clips of the package, scanned like any other file."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dfdetect.cli.inputs import Input
from dfdetect.cli.output import OutputPlan
from dfdetect.cli.scan import ScanJob, run_job
from dfdetect.media.sample_clips import sample_clips

INTRODUCTION = (
    "Two clips of one face that may be shown to everybody (a portrait by NASA, public domain): as it is, and with a\n"
    "self-blended face, made by this project and marked TEST FAKE. They show what an answer looks like; how often the\n"
    "answers are right is measured elsewhere: `dfdetect models show`.\n\n"
)


def command(
    json_flag: Annotated[bool, typer.Option("--json", help="A JSON object a clip instead of text.")] = False,
    html: Annotated[bool, typer.Option("--html", help="Also write a report a clip into the current folder.")] = False,
    model: Annotated[str | None, typer.Option("--model", metavar="NAME|FOLDER", help="Which model.")] = None,
) -> None:
    """Scan the sample clips that come with the package: what an answer looks like, offline, in seconds."""
    from dfdetect.config import load_settings

    settings = load_settings(model=model)
    if not (json_flag or settings.quiet):
        sys.stdout.write(INTRODUCTION)
    plan = OutputPlan(
        formats=("json",) if json_flag else (), folder=None, html=html, heatmaps=False, pretty=False, append=False
    )
    inputs = tuple(Input(str(clip.path)) for clip in sample_clips())
    raise typer.Exit(run_job(ScanJob(inputs, settings, plan, archive=None, fail_on=frozenset())))
