"""Samples -> units: pairs together, stills in handfuls, nothing twice, nothing lost; roots that moved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfdetect.data.prepare.plan import STILLS_PER_UNIT, Filters, make_plan, move_roots, refuse_moved_files
from dfdetect.data.sample import Sample
from dfdetect.errors import DataError, UsageError
from dfdetect.values import Label
from toy_clips import fake, sample

ROOT = Path("/data/ffpp")
REAL = sample(ROOT, "a.mp4", compression="c23")
FAKES = [fake(ROOT, f"a_{n}.mp4", "a.mp4", compression="c23") for n in range(3)]
ALONE = sample(ROOT, "alone.mp4", compression="c23")


def names(samples: list[Sample]) -> list[list[str]]:
    return [[s.name for s in unit.samples] for unit in make_plan(samples).units]


def test_an_original_is_worked_on_with_its_fakes() -> None:
    plan = make_plan([FAKES[0], ALONE, REAL, *FAKES[1:]])
    assert [[s.name for s in unit.samples] for unit in plan.units] == [
        ["a_0.mp4", "a.mp4", "a_1.mp4", "a_2.mp4"],
        ["alone.mp4"],
    ]
    assert [unit.is_pair for unit in plan.units] == [True, False]
    assert [unit.number for unit in plan.units] == [0, 1]


def test_compressions_are_apart() -> None:
    light = [replace(s, path=s.path + "2", compression="c40") for s in (REAL, FAKES[0])]
    assert names([REAL, FAKES[0], *light]) == [["a.mp4", "a_0.mp4"], [s.name for s in light]]


def test_crops_are_never_a_pair() -> None:
    crops = [replace(s, kind="crop", path=f"{s.path}/") for s in (REAL, FAKES[0])]
    assert all(not unit.is_pair for unit in make_plan(crops).units)


def test_stills_come_in_handfuls_and_in_order() -> None:
    stills = [sample(ROOT, f"{n}.jpg") for n in range(2 * STILLS_PER_UNIT + 3)]
    assert names(stills) == [[s.name for s in stills[at : at + STILLS_PER_UNIT]] for at in (0, 16, 32)]
    assert names([stills[0], ALONE, stills[1]]) == [["0.jpg"], ["alone.mp4"], ["1.jpg"]]


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.sampled_from(["video", "image", "crop"])), max_size=60))
def test_every_sample_is_in_one_unit(drawn: list[tuple[int, bool, str]]) -> None:
    samples = [
        replace(fake(ROOT, f"{n}.x", f"v{pair}") if is_fake else sample(ROOT, f"{n}.x", video_id=f"v{pair}"), kind=kind)
        for n, (pair, is_fake, kind) in enumerate(drawn)
    ]
    if not samples:
        return
    planned = [s.path for unit in make_plan(samples).units for s in unit.samples]
    assert sorted(planned) == sorted(s.path for s in samples)


def test_a_path_listed_twice_is_worked_on_once_and_told() -> None:
    """The same root given twice doubled a dataset."""
    plan = make_plan([REAL, ALONE, REAL])
    assert plan.twice == ("a.mp4",)
    assert plan.samples == 3
    assert sum(len(unit.samples) for unit in plan.units) == 2


def test_the_hash_is_of_the_samples_not_of_the_machine() -> None:
    here = [REAL, *FAKES]
    there = [replace(s, root="/mnt/x", path=f"/mnt/x/{s.name}") for s in here]
    assert make_plan(here).index_sha256 == make_plan(there).index_sha256
    assert make_plan(here).index_sha256 != make_plan(here[:-1]).index_sha256
    assert make_plan(here).index_sha256 != make_plan([replace(REAL, split="val"), *FAKES]).index_sha256


def test_nothing_to_prepare_is_told() -> None:
    with pytest.raises(DataError, match="nothing to prepare"):
        make_plan([])


def test_filters_keep_what_is_asked_for() -> None:
    everything = [REAL, *FAKES, replace(FAKES[0], path="x", method="talk", split="val")]
    assert Filters().apply(everything) == everything
    assert Filters(label=("fake",), split=("val",)).apply(everything) == everything[-1:]
    assert Filters(method=("talk",)).apply(everything) == [REAL, everything[-1]], "a method's originals stay"
    with pytest.raises(UsageError, match=r"no sample has compression 'c40'; there are: 'c23'"):
        Filters(compression=("c40",)).apply([REAL])


def test_an_index_finds_its_files_after_a_move(tmp_path: Path) -> None:
    masked = replace(FAKES[0], mask_path=f"{ROOT}/masks/a_0.mp4")
    (moved,) = move_roots([masked], [str(tmp_path)])
    assert moved.path == f"{tmp_path}/a_0.mp4"
    assert moved.mask_path == f"{tmp_path}/masks/a_0.mp4"
    assert make_plan([moved]).index_sha256 == make_plan([masked]).index_sha256
    other = sample(Path("/data/other"), "b.mp4", dataset="other")
    kept, renamed = move_roots([REAL, other], [f"other={tmp_path}"])
    assert (kept, renamed.root) == (REAL, str(tmp_path))
    with pytest.raises(UsageError, match="the index has 2 datasets; say which one moved"):
        move_roots([REAL, other], [str(tmp_path)])


def test_a_root_that_is_gone_is_told_once_with_the_fix(tmp_path: Path) -> None:
    """1,000 records of io_error told nobody that a disk was mounted elsewhere."""
    with pytest.raises(DataError, match=r"4 of 4 files looked for are not in /data/ffpp.*--root NEW_FOLDER"):
        refuse_moved_files([REAL, *FAKES])
    (tmp_path / "a.mp4").touch()
    (tmp_path / "b.mp4").touch()
    refuse_moved_files([sample(tmp_path, name) for name in ("a.mp4", "b.mp4", "gone.mp4")])


def test_label_of_a_real_is_its_own_pair() -> None:
    assert REAL.label is Label.REAL
    assert len(make_plan([REAL, fake(ROOT, "z.mp4", "elsewhere")]).units) == 2
