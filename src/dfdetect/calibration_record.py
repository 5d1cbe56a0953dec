"""What somebody calibrated a model on: written into the bundle, shown by `dfdetect models show`, checked by nobody.

It says what was done and counted; that the files were real, and whose they were, is the word of `said_by`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dfdetect.values import MediaKind

ScaleMethod = Literal["kept", "platt", "isotonic"]


@dataclass(frozen=True, slots=True)
class FileCounts:
    """What became of the files named: used + unusable + no_face + failed + repeated = asked.

    repeated: bytes that another file had already. unusable: no face good enough to be judged.
    """

    asked: int
    used: int
    unusable: int
    no_face: int
    failed: int
    repeated: int


@dataclass(frozen=True, slots=True)
class KindRate:
    """False positives of one kind of media, shares in 0..1.

    asked_fpr: what the user asked for; target_fpr: what so many people can carry, the higher one where they are too
    few. upper_95: with 95 % confidence the share among new people's files is below it (Vovk 2012, arXiv:1209.2673).
    flagged of n_measured: files of people left out of the fit in turn (folds), with its 95 % interval (Clopper &
    Pearson 1934, people weighing as one: Korn & Graubard 1998); None and 0 where too few could be left out.
    flagged_before: share that the model flagged with the bounds it had.
    """

    kind: MediaKind
    asked_fpr: float
    target_fpr: float
    n_files: int
    n_people: int
    upper_95: float
    flagged: int
    n_measured: int
    folds: int
    measured_fpr: float | None
    interval: tuple[float, float] | None
    flagged_before: float | None


@dataclass(frozen=True, slots=True)
class ScaleRecord:
    """How logits became probabilities. ece: expected calibration error with reals and fakes weighing the same.

    ece_after: on people left out of the fit in turn. caught, missed: share of the fakes above the upper and below the
    lower bound; "kept": the model's own scale, then everything else is 0 or None.
    """

    method: ScaleMethod
    n_real: int
    n_fake: int
    ece_before: float | None
    ece_after: float | None
    caught: float | None
    missed: float | None


@dataclass(frozen=True, slots=True)
class CalibrationRecord:
    """The whole of it. base: name and version of the model as it was. said_by: who vouches for the files.

    list_sha256: of the sorted SHA-256s of the files used, each with its label.
    confidence: None for bounds that hold on average over samples like this one (split conformal prediction), else the
    share of such samples in which they hold.
    """

    base: str
    base_sha256: str
    date: str
    said_by: str
    list_sha256: str
    confidence: float | None
    reals: FileCounts
    fakes: FileCounts | None
    rates: tuple[KindRate, ...]
    scale: ScaleRecord
