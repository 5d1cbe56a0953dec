"""Which face of a fake clip was manipulated: the one its mask covers, or the one that differs from the original.

Clips of DFDC show up to two people, not all of them changed; Google DFD has bystanders. A detector that learns them as
fakes learns noise.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dfdetect.data.prepare.cut import SMALL_PX, ClipReader, CutFace, Tools, open_clip
from dfdetect.errors import MediaError
from dfdetect.faces.align import cut_square
from dfdetect.faces.extract import frames_ahead
from dfdetect.media.roundtrip import encode_png
from dfdetect.values import Float32Array, Label, UInt8Array

# A mask is black and white, but stored as compressed video: black is not quite 0. Masks of Face2Face are gray meshes.
MASK_LEVEL = 48
# Of the face box. The smallest true ones are of lips; the edge of a neighbour's mask in a box is less.
LEAST_COVERED = 0.04
SAME_SHAPE = 0.02  # relative difference of the sides' ratio up to which a mask is one of these frames


@dataclass(slots=True)
class MaskFrames:
    """The masks of a clip's frames, one bit a pixel. shape: (H, W) of the mask."""

    shape: tuple[int, int]
    by_frame: dict[int, UInt8Array]

    def of(self, frame_index: int) -> UInt8Array | None:
        """(H, W) uint8, 0 or 255; None where the mask has no such frame."""
        packed = self.by_frame.get(frame_index)
        if packed is None:
            return None
        height, width = self.shape
        bits = np.unpackbits(packed, count=height * width).reshape(height, width)
        return np.asarray(bits * np.uint8(255), np.uint8)


def read_masks(path: str, clip: ClipReader, indices: Sequence[int], tools: Tools) -> MaskFrames | str:
    """The masks at these frames, or why there are none: "mask_unreadable", "mask_of_other_size".

    A mask of another size but the same shape is one all the same: it is stretched over the frame when it is used.
    """
    try:
        with open_clip(path, tools) as reader:
            info = reader.info
            ratio = (info.width_px * clip.info.height_px) / (info.height_px * clip.info.width_px)
            if abs(ratio - 1) > SAME_SHAPE:
                return "mask_of_other_size"
            masks = MaskFrames((info.height_px, info.width_px), {})
            there = [index for index in indices if index < len(reader.times_s)]
            with closing(frames_ahead(reader, there, find_cuts=False)) as frames:
                for frame in frames:
                    masks.by_frame[frame.index] = np.packbits(frame.image.max(axis=2) >= MASK_LEVEL)
    except MediaError:
        return "mask_unreadable"
    return masks


@dataclass(frozen=True, slots=True)
class Labelled:
    """One face with what is known of it. label_from, mask_bytes: as in `FaceRecord`."""

    face: CutFace
    label: Label
    label_from: str = "clip"
    mask_bytes: bytes | None = None


def by_mask(
    faces: Sequence[CutFace], masks: MaskFrames, frame_wh: tuple[int, int], *, whole: bool = False
) -> list[Labelled]:
    """FAKE what the mask of its frame covers, REAL what it does not; a frame without a mask keeps the clip's label.

    whole: every picture is one crop, and so is its mask.
    """
    labelled = []
    for face in faces:
        mask = masks.of(face.frame_index)
        if mask is None:
            labelled.append(Labelled(face, Label.FAKE))
            continue
        mask = _stretched(mask, face.square[2:] if whole else frame_wh)
        if _covered(face, mask) >= LEAST_COVERED:
            cut = mask if whole else cut_square(mask, *face.square[:2], face.square[2] - face.square[0])
            labelled.append(Labelled(face, Label.FAKE, "mask", encode_png(_stretched(cut, face.size_wh))))
        else:
            labelled.append(Labelled(face, Label.REAL, "mask"))
    return labelled


