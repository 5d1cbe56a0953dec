"""Real files -> a folder of real copies and test fakes of them, with masks and a list that `dfdetect evaluate` reads.

    out/list.csv     path,label,method,person,donor_id,pair_key,... ; every line a file below
    out/real/        the reals, encoded anew: nobody publishes a fake with the bytes of its original
    out/t1/ ...      the fakes
    out/masks/t1/    where each fake is one: a gray PNG, or a gray clip
    out/run.json     what was asked; out/rows.jsonl what is done, by which a stopped run goes on

Real copies and fakes get a compression of their own, drawn from one distribution. Sound is left out everywhere.
"""

from __future__ import annotations

import csv
import functools
import json
import os
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from dfdetect.batch import pool
from dfdetect.batch.journal import drop_torn_line
from dfdetect.batch.whole_file import whole_file
from dfdetect.data.sample import Sample
from dfdetect.errors import DataError, UsageError, unknown_name
from dfdetect.evaluate.test_fakes.clips import first_frames
from dfdetect.evaluate.test_fakes.kinds import KINDS, METHODS
from dfdetect.evaluate.test_fakes.motion import largest_face
from dfdetect.evaluate.test_fakes.plan import Subject, donors_of, unfit
from dfdetect.evaluate.test_fakes.write import FakeOptions, Item, Made, finders, make_work
from dfdetect.media.image import read_rgb
from dfdetect.media.reader import open_media
from dfdetect.values import Label

LIST = "list.csv"
COLUMNS = (
    *("path", "label", "method", "dataset", "kind", "person", "donor_id", "pair_key", "video_id", "source_key"),
    *("mask_path", "source", "licence", "reuse"),
)  # fmt: skip
_SCHEMA = "dfdetect.test-fakes/1"


@dataclass(frozen=True, slots=True)
class FakesReport:
    """rows: lines of the list. left_out: reason -> names of files, or `kind:name` of fakes that could not be made."""

    rows: int
    fakes: int
    left_out: dict[str, list[str]]


def make_fakes(
    samples: Sequence[Sample],
    out: Path,
    options: FakeOptions,
    *,
    jobs: int = 1,
    on_looked: Callable[[int, int], None] | None = None,
    on_made: Callable[[int, int], None] | None = None,
) -> FakesReport:
    """Make every fake that is not there yet, and the list. on_looked, on_made: told (done, total).

    Raises:
        UsageError: an unknown kind; `out` holds another run.
        DataError: fakes among the samples, fewer than two people, no file with a usable face.
    """
    for kind in options.kinds:
        if kind not in KINDS:
            raise unknown_name("kind of test fake", kind, KINDS)
    if any(sample.label is not Label.REAL for sample in samples):
        raise DataError("test fakes are made from real files only; the list given holds fakes")
    _same_run(out, samples, options)
    left_out: dict[str, list[str]] = {}
    subjects = _looked_at(samples, options, jobs, left_out, on_looked)
    if len({subject.person for subject in subjects}) < 2:
        raise DataError(_too_few(subjects, samples, left_out))
    items = _items(subjects, options, left_out)
    done = _finished(out, items, options, jobs, on_made)
    for made in done.values():
        if made.reason:
            left_out.setdefault(made.reason, []).append(made.name)
    rows = [_row(item, done[item.name]) for item in items if not done[item.name].reason]
    with_fake = {row["pair_key"] for row in rows if row["label"] == "fake"}
    rows = [row for row in rows if row["label"] == "fake" or row["pair_key"] in with_fake]
    _write_list(out / LIST, rows)
    return FakesReport(len(rows), sum(row["label"] == "fake" for row in rows), left_out)


def _too_few(subjects: Sequence[Subject], samples: Sequence[Sample], left_out: dict[str, list[str]]) -> str:
    """How many people there are, what was left out, and what to do."""
    text = (
        f"test fakes need usable faces of at least two people; got {len({s.person for s in subjects})} among "
        f"{len(samples)} real files"
    )
    for reason, names in sorted(left_out.items()):
        text += f"; left out, {reason}: {len(names)} (such as {names[0]})"
    if len(subjects) > 1:
        text += ". Give the people a `person` column if files of several people share a name"
    return text


def _same_run(out: Path, samples: Sequence[Sample], options: FakeOptions) -> None:
    """Refuse a folder that was begun with other options or files."""
    names = "\n".join(sorted(sample.name for sample in samples))
    asked = {"schema": _SCHEMA, **asdict(options), "kinds": list(options.kinds), "files": zlib.crc32(names.encode())}
    path = out / "run.json"
    if path.exists():
        before = json.loads(path.read_text())
        if before != asked:
            changed = sorted(name for name in asked if before.get(name) != asked[name])
            raise UsageError(f"{out} holds test fakes made with other {', '.join(changed)}; name another folder")
        return
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty and holds no test fakes; name another folder")
    out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asked) + "\n")


