"""`dfdetect data toy`: small datasets of drawn people in the layouts of the public ones, to try things without data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Which; `all` for every one of them.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Each becomes the folder DIR/NAME.")],
    seed: Annotated[int, typer.Option(help="The same seed draws the same people, byte for byte.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Draw toy datasets: people who do not exist, in the folders, names and lists of public datasets.

    Clips of one second, and fakes that differ from their real clip inside the face only. Good for trying commands and
    for tests of your own; a network trained on them says nothing about photographs.
    """
    from dfdetect.cli.progress import progress_bar
    from dfdetect.data.toy import TOYS, make_toy
    from dfdetect.errors import unknown_name

    wanted = list(TOYS) if names == ["all"] else list(dict.fromkeys(names))
    for name in wanted:
        if name not in TOYS:
            raise unknown_name("toy dataset", name, ["all", *TOYS])
    with progress_bar(len(wanted), quiet=quiet, what="datasets") as bar:
        toys = []
        for name in wanted:
            toys.append(make_toy(name, out / name, seed=seed))
            bar.advance()
    for toy in toys:
        fakes = sum(item.shot.label for item in toy.items)
        typer.echo(f"{toy.root}: {len(toy.items) - fakes} real, {fakes} fake")