def _covered(face: CutFace, mask: UInt8Array) -> float:
    """Share of the face's box that the mask covers."""
    left, top, right, bottom = (round(float(v)) for v in face.box_xyxy)
    inside = mask[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    return float(np.count_nonzero(inside)) / max(1, (right - left) * (bottom - top))


def _stretched(mask: UInt8Array, size_wh: tuple[int, ...]) -> UInt8Array:
    if mask.shape[::-1] == tuple(size_wh):
        return mask
    return np.asarray(cv2.resize(mask, tuple(size_wh), interpolation=cv2.INTER_NEAREST), np.uint8)


# ---- by difference ----

# Measured by benchmarks/untouched_faces.py on 15 real clips and 8 frames each, at x264 crf 23 and 40, the second copy
# encoded from a slightly noisy source: of an untouched face `inside` is at most 0.4 (crf 23) and 2.5 (crf 40), and at
# most 0.9 times `around`; of a self-blended one it is 3.8 and more, and 1.7 times and more. Changes of the mouth alone
# are subtler than that: the bounds lie nearer to what is untouched.
LEAST_DIFFERENCE = 0.8
LEAST_OVER_SURROUNDINGS = 1.2
EQUAL_DIFFERENCE = 0.4
# Grey levels around the faces, frame by frame: at most 2.9 between two encodings of one clip. (A copy that is late by a
# frame or three is not told by this, and does no harm: the heads have hardly moved.)
MOST_AROUND = 3.5
_GROWN = 0.1  # of the box, on each side: what is just outside belongs to neither
_STRONGEST = 0.9  # quantile: a tenth of the face is about a mouth


@dataclass(frozen=True, slots=True)
class FaceDifference:
    """What stays different between one face of a fake and of its original, averaged over the frames (grey levels).

    inside, around: of the strongest tenth in the face box, and in the crop outside of it.
    """

    inside: float
    around: float

    @property
    def is_touched(self) -> bool:
        return self.inside >= max(LEAST_DIFFERENCE, LEAST_OVER_SURROUNDINGS * self.around)

    @property
    def is_equal(self) -> bool:
        """Nothing but what an encoder of good quality does to two copies of one picture."""
        return self.inside < EQUAL_DIFFERENCE


Pair = tuple[CutFace, CutFace]  # (face of the fake, the same face of its original)


def by_difference(pairs: Sequence[Pair]) -> tuple[list[Labelled], str]:
    """FAKE what differs from the original, REAL what does not; and a remark, or "".

    Where faces are seen together, each must show a difference of its own. A face that is alone in its frames keeps
    the clip's label, even if it differs little ("little_difference": a subtle change, at poor quality), unless it is
    equal to the original. Where nothing differs no face is returned ("no_difference"): only the sound was changed, or
    the label is wrong.
    """
    found = _differences(pairs)
    counts = Counter(fake.frame_index for fake, _ in pairs)
    together = {fake.track_id for fake, _ in pairs if counts[fake.frame_index] > 1}
    fakes = {track for track, one in found.items() if one.is_touched or (track not in together and not one.is_equal)}
    if not fakes:
        return [], "no_difference"
    labels = {track: Label.FAKE if track in fakes else Label.REAL for track in found}
    labelled = [
        Labelled(fake, labels[fake.track_id], "difference" if found[fake.track_id].is_touched else "clip")
        if labels[fake.track_id] is Label.FAKE
        else Labelled(fake, Label.REAL, "difference")
        for fake, _ in pairs
    ]
    return labelled, "" if any(found[track].is_touched for track in fakes) else "little_difference"


def is_aligned(pairs: Sequence[Pair]) -> bool:
    """Do the surroundings of the faces stay what they are in the original?"""
    around = []
    for fake, original in pairs:
        _, outside = _regions([original])
        around.append(float(np.median(np.abs(_change(fake, original)).mean(axis=2)[outside])))
    return bool(around) and float(np.median(around)) <= MOST_AROUND


def _differences(pairs: Sequence[Pair]) -> dict[int, FaceDifference]:
    """Track id -> difference. Encoding noise changes sign from frame to frame, another face does not."""
    by_track: dict[int, list[Pair]] = defaultdict(list)
    for pair in pairs:
        by_track[pair[0].track_id].append(pair)
    return {track: difference_of(found) for track, found in by_track.items()}


def difference_of(pairs: Sequence[Pair]) -> FaceDifference:
    """Of one face, over its frames (at least one)."""
    lasting = np.mean([_change(*pair) for pair in pairs], axis=0)
    strength = cv2.blur(np.abs(lasting).mean(axis=2).astype(np.float32), (3, 3))
    face, outside = _regions([original for _, original in pairs])
    return FaceDifference(
        float(np.quantile(strength[face], _STRONGEST)), float(np.quantile(strength[outside], _STRONGEST))
    )


def _change(fake: CutFace, original: CutFace) -> Float32Array:
    return cv2.blur(fake.small.astype(np.float32) - original.small.astype(np.float32), (3, 3)).astype(np.float32)


def _regions(faces: Sequence[CutFace]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(SMALL_PX, SMALL_PX) masks: the mean face box, and what lies well outside of it."""
    boxes = [face.in_crop(face.box_xyxy.reshape(2, 2)) * (SMALL_PX / np.array(face.size_wh)) for face in faces]
    corners = np.mean(boxes, axis=0)
    inside, grown = np.zeros((2, SMALL_PX, SMALL_PX), np.bool_)
    _fill(inside, corners)
    middle = corners.mean(axis=0)
    _fill(grown, middle + (corners - middle) * (1 + 2 * _GROWN))
    outside = ~grown
    return inside, outside if outside.any() else inside  # a crop without margin has no surroundings


def _fill(region: NDArray[np.bool_], corners: NDArray[np.floating[Any]]) -> None:
    left, top, right, bottom = (int(v) for v in np.clip(np.rint(corners.ravel()), 0, SMALL_PX))
    left, top = min(left, SMALL_PX - 1), min(top, SMALL_PX - 1)
    region[top : max(bottom, top + 1), left : max(right, left + 1)] = True
