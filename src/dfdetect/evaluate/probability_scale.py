"""Scores of a user's own reals and fakes -> how a logit is read as a probability, and whether that helps.

Reals and fakes weigh the same here, so 0.5 means as likely one as the other; which share of tomorrow's files is fake,
nobody knows. The error before and after is measured on people left out of the fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dfdetect.calibration import Calibration, Curve, fit_platt
from dfdetect.calibration_record import ScaleMethod, ScaleRecord
from dfdetect.errors import DataError, unknown_name
from dfdetect.evaluate.folds import FOLDS, folds_of_people
from dfdetect.evaluate.scores import VideoScore
from dfdetect.metrics import reliability_bins

FloatArray = NDArray[np.float64]

METHODS: tuple[ScaleMethod, ...] = ("kept", "platt", "isotonic")
MIN_EACH = {"platt": 50, "isotonic": 100}  # reals and fakes, each
MIN_TRACKS = 1000  # for an isotonic fit: with fewer its steps follow the sample (Niculescu-Mizil & Caruana 2005)
UNCALIBRATED_ECE = 0.08  # above it a probability is no frequency


@dataclass(frozen=True, slots=True)
class _Scores:
    """logits, labels (0 or 1), weights: (N,); people: whose file each is."""

    logits: FloatArray
    labels: FloatArray
    people: tuple[str, ...]

    def take(self, rows: NDArray[np.bool_]) -> _Scores:
        kept = tuple(person for person, row in zip(self.people, rows, strict=True) if row)
        return _Scores(self.logits[rows], self.labels[rows], kept)

    @property
    def weights(self) -> FloatArray:
        """Reals and fakes weigh the same together, and N in all."""
        of_label = np.bincount(self.labels.astype(np.intp), minlength=2)
        return np.asarray(0.5 * len(self.labels) / of_label[self.labels.astype(np.intp)], np.float64)


def fit_scale(
    reals: Sequence[VideoScore], fakes: Sequence[VideoScore], base: Calibration, method: ScaleMethod
) -> tuple[Calibration, ScaleRecord]:
    """`base` with its probability scale fitted anew (thresholds untouched), and what that changed.

    reals, fakes: used files with their logits. Method "kept": the scale of the base, its error measured where there
    are fakes. caught and missed of the record stay None here: they need the bounds.

    Raises:
        UsageError: an unknown method.
        DataError: too few files for the method, or the model scores the fakes no higher than the reals.
    """
    if method not in METHODS:
        raise unknown_name("probability scale", method, METHODS)
    scores = _together(reals, fakes)
    before = _error(scores.labels, base.probabilities(scores.logits)) if len(reals) and len(fakes) else None
    if method == "kept":
        return base, ScaleRecord("kept", len(reals), len(fakes), before, before, None, None)
    refuse_few(len(reals), len(fakes), method)
    fold_of = folds_of_people(scores.people)
    folds = np.array([fold_of[person] for person in scores.people])
    held_out = np.zeros(len(scores.labels))
    for fold in range(FOLDS):
        inside = folds != fold
        if inside.all():
            continue
        held_out[~inside] = _fit(scores.take(inside), base, method).probabilities(scores.logits[~inside])
    after = _error(scores.labels, held_out)
    return _fit(scores, base, method), ScaleRecord(method, len(reals), len(fakes), before, after, None, None)


def refuse_few(n_real: int, n_fake: int, method: ScaleMethod) -> None:
    """DataError where so many usable files cannot carry the method; ask it before scanning too."""
    if method == "kept":
        return
    least = MIN_EACH[method]
    if min(n_real, n_fake) < least:
        raise DataError(
            f"--probability {method}: expected at least {least} usable reals and as many fakes; got {n_real} and "
            f"{n_fake}. Bring more, or take --probability kept: the bounds of the verdicts need no fakes"
        )
    if method == "isotonic" and n_real + n_fake < MIN_TRACKS:
        raise DataError(
            f"--probability isotonic: expected at least {MIN_TRACKS} tracks (one a file); got {n_real + n_fake}. With "
            "fewer the steps of an isotonic fit follow the sample and not the model; take --probability platt"
        )


def _together(reals: Sequence[VideoScore], fakes: Sequence[VideoScore]) -> _Scores:
    both = [*reals, *fakes]
    return _Scores(
        np.array([0.0 if row.logit is None else row.logit for row in both], np.float64),
        np.repeat([0.0, 1.0], [len(reals), len(fakes)]),
        tuple(row.group for row in both),
    )


def _fit(scores: _Scores, base: Calibration, method: ScaleMethod) -> Calibration:
    try:
        scale, offset = fit_platt(scores.logits, scores.labels, weights=scores.weights)
    except ValueError as error:
        raise DataError(
            f"the model does not score these fakes above these reals, so no probability can be told ({error}). Are "
            "--reals and --fakes the wrong way round? Else the model cannot tell these fakes: --probability kept"
        ) from error
    curve = _isotonic(scores) if method == "isotonic" else None
    return replace(base, scale=scale, offset=offset, curve=curve)


def _isotonic(scores: _Scores) -> Curve:
    """Isotonic regression (pool adjacent violators), kept off 0 and 1 as far as so many files can show."""
    from sklearn.isotonic import IsotonicRegression

    edge = 1 / (len(scores.labels) + 2)
    fitted = IsotonicRegression(y_min=edge, y_max=1 - edge, increasing=True, out_of_bounds="clip")
    fitted.fit(scores.logits, scores.labels, sample_weight=scores.weights)
    x, y = np.asarray(fitted.X_thresholds_, np.float64), np.asarray(fitted.y_thresholds_, np.float64)
    apart = np.append(True, np.diff(x) > 0)
    if apart.sum() < 2:
        raise DataError("--probability isotonic: every file has the same logit; the model tells nothing apart here")
    return Curve(tuple(x[apart].tolist()), tuple(np.maximum.accumulate(y[apart]).tolist()))


def _error(labels: FloatArray, probabilities: FloatArray) -> float:
    """Expected calibration error with reals and fakes weighing the same: the fewer ones are counted several times."""
    n_fake = int(labels.sum())
    n_real = len(labels) - n_fake
    times = np.where(labels == 1, max(1, round(n_real / n_fake)), max(1, round(n_fake / n_real)))
    return reliability_bins(np.repeat(labels, times), np.repeat(probabilities, times)).error()
