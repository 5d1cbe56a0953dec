"""Bounds from a user's own reals: what is claimed is kept, what too few people carry is refused or said aloud."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.calibration import Calibration, OperatingPoint
from dfdetect.calibration_record import KindRate
from dfdetect.errors import DataError
from dfdetect.evaluate.own_calibration import calibrate_on_own
from dfdetect.evaluate.own_claim import Claim, notes_on_kind
from dfdetect.evaluate.scores import VideoScore
from dfdetect.models.calibration_file import calibration_from_json, calibration_to_json
from own_scores import BASE, drawn, origin


def calibrated(
    reals: list[VideoScore],
    claim: Claim | None = None,
    fakes: list[VideoScore] | None = None,
    base: Calibration = BASE,
    *,
    people_named: bool = True,
) -> tuple[Calibration, str]:
    """The calibration and its notes as one text."""
    where = origin(reals, fakes, people_named=people_named)
    found, notes = calibrate_on_own(reals, fakes or [], base, claim or Claim(), where)
    assert calibration_from_json(calibration_to_json(found)) == found
    return found, "\n".join(notes)


# ---- the promise ----


@pytest.mark.parametrize(("people", "files"), [(150, 1), (120, 4)])
def test_new_people_are_flagged_no_more_often_than_claimed(people: int, files: int) -> None:
    """Files of a person score alike; new files of *new* people must stay below the bound as often as claimed."""
    rates = []
    for seed in range(40):
        rng = np.random.default_rng([seed, files])
        means = np.repeat(rng.normal(0, 1, people), files)
        reals = drawn(people * files, people=people, seed=seed)
        person = [int(score.group.split("-")[-1]) for score in reals]
        reals = [
            replace(score, logit=float(means[p * files] + 0.3 * rng.normal()))
            for score, p in zip(reals, person, strict=True)
        ]
        found, _ = calibrated(reals, Claim(target_fpr=0.02))
        bound = found.thresholds["video"]["1"].likely_manipulated
        new = rng.normal(0, 1, 4000) + 0.3 * rng.normal(size=4000)
        rates.append(float(np.mean(found.probabilities(new) > bound)))
    assert np.mean(rates) <= 0.02 + 3 * np.std(rates) / np.sqrt(len(rates))
    assert np.mean(rates) > 0.008


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    targets=st.tuples(st.floats(0.02, 0.4), st.floats(0.02, 0.4)),
    spread=st.floats(0.0, 30.0),
)
def test_a_lower_target_never_lowers_a_bound(seed: int, targets: tuple[float, float], spread: float) -> None:
    reals = drawn(70, seed=seed, spread=spread)
    strict, loose = (calibrated(reals, Claim(target_fpr=t))[0].thresholds["video"] for t in sorted(targets))
    for bucket in ("1", "2", "3+"):
        assert strict[bucket].likely_manipulated >= loose[bucket].likely_manipulated
        for point in (strict[bucket], loose[bucket]):
            assert 0 <= point.no_manipulation_found <= point.likely_manipulated <= 1


def test_a_bound_that_is_sure_is_higher_than_one_that_holds_on_average() -> None:
    reals = drawn(400)
    average = calibrated(reals, Claim(target_fpr=0.01))[0].thresholds["video"]["1"].likely_manipulated
    sure, _ = calibrated(reals, Claim(target_fpr=0.01, confidence=0.95))
    assert sure.thresholds["video"]["1"].likely_manipulated > average
    assert sure.record is not None
    assert sure.record.rates[0].upper_95 <= 0.01


def test_what_is_told_of_the_measurement() -> None:
    found, notes = calibrated(drawn(200))
    assert found.record is not None
    (rate,) = found.record.rates
    assert (rate.kind, rate.n_files, rate.n_people, rate.folds, rate.n_measured) == ("video", 200, 200, 5, 200)
    assert rate.measured_fpr == rate.flagged / 200
    assert rate.interval is not None
    assert rate.interval[0] <= rate.measured_fpr <= rate.interval[1]
    point = found.thresholds["video"]["1"]
    assert point.measured_fpr == rate.measured_fpr
    assert (
        f"flagged {rate.flagged} of 200 own videos, people left out in turn (5 folds); 2026-11-25" in point.measured_on
    )
    assert "said by newsroom" in point.measured_on
    assert found.bounds("video", 1)[0].target_fpr == 0.01
    text = "\n".join(found.record.lines())
    assert "at most 1 % false alarms on average over such samples, from 200 files of 200 people" in text
    assert "probability scale stays as it was" in notes


# ---- too few ----


def test_too_few_are_refused_with_the_numbers() -> None:
    with pytest.raises(DataError) as caught:
        calibrated(drawn(98))
    assert caught.value.message == (
        "98 usable real videos; a claim of 1 % false alarms needs the files of 99 people (1 more), so many carry "
        "1.02 % at best; --lower-claim takes what they carry"
    )
    found, _ = calibrated(drawn(99))
    assert found.record is not None
    assert found.record.rates[0].measured_fpr is None  # nobody can be left out
    assert "not measured; too few people to leave some out" in "\n".join(found.record.lines())
    assert found.thresholds["video"]["1"].measured_fpr is None
    assert found.thresholds["video"]["1"].likely_manipulated < 1.0


def test_a_hundred_files_of_ten_people_are_ten() -> None:
    with pytest.raises(DataError, match=r"300 usable real videos of 10 people; .* so many carry 9\.1 % at best$"):
        calibrated(drawn(300, people=10))


def test_a_lowered_claim_is_loud_and_is_measured() -> None:
    found, notes = calibrated(drawn(60), Claim(lower_claim=True))
    assert found.record is not None
    rate = found.record.rates[0]
    assert (rate.asked_fpr, rate.target_fpr) == (0.01, 0.0205)  # what 48 of the 60 carry
    assert rate.n_measured == 60
    assert "THE CLAIM WAS LOWERED to 2.05 %" in notes
    assert found.bounds("video", 1)[0].target_fpr == 0.0205
    assert "(1 % was asked for)" in found.record.lines()[2]


def test_a_claim_is_not_lowered_to_nothing() -> None:
    with pytest.raises(DataError, match=r"12 usable real videos; .* so many carry 7\.7 % at best$"):
        calibrated(drawn(12), Claim(lower_claim=True))


def test_nothing_usable_is_said() -> None:
    faceless = [replace(score, status="no_face", logit=None, probability=None) for score in drawn(200)]
    with pytest.raises(DataError, match="none of the files has a face that can be judged; 1 % false alarms need 99"):
        calibrated(faceless)


def test_a_kind_with_too_few_keeps_its_bounds_and_says_so() -> None:
    found, notes = calibrated([*drawn(150), *drawn(3, kind="image")])
    assert "3 usable real images; a claim of 1 % false alarms needs the files of 99 people (96 more)" in notes
    assert "The bounds for images stay those of tiny 1.0" in notes
    kept, before = found.thresholds["image"]["1"], BASE.thresholds["image"]["1"]
    assert (kept.likely_manipulated, kept.no_manipulation_found) == (
        before.likely_manipulated, before.no_manipulation_found,
    )  # fmt: skip
    assert kept.measured_on == "kept from tiny 1.0: 120 real test files"
    assert found.bounds("image", 1)[0].target_fpr == 0.02
    assert found.bounds("video", 1)[0].target_fpr == 0.01


def test_files_with_many_faces_are_never_flagged_where_too_few_carry_it() -> None:
    """The highest of four faces passes a single face's bound four times as often."""
    found, notes = calibrated(drawn(150))
    assert found.thresholds["video"]["3+"].likely_manipulated == 1.0
    assert "files with 2 or 3+ faces are never flagged" in notes
    assert found.thresholds["video"]["3+"].no_manipulation_found < 0.9
    many, _ = calibrated([*drawn(150), *drawn(150, n_tracks=3)])
    assert many.thresholds["video"]["3+"].likely_manipulated < 1.0
    assert many.thresholds["video"]["3+"].n_reals == 150


