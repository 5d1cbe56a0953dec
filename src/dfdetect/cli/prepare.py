"""`dfdetect prepare`: photographs -> face shards that training reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    list_csv: Annotated[Path, typer.Argument(help="CSV with the columns path,label (and person, source, reuse, ...).")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the shards; made if it is not there.")],
    root: Annotated[Path | None, typer.Option(help="Folder that relative paths start from (else the list's).")] = None,
    detector: Annotated[str, typer.Option(help="Face detector: yunet or mtcnn.")] = "yunet",
    sheet: Annotated[Path | None, typer.Option(help="Also write a contact sheet PNG of every n-th face here.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Cut the face out of every photograph of a list, with its 468-point mesh, into Parquet shards.

    One face a photo. What is left out (no face, unreadable, too small) is counted and listed in the manifest.
    """
    from dfdetect.cli.progress import progress_bar
    from dfdetect.data.lists import read_list
    from dfdetect.data.prepare import PrepareReport, prepare_photos
    from dfdetect.data.shards import read_shards, write_shards
    from dfdetect.data.sheet import contact_sheet
    from dfdetect.faces.detector import make_detector
    from dfdetect.faces.mesh import FaceMesh
    from dfdetect.media.roundtrip import encode_png

    rows = read_list(list_csv, root=root)
    report = PrepareReport()
    with progress_bar(len(rows), quiet=quiet, what="photos") as bar:
        records = prepare_photos(
            rows, detector=make_detector(detector), mesh=FaceMesh(), report=report, on_progress=lambda _: bar.advance()
        )
        about = {"list": list_csv.name, "detector": detector, "left_out": report.paths}
        write_shards(out, records, about=about)
    typer.echo(f"{report.kept} of {len(rows)} faces kept in {out}")
    for reason, count in report.left_out.most_common():
        typer.echo(f"  left out, {reason}: {count}")
    if sheet is not None:
        kept = list(read_shards(out))
        picked = kept[:: max(1, len(kept) // 96)][:96]
        sheet.write_bytes(encode_png(contact_sheet([r.picture() for r in picked])))
        typer.echo(f"contact sheet: {sheet}")
