"""Who gets whose face: every real file looked at once, then donors of other people whose heads are turned alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dfdetect.data.sample import Sample
from dfdetect.evaluate.scores import group_of

MIN_FACE_PX = 80
MOST_TURNED_DEG = 35  # of the target: half of the landmarks of a profile are guessed
MOST_APART_DEG = 18
TRIES = 4  # donors a fake
_NEAR_DEG = 5  # donors that differ by less, or by less of the mouth, are as good as each other
_MOUTH_STEP = 0.04  # of the face's width


@dataclass(frozen=True, slots=True)
class Subject:
    """A real file and how the largest face in it (in the first frame that shows one) is turned."""

    sample: Sample
    yaw_deg: float
    pitch_deg: float
    face_px: float
    mouth_open: float

    @property
    def person(self) -> str:
        """Who it shows; a file of nobody known is taken to be of somebody of its own."""
        return group_of(self.sample)

    @property
    def is_clip(self) -> bool:
        return self.sample.kind == "video"


def unfit(subject: Subject) -> str | None:
    """Why a file cannot be a target or a donor."""
    if subject.face_px < MIN_FACE_PX:
        return "face_too_small"
    if abs(subject.yaw_deg) > MOST_TURNED_DEG:
        return "turned_away"
    return None


def donors_of(
    target: Subject, subjects: Sequence[Subject], rng: np.random.Generator, *, same_mouth: bool
) -> list[Subject]:
    """Up to TRIES files of other people, the most alike turned first; clips get clips, pictures pictures.

    same_mouth: also opened alike, as a swap needs it; else opened differently. Empty where nobody is turned alike.
    """
    others = [s for s in subjects if s.person != target.person and s.is_clip == target.is_clip]
    apart = [max(abs(s.yaw_deg - target.yaw_deg), abs(s.pitch_deg - target.pitch_deg)) for s in others]
    mouth = [abs(s.mouth_open - target.mouth_open) / _MOUTH_STEP for s in others]
    worse = [(m if same_mouth else -m) + a / _NEAR_DEG for m, a in zip(mouth, apart, strict=True)]
    order = sorted(range(len(others)), key=lambda i: (round(worse[i]), rng.random()))
    return [others[i] for i in order if apart[i] <= MOST_APART_DEG][:TRIES]
