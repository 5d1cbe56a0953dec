"""Limits: each code of the closed list appears exactly when its fact holds."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from dfdetect.detect.limits import limits_of
from dfdetect.errors import LimitCode
from dfdetect.scoring import TrackScores, decide
from dfdetect.values import FaceQuality, FaceScore, MediaInfo
from tiny_bundle import tiny_calibration

GOOD = FaceQuality(120, 0.1, 0, 0.9)
VIDEO = MediaInfo("video", "mp4", "h264", 1280, 720, Fraction(25), 800, 32.0, 0, 2_000_000)
IMAGE = MediaInfo("image", "jpeg", "jpeg", 800, 600)


def track(number: int, n: int, quality: FaceQuality = GOOD) -> TrackScores:
    return TrackScores(number, tuple(FaceScore(0.1, -2.0, i, 0.5 * i, number, (0, 0, 9, 9), quality) for i in range(n)))


def found(
    info: MediaInfo = VIDEO,
    tracks: list[TrackScores] | None = None,
    *,
    n_bytes: int = 8_000_000,
    read: int = 32,
    asked: int = 32,
    experimental: bool = False,
    covered: bool = True,
) -> set[LimitCode]:
    calibration = tiny_calibration()
    if not covered:
        calibration = replace(calibration, thresholds={"image": {"2": calibration.thresholds["image"]["2"]}})
    decision = decide(info.kind, tracks or [track(1, 32)], calibration, np.random.default_rng(0))
    limits = limits_of(info, n_bytes, decision, frames_asked=asked, frames_read=read, experimental=experimental)
    assert all(limit.text for limit in limits)
    assert [limit.code for limit in limits] == [code for code in LimitCode if code in {x.code for x in limits}]
    return {limit.code for limit in limits}


ALWAYS = {LimitCode.FRAMES_SAMPLED}  # 32 of 800


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, set()),
        ({"info": replace(VIDEO, bit_rate_bps=200_000)}, {LimitCode.HEAVY_COMPRESSION}),
        ({"info": replace(VIDEO, bit_rate_bps=None), "n_bytes": 500_000}, {LimitCode.HEAVY_COMPRESSION}),
        ({"info": replace(VIDEO, width_px=200, bit_rate_bps=9_000_000)}, {LimitCode.LOW_RESOLUTION}),
        (
            {"tracks": [track(1, 32), track(2, 32, replace(GOOD, face_px=30))]},
            {LimitCode.SMALL_FACES, LimitCode.SHORT_TRACKS},
        ),
        (
            {"tracks": [track(1, 32), track(2, 32, replace(GOOD, blur=1.0))]},
            {LimitCode.BLURRED_FACES, LimitCode.SHORT_TRACKS},
        ),
        (
            {"tracks": [track(1, 32), track(2, 32, replace(GOOD, yaw_deg=80))]},
            {LimitCode.EXTREME_POSE, LimitCode.SHORT_TRACKS},
        ),
        ({"tracks": [track(1, 9)]}, {LimitCode.FEW_FRAMES}),
        ({"tracks": [track(1, 32), track(2, 3)]}, {LimitCode.SHORT_TRACKS}),
        ({"tracks": [track(n, 32) for n in (1, 2, 3)]}, {LimitCode.MANY_FACES}),
        ({"read": 30}, {LimitCode.PARTIAL_DECODE}),
        ({"experimental": True}, {LimitCode.EXPERIMENTAL_MODEL}),
        ({"covered": False}, {LimitCode.KIND_NOT_COVERED}),
    ],
)
def test_limits_of_a_video(options: dict, expected: set[LimitCode]) -> None:
    assert found(**options) == expected | ALWAYS


@pytest.mark.parametrize(
    ("container", "n_bytes", "expected"),
    [
        ("jpeg", 100_000, set()),
        ("jpeg", 20_000, {LimitCode.HEAVY_COMPRESSION}),
        ("png", 2_000, set()),
    ],
)
def test_limits_of_an_image(container: str, n_bytes: int, expected: set[LimitCode]) -> None:
    info = replace(IMAGE, container=container)
    assert found(info, [track(1, 1)], n_bytes=n_bytes, read=1, asked=1) == expected


def test_no_face_has_no_face_limits() -> None:
    decision = decide("image", [], tiny_calibration(), np.random.default_rng(0))
    assert limits_of(IMAGE, 100_000, decision, frames_asked=1, frames_read=1, experimental=False) == ()


KINDS = ("whole generated faces (AUC .40)", "re-enactment (AUC .48)")


def test_kinds_that_the_model_does_not_find_are_said_with_every_verdict() -> None:
    """ "Nothing found" about a generated face read like a judgement, though the model was at chance on such."""
    calm = decide("image", [track(1, 1)], tiny_calibration(), np.random.default_rng(0))
    flagged = decide(
        "image",
        [TrackScores(1, (FaceScore(0.99, 5.0, 0, None, 1, (0, 0, 9, 9), GOOD),))],
        tiny_calibration(),
        np.random.default_rng(0),
    )
    for decision in (calm, flagged):
        said = limits_of(IMAGE, 100_000, decision, frames_asked=1, frames_read=1, experimental=False, not_covered=KINDS)
        assert [limit.code for limit in said] == [LimitCode.KIND_NOT_COVERED]
        assert "generated faces (AUC .40); re-enactment (AUC .48)" in said[0].text


def test_a_picture_without_a_face_was_not_judged_so_kinds_are_not_said() -> None:
    nobody = decide("image", [], tiny_calibration(), np.random.default_rng(0))
    assert limits_of(IMAGE, 100_000, nobody, frames_asked=1, frames_read=1, experimental=False, not_covered=KINDS) == ()
