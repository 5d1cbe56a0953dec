"""Folds of people: nobody on both sides, and enough people left in every fit."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from dfdetect.evaluate.folds import FOLDS, MOST_FOLDS, folds_for, folds_of_people


@given(groups=st.lists(st.sampled_from([f"p{n}" for n in range(30)]), min_size=1, max_size=90))
def test_a_person_is_in_one_fold_and_folds_are_even(groups: list[str]) -> None:
    found = folds_of_people(groups)
    assert set(found) == set(groups)
    assert found == folds_of_people(groups[::-1])
    sizes = Counter(found.values())
    assert max(sizes.values()) - min(sizes.get(fold, 0) for fold in range(FOLDS)) <= 1


@given(people=st.integers(0, 2000), needed=st.integers(1, 2000))
def test_every_fit_keeps_as_many_as_are_needed(people: int, needed: int) -> None:
    folds = folds_for(people, needed)
    if folds is None:
        assert people <= needed or people < FOLDS or people / (people - needed) > MOST_FOLDS - 1
        return
    largest = -(-people // folds)
    assert people - largest >= needed
    assert folds <= people
    assert folds == FOLDS or people - -(-people // (folds - 1)) < needed
