"""`dfdetect train`: a recipe and face shards -> a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    recipe: Annotated[
        str, typer.Argument(help="A bundled recipe by name, or a TOML file. --list shows them.")
    ] = "default",
    shards: Annotated[Path | None, typer.Option("--data", "-d", help="Folder made by `dfdetect prepare`.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Run folder.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the run folder's last checkpoint.")] = False,
    start_from: Annotated[Path | None, typer.Option("--from", help="Begin with these weights (safetensors).")] = None,
    epochs: Annotated[int | None, typer.Option(help="Stop after so many epochs; go on later with --resume.")] = None,
    workers: Annotated[int, typer.Option(help="Processes that make pairs.")] = 1,
    threads: Annotated[int | None, typer.Option(help="Threads of the network (default: all cores).")] = None,
    preview: Annotated[Path | None, typer.Option(help="Write a PNG of what the network will see, and stop.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="Show the bundled recipes and stop.")] = False,
) -> None:
    """Train a detector from face shards, with checkpoints after every epoch.

    Real photographs are enough: the fakes are made from them while training (self-blending). Afterwards:
    `dfdetect export RUN`, `dfdetect calibrate`.
    """
    from dfdetect.errors import UsageError
    from dfdetect.train.recipe import bundled_recipes, load_recipe

    if list_:
        for name in sorted(bundled_recipes()):
            typer.echo(f"{name}\n  {' '.join(load_recipe(name).about.split())}")
        return
    if shards is None:
        raise UsageError("train needs --data FOLDER, made by `dfdetect prepare LIST.csv -o FOLDER`")
    loaded = load_recipe(recipe)
    if preview is not None:
        from dfdetect.data.sheet import pair_sheet
        from dfdetect.media.roundtrip import encode_png
        from dfdetect.train.run import makers

        maker, _ = makers(loaded, shards)
        preview.write_bytes(encode_png(pair_sheet(maker, size_px=loaded.model.input_size_px)))
        typer.echo(f"what the network will see, each real face above its fake: {preview}")
        return
    if out is None:
        raise UsageError("train needs --out RUN, the folder for checkpoints and metrics")
    from dfdetect.train.run import train as run_training

    run_training(
        loaded,
        shards,
        out,
        resume=resume,
        start_from=start_from,
        workers=workers,
        threads=threads,
        max_epochs=epochs,
    )
    typer.echo(f"run folder: {out}\nnext: dfdetect export {out} -d {shards} -o BUNDLE")
