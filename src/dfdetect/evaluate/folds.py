"""People left out in turn: what a rate is measured on must not have set the bound."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FOLDS = 5
MOST_FOLDS = 500  # each is a fit; so many people that need more are too close to the number needed


def folds_of_people(groups: Sequence[str], folds: int = FOLDS) -> dict[str, int]:
    """Person -> number of the fold in which all of its files are left out; the same for the same names."""
    people = sorted(set(groups))
    order = np.random.default_rng(0).permutation(len(people)) % folds
    return dict(zip(people, order.tolist(), strict=True))


def folds_for(people: int, needed: int) -> int | None:
    """Fewest folds, FOLDS or more, that leave `needed` of so many people in every fit; None where none does."""
    spare = people - needed
    folds = max(FOLDS, -(-people // spare)) if spare > 0 else 0
    return folds if 0 < folds <= min(people, MOST_FOLDS) else None
