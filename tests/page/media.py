"""Drawn media whose verdict by the tiny bundle (it scores brightness) is known: nobody's face."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from dfdetect.data.drawn_faces import draw_clip, draw_face
from dfdetect.media.roundtrip import write_video

FPS = 12


def _toned(image: np.ndarray, light: float) -> np.ndarray:
    """light: 0 leaves the picture as it is, 1 is white, -1 black."""
    target = 255.0 if light > 0 else 0.0
    return np.asarray(image + abs(light) * (target - image), np.uint8)


def picture(seed: int, *, light: float = 0.0, size_px: int = 256) -> bytes:
    """A PNG of one face."""
    return _png(_toned(draw_face(np.random.default_rng(seed), size_px), light))


def nobody(seed: int) -> bytes:
    """A PNG without a face."""
    ramp = np.linspace(40, 200, 160, dtype=np.float64)[None, :, None] * np.linspace(0.4, 1.0, 3)
    return _png(np.repeat(ramp, 120, axis=0).astype(np.uint8) + np.uint8(seed % 16))


def clip(seed: int, *, lights: tuple[float, ...] = (0.0,), faces: int = 1, seconds: float = 3.0) -> bytes:
    """An MP4 whose faces grow lighter and darker, from each of `lights` to the next, evenly over the clip."""
    drawn = draw_clip(np.random.default_rng(seed), n_frames=round(seconds * FPS), n_faces=faces, fps=FPS)
    light = np.interp(np.linspace(0, 1, len(drawn)), np.linspace(0, 1, len(lights)), lights)
    frames = [_toned(one.image, float(here)) for one, here in zip(drawn, light, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        write_video(path, frames, fps=FPS, repeatable=True)
        return path.read_bytes()


def _png(image: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(image).save(out, "PNG")
    return out.getvalue()
