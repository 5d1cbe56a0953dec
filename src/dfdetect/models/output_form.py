"""What the numbers of a network mean, stated and never guessed -> one logit, positive for "manipulated".

logit:fake=high                 one number before the sigmoid; high = manipulated      (what `dfdetect export` makes)
probability:fake=low            one number after it, here of "real": low = manipulated
class-logits:fake=1             a number a class before the softmax; class 1 = manipulated, every other is real
class-probabilities:fake=1,3    likewise after it; classes 1 and 3 are manipulations
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfdetect.errors import ModelUnusable, UsageError
from dfdetect.values import Float32Array

ONE_NUMBER = ("logit", "probability")
CLASSES = ("class-logits", "class-probabilities")
LEAST_PROBABILITY = 1e-7  # probabilities are clipped here: a saturated sigmoid would otherwise be an infinite logit
_SUM_TOLERANCE = 0.01  # class probabilities of half precision do not add up to 1 exactly

_EXPECTED = (
    f"expected FORM:fake=WHICH, as in {ONE_NUMBER[0]}:fake=high or {CLASSES[0]}:fake=1; FORM is one of "
    f"{', '.join((*ONE_NUMBER, *CLASSES))}; WHICH is high or low for one number, class numbers (0, 1, ...) for classes"
)


@dataclass(frozen=True, slots=True)
class OutputForm:
    """form: of ONE_NUMBER or CLASSES. fake_high: one number: does a high one mean manipulated; fakes: class numbers."""

    form: str
    fake_high: bool = True
    fakes: tuple[int, ...] = ()

    @staticmethod
    def parse(text: str) -> OutputForm:
        """Read `FORM:fake=WHICH`. UsageError says what was expected."""
        form, _, which = text.partition(":fake=")
        if form in ONE_NUMBER and which in ("high", "low"):
            return OutputForm(form, fake_high=which == "high")
        parts = which.split(",")
        if form in CLASSES and all(part.isascii() and part.isdigit() and len(part) < 5 for part in parts):
            fakes = tuple(sorted({int(part) for part in parts}))
            if len(fakes) == len(parts):
                return OutputForm(form, fakes=fakes)
        raise UsageError(f"output {text!r}: {_EXPECTED}")

    def logits(self, raw: NDArray[np.generic], n: int) -> Float32Array:
        """(n,) float32 logits of what a network gave for n pictures.

        raw: (n,) or (n, 1) for one number, (n, classes) for classes; further axes of length 1 are dropped.

        Raises:
            ModelUnusable: another shape, a number that is not finite, no such class, or no probabilities.
        """
        values = np.asarray(raw, np.float64)
        if not np.all(np.isfinite(values)):
            raise ModelUnusable(f"model.onnx: expected {n} finite logits; found {values.ravel()[:8]}")
        if self.form in ONE_NUMBER:
            if values.size != n:
                raise ModelUnusable(f"model.onnx: expected {n} finite logits; found shape {values.shape}")
            values = values.reshape(n)
            found = values if self.form == "logit" else _logit(self._probabilities(values))
            return np.asarray(found if self.fake_high else -found, np.float32)
        classes = values.size // n if n else 0
        if values.ndim < 2 or values.shape[0] != n or classes not in values.shape or max(self.fakes) >= classes:
            raise ModelUnusable(
                f"model.onnx: expected ({n}, classes) with class {max(self.fakes)}; found {values.shape}"
            )
        values = values.reshape(n, classes)
        fake = np.zeros(classes, bool)
        fake[list(self.fakes)] = True
        if fake.all():
            raise ModelUnusable(f"model.onnx: all {classes} classes are stated to be manipulations; none is real")
        if self.form == "class-logits":
            return np.asarray(_log_sum(values[:, fake]) - _log_sum(values[:, ~fake]), np.float32)
        total = self._probabilities(values).sum(axis=1)
        worst = float(total[np.argmax(np.abs(total - 1))])
        if abs(worst - 1) > _SUM_TOLERANCE:
            raise ModelUnusable(f"model.onnx: stated to give {self.form}, but a row adds up to {worst:.3g}")
        return np.asarray(_logit(values[:, fake].sum(axis=1) / total), np.float32)

    def _probabilities(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        outside = values[(values < -_SUM_TOLERANCE) | (values > 1 + _SUM_TOLERANCE)]
        if len(outside):
            logits = {"probability": "logit", "class-probabilities": "class-logits"}[self.form]
            raise ModelUnusable(
                f"model.onnx: stated to give {self.form}, but gave {outside[0]:.4g}; are these {logits}?"
            )
        return values


def _logit(p: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.clip(p, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    return np.asarray(np.log(inside / (1 - inside)), np.float64)


def _log_sum(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """log of the sum of exponentials over the last axis."""
    top = values.max(axis=1, keepdims=True)
    return np.asarray(top[:, 0] + np.log(np.exp(values - top).sum(axis=1)), np.float64)
