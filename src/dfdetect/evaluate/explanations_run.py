"""Fakes whose true mask is known -> what the heatmap of each face points at, and what happens when it is undone.

The original of such a fake is at hand. So deletion (Petsiuk et al. 2018, arXiv:1806.07421) puts the *real* pixels back,
the most suspicious cells first, and insertion puts the fake ones into the real picture: no gray or blurred patches,
which a detector of manipulations would take for one.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dfdetect.batch import pool
from dfdetect.data.sample import Sample
from dfdetect.detect.detector import Scanner
from dfdetect.errors import DataError
from dfdetect.evaluate.samples import in_turn
from dfdetect.evaluate.scores import group_of
from dfdetect.faces.align import CropView, crop_face, cut_square, square_around
from dfdetect.media.reader import open_media
from dfdetect.media.sampling import even_indices
from dfdetect.models.bundle import find_bundle, load_bundle
from dfdetect.values import FaceCrop, FaceScore, Float32Array, Label, ScanResult, UInt8Array

STEPS = 12  # parts in which cells are exchanged
MAPS = ("heatmap", "random", "centre", "mask")  # what the cells are ordered by; mask: the truth, the best there is
FILES = 60
FRAMES = 2  # of a clip

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pair:
    """A fake with its mask, and the real file that it was made from, frame by frame."""

    fake: Sample
    real: Sample


@dataclass(frozen=True, slots=True)
class MapCheck:
    """One map on one face. pointing: its strongest cell lies in the mask. inside: share of its positive part there.

    deletion, insertion: (STEPS + 1,) logits as cells are exchanged, strongest first.
    """

    pointing: bool
    inside: float
    deletion: tuple[float, ...]
    insertion: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class FaceCheck:
    """One face of one fake. mask_share: of the crop's cells. maps: by the names of MAPS. Logits: as they are."""

    path: str
    method: str
    group: str
    mask_share: float
    logit_fake: float
    logit_real: float
    maps: dict[str, MapCheck]


def pairs_of(samples: Sequence[Sample], *, files: int = FILES, seed: int = 0) -> list[Pair]:
    """Fakes that have a mask and whose original is listed, at most so many, every method in turn.

    DataError where there is none: `dfdetect data fakes` makes such a list.
    """
    reals = {(sample.dataset, sample.video_id): sample for sample in samples if sample.label is Label.REAL}
    by_method: dict[str, list[Pair]] = {}
    for sample in samples:
        real = reals.get((sample.dataset, sample.pair_key))
        if sample.label is Label.FAKE and sample.mask_path and real is not None and sample.kind == real.kind:
            by_method.setdefault(sample.method, []).append(Pair(sample, real))
    if not by_method:
        raise DataError(
            "explanations are checked on fakes with a mask (mask_path) whose original is listed too (pair_key); "
            "make such a list with `dfdetect data fakes REALS.csv -o DIR`"
        )
    rng = np.random.default_rng(seed)
    groups = [[group[i] for i in rng.permutation(len(group))] for _, group in sorted(by_method.items())]
    return list(in_turn(groups))[:files]


def check_faces(
    pairs: Sequence[Pair],
    model: str | Path,
    *,
    seed: int = 0,
    jobs: int = 1,
    device: str = "auto",
    on_done: Callable[[int, int], None] | None = None,
) -> tuple[list[FaceCheck], list[str]]:
    """(faces, `NAME: reason` of fakes in which no face could be checked). on_done: told (fakes done, fakes asked).

    DataError: the model gives no heatmap.
    """
    if load_bundle(find_bundle(model)).heatmap is None:
        raise DataError(f"the model {model} gives no heatmap: there is no explanation to check")
    worker = functools.partial(_make_work, str(model), device, seed)
    found: dict[str, list[FaceCheck]] = {}
    left_out: list[str] = []
    for n, outcome in enumerate(pool.run(pairs, worker, jobs=jobs), start=1):
        name = outcome.item.fake.name
        found[name] = outcome.result or []
        if not found[name]:
            left_out.append(f"{name}: {outcome.error.code if outcome.error else 'no_face'}")
        if on_done is not None:
            on_done(n, len(pairs))
    faces = [face for pair in pairs for face in found[pair.fake.name]]
    return faces, sorted(left_out)


def _make_work(model: str, device: str, seed: int) -> Callable[[Pair], list[FaceCheck]]:
    scanner = Scanner(model, frames=FRAMES, device=device, threads=1)

    def work(pair: Pair) -> list[FaceCheck]:
        return list(_faces(pair, scanner, seed))

    return work


def _faces(pair: Pair, scanner: Scanner, seed: int) -> Iterator[FaceCheck]:
    scores = _chosen(scanner.scan(pair.fake.path))
    indices = sorted(scores)
    frames = [_frames(path, indices) for path in (pair.fake.path, pair.real.path, pair.fake.mask_path)]
    for index in indices:
        fake, real, mask = (found.get(index) for found in frames)
        if fake is None or real is None or mask is None or not fake.shape == real.shape == mask.shape:
            continue
        best = max(scores[index], key=lambda score: _mask_in(mask, score, scanner.bundle.views[0]).mean())
        check = _Exchange(best, fake, real, mask, scanner)
        if check.mask_cells.any():
            yield check.run(pair, np.random.default_rng([seed, zlib.crc32(pair.fake.name.encode()), index]))


