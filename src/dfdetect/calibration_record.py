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
    flagged of n_measured: files of people left out of the fit in turn (folds); measured_fpr: that share where every
    person weighs 1, as in the claim, with its 95 % interval over people (Clopper & Pearson 1934). None and 0 where too
    few could be left out.
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

    "kept": the model's own scale, both errors are of it. ece_after: on people left out of the fit in turn. caught,
    missed: share of the fakes above the upper and below the lower bound. Without fakes all of them are None.
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

    list_sha256: of the sorted SHA-256s of the files used, each with its label. file_keys: hashes of those hashes
    (models.trained_on), joined: an evaluation on these files must say that they set the bounds; at most 50,000.
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
    file_keys: str = ""

    def lines(self) -> list[str]:
        """All of it for people, a sentence a line."""
        said = f", as said by {self.said_by}" if self.said_by else "; nobody is named who vouches for them"
        out = [
            f"calibrated on {self.date} from {self.base} on {self.reals.used} own real files{said}",
            f"of {_counts_text(self.reals)}",
            *(line for rate in self.rates for line in _rate_lines(rate, self.confidence)),
            *_scale_lines(self.scale),
        ]
        if self.fakes is not None:
            out.append(f"own fakes: of {_counts_text(self.fakes)}")
        return [*out, f"list of the files: SHA-256 {self.list_sha256}"]


def percent_text(share: float) -> str:
    """A share as a percentage with the three digits that say something: 1 %, 2.04 %, 0.05 %."""
    return f"{100 * share:.3g} %"


def _counts_text(counts: FileCounts) -> str:
    lost = (
        (counts.repeated, "repeated"),
        (counts.no_face, "without a face"),
        (counts.unusable, "without a face good enough"),
        (counts.failed, "not read"),
    )
    return ", ".join([f"{counts.asked} files named {counts.used} were used", *(f"{n} {text}" for n, text in lost if n)])


def _rate_lines(rate: KindRate, confidence: float | None) -> list[str]:
    how = "on average over such samples" if confidence is None else f"with {percent_text(confidence)} confidence"
    people = f"{rate.n_files} files of {rate.n_people} people"
    lowered = f" ({percent_text(rate.asked_fpr)} was asked for)" if rate.target_fpr > rate.asked_fpr else ""
    out = [
        f"{rate.kind}: at most {percent_text(rate.target_fpr)} false alarms {how}{lowered}, from {people}; with 95 % "
        f"confidence below {percent_text(rate.upper_95)}"
    ]
    if rate.measured_fpr is None or rate.interval is None:
        out.append(f"{rate.kind}: not measured; too few people to leave some out in turn")
    else:
        low, high = (percent_text(bound) for bound in rate.interval)
        once = "" if rate.n_people == rate.n_files else " with every person counted once"
        out.append(
            f"{rate.kind}: measured {percent_text(rate.measured_fpr)}{once} ({rate.flagged} of {rate.n_measured} "
            f"files; 95 % interval {low} to {high}) on people left out in turn, {rate.folds} folds"
        )
    if rate.flagged_before is not None:
        out.append(
            f"{rate.kind}: with the bounds it had, the model flagged {percent_text(rate.flagged_before)} of them"
        )
    return out


def _scale_lines(scale: ScaleRecord) -> list[str]:
    if scale.n_fake == 0:
        return ["probability scale: the model's own, not measured on this material (no fakes)"]
    names = {"kept": "the model's own", "platt": "a sigmoid fitted anew", "isotonic": "an isotonic curve fitted anew"}
    out = f"probability scale: {names[scale.method]}, {scale.n_real} reals and {scale.n_fake} fakes"
    if scale.ece_before is not None and scale.ece_after is not None:
        out += f"; expected calibration error {scale.ece_before:.3f} before"
        out += f", {scale.ece_after:.3f} after, on people left out" if scale.method != "kept" else ""
    if scale.caught is None or scale.missed is None:
        return [out]
    return [
        out,
        f"own fakes: {percent_text(scale.caught)} above the upper bound, {percent_text(scale.missed)} below the lower",
    ]
