"""Who examines the faces of a file: a scorer of its cuts, and how its logits are read.

A `Scanner` has one of its own, made of its bundle; others can be given the same faces of the same frames
(`Scanner.scan_beside`), so that two detectors are compared on what they were shown and not on how it was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dfdetect.calibration import Calibration
from dfdetect.detect.backend import Backend
from dfdetect.detect.scorer import Cuts, Scorer
from dfdetect.faces.align import CropView
from dfdetect.models.bundle import Bundle
from dfdetect.values import Float32Array, ModelInfo


class CropScorer(Protocol):
    """Scores the pictures of faces. `detect.scorer.Scorer` does it with the networks of a bundle."""

    @property
    def views(self) -> tuple[CropView, ...]:
        """How every face is to be cut for it, at least one way."""
        ...

    @property
    def bytes_per_face(self) -> int:
        """Of the pictures that one face is scored from."""
        ...

    def __call__(self, faces: Sequence[Cuts], /) -> tuple[NDArray[np.float64], Float32Array | None]:
        """Finite logits (N,), high = manipulated, and maps (N, h, w) or None, of N >= 1 faces cut as `views` lists.

        Raises:
            DfdetectError: a face could not be scored; then the file has no score of this scorer.
        """
        ...


@dataclass(frozen=True, slots=True)
class Examiner:
    """A scorer with its name, and its logits' scale and bounds.

    experimental, not_covered (kinds of fakes that it does not find): as a bundle's manifest says it.
    """

    info: ModelInfo
    scorer: CropScorer
    calibration: Calibration
    experimental: bool = True
    not_covered: tuple[str, ...] = ()

    @staticmethod
    def of_bundle(bundle: Bundle, backends: Sequence[Backend]) -> Examiner:
        """backends: one for each of `bundle.networks`, in their order."""
        said = bundle.manifest
        scorer = Scorer(bundle, backends)
        return Examiner(bundle.info, scorer, bundle.calibration, said.experimental, said.not_covered or ())


def all_views(examiners: Sequence[Examiner]) -> tuple[CropView, ...]:
    """Every way in which a face must be cut for all of them, once each; those of the first examiner come first."""
    return tuple(dict.fromkeys(view for examiner in examiners for view in examiner.scorer.views))
