"""A laundered shot as a file whose pixels are exactly the shot's: PNG, or H.264 without loss."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from dfdetect.evaluate.launder.shot import Shot
from dfdetect.media.roundtrip import encode_clip, encode_png


def write_shot(shot: Shot, folder: Path) -> Path:
    """Write it into the folder; returns the file. What compression did is in the pixels already."""
    if not shot.is_clip:
        path = folder / "laundered.png"
        path.write_bytes(encode_png(shot.frames[0], effort=1))
        return path
    path = folder / "laundered.mp4"
    thin = shot.thinned()
    path.write_bytes(encode_clip(thin.frames, fps=thin.fps or Fraction(25), codec="lossless"))
    return path
