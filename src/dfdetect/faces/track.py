"""Faces of single frames -> one face over time, by place, size and colour; never by who it is.

Frames are samples, often 0.3-0.5 s apart, so the usual overlap alone is not enough: the cost adds how far the face
moved in units of its own size, and how much its colours changed. Assignment is optimal per frame (Jonker & Volgenant
1987, in lapx). No identity embedding is ever computed: a track tells that a face stayed, not whose it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from dfdetect.values import FaceDetections, FaceTrack, Float32Array, UInt8Array

MAX_GAP_S = 2.0  # a face that turns away or is covered comes back within this, or it is a new track
GAP_STEPS = 1.5  # and never less than this many sampling steps, for clips that are sampled sparsely
DUPLICATE_IOU = 0.5  # two boxes that share this much are one face
DUPLICATE_INSIDE = 0.8  # so are two of which one lies inside the other by this much

MAX_MOVE_FACES = 1.0  # a head moves at most this many face sides between frames that follow at once,
MOVE_FACES_PER_S = 2.0  # plus this many a second,
MAX_MOVE_CAP_FACES = 3.0  # but never more than this, however long the gap
MAX_SIZE_RATIO = 2.0  # nor does it grow or shrink by more between two samples
MAX_COLOUR_CHANGE = 0.5  # Hellinger distance 0..1 of the histograms: at most 0.28 in 69 clips; of two people median 0.5

_MOVE_WEIGHT, _OVERLAP_WEIGHT, _COLOUR_WEIGHT = 0.4, 0.3, 0.3  # each term is 0..1
_REFUSED = 1e3  # more than any sum of the terms
_COLOUR_MEMORY = 0.7  # share of the old histogram when a track is updated: light changes slowly

_LIGHT_BINS = 8
_CHROMA_BINS = 16
_CHROMA_RANGE = (96.0, 192.0)  # of OpenCV's 8-bit Lab; skin, lips and hair lie well inside
HISTOGRAM_BINS = _LIGHT_BINS + _CHROMA_BINS**2
_HISTOGRAM_SIDE_PX = 32


@dataclass(frozen=True, slots=True)
class TrackFrame:
    """What tracking needs of one frame. histograms: (N, HISTOGRAM_BINS) float32, one row a detection."""

    index: int
    time_s: float
    detections: FaceDetections
    histograms: Float32Array


@dataclass(slots=True)
class _Open:
    """A track that may still grow."""

    box_xyxy: NDArray[np.float64]
    histogram: Float32Array
    time_s: float
    members: list[tuple[int, int]] = field(default_factory=list)


def colour_histogram(image: UInt8Array, box_xyxy: Float32Array) -> Float32Array:
    """Colours of the inner face: (HISTOGRAM_BINS,) float32 that sums to 1, lightness and Lab chroma.

    image: (H, W, 3) uint8 RGB. A box wholly outside the frame gives an even histogram.
    """
    left, top, right, bottom = (float(v) for v in box_xyxy)
    inset_x, inset_y = 0.1 * (right - left), 0.1 * (bottom - top)
    height, width = image.shape[:2]
    x0, x1 = max(0, round(left + inset_x)), min(width, round(right - inset_x))
    y0, y1 = max(0, round(top + inset_y)), min(height, round(bottom - inset_y))
    if x1 <= x0 or y1 <= y0:
        return np.full(HISTOGRAM_BINS, 1.0 / HISTOGRAM_BINS, np.float32)
    small = cv2.resize(image[y0:y1, x0:x1], (_HISTOGRAM_SIDE_PX,) * 2, interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    # Both are smoothed, because a small change of light moves pixels over the edge of a bin.
    light = np.convolve(cv2.calcHist([lab], [0], None, [_LIGHT_BINS], [0, 256]).ravel(), (0.25, 0.5, 0.25), "same")
    lab[..., 1:] = np.clip(lab[..., 1:], _CHROMA_RANGE[0], _CHROMA_RANGE[1] - 1)
    chroma = cv2.calcHist([lab], [1, 2], None, [_CHROMA_BINS] * 2, [*_CHROMA_RANGE] * 2)
    chroma = cv2.GaussianBlur(chroma, (0, 0), 0.8, borderType=cv2.BORDER_REPLICATE).ravel()
    joined = np.concatenate([light / light.sum(), chroma / chroma.sum()])
    return np.asarray(joined / 2.0, np.float32)


def merge_duplicates(detections: FaceDetections) -> FaceDetections:
    """Leave one box a face: of two that overlap, or lie one in the other, the better-scored one stays."""
    boxes = detections.boxes_xyxy.astype(np.float64)
    keep: list[int] = []
    for row in np.argsort(-detections.score, kind="stable"):
        if not any(_same_face(boxes[row], boxes[kept]) for kept in keep):
            keep.append(int(row))
    return FaceDetections(detections.boxes_xyxy[keep], detections.score[keep], detections.landmarks[keep])


def link_tracks(
    frames: Sequence[TrackFrame], cuts_s: Sequence[float] = (), *, max_gap_s: float = MAX_GAP_S
) -> tuple[FaceTrack, ...]:
    """Join the faces of sampled frames into tracks, numbered from 1 in the order in which they begin.

    Every detection belongs to exactly one track and a track has at most one face a frame. A track ends at a cut (a
    cut at time c parts the frames before c from those at c and later) and when it was not seen for max_gap_s.

    Raises:
        ValueError: the frames are not in order of time.
    """
    times_s = np.array([frame.time_s for frame in frames])
    if np.any(np.diff(times_s) < 0):
        raise ValueError("link_tracks: frames must come in order of time")
    step_s = float(np.median(np.diff(times_s))) if len(frames) > 1 else 0.0
    gap_s = max(max_gap_s, GAP_STEPS * step_s)
    shots = np.searchsorted(np.sort(np.asarray(cuts_s, np.float64)), times_s, side="right")
    done: list[_Open] = []
    alive: list[_Open] = []
    for position, frame in enumerate(frames):
        if position and shots[position] != shots[position - 1]:
            done, alive = done + alive, []
        done += [track for track in alive if frame.time_s - track.time_s > gap_s]
        alive = [track for track in alive if frame.time_s - track.time_s <= gap_s]
        alive += _extend(alive, frame)
    everything = [track for track in done + alive if track.members]
    everything.sort(key=lambda track: track.members[0])
    return tuple(FaceTrack(number, tuple(track.members)) for number, track in enumerate(everything, start=1))


def gaps_s(track: FaceTrack, frames: Sequence[TrackFrame]) -> tuple[tuple[float, float], ...]:
    """Spans (last seen, seen again) in seconds between which sampled frames did not show the face."""
    place = {frame.index: position for position, frame in enumerate(frames)}
    seen = [place[index] for index, _ in track.members]
    return tuple((frames[a].time_s, frames[b].time_s) for a, b in pairwise(seen) if b - a > 1)


def _extend(alive: list[_Open], frame: TrackFrame) -> list[_Open]:
    """Give each face of the frame to the track it fits best; return the tracks begun by those that fit none."""
    boxes = frame.detections.boxes_xyxy.astype(np.float64)
    taken = _assign(alive, frame, boxes)
    begun: list[_Open] = []
    for row in range(len(boxes)):
        member = (frame.index, row)
        track = taken.get(row)
        if track is None:
            begun.append(_Open(boxes[row], frame.histograms[row], frame.time_s, [member]))
            continue
        track.members.append(member)
        track.box_xyxy, track.time_s = boxes[row], frame.time_s
        mixed = _COLOUR_MEMORY * track.histogram + (1 - _COLOUR_MEMORY) * frame.histograms[row]
        track.histogram = np.asarray(mixed, np.float32)
    return begun


def _assign(alive: list[_Open], frame: TrackFrame, boxes: NDArray[np.float64]) -> dict[int, _Open]:
    """Row of the frame -> the open track it continues."""
    if not alive or not len(boxes):
        return {}
    import lap

    cost = np.array([[_cost(track, frame, boxes, row) for row in range(len(boxes))] for track in alive])
    _, row_of_track, _ = lap.lapjv(cost, extend_cost=True, cost_limit=_REFUSED)
    pairs = ((track, int(row)) for track, row in enumerate(row_of_track) if row >= 0)
    return {row: alive[track] for track, row in pairs if cost[track, row] < _REFUSED}


def _cost(track: _Open, frame: TrackFrame, boxes: NDArray[np.float64], row: int) -> float:
    """0 for the same place and colours, at most 1; _REFUSED where it cannot be the same face."""
    old, new = track.box_xyxy, boxes[row]
    old_side, new_side = _side(old), _side(new)
    ratio = max(old_side, new_side) / min(old_side, new_side)
    gone_s = frame.time_s - track.time_s
    allowed = min(MAX_MOVE_FACES + MOVE_FACES_PER_S * gone_s, MAX_MOVE_CAP_FACES)
    moved = float(np.hypot(*(_centre(new) - _centre(old)))) / (0.5 * (old_side + new_side))
    overlap = float(np.sum(np.sqrt(track.histogram * frame.histograms[row])))
    colour = float(np.sqrt(max(0.0, 1.0 - overlap)))
    if moved > allowed or ratio > MAX_SIZE_RATIO or colour > MAX_COLOUR_CHANGE:
        return _REFUSED
    shared, union, _ = _overlap(old, new)
    return _MOVE_WEIGHT * moved / allowed + _OVERLAP_WEIGHT * (1 - shared / union) + _COLOUR_WEIGHT * colour


def _same_face(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    shared, union, smaller = _overlap(one, other)
    return shared > DUPLICATE_IOU * union or shared > DUPLICATE_INSIDE * smaller


def _overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, float, float]:
    """Area shared by two boxes, area of both together, area of the smaller one; none is below a tiny positive."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    shared = float(np.prod(np.maximum(sides, 0.0)))
    areas = [max(float(np.prod(np.maximum(box[2:] - box[:2], 0.0))), 1e-9) for box in (one, other)]
    return shared, sum(areas) - shared, min(areas)


def _side(box: NDArray[np.float64]) -> float:
    return max(1e-6, float(np.max(box[2:] - box[:2])))


def _centre(box: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.5 * (box[:2] + box[2:]), np.float64)