def test_interviews_alone_carry_the_row_of_two_faces() -> None:
    found, _ = calibrated(drawn(150, n_tracks=2))
    assert set(found.thresholds["video"]) == {"2"}
    assert found.thresholds["video"]["2"].measured_fpr is not None
    assert found.bounds("video", 1)[1] is False


def test_too_few_to_clear_anything_clear_nothing() -> None:
    """With 19 people the 90th percentile of four faces is out of reach: everything was cleared below 1.0."""
    found, _ = calibrated(drawn(25), Claim(target_fpr=0.05))
    assert found.thresholds["video"]["3+"].no_manipulation_found == 0.0


# ---- what must be said ----


def test_reals_that_the_model_flags_in_masses_are_named() -> None:
    found, notes = calibrated(drawn(200, mean=3.0))
    assert "the model as it was flags" in notes
    assert "If they are real, the new bound is so high that it catches few fakes" in notes
    assert found.record is not None
    assert (found.record.rates[0].flagged_before or 0) > 0.5
    assert "the model as it was" not in calibrated(drawn(200, mean=-3.0))[1]


def test_one_person_in_most_files_is_named_and_weighs_as_one() -> None:
    """400 clips of an anchor, all flagged, made the bound of a newsroom the anchor's and the rate 73 %."""
    crowd = drawn(220, spread=0.5)
    star = [replace(score, group="anchor", logit=6.0) for score in drawn(400, seed=2, spread=0.5)]
    found, notes = calibrated([*crowd, *star])
    assert "400 of 620 files are of one person (anchor); together they weigh as much as one file" in notes
    alone, _ = calibrated(crowd)
    bound = found.thresholds["video"]["1"].likely_manipulated
    assert alone.thresholds["video"]["1"].likely_manipulated <= bound < found.probability(6.0)
    assert found.record is not None
    rate = found.record.rates[0]
    assert (rate.n_people, rate.n_measured) == (221, 620)
    assert rate.flagged >= 400
    assert rate.measured_fpr == pytest.approx((rate.flagged - 399) / 221)
    assert "with every person counted once" in "\n".join(found.record.lines())


