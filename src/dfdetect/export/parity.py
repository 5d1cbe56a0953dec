"""Does the exported file say what the network says? Checked on real crops before a bundle is written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from dfdetect.models import zoo
from dfdetect.models.preprocess import to_input
from dfdetect.models.spec import ModelSpec
from dfdetect.values import UInt8Array


@dataclass(frozen=True, slots=True)
class Parity:
    """Largest differences over n crops: of the logit, and of mean(cam) + bias from the logit."""

    n: int
    max_logit_difference: float
    max_cam_difference: float

    def within(self, tolerance: float) -> bool:
        return max(self.max_logit_difference, self.max_cam_difference) <= tolerance


def compare(net: zoo.CamNet | zoo.PooledNet, model: bytes, spec: ModelSpec, crops: UInt8Array) -> Parity:
    """PyTorch against ONNX Runtime on (N, S, S, 3) uint8 crops, through the one preprocessing."""
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    bias = float(net.head.bias.detach()[0])
    logit_gap = cam_gap = 0.0
    for start in range(0, len(crops), 16):
        images = to_input(crops[start : start + 16], spec)
        with torch.no_grad():
            expected = net(torch.from_numpy(images))[0].numpy()
        logits, *cams = session.run(["logit", "cam"] if net.has_cam else ["logit"], {"images": images})
        logit_gap = max(logit_gap, float(np.abs(logits - expected).max()))
        if cams:
            cam_gap = max(cam_gap, float(np.abs(cams[0].mean(axis=(1, 2)) + bias - logits).max()))
    return Parity(len(crops), logit_gap, cam_gap)
