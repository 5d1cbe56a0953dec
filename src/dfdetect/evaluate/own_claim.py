"""What a user claims of their own material, where it comes from, and what they must know about it: in plain words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dfdetect.calibration import Calibration, OperatingPoint
from dfdetect.calibration_record import FileCounts, KindRate, ScaleMethod, ScaleRecord, percent_text
from dfdetect.evaluate.claims import best_rate, people_needed
from dfdetect.evaluate.folds import FOLDS
from dfdetect.evaluate.probability_scale import UNCALIBRATED_ECE
from dfdetect.evaluate.scores import NO_FACE, OK, VideoScore
from dfdetect.metrics import wilson_interval
from dfdetect.values import Verdict

MOST_LOWERED = 0.05  # a claim of more false alarms is no use to anybody
LOWER = "; --lower-claim takes what they carry"
MOST_OF_ONE = 0.5  # of the files of a kind are one person's: said


@dataclass(frozen=True, slots=True)
class Claim:
    """What a user asks for. target_fpr: of reals flagged, target_fnr: of the own fakes cleared, both shares in 0..1.

    confidence: None for bounds that hold on average (claims). lower_claim: take the best one where people are too few.
    """

    target_fpr: float = 0.01
    target_fnr: float = 0.05
    confidence: float | None = None
    lower_claim: bool = False
    method: ScaleMethod = "kept"

    @property
    def needed(self) -> int:
        return people_needed(self.target_fpr, self.confidence)


@dataclass(frozen=True, slots=True)
class Origin:
    """What the record says of where it comes from (calibration_record). people_named: the list says whose files."""

    base: str
    base_sha256: str
    date: str
    said_by: str
    list_sha256: str
    reals: FileCounts
    fakes: FileCounts | None
    people_named: bool = False
    file_keys: str = ""


def lowered_rate(people: int, confidence: float | None) -> float | None:
    """Best claim that so many people carry when a fifth of them is left out to measure it; None: useless."""
    rate = best_rate(people - -(-people // FOLDS), confidence)
    return rate if rate <= MOST_LOWERED else None


def nothing_usable(claim: Claim) -> str:
    """Why there is nothing to calibrate on."""
    return (
        f"none of the files has a face that can be judged; {percent_text(claim.target_fpr)} false alarms need "
        f"{claim.needed} people's files that have"
    )


def too_few(what: str, n_files: int, people: int, claim: Claim) -> str:
    """How many are missing for the claim, and what those that were brought carry. what: "usable real videos"."""
    of_whom = "" if people == n_files else f" of {people} {'person' if people == 1 else 'people'}"
    sure = "" if claim.confidence is None else f" with {percent_text(claim.confidence)} confidence"
    best = best_rate(people, claim.confidence)
    carried = f"so many carry {percent_text(best)} at best" if best <= 0.5 else "so few carry no claim"
    lower = "" if claim.lower_claim or lowered_rate(people, claim.confidence) is None else LOWER
    return (
        f"{n_files} {what}{of_whom}; a claim of {percent_text(claim.target_fpr)} false alarms{sure} needs "
        f"the files of {claim.needed} people ({claim.needed - people} more), {carried}{lower}"
    )


def notes_on_files(reals: Sequence[VideoScore], origin: Origin) -> list[str]:
    """Which files set no bound, and why."""
    counts, notes = origin.reals, []
    lost = (
        (counts.repeated, "hold the same bytes as another one and were counted once"),
        (counts.no_face, "show no face and set no bound"),
        (counts.unusable, "show no face that can be judged (docs/scores.md) and set no bound"),
        (counts.failed, "could not be read and took no part"),
    )
    notes += [f"{n} of {counts.asked} real files {text}" for n, text in lost if n]
    failed = [f"{score.path} ({score.status})" for score in reals if score.status not in (OK, NO_FACE)]
    if failed:
        notes.append(f"not read: {', '.join(failed[:5])}{' ...' if len(failed) > 5 else ''}")
    return notes


def notes_on_kind(
    own: Sequence[VideoScore],
    rate: KindRate,
    points: Mapping[str, OperatingPoint],
    base: Calibration,
    *,
    people_named: bool,
) -> list[str]:
    """What the numbers of one kind of media do not say by themselves."""
    kind, notes = rate.kind, []
    if rate.target_fpr > rate.asked_fpr:
        notes.append(
            f"{kind}: THE CLAIM WAS LOWERED to {percent_text(rate.target_fpr)} false alarms: {rate.n_people} people "
            f"do not carry the {percent_text(rate.asked_fpr)} asked for"
        )
    person, most = Counter(score.group for score in own).most_common(1)[0]
    if most > max(1, MOST_OF_ONE * len(own)):
        notes.append(
            f"{kind}: {most} of {len(own)} files are of one person ({person}); together they weigh as much as "
            "one file of anybody else"
        )
    if not people_named:
        notes.append(
            f"{kind}: every file counts as a person of its own; if some show the same person, say so with a column "
            "`person` or --folder-per-person, else the claim is too bold"
        )
    flagged = sum(score.verdict == Verdict.LIKELY_MANIPULATED for score in own)
    before = base.thresholds.get(kind, {}).values()
    target = max((point.target_fpr or base.target_fpr for point in before), default=base.target_fpr)
    if flagged and wilson_interval(flagged, len(own))[0] > 2 * target:
        notes.append(
            f"{kind}: the model as it was flags {flagged} of these {len(own)} reals "
            f"({percent_text(flagged / len(own))}, where {percent_text(target)} was its aim). If they are real, the "
            "new bound is so high that it catches few fakes (measure with --fakes); if some are not, the claim is "
            "void: look at the highest, "
            + ", ".join(score.path for score in sorted(own, key=lambda s: -(s.logit or 0.0))[:3])
        )
    if rate.interval is not None and rate.interval[0] > rate.target_fpr:
        notes.append(
            f"{kind}: of people left out {percent_text(rate.measured_fpr or 0.0)} are flagged, more than the claim, "
            "and not by chance: bring more people, and look whether --reals holds files of two sorts"
        )
    never = [bucket for bucket, point in points.items() if point.likely_manipulated >= 1.0]
    if never:
        notes.append(f"{kind}: files with {' or '.join(never)} faces are never flagged: too few people for that claim")
    return notes


def notes_on_scale(scale: ScaleRecord) -> list[str]:
    """How far the probabilities are to be believed."""
    if scale.n_fake == 0:
        return ["the probability scale stays as it was: it can only be fitted with fakes of your own (--fakes)"]
    notes = []
    if scale.ece_after is not None and scale.ece_after > UNCALIBRATED_ECE:
        notes.append(
            f"uncalibrated domain: the expected calibration error is {scale.ece_after:.3f} on this material, above "
            f"{UNCALIBRATED_ECE}; read a probability as an order, not as a frequency"
        )
    if scale.ece_before is not None and scale.ece_after is not None and scale.ece_after > scale.ece_before:
        notes.append(
            f"the fitted probabilities are further off ({scale.ece_after:.3f}) than the model's own "
            f"({scale.ece_before:.3f}) on people left out; --probability kept is the better choice here"
        )
    return notes
