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
    precision: Annotated[
        str, typer.Option(metavar="fp32|fp16|int8", help="Type of the weights; smaller where scores allow it.")
    ] = "fp32",
    calibrated: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FOLDER",
            help="A calibrated bundle of the same run: fp16 and int8 are held to its probability and verdicts.",
        ),
    ] = None,
    crops: Annotated[int, typer.Option(min=1, help="How many crops the parity check takes.")] = 500,
) -> None:
    """Write model.onnx (logit and heatmap), its spec and a draft card, after checking it against PyTorch.

    On real crops it may differ from the trained network by at most 0.001 of the probability and of a logit (fp32), 0.01
    of the probability (fp16) or 0.02 (int8); else nothing is written and the worst crop is named. fp16 and int8 take
    as many layers, from the last, as keep the scores. The bundle answers "inconclusive" to everything until
    `dfdetect calibrate` has given it thresholds.
    """
    from dfdetect.export.bundle import export_run
    from dfdetect.models.bundle import find_bundle, load_bundle

    found = export_run(
        run,
        shards,
        out,
        name=name,
        version=version,
        licence=licence,
        precision=precision,
        crops=crops,
        input_size_px=input_size,
        calibrated=None if calibrated is None else load_bundle(find_bundle(calibrated)),
        say=lambda text: typer.echo(text, err=True),
    )
    parity, facts = found.parity, found.bundle.manifest.export
    assert facts is not None
    typer.echo(
        f"{out}: {facts.precision} ({facts.layers}), {found.bundle.model_bytes / 1e6:.1f} MB; {parity.n} crops agree "
        f"within {parity.probability:.1e} of the probability ({facts.probability}) and {parity.logit:.1e} of a logit\n"
        f"next: dfdetect calibrate {out} --photos LIST.csv --clips LIST.csv"
    )
    learned = found.bundle.manifest.trained_on
    if learned is not None and learned.left_out:
        typer.echo(
            f"the manifest has no room for {learned.left_out:,} of the people, clips and files that taught it: keep "
            "the shards, and give them as `dfdetect evaluate --trained-on` when you test",
            err=True,
        )
