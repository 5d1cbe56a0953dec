"""Scoring: pooling, what counts, and every rule of the verdict."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.calibration import sigmoid, uncalibrated
from dfdetect.errors import LimitCode, ReasonCode
from dfdetect.scoring import (
    MAX_BLUR,
    MAX_FLIP_SPREAD,
    MAX_YAW_DEG,
    MIN_FACE_PX,
    MIN_USABLE_FRAMES,
    Decision,
    TrackScores,
    bootstrap_interval,
    counted_tracks,
    decide,
    decide_frames,
    faults,
    pool_frames,
    pool_track,
)
from dfdetect.values import FaceQuality, FaceScore, Verdict
from tiny_bundle import tiny_calibration

CALIBRATION = tiny_calibration(likely=0.9, clear=0.5)
LIKELY, UNSURE, CLEAR, NONE = (
    Verdict.LIKELY_MANIPULATED,
    Verdict.INCONCLUSIVE,
    Verdict.NO_MANIPULATION_FOUND,
    Verdict.NOT_APPLICABLE,
)
GOOD = FaceQuality(face_px=120, blur=0.1, yaw_deg=0, detector_score=0.9)
SMALL = FaceQuality(face_px=MIN_FACE_PX - 1, blur=0.1, yaw_deg=0, detector_score=0.9)
BLURRED = FaceQuality(face_px=120, blur=MAX_BLUR + 0.01, yaw_deg=0, detector_score=0.9)
TURNED = FaceQuality(face_px=120, blur=0.1, yaw_deg=-(MAX_YAW_DEG + 1), detector_score=0.9)
HIGH, MIDDLE, LOW = 4.0, 1.0, -2.0  # logits: 0.98, 0.73, 0.12


def track(
    number: int = 1,
    logits: float | Sequence[float] = LOW,
    n: int = 20,
    *,
    quality: FaceQuality | Sequence[FaceQuality] = GOOD,
    flip_spread: float | None = None,
) -> TrackScores:
    values = [logits] * n if isinstance(logits, float) else list(logits)
    qualities = [quality] * len(values) if isinstance(quality, FaceQuality) else list(quality)
    scores = tuple(
        FaceScore(float(sigmoid(v)), v, 10 * i, 0.5 * i, number, (0, 0, 100, 100), q)
        for i, (v, q) in enumerate(zip(values, qualities, strict=True))
    )
    return TrackScores(number, scores, (), flip_spread)


def judge(*tracks: TrackScores, kind: str = "video", seed: int = 0) -> Decision:
    return decide(kind, tracks, CALIBRATION, np.random.default_rng(seed))


def codes(decision: Decision) -> set[ReasonCode]:
    return {reason.code for reason in decision.reasons}


# ---- pooling ----


@settings(deadline=None)
@given(st.lists(st.floats(-50, 50), min_size=1, max_size=60))
def test_pool_lies_within_the_frames_and_ignores_their_order(logits: list[float]) -> None:
    pooled = pool_track(logits)
    assert min(logits) - 1e-9 <= pooled <= max(logits) + 1e-9
    assert pooled == pool_track(logits[::-1])


def test_pool_trims_a_tenth_at_each_end() -> None:
    assert pool_track([0.0] * 8 + [1e6, -1e6]) == 0.0
    assert pool_track([1.0, 2.0, 6.0]) == 3.0


@pytest.mark.parametrize("bad", [[], [1.0, float("nan")], [float("inf")]])
def test_pool_refuses(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="pool_track"):
        pool_track(bad)


def test_interval_holds_the_pooled_value_repeats_and_narrows() -> None:
    rng = np.random.default_rng(0)
    few, many = rng.normal(0, 2, 8), rng.normal(0, 2, 200)
    narrow, wide = (bootstrap_interval(x, CALIBRATION, np.random.default_rng(1)) for x in (many, few))
    assert narrow[0] < CALIBRATION.probability(pool_track(many)) < narrow[1]
    assert narrow[1] - narrow[0] < wide[1] - wide[0]
    assert narrow == bootstrap_interval(many, CALIBRATION, np.random.default_rng(1))


# ---- one track ----


@pytest.mark.parametrize(
    ("quality", "fault"),
    [
        (GOOD, None),
        (SMALL, ReasonCode.FACE_TOO_SMALL),
        (BLURRED, ReasonCode.FACE_BLURRED),
        (TURNED, ReasonCode.EXTREME_POSE),
    ],
)
def test_faults(quality: FaceQuality, fault: ReasonCode | None) -> None:
    assert faults(quality) == (() if fault is None else (fault,))


@pytest.mark.parametrize("kind", ["image", "video"])
@pytest.mark.parametrize(
    ("logit", "verdict", "reason"),
    [
        (HIGH, LIKELY, None),
        (MIDDLE, UNSURE, ReasonCode.SCORE_BETWEEN_THRESHOLDS),
        (LOW, CLEAR, ReasonCode.SCORES_LOW),
    ],
)
def test_verdict_by_score(kind: str, logit: float, verdict: Verdict, reason: ReasonCode | None) -> None:
    high = ReasonCode.TRACK_SCORE_HIGH if kind == "video" else ReasonCode.SCORE_HIGH
    found = judge(track(logits=logit, n=20 if kind == "video" else 1), kind=kind)
    assert (found.verdict, codes(found)) == (verdict, {reason or high})
    assert found.probability == pytest.approx(float(sigmoid(logit)))
    assert (found.interval is None) is (kind == "image")
    assert found.thresholds is not None
    assert found.thresholds.likely_manipulated == 0.9


def test_without_a_calibration_the_reason_is_that_and_no_bound_is_named() -> None:
    """It said "between 0.00 and 1.00: real and fake both occur", which was neither measured nor helpful."""
    found = decide("image", [track(logits=HIGH, n=1)], uncalibrated(), np.random.default_rng(0))
    assert found.verdict is UNSURE
    assert "says nothing until `dfdetect calibrate`" in found.reasons[0].text


@pytest.mark.parametrize("logit", [HIGH, MIDDLE, LOW])
@pytest.mark.parametrize(
    ("quality", "n", "reason"),
    [
        (SMALL, 20, ReasonCode.FACE_TOO_SMALL),
        (BLURRED, 20, ReasonCode.FACE_BLURRED),
        (TURNED, 20, ReasonCode.EXTREME_POSE),
        (GOOD, MIN_USABLE_FRAMES - 1, ReasonCode.TOO_FEW_FRAMES),
    ],
)
def test_what_cannot_be_seen_gives_no_verdict_whatever_the_score(
    logit: float, quality: FaceQuality, n: int, reason: ReasonCode
) -> None:
    """A blurred or tiny face often scores high or low for reasons of its own; that must not become a verdict."""
    found = judge(track(logits=logit, n=n, quality=quality))
    assert found.verdict is UNSURE
    assert codes(found) == {ReasonCode.NO_USABLE_FACE, reason}
    assert found.probability is not None
    if quality is not GOOD:
        still = judge(track(logits=logit, n=1, quality=quality), kind="image")
        assert (still.verdict, codes(still)) == (UNSURE, {ReasonCode.NO_USABLE_FACE, reason})


def test_a_still_needs_one_frame_only() -> None:
    assert judge(track(logits=HIGH, n=1), kind="image").verdict is LIKELY


def test_frames_that_cannot_be_judged_do_not_enter_the_score() -> None:
    found = judge(track(logits=[HIGH] * 10 + [LOW] * 10, quality=[BLURRED] * 10 + [GOOD] * 10))
    assert found.verdict is CLEAR
    assert found.probability == pytest.approx(float(sigmoid(LOW)))


def test_few_good_frames_among_bad_ones_name_the_fault() -> None:
    found = judge(track(logits=HIGH, n=12, quality=[GOOD] * 4 + [TURNED] * 8))
    assert codes(found) == {ReasonCode.NO_USABLE_FACE, ReasonCode.EXTREME_POSE}


def test_frames_that_disagree_are_inconclusive() -> None:
    logits = [9.0] * 4 + [-6.0] * 3
    found = judge(track(logits=logits))
    assert found.probability is not None
    assert found.probability > 0.9
    assert (found.verdict, codes(found)) == (UNSURE, {ReasonCode.FRAMES_DISAGREE})


@pytest.mark.parametrize("logit", [HIGH, LOW])
def test_a_still_that_changes_when_mirrored_is_inconclusive(logit: float) -> None:
    found = judge(track(logits=logit, n=1, flip_spread=MAX_FLIP_SPREAD + 0.01), kind="image")
    assert (found.verdict, codes(found)) == (UNSURE, {ReasonCode.FRAMES_DISAGREE})
    assert judge(track(logits=logit, n=1, flip_spread=MAX_FLIP_SPREAD), kind="image").verdict is not UNSURE


def test_a_high_reason_says_when() -> None:
    logits = [3.0] * 2 + [1.8] * 1 + [6.0] * 12 + [1.9] * 5
    (reason,) = judge(track(logits=logits)).reasons
    assert (reason.track, reason.start_s, reason.end_s) == (1, 1.5, 7.0)


# ---- one file ----


def test_no_track_is_not_applicable() -> None:
    found = judge()
    assert (found.verdict, codes(found), found.probability, found.thresholds) == (
        NONE,
        {ReasonCode.NO_FACE},
        None,
        None,
    )


@pytest.mark.parametrize(
    ("tracks", "verdict", "n_counted"),
    [
        ([track(1, LOW), track(2, HIGH)], LIKELY, 2),
        ([track(1, MIDDLE), track(2, HIGH)], LIKELY, 2),
        ([track(1, HIGH, quality=BLURRED), track(2, HIGH)], LIKELY, 1),
        ([track(1, LOW), track(2, MIDDLE)], UNSURE, 2),
        ([track(1, LOW), track(2, LOW)], CLEAR, 2),
        ([track(1, LOW), track(2, LOW, quality=BLURRED)], UNSURE, 1),  # a prominent face that cannot be judged
        ([track(1, LOW), track(2, LOW, quality=FaceQuality(50, 0, 0, 0.9))], CLEAR, 1),  # far background
        ([track(1, LOW, 50), track(2, HIGH, 2)], CLEAR, 1),  # a flicker of false detection
        ([track(1, LOW, 50), track(2, HIGH, 6)], UNSURE, 1),  # short, but high: not passed over in silence
        ([track(1, LOW, 50), track(2, MIDDLE, 6)], CLEAR, 1),
        ([track(1, LOW, 50), track(2, HIGH, 10)], LIKELY, 2),  # 20 % of the longest lasts
        ([track(1, LOW, 50, quality=SMALL), track(2, HIGH, 6)], LIKELY, 1),  # lasting is among those that can be judged
    ],
)
def test_file_verdict(tracks: list[TrackScores], verdict: Verdict, n_counted: int) -> None:
    found = judge(*tracks)
    assert found.verdict is verdict
    assert found.n_counted == n_counted == len(counted_tracks("video", tracks))
    assert [t.id for t in found.tracks] == [t.id for t in tracks]
    assert {reason.track for reason in found.reasons} <= {t.id for t in tracks}
    assert counted_tracks("video", found.tracks) == counted_tracks("video", tracks)


def test_file_score_is_that_of_the_highest_counted_track() -> None:
    found = judge(track(1, LOW, 50), track(2, MIDDLE, 30), track(3, HIGH, 6))
    assert found.probability == pytest.approx(float(sigmoid(MIDDLE)))


def test_a_repeat_gives_the_same_decision() -> None:
    logits = np.random.default_rng(0).normal(0, 3, 40).tolist()
    assert judge(track(logits=logits), seed=7) == judge(track(logits=logits), seed=7)


@settings(deadline=None)
@given(
    logits=st.lists(st.lists(st.floats(-8, 8), min_size=1, max_size=12), max_size=4),
    kind=st.sampled_from(["image", "video"]),
    quality=st.sampled_from([GOOD, SMALL, BLURRED, TURNED]),
)
def test_every_input_gets_one_consistent_decision(logits: list[list[float]], kind: str, quality: FaceQuality) -> None:
    found = judge(*(track(n, values, quality=quality) for n, values in enumerate(logits, start=1)), kind=kind)
    assert found.reasons
    assert (found.probability is None) is (found.verdict is NONE) is (not logits)
    assert (found.thresholds is None) is (not logits)
    if quality is not GOOD:
        assert found.verdict in (UNSURE, NONE)
    if found.verdict is LIKELY:
        assert found.probability is not None
        assert found.probability > 0.9


def test_every_code_is_documented() -> None:
    page = (Path(__file__).parents[1] / "docs" / "scores.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([a-z_]+)` \|", page, flags=re.MULTILINE))
    expected = {str(code) for enum in (ReasonCode, LimitCode, Verdict) for code in enum}
    assert documented >= expected, f"docs/scores.md lacks {sorted(expected - documented)}"


# ---- as benchmarks pool ----


@given(st.lists(st.floats(-60, 60), min_size=1, max_size=40))
def test_pooled_frames_are_the_mean_probability(logits: list[float]) -> None:
    mean = float(np.mean([1 / (1 + np.exp(-v)) for v in logits]))
    assert float(sigmoid(pool_frames(logits))) == pytest.approx(mean, abs=1e-9)


def test_pooled_frames_that_are_all_sure_stay_finite() -> None:
    assert np.isfinite(pool_frames([900.0, 900.0]))
    assert np.isfinite(pool_frames([-900.0]))
    with pytest.raises(ValueError, match="finite"):
        pool_frames([np.nan])


def test_a_benchmark_takes_the_highest_face_of_each_frame_and_asks_no_quality() -> None:
    one, two = track(1, [LOW, HIGH, LOW], quality=SMALL), track(2, [MIDDLE, LOW, HIGH])
    found = decide_frames("video", [*one.scores, *two.scores], CALIBRATION, np.random.default_rng(0))
    (pooled,) = found.tracks
    assert [score.logit for score in pooled.scores] == [MIDDLE, HIGH, HIGH]
    assert [score.track_id for score in pooled.scores] == [2, 1, 2]
    assert found.probability == pytest.approx(float(np.mean(sigmoid(np.array([MIDDLE, HIGH, HIGH])))))
    assert found.interval is not None
    assert found.interval[0] <= found.probability <= found.interval[1]
    assert (found.verdict, found.n_counted) == (UNSURE, 1)


@pytest.mark.parametrize(("logit", "verdict"), [(HIGH, LIKELY), (MIDDLE, UNSURE), (LOW, CLEAR)])
def test_a_benchmarks_verdict_is_where_the_score_lies(logit: float, verdict: Verdict) -> None:
    found = decide_frames("image", track(1, logit, 1).scores, CALIBRATION, np.random.default_rng(0))
    assert found.verdict is verdict
    assert found.interval is None


def test_a_benchmark_without_a_face_has_no_number() -> None:
    found = decide_frames("video", [], CALIBRATION, np.random.default_rng(0))
    assert (found.verdict, found.probability) == (NONE, None)
