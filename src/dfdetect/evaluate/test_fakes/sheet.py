"""A contact sheet of test fakes: what was made has to be looked at before it is measured on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from dfdetect.data.sample import Sample
from dfdetect.data.sheet import Tile, captioned_sheet
from dfdetect.media.reader import open_media
from dfdetect.media.roundtrip import encode_jpeg
from dfdetect.values import Label, UInt8Array

SHEET = "sheet.jpg"
_PEOPLE = 12
_TILE_PX = 160


def write_sheet(folder: Path, samples: Sequence[Sample]) -> Path:
    """sheet.jpg: each column a real copy with its fakes below, of clips their middle frame; _PEOPLE columns at most.

    samples: of the list in the folder.
    """
    fakes: dict[str, list[Sample]] = {}
    for sample in samples:
        if sample.label is Label.FAKE:
            fakes.setdefault(sample.pair_key, []).append(sample)
    reals = [sample for sample in samples if sample.label is Label.REAL and sample.video_id in fakes]
    step = max(1, len(reals) // _PEOPLE)
    stacks = [[_tile(one) for one in (real, *fakes[real.video_id])] for real in reals[::step][:_PEOPLE]]
    title = f"{len(reals)} reals, {sum(len(found) for found in fakes.values())} fakes"
    path = folder / SHEET
    path.write_bytes(encode_jpeg(captioned_sheet([(title, stacks)], columns=len(stacks)), 90))
    return path


def _tile(sample: Sample) -> Tile:
    with open_media(sample.path) as reader:
        image = next(reader.frames([len(reader.times_s) // 2], find_cuts=False)).image
    return Tile(_squared(image), (sample.method or "real",))


def _squared(image: UInt8Array) -> UInt8Array:
    """The whole picture in a square, gray around it."""
    height, width = image.shape[:2]
    scale = _TILE_PX / max(height, width)
    size_wh = max(1, round(width * scale)), max(1, round(height * scale))
    page = np.full((_TILE_PX, _TILE_PX, 3), 128, np.uint8)
    page[: size_wh[1], : size_wh[0]] = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
    return page
