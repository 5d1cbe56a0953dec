"""`dfdetect train`: a recipe and face shards -> a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    recipe: Annotated[
        str,
        typer.Argument(help="A bundled recipe by name, or a TOML file (or a run's recipe.json). --list shows them."),
    ] = "default",
    shards: Annotated[Path | None, typer.Option("--data", "-d", help="Folder made by `dfdetect prepare`.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Run folder.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change one value of the recipe: PART.KEY=VALUE, for example loop.epochs=5. Again."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the run folder's last checkpoint.")] = False,
    start_from: Annotated[Path | None, typer.Option("--from", help="Begin with these weights (safetensors).")] = None,
    epochs: Annotated[int | None, typer.Option(help="Stop after so many epochs; go on later with --resume.")] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Stop after so many minutes with a checkpoint; go on later with --resume.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes that make pictures.")] = 1,
    threads: Annotated[int | None, typer.Option(help="Threads of the network (default: all cores).")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    devices: Annotated[int, typer.Option(help="GPUs that share each batch.")] = 1,
    allow_leaks: Annotated[
        bool,
        typer.Option(
            "--allow-leaks", help="Train although `dfdetect data audit` finds a leak between training and validation."
        ),
    ] = False,
    preview: Annotated[Path | None, typer.Option(help="Write a PNG of what the network will see, and stop.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="Show the bundled recipes and stop.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Train a detector from face shards, with checkpoints in between.

    Real photographs are enough: the fakes are made from them while training (self-blending). Afterwards:
    `dfdetect export RUN`, `dfdetect calibrate`.
    """
    from dfdetect.errors import UsageError
    from dfdetect.train.recipe import load_recipe

    if list_:
        _list()
        return
    if shards is None:
        raise UsageError("train needs --data FOLDER, made by `dfdetect prepare LIST.csv -o FOLDER`")
    loaded = load_recipe(recipe, set_ or ())
    if preview is not None:
        from dfdetect.train.preview import write_preview

        typer.echo(f"{write_preview(loaded, shards, preview)}: {preview}")
        return
    if out is None:
        raise UsageError("train needs --out RUN, the folder for checkpoints and metrics")
    from dfdetect.train.run import Machine, train

    train(
        loaded,
        shards,
        out,
        resume=resume,
        start_from=start_from,
        max_epochs=epochs,
        allow_leaks=allow_leaks,
        machine=Machine(workers, threads, device, devices, quiet, minutes),
    )
    typer.echo(f"run folder: {out}\nnext: dfdetect export {out} -d {shards} -o BUNDLE")


def _list() -> None:
    from dfdetect.train.recipe import bundled_recipes, load_recipe

    for name in sorted(bundled_recipes()):
        recipe = load_recipe(name)
        card = recipe.card
        lines = [("", recipe.about), ("data: ", card.data), ("cost: ", card.cost), ("aims at: ", card.aim)]
        lines += [("note: ", fault) for fault in card.faults]
        typer.echo(name + "".join(f"\n  {what}{' '.join(text.split())}" for what, text in lines if text))
