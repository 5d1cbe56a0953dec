"""Of boxes that overlap, the best-scored one: what every detector ends with."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dfdetect.values import Float32Array


def non_maximum_suppression(
    boxes: Float32Array, score: Float32Array, threshold: float, over: Literal["union", "smaller"] = "union"
) -> NDArray[np.int64]:
    """Indices that survive, best first: of two boxes whose overlap is above the threshold the better-scored stays.

    boxes: (N, 4 or more) float32, left, top, right, bottom first. score: (N,).
    over: the overlap is a fraction of the union, or (counting the last pixel too) of the smaller box.
    """
    extra = np.float32(1 if over == "smaller" else 0)
    area = np.prod(boxes[:, 2:4] - boxes[:, :2] + extra, axis=1)
    order = np.argsort(-score, kind="stable")
    if over == "smaller":
        # Scores of MTCNN's last network saturate, so equal ones are common; its source then takes the later candidate.
        order = np.argsort(score, kind="stable")[::-1]
    picked: list[int] = []
    while len(order):
        best, rest = order[0], order[1:]
        picked.append(int(best))
        first = np.maximum(boxes[best, :2], boxes[rest, :2])
        last = np.minimum(boxes[best, 2:4], boxes[rest, 2:4])
        shared = np.prod(np.maximum(last - first + extra, 0), axis=1)
        whole = np.minimum(area[best], area[rest]) if over == "smaller" else area[best] + area[rest] - shared
        order = rest[~(shared > threshold * whole)]
    return np.array(picked, np.int64)
