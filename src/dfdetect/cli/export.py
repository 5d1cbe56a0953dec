"""`dfdetect export`: a run folder -> a bundle that scans."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    run: Annotated[Path, typer.Argument(help="Run folder made by `dfdetect train`.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the bundle; made if it is not there.")],
    shards: Annotated[Path, typer.Option("--data", "-d", help="Face shards: the crops that parity is checked on.")],
    name: Annotated[str, typer.Option(help="Name of the model.")] = "mine",
    version: Annotated[str, typer.Option(help="Version of the model.")] = "0.1",
    licence: Annotated[str, typer.Option(help="Licence of the weights.")] = "not stated",
    input_size: Annotated[
        int | None, typer.Option(help="Side of the crops when scanning, if another than trained validates better.")
    ] = None,
    crops: Annotated[int, typer.Option(help="How many crops the parity check takes.")] = 200,
) -> None:
    """Write model.onnx (logit and heatmap), its spec and a draft card, after checking it against PyTorch.

    The bundle answers "inconclusive" to everything until `dfdetect calibrate` has given it thresholds.
    """
    from dfdetect.export.bundle import export_run

    parity = export_run(
        run, shards, out, name=name, version=version, licence=licence, crops=crops, input_size_px=input_size
    )
    typer.echo(
        f"{out}: {parity.n} crops agree within {parity.max_logit_difference:.1e} of a logit\n"
        f"next: dfdetect calibrate {out} --photos LIST.csv --clips LIST.csv"
    )
