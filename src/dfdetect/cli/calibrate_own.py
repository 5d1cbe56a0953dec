"""`dfdetect calibrate --reals`: a user's own real files -> a new bundle with bounds for such material."""

from __future__ import annotations

import datetime
import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dfdetect.batch.lock import held
from dfdetect.cli.output import check_folder
from dfdetect.cli.progress import progress_bar
from dfdetect.errors import DataError, UsageError
from dfdetect.values import Label

if TYPE_CHECKING:
    from dfdetect.config import Settings
    from dfdetect.data.sample import Sample
    from dfdetect.evaluate.own_claim import Claim
    from dfdetect.evaluate.own_files import OwnFile, OwnScan
    from dfdetect.evaluate.scores import VideoScore
    from dfdetect.models.bundle import Bundle

LINES_EVERY_S = 60.0  # progress where standard error is no terminal
LIST_SUFFIXES = (".csv", ".txt", ".parquet")


@dataclass(frozen=True, slots=True)
class OwnJob:
    """One run, as the flags say. out, scores: None for the usual place. said_by: "" for nobody."""

    reals: Path
    fakes: Path | None
    settings: Settings
    claim: Claim
    out: Path | None
    name: str
    said_by: str
    folder_per_person: bool
    scores: Path | None


def run_own(job: OwnJob) -> None:
    """Scan what is not scanned yet, fit, write the bundle and say what it promises."""
    from dfdetect.evaluate.own_calibration import calibrate_on_own
    from dfdetect.evaluate.own_claim import Origin
    from dfdetect.evaluate.own_files import (
        OwnScan,
        counts_of,
        file_keys,
        list_sha256,
        refuse_learned_from,
        refuse_shared,
    )
    from dfdetect.evaluate.probability_scale import refuse_few
    from dfdetect.models.bundle import find_bundle, load_bundle
    from dfdetect.models.recalibrated import check_new_folder, write_recalibrated

    _need_packages(job)
    base = load_bundle(find_bundle(job.settings.model))
    title = f"{base.manifest.name} {base.manifest.version}"
    out = job.out or Path(f"{base.manifest.name}-own")
    check_new_folder(out)
    kept = job.scores or out.with_name(f"{out.name}.calibration-scores.jsonl")
    check_folder(kept, "--scores")
    reals, repeated = _files(job, job.reals, Label.REAL)
    fakes, repeated_fakes = _files(job, job.fakes, Label.FAKE) if job.fakes else ([], 0)
    refuse_shared(reals, fakes)
    refuse_few(len(reals), len(fakes), job.claim.method)
    refuse_learned_from(base, reals, "--reals")
    refuse_learned_from(base, fakes, "--fakes")
    _refuse_too_few(reals, job.claim)
    settings = job.settings
    # Several processes with all cores each would only wait for one another.
    threads = max(1, (os.cpu_count() or 1) // settings.jobs) if settings.jobs > 1 else None
    scan = OwnScan(base.folder, base.sha256, settings.frames, settings.detector, settings.device, threads)
    scored = _scored(job, [*reals, *fakes], scan, kept)
    real_scores = [score for score in scored if score.label == Label.REAL]
    fake_scores = [score for score in scored if score.label == Label.FAKE]
    origin = Origin(
        base=title,
        base_sha256=base.sha256,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        said_by=job.said_by,
        list_sha256=list_sha256([*reals, *fakes]),
        reals=counts_of(real_scores, repeated),
        fakes=counts_of(fake_scores, repeated_fakes) if fakes else None,
        file_keys=file_keys([*reals, *fakes]),
        people_named=any(file.sample.target_id for file in reals),
    )
    calibration, notes = calibrate_on_own(real_scores, fake_scores, base.calibration, job.claim, origin)
    assert calibration.record is not None
    lines = calibration.record.lines()
    section = "\n".join(["## Calibrated on own material", "", *(f"- {line}" for line in [*lines, *notes])])
    bundle = write_recalibrated(base, out, calibration, name=job.name or out.name, card_section=section)
    _tell(bundle, lines, notes)


def _tell(bundle: Bundle, lines: Sequence[str], notes: Sequence[str]) -> None:
    for kind, by_faces in bundle.calibration.thresholds.items():
        for faces, point in by_faces.items():
            high = point.likely_manipulated
            flagged = f"likely manipulated above {high:.3f}" if high < 1.0 else "never flagged"
            _say(
                f"{kind}, {faces} {'face' if faces == '1' else 'faces'}: {flagged}, nothing found below "
                f"{point.no_manipulation_found:.3f}"
            )
    for line in lines:
        _say(line)
    for note in notes:
        _note(note)
    folder, manifest = bundle.folder, bundle.manifest
    _say(f"{folder}: {manifest.name} {manifest.version}; next: dfdetect scan FILE --model {folder}")


def _need_packages(job: OwnJob) -> None:
    """Before hours of scanning. Raises ModuleNotFoundError, which the command line explains."""
    importlib.import_module("scipy")
    if job.claim.method == "isotonic":
        importlib.import_module("sklearn")


def _files(job: OwnJob, named: Path, label: Label) -> tuple[list[OwnFile], int]:
    """Every file with the hash of its bytes, each once, and how many repeated another's bytes."""
    from dfdetect.evaluate.own_files import hash_file, once, refuse_wrong_labels

    flag = "--reals" if label is Label.REAL else "--fakes"
    samples = samples_named(named, label, flag, folder_per_person=job.folder_per_person)
    refuse_wrong_labels(samples, label, flag)
    files = []
    with progress_bar(len(samples), quiet=job.settings.quiet, what="files named", lines_every_s=LINES_EVERY_S) as bar:
        for sample in samples:
            files.append(hash_file(sample))
            bar.advance()
    return once(files)


def _scored(job: OwnJob, files: Sequence[OwnFile], scan: OwnScan, kept: Path) -> list[VideoScore]:
    from dfdetect.evaluate.own_files import score_own

    scored = []
    busy = f"another `dfdetect calibrate` is at work on {kept}; wait for it, or name another file with --scores"
    with (
        held(kept.with_name(f".{kept.name}.lock"), busy),
        progress_bar(len(files), quiet=job.settings.quiet, what="files scanned", lines_every_s=LINES_EVERY_S) as bar,
    ):
        for score in score_own(files, scan, kept, jobs=job.settings.jobs):
            scored.append(score)
            bar.advance()
    return scored


def samples_named(path: Path, label: Label, flag: str, *, folder_per_person: bool = False) -> list[Sample]:
    """The media of a folder and of the folders in it, or the rows of a list, as samples of this label.

    A CSV list needs the column path; label, person and the like are kept (data.lists). A text list is one path a line.

    Raises:
        UsageError: neither a folder nor a list.
        DataError: nothing in it, or a list that is not what it should be.
    """
    from dfdetect.cli.inputs import open_list
    from dfdetect.data.lists import read_list
    from dfdetect.data.sample import read_index

    if path.is_dir():
        samples = _in_folder(path, label, flag, folder_per_person=folder_per_person)
    elif not path.is_file() or path.suffix.lower() not in LIST_SUFFIXES:
        found = "a file of another kind" if path.exists() else "nothing there"
        raise UsageError(
            f"{flag} {path}: expected a folder of images and videos, or a list of them ({', '.join(LIST_SUFFIXES)}); "
            f"found {found}"
        )
    elif folder_per_person:
        raise UsageError(f"--folder-per-person: {flag} {path} is a list; give it a column `person` instead")
    elif path.suffix.lower() == ".csv":
        samples = read_list(path, label=label)
    elif path.suffix.lower() == ".parquet":
        samples = read_index(path)
    else:
        samples = [_sample(Path(line), Path(), label) for line in open_list(str(path))]
    if not samples:
        raise DataError(f"{flag} {path}: no image or video in it")
    return samples


def _in_folder(folder: Path, label: Label, flag: str, *, folder_per_person: bool) -> list[Sample]:
    from dfdetect.cli.inputs import collect, is_media
    from dfdetect.errors import ErrorCode

    _refuse_dataset(folder, label, flag)
    found = collect([str(folder)], [], recursive=True, is_media=is_media)
    paths = [Path(item.path) for item in found if item.refusal is None or item.refusal.code != ErrorCode.EMPTY]
    return [_sample(path, folder, label, person=path.parent.name if folder_per_person else "") for path in paths]


def _refuse_dataset(folder: Path, label: Label, flag: str) -> None:
    """DataError for the folder of a dataset whose layout says that files of the other label are in it."""
    from dfdetect.data.readers.recognise import read_dataset

    try:
        reads = read_dataset(folder)
    except DataError:  # no dataset that we know: anybody's folder
        return
    for read in reads:
        n = sum(sample.label is not label for sample in read.samples)
        if n:
            other = "fakes" if label is Label.REAL else "reals"
            raise DataError(
                f"{flag} {folder}: it is laid out as the dataset {read.reader.name!r}, and {n} of its files are "
                f"{other}; name the folder of its {label.name.lower()}s, or a list"
            )


def _sample(path: Path, root: Path, label: Label, *, person: str = "") -> Sample:
    from dfdetect.cli.inputs import OLD_VIDEO_SUFFIXES, VIDEO_SUFFIXES
    from dfdetect.data.sample import Sample

    is_video = path.suffix.lower() in VIDEO_SUFFIXES | OLD_VIDEO_SUFFIXES  # a guess: the content decides when scanned
    whole, base = path.absolute(), root.absolute()
    inside = whole.is_relative_to(base)
    return Sample(
        path=whole.as_posix(),
        root=base.as_posix() if inside else "",
        label=label,
        dataset="own",
        video_id=str(whole.relative_to(base) if inside else path),
        kind="video" if is_video else "image",
        target_id=person,
    )


def _refuse_too_few(reals: Sequence[OwnFile], claim: Claim) -> None:
    """Before hours of scanning: fewer people's files than any claim needs cannot become more."""
    from dfdetect.calibration import n_people
    from dfdetect.evaluate.own_claim import lowered_rate, too_few
    from dfdetect.evaluate.scores import group_of

    people = n_people([group_of(file.sample) for file in reals])
    carried = claim.lower_claim and lowered_rate(people, claim.confidence) is not None
    if people < claim.needed and not carried:
        raise DataError(too_few("real files", len(reals), people, claim))


def _say(text: str) -> None:
    from dfdetect.detect.wording import plain

    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(plain(text).encode(encoding, "backslashreplace").decode(encoding) + "\n")


def _note(text: str) -> None:
    from dfdetect.detect.wording import plain

    sys.stderr.write(f"dfdetect: look: {plain(text)}\n")
