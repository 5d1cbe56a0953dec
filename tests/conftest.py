"""What every test folder shares: a seeded generator, and the rule for tests that measure on the private data folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture
def rng() -> np.random.Generator:
    """The same stream of random numbers in every run."""
    return np.random.default_rng(20161)


@pytest.fixture
def shared_data() -> Path:
    """The private data folder beside the checkout; use together with the marker `shared_data`."""
    return SHARED_DATA


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, with the reason in the report, what needs the private data where there is none."""
    if SHARED_DATA.is_dir():
        return
    absent = pytest.mark.skip(reason="NOT MEASURED: ../shared/data is absent, so nothing was checked on photographs")
    for item in items:
        if "shared_data" in item.keywords:
            item.add_marker(absent)
