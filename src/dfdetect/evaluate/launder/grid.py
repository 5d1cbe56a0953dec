"""The laundering grid: what each cell does, in what family, how hard, and whether it is mild. Frozen, with a hash.

Levels of blur, noise and saturation are those of DeeperForensics-1.0 (Jiang et al. 2020, arXiv:2001.03024). Mild is
what ordinary sharing does; nothing of it may turn real media into fakes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from dfdetect.errors import unknown_name
from dfdetect.evaluate.launder import overlays, steps
from dfdetect.evaluate.launder.shot import Shot
from dfdetect.evaluate.launder.steps import Step

_BOTH = ("image", "video")
_CLIPS = ("video",)


@dataclass(frozen=True, slots=True)
class Cell:
    """One way of laundering.

    family, severity: cells of a family with severities above 0 get harder from 1 on; 0 has no order. mild: ordinary
    sharing. steps: done in order. kinds: what it can be done to. whole: it needs the frames between those scored.
    """

    name: str
    family: str
    severity: int
    mild: bool
    text: str
    steps: tuple[Step, ...]
    kinds: tuple[str, ...] = _BOTH
    whole: bool = False

    def launder(self, shot: Shot, rng: np.random.Generator) -> Shot:
        """The shot after every step."""
        shot = shot if self.whole else shot.thinned()
        for step in self.steps:
            shot = step(shot, rng)
        return shot


CLEAN = Cell("clean", "clean", 0, True, "as it is", ())


def _levels(
    family: str,
    step: Callable[..., Shot],
    option: str,
    values: Sequence[Any],
    *,
    mild: int,
    text: str,
    names: Sequence[str] | None = None,
) -> list[Cell]:
    """One cell a value, the first `mild` of them mild."""
    return [
        Cell(
            f"{family}_{names[n] if names else value}",
            family,
            n + 1,
            n < mild,
            text.format(value),
            (partial(step, **{option: value}),),
        )
        for n, value in enumerate(values)
    ]


def _codec(codec: str, title: str, rates: Sequence[int]) -> list[Cell]:
    return [
        Cell(
            f"{codec}_{crf}",
            codec,
            n + 1,
            n < 2,
            f"{title} at CRF {crf}",
            (partial(steps.video, codec=codec, crf=crf),),
            _CLIPS,
            whole=True,
        )
        for n, crf in enumerate(rates)
    ]


_ONE_TO_FIVE = ("1", "2", "3", "4", "5")
_jpeg = partial(partial, steps.jpeg)
_noise = partial(partial, steps.noise)

GRID: tuple[Cell, ...] = (
    *_levels("jpeg", steps.jpeg, "quality", (95, 75, 50, 30), mild=2, text="JPEG of quality {}"),
    Cell("double_jpeg", "double_jpeg", 0, True, "JPEG 60, then JPEG 85", (_jpeg(quality=60), _jpeg(quality=85))),
    Cell("webp_75", "webp", 0, True, "WebP of quality 75", (partial(steps.webp, quality=75),)),
    Cell("avif_50", "avif", 0, True, "AVIF of quality 50", (partial(steps.avif, quality=50),)),
    *_levels(
        "resize", steps.down_and_up, "factor", (0.75, 0.5, 0.25), mild=2, text="to {} of the size and back",
        names=("75", "50", "25"),
    ),
    *_codec("h264", "H.264", (23, 28, 35, 40)),
    *_codec("hevc", "HEVC", (26, 32, 38)),
    *_codec("vp9", "VP9", (33, 43, 53)),
    Cell(
        "half_frame_rate", "frame_rate", 0, True, "every second frame, H.264 at CRF 23",
        (steps.half_the_frames, partial(steps.video, codec="h264", crf=23)), _CLIPS, whole=True,
    ),
    Cell(
        "messenger", "messenger", 0, True, "as a messenger sends it: stills at most 1600 px and JPEG 70, clips at most "
        "640 px and about 1 Mbit/s", (steps.messenger,), whole=True,
    ),
    Cell(
        "screenshot", "screenshot", 0, True, "shown at 0.6-1.4 of its size, captured, then JPEG 85",
        (steps.shown_on_screen, _jpeg(quality=85)),
    ),
    *_levels(
        "blur", steps.blur, "kernel_px", (7, 9, 13, 17, 21), mild=1, text="Gaussian blur, kernel {} px",
        names=_ONE_TO_FIVE,
    ),
    *_levels(
        "noise", steps.noise, "variance", (0.001, 0.002, 0.005, 0.01, 0.05), mild=1,
        text="white noise of variance {} (values 0..1)", names=_ONE_TO_FIVE,
    ),
    *_levels(
        "gamma", steps.gamma, "exponent", (1.2, 1.4, 1.7, 2.0, 2.5), mild=2, text="darkened: values to the power {}",
        names=_ONE_TO_FIVE,
    ),
    *_levels(
        "saturation", steps.saturation, "factor", (0.4, 0.3, 0.2, 0.1), mild=4, text="colour times {}",
        names=_ONE_TO_FIVE,
    ),
    Cell("gray", "saturation", 5, True, "without colour", (steps.gray,)),
    *_levels(
        "crop", steps.crop_borders, "share", (0.10, 0.25), mild=1, text="{} of width and height cut away",
        names=("10", "25"),
    ),
    Cell("text", "overlay", 0, True, "a caption over a tenth of the face", (overlays.text,)),
    Cell("logo", "overlay", 0, True, "a half transparent logo over a tenth of the face", (overlays.logo,)),
    Cell("emoji", "overlay", 0, False, "an emoji over a tenth of the face", (overlays.emoji,)),
    Cell("sticker", "overlay", 0, False, "an opaque sticker over a tenth of the face", (overlays.sticker,)),
    Cell("border", "overlay", 0, True, "bars of a tenth around the picture", (overlays.border,)),
    Cell("mirror", "mirror", 0, True, "mirrored", (steps.mirror,)),
    Cell("rotate_5", "rotate", 0, True, "turned by 5 degrees", (partial(steps.rotate, degrees=5.0),)),
    Cell("low_light", "low_light", 0, False, "a quarter of the light, with the camera's noise", (steps.low_light,)),
    # Three steps drawn by chance, three times; drawn once and written down, so that the grid is the same for everybody.
    Cell(
        "chain_1", "chain", 0, False, "to half the size and back, noise 1, JPEG 50",
        (partial(steps.down_and_up, factor=0.5), _noise(variance=0.001), _jpeg(quality=50)),
    ),
    Cell(
        "chain_2", "chain", 0, False, "darkened 2, 10 % cut away, WebP 75",
        (
            partial(steps.gamma, exponent=1.4), partial(steps.crop_borders, share=0.10),
            partial(steps.webp, quality=75),
        ),
    ),
    Cell(
        "chain_3", "chain", 0, False, "a sticker, turned by 5 degrees, JPEG 75",
        (overlays.sticker, partial(steps.rotate, degrees=5.0), _jpeg(quality=75)),
    ),
)  # fmt: skip


def chosen(names: Sequence[str]) -> tuple[Cell, ...]:
    """Cells of these names or families, in the grid's order; UsageError for a name that is neither."""
    known = {cell.name for cell in GRID} | {cell.family for cell in GRID}
    for name in names:
        if name not in known:
            raise unknown_name("cell or family of the laundering grid", name, known)
    return tuple(cell for cell in GRID if cell.name in names or cell.family in names)


def grid_hash(cells: Sequence[Cell]) -> str:
    """SHA-256 of what the cells are called and do, 16 digits: results of other grids do not compare."""
    text = "\n".join(f"{c.name}|{c.family}|{c.severity}|{c.mild}|{c.text}|{c.kinds}" for c in cells)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