def _looked_at(
    samples: Sequence[Sample],
    options: FakeOptions,
    jobs: int,
    left_out: dict[str, list[str]],
    on_looked: Callable[[int, int], None] | None,
) -> list[Subject]:
    """Every usable file in the order of the samples."""
    usable = [sample for sample in samples if sample.kind in ("image", "video")]
    for sample in samples:
        if sample.kind not in ("image", "video"):
            left_out.setdefault(f"kind_{sample.kind}", []).append(sample.name)
    found: dict[str, Subject] = {}
    for n, outcome in enumerate(pool.run(usable, functools.partial(_make_look, options), jobs=jobs), start=1):
        subject = outcome.result
        reason = outcome.error.code if outcome.error else "no_face" if subject is None else unfit(subject)
        if reason is None and subject is not None:
            found[outcome.item.name] = subject
        else:
            left_out.setdefault(str(reason), []).append(outcome.item.name)
        if on_looked is not None:
            on_looked(n, len(usable))
    return [found[sample.name] for sample in usable if sample.name in found]


def _make_look(options: FakeOptions) -> Callable[[Sample], Subject | None]:
    tools = finders()

    def look(sample: Sample) -> Subject | None:
        if sample.kind == "image":
            face = largest_face(read_rgb(Path(sample.path)), tools.detector, tools.mesh)
        else:
            with open_media(sample.path) as reader:
                frames = reader.frames(first_frames(reader, options.seconds)[:25:6], find_cuts=False)
                faces = (largest_face(frame.image, tools.detector, tools.mesh) for frame in frames)
                face = next((face for face in faces if face is not None), None)
        if face is None:
            return None
        yaw, pitch, _ = face.pose_deg
        return Subject(sample, yaw, pitch, face.width_px, face.mouth_open)

    return look


def _items(subjects: Sequence[Subject], options: FakeOptions, left_out: dict[str, list[str]]) -> list[Item]:
    items: list[Item] = []
    for subject, stem in zip(subjects, _stems(subjects), strict=True):
        fakes: list[Item] = []
        for kind in options.kinds:
            rng = np.random.default_rng([options.seed, 1, zlib.crc32(f"{kind}:{subject.sample.name}".encode())])
            donors = donors_of(subject, subjects, rng, same_mouth=kind != "t5")
            if donors:
                fakes.append(Item(subject, stem, kind, tuple(donors)))
            else:
                left_out.setdefault("nobody_turned_alike", []).append(f"{kind}:{subject.sample.name}")
        items += [Item(subject, stem, "real"), *fakes] if fakes else []
    names = [item.name for item in items]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise DataError(f"two real files would become {twice[0]}; rename one (names differ in their ending only)")
    return items


def _stems(subjects: Sequence[Subject]) -> list[str]:
    """A file's name without its ending and with its folders in it, from where all files lie."""
    paths = [PurePosixPath(subject.sample.path) for subject in subjects]
    top = os.path.commonpath([path.parent for path in paths])
    return [str(path.relative_to(top).with_suffix("")).replace("/", "__") for path in paths]


def _finished(
    out: Path,
    items: Sequence[Item],
    options: FakeOptions,
    jobs: int,
    on_made: Callable[[int, int], None] | None,
) -> dict[str, Made]:
    """Make what the journal does not name."""
    journal = out / "rows.jsonl"
    drop_torn_line(journal)
    done = {}
    if journal.exists():
        done = {made.name: made for line in journal.read_text().splitlines() if (made := Made(**json.loads(line)))}
    waiting = [item for item in items if item.name not in done]
    with journal.open("a") as file:
        for outcome in pool.run(waiting, functools.partial(make_work, out, options), jobs=jobs):
            made = outcome.result or Made(outcome.item.name, str(outcome.error.code if outcome.error else "internal"))
            file.write(json.dumps(asdict(made)) + "\n")
            file.flush()
            done[made.name] = made
            if on_made is not None:
                on_made(len(done), len(items))
    return done


def _row(item: Item, made: Made) -> dict[str, str]:
    sample = item.subject.sample
    is_fake = item.kind != "real"
    return {
        "path": item.name,
        "label": "fake" if is_fake else "real",
        "method": METHODS[item.kind] if is_fake else "",
        "dataset": sample.dataset,
        "kind": sample.kind,
        "person": item.subject.person,
        "donor_id": made.donor,
        # The original's own keys, by which `evaluate` sees that a model was trained on it.
        "pair_key": sample.video_id,
        "video_id": f"{item.kind}/{sample.video_id}" if is_fake else sample.video_id,
        "source_key": sample.source_key,
        "mask_path": item.mask_name if is_fake else "",
        "source": sample.source,
        "licence": sample.licence,
        "reuse": sample.reuse,
    }


def _write_list(path: Path, rows: Sequence[dict[str, str]]) -> None:
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
