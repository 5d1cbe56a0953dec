"""Held-out reals -> thresholds; held-out reals and their blended copies -> the probability scale.

Nobody's deepfakes are used: the verdict bounds are percentiles of real files alone. Every population of reals (photos
shown as clips, real clips) is looked at apart, and the worst one sets the upper bound, because a threshold that holds
for sharp studio stills fails on small broadcast faces.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from dfdetect.batch import pool
from dfdetect.calibration import (
    CLEAR_PERCENTILE,
    LIKELY_PERCENTILE,
    MIN_REALS,
    Calibration,
    OperatingPoint,
    RealScore,
    fit_platt,
    real_thresholds,
)
from dfdetect.data.blend import BlendInvisible
from dfdetect.data.sample import Sample
from dfdetect.data.self_blend import self_blend
from dfdetect.detect.detector import Scanner
from dfdetect.errors import DataError, MediaError
from dfdetect.evaluate.folds import FOLDS, folds_of_people
from dfdetect.evaluate.scores import VideoScore, append_score, read_scores, unscored, video_score
from dfdetect.evaluate.stills import CRFS, write_still_clip
from dfdetect.faces.detector import make_detector
from dfdetect.faces.mesh import FaceMesh
from dfdetect.media.image import read_rgb
from dfdetect.media.roundtrip import encode_png
from dfdetect.values import Label, MediaKind

POPULATIONS = ("photo", "photo_clip", "clip")  # photo_clip: a photograph as a pan/zoom clip
FAKE_EVERY = 2  # every second photograph is also scored as its blended copy, for the probability scale


@dataclass(frozen=True, slots=True)
class CalibrationItem:
    """One file to score. population: how a real file is counted; blended: the pseudo-fake of a photograph instead."""

    row: Sample
    number: int
    population: str
    blended: bool = False

    @property
    def key(self) -> str:
        return f"{self.population}/{'fake' if self.blended else 'real'}/{self.row.name}"


def calibration_items(photos: Sequence[Sample], clips: Sequence[Sample]) -> list[CalibrationItem]:
    """What is scored: every photo as it is and as a clip, some blended, and every clip. All must be real."""
    if any(row.label is not Label.REAL for row in (*photos, *clips)):
        raise DataError("calibration takes real files only; the lists given hold fakes")
    items = [CalibrationItem(row, n, "clip") for n, row in enumerate(clips)]
    for n, row in enumerate(photos):
        for population in ("photo", "photo_clip"):
            items.append(CalibrationItem(row, n, population))
            if n % FAKE_EVERY == 0:
                items.append(CalibrationItem(row, n, population, blended=True))
    return items


def score_items(
    items: Sequence[CalibrationItem], bundle: Path, out: Path, *, jobs: int
) -> Iterator[tuple[CalibrationItem, VideoScore | None]]:
    """Score what `out` does not hold yet; yields every item as it is done (None: no blended copy could be made)."""
    done = {row.path: row for row in read_scores(out)}
    waiting = []
    for item in items:
        if item.key in done:
            yield item, done[item.key]
        else:
            waiting.append(item)
    for outcome in pool.run(waiting, functools.partial(_make_work, bundle), jobs=jobs):
        row = outcome.result
        if outcome.error is not None:  # the worker broke: counted as failed, never silently dropped
            row = _renamed(unscored(outcome.item.row, outcome.error.code), outcome.item)
        if row is not None:
            append_score(out, row)
        yield outcome.item, row


def _make_work(bundle: Path) -> Callable[[CalibrationItem], VideoScore | None]:
    detector, mesh = make_detector(threads=1), FaceMesh(threads=1)
    scanner = Scanner(bundle, detector=detector, mesh=mesh, threads=1)

    def work(item: CalibrationItem) -> VideoScore | None:
        with TemporaryDirectory() as folder:
            path = _file_of(item, Path(folder), scanner, mesh)
            if path is None:
                return None
            scored = video_score(item.row, scanner.scan(path))
        return _renamed(scored, item)

    def _file_of(item: CalibrationItem, folder: Path, scanner: Scanner, mesh: FaceMesh) -> Path | None:
        if item.population == "clip" or (item.population == "photo" and not item.blended):
            return Path(item.row.path)
        try:
            image = read_rgb(Path(item.row.path))
        except MediaError:
            return None
        if item.blended:
            found = detector.detect(image)
            if len(found) == 0:
                return None
            try:
                image = self_blend(
                    image, mesh.fit(image, found).points[0], np.random.default_rng([7, item.number])
                ).fake
            except BlendInvisible:
                return None
        if item.population == "photo":
            path = folder / "photo.png"
            path.write_bytes(encode_png(image))
        else:
            path = folder / "clip.mp4"
            write_still_clip(image, path, crf=CRFS[item.number % len(CRFS)], seed=item.number)
        return path

    return work


def _renamed(row: VideoScore, item: CalibrationItem) -> VideoScore:
    shown = _kind(item.population)  # a photograph may have been scanned as a clip
    return replace(row, path=item.key, source=item.population, label=int(item.blended), kind=shown)


def fit_calibration(rows: Sequence[VideoScore], *, target_fpr: float = 1 - LIKELY_PERCENTILE) -> Calibration:
    """Score rows of `score_items` -> Calibration, measured across FOLDS folds of people.

    DataError when a population has fewer than MIN_REALS usable reals: a 98th percentile cannot be shown with less.
    """
    scored = [row for row in rows if row.logit is not None and row.usable]
    reals = [row for row in scored if row.label == 0]
    for population in POPULATIONS:
        n = sum(row.source == population for row in reals)
        if n < MIN_REALS:
            raise DataError(f"calibration needs at least {MIN_REALS} usable real files of kind {population!r}; got {n}")
    scale, offset = _platt(scored)
    uncut = Calibration(scale, offset, target_fpr, {})
    table = _bounds(reals, uncut)
    measured = _measured(reals, uncut)
    final: dict[str, dict[str, OperatingPoint]] = {}
    for kind, by_bucket in table.items():
        share, text = measured[kind]
        for bucket, point in by_bucket.items():
            final.setdefault(kind, {})[bucket] = OperatingPoint(
                likely_manipulated=round(point.likely_manipulated, 6),
                no_manipulation_found=round(point.no_manipulation_found, 6),
                measured_fpr=round(share, 4) if bucket == "1" else None,
                measured_on=text if bucket == "1" else "derived from files with one face; not measured",
                n_reals=point.n_reals,
            )
    return Calibration(scale, offset, round(target_fpr, 6), final)


def _platt(scored: Sequence[VideoScore]) -> tuple[float, float]:
    """Reals and fakes weigh the same, and so does every population among the reals."""
    labels = np.array([row.label for row in scored])
    names = np.array([f"{row.label}{row.source}" for row in scored])
    weights = np.zeros(len(scored))
    for name in np.unique(names):
        groups = len({n for n in names if n[0] == name[0]})
        weights[names == name] = len(scored) / (2 * groups * (names == name).sum())
    try:
        return fit_platt([row.logit or 0.0 for row in scored], labels, weights=weights)
    except ValueError as error:
        raise DataError(
            f"the model does not score blended copies above their reals, so no probability can be told ({error}); "
            "train it longer, and look at val_auc in its metrics.jsonl"
        ) from error


def _kind(population: str) -> MediaKind:
    return "image" if population == "photo" else "video"


def _real_scores(rows: Sequence[VideoScore], calibration: Calibration, population: str) -> list[RealScore]:
    own = [row for row in rows if row.source == population]
    return [RealScore(_kind(population), row.n_tracks, calibration.probability(row.logit or 0.0)) for row in own]


def _bounds(reals: Sequence[VideoScore], calibration: Calibration) -> dict[str, dict[str, OperatingPoint]]:
    """Upper bound: of the worst population. Lower bound: 90th percentile of all populations, each weighing the same."""
    tables = {p: real_thresholds(_real_scores(reals, calibration, p), [], measured_on="") for p in POPULATIONS}
    for population, table in tables.items():
        if "1" not in table.get(_kind(population), {}):
            n = sum(row.source == population and row.n_tracks <= 1 for row in reals)
            raise DataError(
                f"calibration needs at least {MIN_REALS} usable real files of kind {population!r} with one face in "
                f"every fit, also when one of {FOLDS} folds of people is left out; got {n}"
            )
    merged: dict[str, dict[str, OperatingPoint]] = {}
    for population, table in tables.items():
        for kind, by_bucket in table.items():
            for bucket, point in by_bucket.items():
                before = merged.setdefault(kind, {}).get(bucket, point)
                merged[kind][bucket] = OperatingPoint(
                    likely_manipulated=_worst(before.likely_manipulated, point.likely_manipulated),
                    no_manipulation_found=_clear(reals, calibration, kind, bucket),
                    measured_fpr=None,
                    measured_on=population,
                    n_reals=point.n_reals + (before.n_reals if before is not point else 0),
                )
    return {
        kind: {
            bucket: OperatingPoint(
                p.likely_manipulated, min(p.likely_manipulated, p.no_manipulation_found), None, "", p.n_reals
            )
            for bucket, p in by_bucket.items()
        }
        for kind, by_bucket in merged.items()
    }


def _worst(*bounds: float) -> float:
    """The highest bound, passing over 1.0: that one says a population is too small to show such a quantile."""
    return max((bound for bound in bounds if bound < 1.0), default=1.0)


def _clear(reals: Sequence[VideoScore], calibration: Calibration, kind: str, bucket: str) -> float:
    groups = [_real_scores(reals, calibration, p) for p in POPULATIONS if _kind(p) == kind]
    most = max(len(group) for group in groups)
    even = [score for group in groups for score in group * round(most / len(group))]
    return real_thresholds(even, [], measured_on="", clear=CLEAR_PERCENTILE)[kind][bucket].no_manipulation_found


def _measured(reals: Sequence[VideoScore], calibration: Calibration) -> dict[str, tuple[float, str]]:
    """Kind -> (false-positive rate on people the bound was not fitted on, where that was measured)."""
    fold_of = folds_of_people([row.group for row in reals])
    flagged: dict[str, list[bool]] = {population: [] for population in POPULATIONS}
    for fold in range(FOLDS):
        table = _bounds([row for row in reals if fold_of[row.group] != fold], calibration)
        for population in POPULATIONS:
            bound = table[_kind(population)]["1"].likely_manipulated
            left_out = [r for r in reals if r.source == population and r.n_tracks == 1 and fold_of[r.group] == fold]
            flagged[population] += [calibration.probability(row.logit or 0.0) > bound for row in left_out]
    out: dict[str, tuple[float, str]] = {}
    for kind, names in (("image", ["photo"]), ("video", ["photo_clip", "clip"])):
        worst = max(names, key=lambda name: float(np.mean(flagged[name])))
        counted = ", ".join(f"flagged {sum(flagged[n])} of {len(flagged[n])} {_WORDS[n]}" for n in names)
        out[kind] = float(np.mean(flagged[worst])), f"{counted}; people left out in turn ({FOLDS} folds)"
    return out


_WORDS = {"photo": "real photos", "photo_clip": "real photos shown as clips", "clip": "real clips"}
