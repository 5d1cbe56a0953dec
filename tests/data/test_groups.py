"""Samples that hang together: NumPy's answer against plain search, and keys as codes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfdetect.data.groups import NONE, Keys, components, encode, present_in


def column(values: list[str | None], *, chunks: int = 1) -> pa.ChunkedArray:
    parts = np.array_split(np.array(values, dtype=object), chunks)
    return pa.chunked_array([pa.array(part.tolist(), pa.string()) for part in parts], pa.string())


def searched(n_samples: int, keys: list[Keys]) -> list[int]:
    """Components by walking from sample to sample."""
    found = [-1] * n_samples
    number = 0
    for start in range(n_samples):
        if found[start] >= 0:
            continue
        todo, number = [start], number + 1
        while todo:
            row = todo.pop()
            if found[row] >= 0:
                continue
            found[row] = number - 1
            for kind in keys:
                mine = {int(codes[row]) for codes in kind.codes} - {NONE}
                todo += [r for r in range(n_samples) if mine & {int(codes[r]) for codes in kind.codes}]
    return found


@st.composite
def keyed(draw: st.DrawFn) -> tuple[int, list[Keys]]:
    n_samples = draw(st.integers(1, 30))
    kinds = []
    for _ in range(draw(st.integers(1, 3))):
        n_keys = draw(st.integers(1, 25))
        role = st.lists(st.integers(NONE, n_keys - 1), min_size=n_samples, max_size=n_samples)
        codes = tuple(np.array(draw(role), np.int32) for _ in range(draw(st.integers(1, 2))))
        kinds.append(Keys(codes, pa.array([str(k) for k in range(n_keys)])))
    return n_samples, kinds


@given(keyed())
def test_components_are_those_of_a_plain_search(case: tuple[int, list[Keys]]) -> None:
    n_samples, kinds = case
    assert components(n_samples, kinds).tolist() == searched(n_samples, kinds)


def test_a_long_chain_is_one_component() -> None:
    """Labels that creep from neighbour to neighbour never arrive."""
    order = np.random.default_rng(0).permutation(20_000).astype(np.int32)
    chain = Keys((order, np.append(order[1:], np.int32(NONE))), pa.array([""] * 20_000))
    assert components(20_000, [chain]).max() == 0


def test_no_keys_no_company() -> None:
    assert components(3, [encode(column(["", None, ""]))]).tolist() == [0, 1, 2]
    assert components(0, []).tolist() == []


@pytest.mark.parametrize("chunks", [1, 3])
def test_codes_of_two_columns_share_their_names(chunks: int) -> None:
    keys = encode(column(["a", "", "b", None], chunks=chunks), column(["b", "c", None, "a"], chunks=chunks))
    named = [["" if code == NONE else keys.name(code) for code in codes.tolist()] for codes in keys.codes]
    assert named == [["a", "", "b", ""], ["b", "c", "", "a"]]


def test_which_key_is_in_which_split() -> None:
    keys = encode(column(["a", "b", "a", "c"]), column(["", "c", "", ""]))
    seen = present_in(keys, np.array([0, 0, 1, -1]), 2)
    rows = {keys.name(code): row for code, row in enumerate(seen.tolist()) if keys.name(code)}
    assert rows == {"a": [True, True], "b": [True, False], "c": [True, False]}
