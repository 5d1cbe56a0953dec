"""Does the heatmap point at what was manipulated? Figures over many faces, beside three other maps.

    result = measure_explanations(faces, left_out, model="default", rng=np.random.default_rng(0))
    result.map("heatmap").pointing.value, result.gains["deletion_over_centre"]

Pointing game: Zhang et al. 2016 (arXiv:1608.00507). Deletion and insertion: Petsiuk et al. 2018 (arXiv:1806.07421),
here with the pixels of the original. A heatmap says something only where it beats a blob in the middle: a face crop is
mostly face, so any map points at it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfdetect.errors import DataError
from dfdetect.evaluate.bootstrap import drawn_weights
from dfdetect.evaluate.estimates import Estimate
from dfdetect.evaluate.explanations_run import MAPS, FaceCheck
from dfdetect.evaluate.part_file import read_part, write_part

SCHEMA = "dfdetect.explanations/1"
RESULT = "explanation.json"
DRAWS = 1000
MIN_GAP = 0.5  # logits between the fake and its original: with less there is no evidence to take away

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MapResult:
    """One map over many faces.

    pointing: share of the faces where its strongest cell lies in the mask. inside: mean share of its positive part
    there. deletion, insertion: area under the curve, where 1 is the logit of the fake and 0 that of its original;
    deletion is better low, insertion high. deletion_curve, insertion_curve: means, from no cell to all.
    """

    name: str
    pointing: Estimate
    inside: Estimate
    deletion: Estimate
    insertion: Estimate
    deletion_curve: tuple[float, ...]
    insertion_curve: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Explanations:
    """faces: checked, of `files` fakes. noticed: faces whose fake scores at least MIN_GAP logits above its original;
    deletion and insertion are over those. left_out: fakes without a face to check, `NAME: reason`. mask_share: mean
    share of the crop that is fake. maps: in the order of MAPS. gains: how much better the heatmap is than "random" and
    "centre" (FIGURE_over_MAP, above 0 is better), paired. by_method: the heatmap on each kind of fake.
    """

    model: str
    files: int
    faces: int
    noticed: int
    left_out: tuple[str, ...]
    mask_share: float
    maps: tuple[MapResult, ...]
    gains: Mapping[str, Estimate]
    by_method: Mapping[str, MapResult]

    def map(self, name: str) -> MapResult:
        """The map of this name."""
        return next(found for found in self.maps if found.name == name)

    def as_dict(self) -> dict[str, Any]:
        """JSON object; `explanation` of an EvalReport."""
        return {"schema": SCHEMA, **asdict(self)}


def measure_explanations(
    faces: Sequence[FaceCheck],
    left_out: Sequence[str] = (),
    *,
    model: str,
    rng: np.random.Generator,
    draws: int = DRAWS,
) -> Explanations:
    """Faces of `check_faces` -> Explanations, with 95 % intervals over people. DataError: no face."""
    if not faces:
        raise DataError("no face of a fake with a mask could be checked: none was found, or its mask is empty there")
    drawn = drawn_weights([face.group for face in faces], rng=rng, draws=draws)
    figures = {name: _figures(faces, name) for name in MAPS}
    gains = {
        f"{figure}_over_{other}": _mean(sign * (figures["heatmap"][figure] - figures[other][figure]), drawn)
        for other in ("random", "centre")
        for figure, sign in (("pointing", 1), ("inside", 1), ("deletion", -1), ("insertion", 1))
    }
    methods = sorted({face.method for face in faces})
    of_method = {method: np.array([face.method == method for face in faces]) for method in methods}
    return Explanations(
        model=model,
        files=len({face.path for face in faces}),
        faces=len(faces),
        noticed=int(_noticed(faces).sum()),
        left_out=tuple(left_out),
        mask_share=float(np.mean([face.mask_share for face in faces])),
        maps=tuple(_result(name, faces, figures[name], drawn) for name in MAPS),
        gains=gains,
        by_method={
            method: _result(
                "heatmap",
                [face for face, held in zip(faces, mine, strict=True) if held],
                {figure: values[mine] for figure, values in figures["heatmap"].items()},
                drawn[:, mine],
            )
            for method, mine in of_method.items()
        },
    )


def write_explanations(folder: Path, found: Explanations) -> Path:
    """Write explanation.json into the folder."""
    return write_part(folder / RESULT, found.as_dict())


def read_explanations(folder: Path) -> dict[str, Any] | None:
    """explanation.json of a folder, as `EvalReport.explanation` holds it; None where there is none."""
    return read_part(folder / RESULT, SCHEMA)


def _noticed(faces: Sequence[FaceCheck]) -> NDArray[np.bool_]:
    return np.array([face.logit_fake - face.logit_real >= MIN_GAP for face in faces], bool)


def _figures(faces: Sequence[FaceCheck], name: str) -> dict[str, FloatArray]:
    """(faces,) each; nan where a figure means nothing for a face."""
    checks = [face.maps[name] for face in faces]
    return {
        "pointing": np.array([check.pointing for check in checks], np.float64),
        "inside": np.array([check.inside for check in checks], np.float64),
        "deletion": _area(_curves(faces, name, "deletion")),
        "insertion": _area(_curves(faces, name, "insertion")),
    }


def _curves(faces: Sequence[FaceCheck], name: str, which: str) -> FloatArray:
    """(faces, STEPS + 1) with 1 at the logit of the fake and 0 at that of its original; nan where they are alike."""
    curves = np.array([getattr(face.maps[name], which) for face in faces], np.float64)
    fake, real = (np.array([getattr(face, key) for face in faces])[:, None] for key in ("logit_fake", "logit_real"))
    gap = np.where(_noticed(faces)[:, None], fake - real, np.nan)
    return np.asarray((curves - real) / gap, np.float64)


def _area(curves: FloatArray) -> FloatArray:
    """(faces,) under each curve, over a width of 1."""
    return np.asarray(0.5 * (curves[:, 1:] + curves[:, :-1]).mean(axis=1), np.float64)


def _mean(values: FloatArray, drawn: FloatArray) -> Estimate:
    """Mean over the faces that have the figure, and its interval."""
    held = np.isfinite(values)
    if not held.any():
        return Estimate(None, why="no face has this figure: no fake scores clearly above its original", n=0)
    n = int(held.sum())
    weights = drawn[:, held]
    total = weights.sum(axis=1)
    means = (weights @ values[held])[total > 0] / total[total > 0]
    value = float(values[held].mean())
    if n < 2 or len(means) < 0.5 * len(drawn):
        return Estimate(value, why="too few people for an interval", n=n)
    low, high = np.quantile(means, [0.025, 0.975])
    return Estimate(value, float(low), float(high), n=n)


def _result(name: str, faces: Sequence[FaceCheck], figures: Mapping[str, FloatArray], drawn: FloatArray) -> MapResult:
    seen = _noticed(faces)
    deletion, insertion = (
        tuple(float(v) for v in _curves(faces, name, which)[seen].mean(axis=0)) if seen.any() else ()
        for which in ("deletion", "insertion")
    )
    means = {figure: _mean(values, drawn) for figure, values in figures.items()}
    return MapResult(name, **means, deletion_curve=deletion, insertion_curve=insertion)
