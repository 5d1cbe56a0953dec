"""Datasets -> face shards. The way through: `plan` (samples -> units), `unit` (one unit -> rows), `assemble` (units ->
shards), all driven by `run.prepare`, which can be stopped at any moment and goes on where it was."""

from __future__ import annotations

from dfdetect.data.prepare.cut import loose_crop
from dfdetect.data.prepare.options import LOOSE_MARGIN, MAX_LOOSE_PX, MIN_FACE_PX, PrepareOptions

__all__ = ["LOOSE_MARGIN", "MAX_LOOSE_PX", "MIN_FACE_PX", "PrepareOptions", "loose_crop"]
