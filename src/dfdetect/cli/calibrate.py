"""`dfdetect calibrate`: held-out reals -> the thresholds of a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    bundle: Annotated[Path, typer.Argument(help="Folder made by `dfdetect export`.")],
    photos: Annotated[Path, typer.Option(help="CSV of real photos of people the model did not learn from.")],
    clips: Annotated[Path, typer.Option(help="CSV of real video clips, likewise.")],
    reuse: Annotated[
        list[str] | None, typer.Option(help="Take only photos whose `reuse` is this (repeatable).")
    ] = None,
    scores: Annotated[Path | None, typer.Option(help="Where scores are kept, to resume (default: beside it).")] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Processes.")] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Set the verdict bounds at the 98th and 90th percentile of real files, and measure the false-positive rate.

    Every photo is scanned as it is and as a 32-frame clip (H.264 CRF 23, 30 or 36), every clip as it is. The rate is
    measured on people left out of the fit, fold by fold. No deepfake is used.
    """
    from dfdetect.cli.progress import progress_bar
    from dfdetect.data.lists import read_list
    from dfdetect.evaluate.calibrate import calibration_items, fit_calibration, score_items
    from dfdetect.models.bundle import load_bundle, seal
    from dfdetect.models.calibration_file import calibration_to_json

    load_bundle(bundle)
    photo_rows = [row for row in read_list(photos) if not reuse or row.reuse in reuse]
    items = calibration_items(photo_rows, read_list(clips))
    kept = scores or bundle.parent / f"{bundle.name}.calibration-scores.jsonl"
    rows = []
    with progress_bar(len(items), quiet=quiet) as bar:
        for _, row in score_items(items, bundle, kept, jobs=jobs):
            rows += [row] if row is not None else []
            bar.advance()
    calibration = fit_calibration(rows)
    (bundle / "calibration.json").write_text(calibration_to_json(calibration))
    seal(bundle)
    for kind, by_faces in calibration.thresholds.items():
        point = by_faces["1"]
        high, low = point.likely_manipulated, point.no_manipulation_found
        typer.echo(
            f"{kind}: likely manipulated above {high:.3f}, nothing found below {low:.3f}; "
            f"false positives {point.measured_fpr:.3f} ({point.measured_on})"
        )
