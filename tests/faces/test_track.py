"""Tracks: ids stay under smooth motion, nobody crosses a cut, N people are N tracks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.faces.track import (
    HISTOGRAM_BINS,
    TrackFrame,
    colour_histogram,
    gaps_s,
    link_tracks,
    merge_duplicates,
)
from dfdetect.values import FaceDetections
from fake_faces import scene


def detections(boxes: list[tuple[float, float, float, float]], scores: list[float] | None = None) -> FaceDetections:
    array = np.array(boxes, np.float32).reshape(-1, 4)
    score = np.array(scores if scores is not None else [0.9] * len(boxes), np.float32)
    return FaceDetections(array, score, np.zeros((len(boxes), 5, 2), np.float32))


def histogram(person: int) -> np.ndarray:
    """Colours of one person: mass spread over bins that depend on the person."""
    rng = np.random.default_rng(person)
    mass = rng.random(HISTOGRAM_BINS).astype(np.float32) ** 2
    return mass / mass.sum()


def frame(
    index: int,
    boxes: list[tuple[float, float, float, float]],
    *,
    people: list[int] | None = None,
    step_s: float = 0.4,
) -> TrackFrame:
    rows = [histogram(person) for person in (people or [0] * len(boxes))]
    stacked = np.stack(rows) if rows else np.zeros((0, HISTOGRAM_BINS), np.float32)
    return TrackFrame(index, index * step_s, detections(boxes), stacked)


def square(x: float, y: float, side: float = 100.0) -> tuple[float, float, float, float]:
    return (x - side / 2, y - side / 2, x + side / 2, y + side / 2)


@settings(deadline=None, max_examples=40)
@given(
    n_people=st.integers(1, 6),
    n_frames=st.integers(2, 30),
    side=st.floats(30, 300),
    speed=st.floats(0, 0.8),
    seed=st.integers(0, 2**32 - 1),
)
def test_people_who_do_not_cross_keep_their_ids(
    n_people: int, n_frames: int, side: float, speed: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    # A row of people 3 faces apart that sways together and jitters: nobody comes nearer than 2 faces to another.
    sway = np.cumsum(rng.uniform(-speed, speed, n_frames)) * side
    frames, owner = [], {}
    for index in range(n_frames):
        order = rng.permutation(n_people)
        boxes = []
        for row, person in enumerate(order):
            x, y = sway[index] + 3 * side * person, rng.uniform(-0.1, 0.1) * side
            boxes.append(square(x + rng.uniform(-0.1, 0.1) * side, y, side * rng.uniform(0.9, 1.1)))
            owner[index, row] = int(person)
        frames.append(frame(index, boxes, people=[int(person) for person in order]))
    tracks = link_tracks(frames)
    assert len(tracks) == n_people
    assert [track.id for track in tracks] == list(range(1, n_people + 1))
    for track in tracks:
        assert len({owner[member] for member in track.members}) == 1
        assert [index for index, _ in track.members] == list(range(n_frames))


@settings(deadline=None, max_examples=40)
@given(
    counts=st.lists(st.integers(0, 5), min_size=1, max_size=25),
    cuts=st.lists(st.floats(0, 12), max_size=4),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_detection_is_in_one_track_and_none_crosses_a_cut(
    counts: list[int], cuts: list[float], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    frames = [
        frame(i, [square(*rng.uniform(0, 400, 2), rng.uniform(20, 150)) for _ in range(n)])
        for i, n in enumerate(counts)
    ]
    tracks = link_tracks(frames, cuts)
    members = [member for track in tracks for member in track.members]
    assert sorted(members) == [(i, row) for i, n in enumerate(counts) for row in range(n)]
    for track in tracks:
        indices = [index for index, _ in track.members]
        assert indices == sorted(set(indices))
        times_s = [frames[index].time_s for index in indices]
        assert not any(times_s[0] < cut <= times_s[-1] for cut in cuts)


def test_a_face_at_the_same_place_after_a_cut_is_a_new_track() -> None:
    """Shot and counter-shot put two people at one place; one track over both would mix a real and a fake face."""
    frames = [frame(i, [square(200, 200)]) for i in range(10)]
    tracks = link_tracks(frames, [5 * 0.4])
    assert [[index for index, _ in track.members] for track in tracks] == [list(range(5)), list(range(5, 10))]


@pytest.mark.parametrize(
    ("missing", "tracks"),
    [
        ([], 1),
        ([4], 1),  # 0.8 s
        ([4, 5, 6], 1),  # 1.6 s
        ([4, 5, 6, 7, 8, 9], 2),  # 2.8 s
    ],
)
def test_a_face_comes_back_within_two_seconds(missing: list[int], tracks: int) -> None:
    frames = [frame(i, [] if i in missing else [square(200, 200)]) for i in range(20)]
    found = link_tracks(frames)
    assert len(found) == tracks
    if missing and tracks == 1:
        expected = (frames[missing[0] - 1].time_s, frames[missing[-1] + 1].time_s)
        assert gaps_s(found[0], frames) == (expected,)
    else:
        assert all(gaps_s(track, frames) == () for track in found)


def test_sparse_sampling_of_a_long_clip_still_links() -> None:
    """256 frames of a 2 h film are 28 s apart: with a fixed gap of 2 s each frame would be a track of its own."""
    frames = [frame(i, [square(200, 200)], step_s=28.0) for i in range(10)]
    assert len(link_tracks(frames)) == 1


def test_another_person_in_the_same_place_is_a_new_track_by_colour() -> None:
    light, dark = scene((100, 100, 100, 230)), scene((100, 100, 100, 30))
    box = np.array([100, 100, 200, 200], np.float32)
    frames = [
        TrackFrame(i, 0.4 * i, detections([tuple(box)]), colour_histogram(image, box)[None])
        for i, image in enumerate([light, light, dark, dark])
    ]
    assert [len(track.members) for track in link_tracks(frames)] == [2, 2]


def test_no_frames_and_empty_frames_give_no_tracks() -> None:
    assert link_tracks([]) == ()
    assert link_tracks([frame(i, []) for i in range(5)], [0.5]) == ()


def test_frames_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="order of time"):
        link_tracks([frame(3, []), frame(1, [])])


@pytest.mark.parametrize(
    ("boxes", "scores", "kept"),
    [
        ([], [], []),
        ([square(100, 100), square(105, 100)], [0.8, 0.9], [0.9]),  # near twins
        ([square(100, 100), square(100, 110, 40)], [0.9, 0.7], [0.9]),  # one inside the other
        ([square(100, 100), square(190, 100)], [0.9, 0.8], [0.9, 0.8]),  # cheek to cheek
        ([square(100, 100), square(400, 100)], [0.5, 0.8], [0.8, 0.5]),  # best first
    ],
)
def test_merge_duplicates(boxes: list, scores: list[float], kept: list[float]) -> None:
    assert merge_duplicates(detections(boxes, scores)).score.tolist() == pytest.approx(kept)


def test_colour_histogram_sums_to_one_and_survives_the_border() -> None:
    image = scene((0, 0, 50, 128))
    for box in ([0, 0, 50, 50], [-30, -30, 40, 40], [600, 300, 700, 400], [900, 900, 950, 950]):
        found = colour_histogram(image, np.array(box, np.float32))
        assert found.shape == (HISTOGRAM_BINS,)
        assert found.dtype == np.float32
        assert float(found.sum()) == pytest.approx(1.0, abs=1e-5)
