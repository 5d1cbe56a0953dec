"""`dfdetect data ...`: datasets as downloaded -> one index, its numbers, splits and leaks; toy ones; test fakes."""

from __future__ import annotations

import typer

from dfdetect.cli import data_audit, data_fakes, data_index, data_split, data_stats, data_toy

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command("index")(data_index.command)
app.command("stats")(data_stats.command)
app.command("split")(data_split.command)
app.command("audit")(data_audit.command)
app.command("toy")(data_toy.command)
app.command("fakes")(data_fakes.command)
