"""Which frames to look at: spread evenly over presentation time, not over frame numbers.

In a file of variable frame rate the two differ: evenly spread numbers would crowd where frames are dense. Only the
protocols of other people's benchmarks go by number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dfdetect.errors import UsageError


def even_indices(times_s: NDArray[np.float64] | Sequence[float], n: int) -> list[int]:
    """n frame indices, spread evenly over time, the first and the last frame among them.

    times_s: (frame_count,) presentation seconds, sorted. Returns unique increasing indices: min(n, frame_count) of
    them; for n = 1 the frame nearest to the middle. Each is the frame nearest to its target time, or the nearest
    free one where several targets fall into one long frame. Errors: UsageError for n < 1.
    """
    if n < 1:
        raise UsageError(f"expected at least 1 frame to sample, got {n}")
    times = np.asarray(times_s, dtype=np.float64)
    count = len(times)
    if count <= n:
        return list(range(count))
    if n == 1:
        return [int(np.abs(times - (times[0] + times[-1]) / 2).argmin())]
    targets = np.linspace(times[0], times[-1], n)
    right = np.clip(np.searchsorted(times, targets), 1, count - 1)
    chosen = np.where(targets - times[right - 1] <= times[right] - targets, right - 1, right)
    chosen[0], chosen[-1] = 0, count - 1
    # Two sweeps make the indices distinct: the first pushes doubles to later frames, the second pulls back those
    # pushed past the end. Written on `index - rank`, which must not decrease.
    rank = np.arange(n)
    slack = np.maximum.accumulate(chosen - rank)
    return [int(i) for i in np.minimum(slack, count - n) + rank]


def scan_indices(
    times_s: NDArray[np.float64] | Sequence[float], at_least: int = 32, every_s: float = 0.5, at_most: int = 256
) -> list[int]:
    """Frame indices for a scan: one frame per `every_s` seconds, but at least and at most so many."""
    if len(times_s) == 0:
        return []
    span_s = float(times_s[-1]) - float(times_s[0])
    return even_indices(times_s, min(max(math.ceil(span_s / every_s) + 1, at_least), at_most))


def numbered_indices(frame_count: int, n: int) -> list[int]:
    """Frame indices at n even steps of the frame number from first to last, rounded down; each once.

    How DeepfakeBench and Self-Blended Images take frames. For scanning use `even_indices`, which goes by time.
    Errors: UsageError for n < 1.
    """
    if n < 1:
        raise UsageError(f"expected at least 1 frame to sample, got {n}")
    if frame_count < 1:
        return []
    return sorted({int(index) for index in np.linspace(0, frame_count - 1, n).astype(np.int64)})


def every_indices(times_s: NDArray[np.float64] | Sequence[float], every_s: float) -> list[int]:
    """Frame indices at 0, every_s, 2 * every_s ... seconds, each the nearest frame; a frame is taken once.

    Errors: UsageError unless every_s is above 0.
    """
    if not every_s > 0:
        raise UsageError(f"expected more than 0 seconds between two frames, got {every_s}")
    times = np.asarray(times_s, dtype=np.float64)
    if len(times) == 0:
        return []
    targets = np.arange(0.0, float(times[-1] - times[0]) + 1e-9, every_s) + times[0]
    right = np.clip(np.searchsorted(times, targets), 1, max(1, len(times) - 1))
    left = right - 1
    nearest = np.where(targets - times[left] <= times[np.minimum(right, len(times) - 1)] - targets, left, right)
    return sorted({int(index) for index in np.minimum(nearest, len(times) - 1)})
