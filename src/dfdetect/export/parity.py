"""Does the exported file say what the network says? Checked on real crops before a bundle is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from dfdetect.calibration import Calibration, sigmoid
from dfdetect.detect.onnx_backend import OnnxBackend
from dfdetect.models import zoo
from dfdetect.models.preprocess import to_input
from dfdetect.models.spec import ModelSpec
from dfdetect.values import UInt8Array

BAND = 0.02  # of a probability beside a threshold, within which a verdict may change
_BATCH = 16


@dataclass(frozen=True, slots=True)
class Bound:
    """The most that an exported file may differ: of P(manipulated), of the logit, and of mean(cam) + bias from it."""

    probability: float
    logit: float = float("inf")
    cam: float = 1e-3


BOUNDS = {"fp32": Bound(1e-3, logit=1e-3), "fp16": Bound(0.01), "int8": Bound(0.02)}


@dataclass(frozen=True, slots=True)
class Reading:
    """How a logit becomes a probability and a verdict: by a calibration, else its sigmoid; and the bounds on P."""

    calibration: Calibration | None = None
    thresholds: tuple[float, ...] = (0.5,)
    text: str = "sigmoid of the logit"

    @staticmethod
    def of(calibration: Calibration, name: str) -> Reading:
        """As users see it with this calibration: its probability, and the bounds of all its verdicts."""
        points = [point for by_bucket in calibration.thresholds.values() for point in by_bucket.values()]
        bounds = {bound for point in points for bound in (point.likely_manipulated, point.no_manipulation_found)}
        return Reading(calibration, tuple(sorted(bounds)), f"as {name} is calibrated")

    def probability(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        return sigmoid(logits) if self.calibration is None else self.calibration.probabilities(logits)


@dataclass(frozen=True, slots=True)
class Parity:
    """Largest differences over n crops: of P(manipulated), of the logit, and of mean(cam) + bias from the logit.

    worst: number of the crop whose P differs most; p_expected, p_found: what it scores. flips: verdicts that change
    though the trained network's P is further than BAND from the bound.
    """

    n: int
    probability: float
    logit: float
    cam: float
    worst: int
    p_expected: float
    p_found: float
    flips: int

    def within(self, bound: Bound) -> bool:
        differences = (self.probability <= bound.probability, self.logit <= bound.logit, self.cam <= bound.cam)
        return all(differences) and self.flips == 0

    def __str__(self) -> str:
        return (
            f"crop {self.worst} of {self.n} scores {self.p_found:.4f} where the trained network scores "
            f"{self.p_expected:.4f}: a difference of {self.probability:.2e} (largest of a logit: {self.logit:.2e}; of "
            f"the map from the logit: {self.cam:.2e}; verdicts that change: {self.flips})"
        )


def torch_logits(net: zoo.CamNet | zoo.PooledNet, spec: ModelSpec, crops: UInt8Array) -> NDArray[np.float64]:
    """(N,) logits of the trained network on (N, S, S, 3) uint8 crops, through the one preprocessing."""
    found = []
    with torch.no_grad():
        for start in range(0, len(crops), _BATCH):
            images = torch.from_numpy(to_input(crops[start : start + _BATCH], spec))
            found.append(net(images)[0].double().numpy())
    return np.concatenate(found)


def compare(
    expected: NDArray[np.float64],
    model: bytes,
    spec: ModelSpec,
    crops: UInt8Array,
    *,
    bias: float = 0.0,
    reading: Reading | None = None,
) -> Parity:
    """The expected logits (N,) against a model.onnx, run as a scan runs it. bias: of its last layer, for the map."""
    reading = reading or Reading()
    backend = OnnxBackend(model, spec, device="cpu")
    found, cam_gap = np.zeros(len(crops)), 0.0
    for start in range(0, len(crops), _BATCH):
        part = slice(start, start + _BATCH)
        logits, cams = backend.logits_and_maps(to_input(crops[part], spec))
        found[part] = logits
        if cams is not None:
            cam_gap = max(cam_gap, float(np.abs(cams.mean(axis=(1, 2)) + bias - logits).max()))
    p_expected, p_found = reading.probability(expected), reading.probability(found)
    gaps = np.abs(p_found - p_expected)
    worst = int(np.argmax(gaps))
    return Parity(
        n=len(crops),
        probability=float(gaps[worst]),
        logit=float(np.abs(found - expected).max()),
        cam=cam_gap,
        worst=worst,
        p_expected=float(p_expected[worst]),
        p_found=float(p_found[worst]),
        flips=_flips(p_expected, p_found, reading.thresholds),
    )


def _flips(expected: NDArray[np.float64], found: NDArray[np.float64], thresholds: Sequence[float]) -> int:
    return sum(
        int(np.sum(((expected > bound) != (found > bound)) & (np.abs(expected - bound) > BAND))) for bound in thresholds
    )
