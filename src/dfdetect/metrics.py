"""Numbers about scores: numpy in, floats out. An empty set or a single class is an error, never a number.

labels: (N,) 0 real, 1 fake. scores: (N,) higher = more likely manipulated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


def roc_auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve: the chance that a fake scores above a real, ties count half (Mann & Whitney 1947)."""
    y, s = _checked(labels, scores)
    real = np.sort(s[y == 0])
    fake = s[y == 1]
    below = np.searchsorted(real, fake, side="left")
    equal = np.searchsorted(real, fake, side="right") - below
    return float((below + 0.5 * equal).sum() / (len(real) * len(fake)))


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under precision over recall as a sum over the ranks of the fakes; equal scores count as one rank."""
    y, s = _checked(labels, scores)
    order = np.argsort(-s, kind="stable")
    y, s = y[order], s[order]
    last = np.append(s[1:] != s[:-1], True)  # the end of each run of equal scores
    hits, n = np.cumsum(y)[last], np.flatnonzero(last) + 1
    steps = np.diff(hits, prepend=0.0)
    return float((steps * hits / n).sum() / y.sum())


def bootstrap_interval(
    labels: ArrayLike,
    scores: ArrayLike,
    groups: Sequence[str],
    metric: Callable[[FloatArray, FloatArray], float],
    *,
    rng: np.random.Generator,
    draws: int = 1000,
    share: float = 0.95,
) -> tuple[float, float]:
    """Percentile interval of a metric when whole groups (people, source videos) are drawn again (Efron 1979).

    Draws that lost a class are drawn again; groups: (N,) name of each sample's group. ValueError for a single group.
    """
    y, s = _checked(labels, scores)
    names, of_sample = np.unique(np.asarray(groups), return_inverse=True)
    members = [np.flatnonzero(of_sample == g) for g in range(len(names))]
    values: list[float] = []
    for _ in range(20 * draws if len(names) > 1 else 0):  # one group drawn again is itself: an interval of no width
        picked = np.concatenate([members[g] for g in rng.integers(len(names), size=len(names))])
        if 0 < y[picked].sum() < len(picked):
            values.append(metric(y[picked], s[picked]))
        if len(values) == draws:
            break
    if len(values) < draws:
        raise ValueError(f"{len(names)} group(s): too few to draw both classes; no interval can be given")
    tail = 0.5 * (1 - share)
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


def wilson_interval(hits: int, n: int, *, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a share hits / n (Wilson 1927)."""
    if n <= 0 or not 0 <= hits <= n:
        raise ValueError(f"wilson_interval: expected 0 <= hits <= n with n >= 1; got {hits} of {n}")
    share = hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def _checked(labels: ArrayLike, scores: ArrayLike) -> tuple[FloatArray, FloatArray]:
    y, s = np.asarray(labels, np.float64), np.asarray(scores, np.float64)
    if y.shape != s.shape or y.ndim != 1:
        raise ValueError(f"expected labels and scores of one length; got shapes {y.shape} and {s.shape}")
    if not np.all(np.isfinite(s)):
        raise ValueError("scores must be finite; a failed or faceless file has no score and is counted apart")
    if not 0 < int((y == 1).sum()) < len(y) or int((y == 1).sum() + (y == 0).sum()) != len(y):
        raise ValueError(f"needs both real (0) and fake (1); got {int((y == 1).sum())} fake of {len(y)}")
    return y, s
