"""Suppression: the best-scored of every heap of boxes, and nothing near it."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dfdetect.faces.nms import non_maximum_suppression


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 30), st.floats(0.1, 0.9), st.sampled_from(["union", "smaller"]), st.integers(0, 2**31))
def test_suppression_keeps_the_best_and_nothing_near_it(n: int, threshold: float, over: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.uniform(0, 60, (n, 2))
    boxes = np.concatenate([first, first + rng.uniform(5, 40, (n, 2))], axis=1).astype(np.float32)
    score = rng.uniform(0, 1, n).astype(np.float32)
    picked = non_maximum_suppression(boxes, score, threshold, over).tolist()  # type: ignore[arg-type]
    assert (np.diff(score[picked]) <= 0).all()
    for row in range(n):
        rivals = [k for k in picked if score[k] >= score[row] and k != row]
        overlapped = any(_overlap(boxes[k], boxes[row], over) > threshold for k in rivals)
        assert (row in picked) != overlapped


def _overlap(a: np.ndarray, b: np.ndarray, over: str) -> float:
    extra = np.float32(over == "smaller")
    shared = np.prod(np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]) + extra, 0))
    areas = [np.prod(box[2:] - box[:2] + extra) for box in (a, b)]
    return float(shared / (min(areas) if over == "smaller" else sum(areas) - shared))