def _chosen(result: ScanResult) -> dict[int, list[FaceScore]]:
    """Frame index -> its faces that have a map, of at most FRAMES frames."""
    by_frame: dict[int, list[FaceScore]] = {}
    for track in result.tracks:
        for score in track.scores:
            if score.cam is not None:
                by_frame.setdefault(score.frame_index, []).append(score)
    indices = sorted(by_frame)
    return {indices[i]: by_frame[indices[i]] for i in even_indices(range(len(indices)), FRAMES)} if indices else {}


def _frames(path: str, indices: Sequence[int]) -> dict[int, UInt8Array]:
    with open_media(path) as reader:
        held = [index for index in indices if index < len(reader.times_s)]
        return {frame.index: frame.image for frame in reader.frames(held, find_cuts=False)}


def _mask_in(mask: UInt8Array, score: FaceScore, view: CropView) -> UInt8Array:
    """(side, side) of the mask under the square that the network saw."""
    return cut_square(mask, *square_around(np.array(score.box_xyxy, np.float32), margin=view.margin))[..., 0]


class _Exchange:
    """One face in a fake frame and its original, cut into the cells of its map."""

    def __init__(
        self, score: FaceScore, fake: UInt8Array, real: UInt8Array, mask: UInt8Array, scanner: Scanner
    ) -> None:
        assert score.cam is not None
        self.score, self.fake, self.real, self.scanner = score, fake, real, scanner
        self.cam = score.cam
        self.box = np.array(score.box_xyxy, np.float32)
        self.views = scanner.bundle.views
        self.mask_means = _cell_means(_mask_in(mask, score, self.views[0]) / 255.0, self.cam.shape)
        self.mask_cells = self.mask_means > 0.5

    def run(self, pair: Pair, rng: np.random.Generator) -> FaceCheck:
        maps = self._maps(rng)
        counts = np.rint(np.linspace(0, self.cam.size, STEPS + 1)).astype(int)
        orders = {name: np.argsort(-values.ravel(), kind="stable") for name, values in maps.items()}
        pictures = [self.fake, self.real]
        for order in orders.values():
            chosen = [np.isin(np.arange(self.cam.size), order[:n]).reshape(self.cam.shape) for n in counts]
            pictures += [self._mixed(self.fake, self.real, cells) for cells in chosen]
            pictures += [self._mixed(self.real, self.fake, cells) for cells in chosen]
        # One track of many crops: none is scored mirrored, so all logits are of one kind.
        logits = self.scanner.score_crops([self._crop(picture) for picture in pictures])
        curves = logits[2:].reshape(len(orders), 2, STEPS + 1).astype(float)
        return FaceCheck(
            path=pair.fake.name,
            method=pair.fake.method,
            group=group_of(pair.fake),
            mask_share=float(self.mask_means.mean()),
            logit_fake=float(logits[0]),
            logit_real=float(logits[1]),
            maps={
                name: MapCheck(
                    pointing=bool(self.mask_cells.ravel()[orders[name][0]]),
                    inside=_inside(maps[name], self.mask_means),
                    deletion=tuple(float(v) for v in curve[0]),
                    insertion=tuple(float(v) for v in curve[1]),
                )
                for name, curve in zip(orders, curves, strict=True)
            },
        )

    def _maps(self, rng: np.random.Generator) -> dict[str, FloatArray]:
        height, width = self.cam.shape
        y, x = np.mgrid[0:height, 0:width] + 0.5
        far = np.square((y - height / 2) / height) + np.square((x - width / 2) / width)
        blob = np.exp(-far / (2 * 0.2**2)) + 1e-9 * rng.random(self.cam.shape)  # equal cells in an order by chance
        # Order within the mask, and outside, by chance too.
        truth = self.mask_means + 1e-6 * rng.random(self.cam.shape)
        return {
            "heatmap": self.cam.astype(np.float64),
            "random": rng.random(self.cam.shape),
            "centre": blob,
            "mask": truth,
        }

    def _mixed(self, below: UInt8Array, above: UInt8Array, cells: NDArray[np.bool_]) -> UInt8Array:
        """The frame `below` with the pixels of `above` under these cells."""
        left, top, side = square_around(self.box, margin=self.views[0].margin)
        edges_y, edges_x = (np.rint(np.linspace(0, side, n + 1)).astype(int) for n in cells.shape)
        out = below.copy()
        for row, column in zip(*np.nonzero(cells), strict=True):
            y0, y1 = (max(0, top + int(edges_y[row + k])) for k in (0, 1))
            x0, x1 = (max(0, left + int(edges_x[column + k])) for k in (0, 1))
            out[y0:y1, x0:x1] = above[y0:y1, x0:x1]
        return out

    def _crop(self, picture: UInt8Array) -> FaceCrop:
        cuts = [crop_face(picture, self.box, margin=view.margin, size_px=view.size_px) for view in self.views]
        return FaceCrop(
            cuts[0].image,
            cuts[0].to_frame,
            self.box,
            self.score.frame_index,
            self.score.time_s,
            0,
            self.score.quality,
            views=tuple(cut.image for cut in cuts[1:]),
        )


def _cell_means(values: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """(h, w) means of a picture's parts."""
    edges = [np.rint(np.linspace(0, size, n + 1)).astype(int) for size, n in zip(values.shape, shape, strict=True)]
    sums = np.add.reduceat(np.add.reduceat(values, edges[0][:-1], axis=0), edges[1][:-1], axis=1)
    return np.asarray(sums / np.outer(np.diff(edges[0]), np.diff(edges[1])), np.float64)


def _inside(values: FloatArray | Float32Array, mask: FloatArray) -> float:
    """Share of the map's positive part that lies in the mask; nan where it has none."""
    positive = np.maximum(values, 0)
    total = float(positive.sum())
    return float((positive * mask).sum()) / total if total > 0 else float("nan")
