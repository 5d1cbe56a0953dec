"""Which of the found faces become rows: the best of each frame or all, untouched ones or not, so many a clip."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from dfdetect.data.prepare.cut import CutFace
from dfdetect.data.prepare.manipulated import Labelled
from dfdetect.data.prepare.options import PrepareOptions
from dfdetect.values import Label

Key = tuple[int, int]  # (frame index, track id)


def best_of_each_frame(faces: Iterable[CutFace]) -> set[Key]:
    """Keys of one face a frame: of those in it, the one whose track is the most prominent over the clip.

    Prominent is what a detector is sure of and what is large; over the track, so that two people of about the same
    size do not alternate.
    """
    weight: dict[int, float] = defaultdict(float)
    by_frame: dict[int, list[CutFace]] = defaultdict(list)
    for face in faces:
        left, top, right, bottom = (float(v) for v in face.seen_xyxy)
        weight[face.track_id] += face.quality.detector_score * (right - left) * (bottom - top)
        by_frame[face.frame_index].append(face)
    return {max(some, key=lambda face: (weight[face.track_id], -face.track_id)).key for some in by_frame.values()}


def spread(keys: Iterable[Key], most: int) -> set[Key]:
    """At most `most` of the keys, spread evenly in their order (0: all of them)."""
    ordered = sorted(keys)
    if not 0 < most < len(ordered):
        return set(ordered)
    return {ordered[(2 * place + 1) * len(ordered) // (2 * most)] for place in range(most)}


def wanted_keys(faces: Sequence[Labelled], options: PrepareOptions) -> set[Key]:
    """Keys of a clip's faces that the options ask for; `most_per_clip` is not applied here."""
    manipulated = [one.face for one in faces if one.label is Label.FAKE]
    others = [one.face for one in faces if one.label is Label.REAL]
    if not manipulated:  # a real clip, or a fake one with nothing to show for it
        return best_of_each_frame(others) if options.faces == "best" else {face.key for face in others}
    keys = best_of_each_frame(manipulated) if options.faces == "best" else {face.key for face in manipulated}
    if options.other_faces == "real":
        keys |= {face.key for face in others}
    return keys
