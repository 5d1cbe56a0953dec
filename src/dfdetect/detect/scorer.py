"""Face pictures -> one logit each, and where it was read: through one network, or through all those of an ensemble.

    networks   every member's own cut of the face -> its logit x, its map m
    members    scale * x + offset                 -> logits that have one scale
    bundle     mean over the members              -> the logit that is pooled over the track

A bundle of one network has scale 1 and offset 0: its logit as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfdetect.detect.backend import Backend
from dfdetect.detect.explain import place_map
from dfdetect.models.bundle import Bundle, Network
from dfdetect.models.preprocess import to_input
from dfdetect.values import Float32Array, UInt8Array

Cuts = tuple[UInt8Array, ...]  # one face, cut as `Bundle.views` lists them: (S, S, 3) each


@dataclass(frozen=True, slots=True)
class _Member:
    network: Network
    backend: Backend
    view: int


class Scorer:
    """Scores pictures with every network of a bundle."""

    def __init__(self, bundle: Bundle, backends: Sequence[Backend]) -> None:
        """backends: one for each of `bundle.networks`, in their order."""
        self.views = bundle.views
        self._heatmap = bundle.heatmap
        self._members = [
            _Member(network, backend, self.views.index(network.spec.view))
            for network, backend in zip(bundle.networks, backends, strict=True)
        ]

    @property
    def bytes_per_face(self) -> int:
        """Of the pictures that one face is scored from."""
        return sum(3 * view.size_px**2 for view in self.views)

    def __call__(self, faces: Sequence[Cuts]) -> tuple[NDArray[np.float64], Float32Array | None]:
        """Logits (N,) and maps (N, h, w) of N >= 1 faces, or None where a network has no map.

        The map lies over the first of `views`; `Bundle.heatmap` says what its cells hold.
        """
        logits = np.zeros(len(faces), np.float64)
        maps: list[Float32Array | None] = []
        for member in self._members:
            network = member.network
            found, own = member.backend.logits_and_maps(
                to_input(np.stack([face[member.view] for face in faces]), network.spec)
            )
            logits += network.scale * found.astype(np.float64) + network.offset
            scale = network.scale if self._heatmap == "cam" else 1.0  # a share of the picture has no unit of the logit
            maps.append(None if own is None else np.asarray(scale * own, np.float32))
        return logits / len(self._members), self._one_map(maps)

    def _one_map(self, maps: Sequence[Float32Array | None]) -> Float32Array | None:
        """The mean of the members' maps, each where its cut lies: all are squares around one box."""
        present = [one for one in maps if one is not None]
        if len(present) < len(maps):
            return None  # a map of a part of the members would pass for the whole
        if len(present) == 1:
            return present[0]
        sides = [1 + 2 * member.network.spec.margin for member in self._members]  # in sides of the face box
        whole = max(sides)
        cells = [
            np.ceil(np.array(one.shape[1:]) * whole / side - 1e-6) for one, side in zip(present, sides, strict=True)
        ]
        height, width = (int(n) for n in np.max(cells, axis=0))
        placed = []
        for one, side in zip(present, sides, strict=True):
            placed.append(place_map(one, side / whole, (height, width)))
            if self._heatmap == "mask":
                placed[-1] *= (side / whole) ** 2  # `place_map` keeps the mean; here a cell's own value is to stay
        return np.asarray(np.mean(placed, axis=0), np.float32)