def test_files_that_name_nobody_are_called_bold() -> None:
    assert "every file counts as a person of its own" in calibrated(drawn(150), people_named=False)[1]
    assert "every file counts as a person of its own" not in calibrated(drawn(150))[1]


def test_lost_files_are_counted_by_what_became_of_them() -> None:
    reals = drawn(130)
    reals[0] = replace(reals[0], status="no_face", logit=None, probability=None, verdict=None, usable=False)
    reals[1] = replace(reals[1], usable=False)
    reals[2] = replace(reals[2], status="corrupt_data", logit=None, probability=None, verdict=None, usable=False)
    found, notes = calibrated(reals)
    for text in (
        "1 of 130 real files show no face and",
        "1 of 130 real files show no face that can be judged",
        "1 of 130 real files could not be read",
        f"not read: {reals[2].path} (corrupt_data)",
    ):
        assert text in notes
    assert found.record is not None
    assert found.record.reals.used == 127


def test_a_rate_above_the_claim_that_is_no_chance_is_named() -> None:
    reals = drawn(200)
    rate = KindRate("video", 0.01, 0.01, 200, 200, 0.03, 12, 200, 5, 0.06, (0.03, 0.1), 0.0)
    notes = notes_on_kind(reals, rate, {}, BASE, people_named=True)
    assert any("6 % are flagged, more than the claim, and not by chance" in note for note in notes)
    fine = replace(rate, interval=(0.005, 0.1))
    assert not any("by chance" in note for note in notes_on_kind(reals, fine, {}, BASE, people_named=True))


def test_equal_scores_are_never_flagged() -> None:
    same = [replace(score, logit=2.0) for score in drawn(150)]
    found, _ = calibrated(same)
    bound = found.thresholds["video"]["1"].likely_manipulated
    assert not found.probability(2.0) > bound
    assert found.record is not None
    assert found.record.rates[0].flagged == 0


def test_a_model_without_bounds_gets_them() -> None:
    """An imported model answers inconclusive to everything until somebody measures it."""
    never = OperatingPoint(1.0, 0.0, None, "not calibrated: every verdict is inconclusive", 0)
    raw = Calibration(1.0, 0.0, 0.02, {"video": {"1": never}, "image": {"1": never}})
    found, _ = calibrated(drawn(150), base=raw)
    assert found.thresholds["video"]["1"].likely_manipulated < 1.0
    assert "kept from tiny 1.0: not calibrated" in found.thresholds["image"]["1"].measured_on


# ---- with fakes ----


def test_own_fakes_lower_the_lower_bound_and_say_what_is_missed() -> None:
    reals, fakes = drawn(300, mean=-2.0), drawn(200, label=1, mean=0.0)
    alone, _ = calibrated(reals)
    found, _ = calibrated(reals, Claim(method="kept"), fakes)
    assert found.thresholds["video"]["1"].no_manipulation_found < alone.thresholds["video"]["1"].no_manipulation_found
    new = found.probabilities(np.random.default_rng(9).normal(0.0, 1.0, 4000))
    assert np.mean(new < found.thresholds["video"]["1"].no_manipulation_found) < 0.08
    assert found.record is not None
    assert found.record.scale.missed == pytest.approx(0.05, abs=0.01)
    assert found.record.scale.caught is not None


def test_few_fakes_leave_the_lower_bound_to_the_reals() -> None:
    reals, fakes = drawn(300, mean=-2.0), drawn(60, label=1, mean=0.0, people=5)
    found, notes = calibrated(reals, Claim(method="kept"), fakes)
    assert "fakes of 5 people; at most 5 % of them cleared needs 19" in notes
    assert found.thresholds["video"] == calibrated(reals)[0].thresholds["video"]


def test_kept_bounds_flag_the_same_files_on_a_new_scale() -> None:
    reals, fakes = drawn(300, mean=-2.0), drawn(200, label=1, mean=1.0)
    found, _ = calibrated(reals, Claim(method="platt"), fakes)
    assert (found.scale, found.offset) != (BASE.scale, BASE.offset)
    x = np.linspace(-6, 6, 3001)
    before = BASE.probabilities(x) > BASE.thresholds["image"]["1"].likely_manipulated
    after = found.probabilities(x) > found.thresholds["image"]["1"].likely_manipulated
    assert np.array_equal(before, after)
    assert found.probability(0.0) != pytest.approx(BASE.probability(0.0), abs=0.02)
