"""`dfdetect calibrate`: real files -> thresholds, for a user's own material or in the making of a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from dfdetect.errors import UsageError

_OWN = "For your own material: makes a new model"
_MAKING = "In the making of a model: changes BUNDLE itself"
Scale = Literal["kept", "platt", "isotonic"]


def command(
    bundle: Annotated[
        Path | None, typer.Argument(metavar="BUNDLE", help="Folder made by `dfdetect export`; with --photos.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="NAME|FOLDER", help="Which model. (default default)", rich_help_panel=_OWN),
    ] = None,
    reals: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER|LIST",
            help="Your own real images and videos: a folder, a CSV (path, person, ...), or a text file of paths.",
            rich_help_panel=_OWN,
        ),
    ] = None,
    target_fpr: Annotated[
        float,
        typer.Option(help="False alarms among new real files; 0.01 needs 99 people's.", rich_help_panel=_OWN),
    ] = 0.01,
    confidence: Annotated[
        float | None,
        typer.Option(
            help="Be sure of it: 0.95 needs 299 people for 0.01. Without it the claim holds on average.",
            rich_help_panel=_OWN,
        ),
    ] = None,
    lower_claim: Annotated[
        bool, typer.Option("--lower-claim", help="With too few people, claim what they carry.", rich_help_panel=_OWN)
    ] = False,
    fakes: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER|LIST", help="Your own manipulated files, for the probability.", rich_help_panel=_OWN
        ),
    ] = None,
    target_fnr: Annotated[
        float,
        typer.Option(help="Of new fakes like --fakes, so many may get no_manipulation_found.", rich_help_panel=_OWN),
    ] = 0.05,
    probability: Annotated[
        Scale | None,
        typer.Option(
            help="How a logit is read: the model's way, a sigmoid, or steps (1000 files or more). "
            "(default platt with --fakes, else kept)",
            rich_help_panel=_OWN,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="BUNDLE", help="New folder. (default MODEL-own)", rich_help_panel=_OWN),
    ] = None,
    name: Annotated[str, typer.Option(help="Of the new model. (default: of its folder)", rich_help_panel=_OWN)] = "",
    said_by: Annotated[
        str,
        typer.Option(metavar="WHO", help="Who vouches that the files are real; written down.", rich_help_panel=_OWN),
    ] = "",
    folder_per_person: Annotated[
        bool,
        typer.Option("--folder-per-person", help="Files of one folder are one person's.", rich_help_panel=_OWN),
    ] = False,
    frames: Annotated[
        int | None, typer.Option(min=1, help="As in `scan`; scan with the same. (default 32)", rich_help_panel=_OWN)
    ] = None,
    device: Annotated[
        str | None, typer.Option(metavar="auto|cpu|cuda", help="Where the network runs.", rich_help_panel=_OWN)
    ] = None,
    detector: Annotated[
        str | None, typer.Option(help="Face detector, as in `scan`. (default yunet)", rich_help_panel=_OWN)
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option(help="CSV of real photos of people the model did not learn from.", rich_help_panel=_MAKING),
    ] = None,
    clips: Annotated[
        Path | None, typer.Option(help="CSV of real video clips, likewise.", rich_help_panel=_MAKING)
    ] = None,
    reuse: Annotated[
        list[str] | None,
        typer.Option(help="Take only photos whose `reuse` is this (repeatable).", rich_help_panel=_MAKING),
    ] = None,
    scores: Annotated[
        Path | None, typer.Option(help="Where scores are kept, to resume (default: beside the bundle).")
    ] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Processes. (default 1)")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Set the verdict bounds from real files, and measure how many of them are flagged.

    With --reals: from your own real images and videos, at the false-positive rate you ask for. Every file is scanned as
    `dfdetect scan` does; the new model carries the bounds, what they promise and what they were measured on. Files of
    one person count as one: name the person in a column `person`, or use --folder-per-person.

    With BUNDLE, --photos and --clips, as the shipped model was made: at the 98th and 90th percentile. Every photo is
    scanned as it is and as a 32-frame clip (H.264 CRF 23, 30 or 36), every clip as it is, and the rate is measured on
    people left out of the fit, fold by fold. No deepfake is used.
    """
    if reals is None:
        own = {"--fakes": fakes, "--confidence": confidence, "--out": out, "--probability": probability}
        _refuse_mixed("--reals", [flag for flag, value in own.items() if value is not None])
        if bundle is None or photos is None or clips is None:
            raise UsageError(
                "expected --reals FOLDER (bounds for your own material, in a new model), or BUNDLE --photos LIST "
                "--clips LIST (in the making of a model)"
            )
        _in_the_making(bundle, photos, clips, reuse or [], scores, jobs=jobs or 1, quiet=quiet)
        return
    making = {"BUNDLE (name the model with --model)": bundle, "--photos": photos, "--clips": clips, "--reuse": reuse}
    _refuse_mixed("BUNDLE --photos --clips, without --reals", [flag for flag, value in making.items() if value])
    from dfdetect.cli.calibrate_own import OwnJob, run_own
    from dfdetect.config import load_settings
    from dfdetect.evaluate.claims import check_confidence, check_rate
    from dfdetect.evaluate.own_claim import Claim

    check_rate("--target-fpr", target_fpr)
    check_rate("--target-fnr", target_fnr)
    check_confidence(confidence)
    if fakes is None and probability not in (None, "kept"):
        raise UsageError(f"--probability {probability}: a probability is fitted on reals and fakes; name your --fakes")
    settings = load_settings(
        model=model, frames=frames, device=device, detector=detector, jobs=jobs, quiet=True if quiet else None
    )
    scale = probability or ("platt" if fakes else "kept")
    claim = Claim(target_fpr, target_fnr, confidence, lower_claim, scale)
    run_own(OwnJob(reals, fakes, settings, claim, out, name, said_by, folder_per_person, scores))


def _refuse_mixed(form: str, flags: list[str]) -> None:
    if flags:
        raise UsageError(f"{', '.join(flags)}: goes only with {form}; see `dfdetect calibrate --help`")


def _in_the_making(
    bundle: Path, photos: Path, clips: Path, reuse: list[str], scores: Path | None, *, jobs: int, quiet: bool
) -> None:
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
