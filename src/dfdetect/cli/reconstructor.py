"""`dfdetect reconstructor`: face shards -> the small auto-encoder whose reconstructions are one family of fakes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    shards: Annotated[Path, typer.Argument(help="Folder made by `dfdetect prepare`.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="ONNX file to write.")] = Path("reconstructor.onnx"),
    reuse: Annotated[
        list[str] | None, typer.Option(help="Learn only from rows of this reuse; may be given again. Default: all.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Training steps of 16 faces.")] = 1500,
    threads: Annotated[int | None, typer.Option(help="Threads (default: all cores).")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Train the auto-encoder of the `reconstructed` fakes on real faces: minutes on a CPU.

    A recipe names its file: [fakes] reconstructor = "reconstructor.onnx"; "builtin" is the one of this package.
    """
    import os

    import torch

    from dfdetect.cli.progress import progress_bar
    from dfdetect.data.shards import read_shards
    from dfdetect.train.reconstructor import export_reconstructor, face_crops, train_reconstructor

    torch.set_num_threads(threads or os.cpu_count() or 1)
    faces = face_crops([row for row in read_shards(shards) if not reuse or row.reuse in reuse])
    losses: list[float] = []
    with progress_bar(steps, quiet=quiet, what="steps") as bar:

        def on_step(loss: float) -> None:
            losses.append(loss)
            bar.advance()

        net = train_reconstructor(faces, steps=steps, on_step=on_step)
    export_reconstructor(net, out)
    last = losses[-50:]
    typer.echo(f"{out}: learnt from {len(faces)} faces, reconstructs them to {sum(last) / len(last):.1f} grey levels")
