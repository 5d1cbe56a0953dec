"""`dfdetect data ...`: public datasets as downloaded, and toy ones."""

from __future__ import annotations

import typer

from dfdetect.cli import data_audit, data_split, data_toy

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command("audit")(data_audit.command)
app.command("split")(data_split.command)
app.command("toy")(data_toy.command)
