"""Make the bundled sample clips from the astronaut photograph of scikit-image (Eileen Collins, NASA, public domain).

    python scripts/make_sample_media.py

Writes astronaut_real.mp4, a slow pan and zoom over the photograph, and astronaut_fake.mp4, the same movement over the
photograph with its face blended onto itself once (dfdetect.data.self_blend) and "TEST FAKE" written outside the face in
every frame. Movement, resampling and encoder are the same, so the blend and the writing are all that differs.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import skimage.data

from dfdetect.data.blend import BlendOptions, visible_difference
from dfdetect.data.self_blend import self_blend
from dfdetect.faces.align import square_around
from dfdetect.faces.detector import make_detector
from dfdetect.faces.mesh import FaceMesh
from dfdetect.media.roundtrip import write_video
from dfdetect.values import Float32Array, UInt8Array

SAMPLES = Path(__file__).resolve().parents[1] / "src" / "dfdetect" / "samples"
SIZE_WH = (640, 480)
FPS = 25
SECONDS = 4
MOST_BYTES = 400_000
CAPTION = "TEST FAKE"
CAPTION_PX = 56
# The whole face, fully blended, and plain to see: a sample that nobody can tell from the real one teaches nothing.
PLAIN_BLEND = BlendOptions(p_region=0.0, ratios=(1.0,), min_difference=8.0, tries=100)
# Widths of the viewed part of the photograph, in its pixels.
WIDEST_PX, TIGHTEST_PX = 440.0, 300.0


def blended(photo: UInt8Array, box_xyxy: Float32Array, seed: int) -> UInt8Array:
    """The photograph with its one face self-blended; every pixel outside the blend mask is untouched."""
    mesh = FaceMesh().fit(photo, make_detector().detect(photo)).points[0]
    left, top, side = square_around(box_xyxy, margin=0.35)
    left, top = max(0, left), max(0, top)
    crop = photo[top : top + side, left : left + side]
    rng = np.random.default_rng(seed)
    while True:
        pair = self_blend(crop, mesh[:, :2] - np.array([left, top], np.float32), rng, PLAIN_BLEND)
        # Half of the pairs change the background instead, which would leave the crop's outline in the photograph.
        if np.array_equal(pair.real, crop):
            break
    print(f"blend: {pair.mask_name}, mean difference {visible_difference(pair):.1f} grey levels")
    fake = photo.copy()
    fake[top : top + side, left : left + side] = pair.fake
    return fake


def camera(box_xyxy: Float32Array, photo_px: int) -> Iterator[Float32Array]:
    """(2, 3) maps from the photograph to each frame: a smooth pan and zoom that keeps the face in view."""
    centre = (box_xyxy[:2] + box_xyxy[2:]) / 2
    for index in range(FPS * SECONDS):
        phase = 2 * np.pi * index / (FPS * SECONDS)
        width_px = WIDEST_PX + (TIGHTEST_PX - WIDEST_PX) * (0.5 - 0.5 * np.cos(phase))
        height_px = width_px * SIZE_WH[1] / SIZE_WH[0]
        middle = centre + np.array([0.10 * np.sin(phase), 0.05 * np.sin(2 * phase)]) * width_px
        left = np.clip(middle[0] - width_px / 2, 0, photo_px - width_px)
        top = np.clip(middle[1] - height_px / 2, 0, photo_px - height_px)
        scale = SIZE_WH[0] / width_px
        yield np.array([[scale, 0, -left * scale], [0, scale, -top * scale]], np.float32)


def frames(photo: UInt8Array, box_xyxy: Float32Array, caption: str | None) -> Iterator[UInt8Array]:
    for to_frame in camera(box_xyxy, photo.shape[0]):
        frame = cv2.warpAffine(photo, to_frame, SIZE_WH, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        if caption:
            chin_px = to_frame[1, 1] * box_xyxy[3] + to_frame[1, 2]
            if chin_px > SIZE_WH[1] - CAPTION_PX:
                raise SystemExit(f"the caption would touch the face: chin at {chin_px:.0f} px of {SIZE_WH[1]}")
            frame[-CAPTION_PX:] = 0
            (width_px, _), _ = cv2.getTextSize(caption, cv2.FONT_HERSHEY_SIMPLEX, 1.4, 3)
            at = ((SIZE_WH[0] - width_px) // 2, SIZE_WH[1] - 14)
            cv2.putText(frame, caption, at, cv2.FONT_HERSHEY_SIMPLEX, 1.4, (255, 255, 255), 3, cv2.LINE_AA)
        yield np.asarray(frame, np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=SAMPLES)
    parser.add_argument("--seed", type=int, default=0, help="of the blend")
    parser.add_argument("--crf", type=int, default=23)
    arguments = parser.parse_args()
    photo = np.asarray(skimage.data.astronaut(), np.uint8)
    box_xyxy = make_detector().detect(photo).boxes_xyxy[0]
    arguments.out.mkdir(parents=True, exist_ok=True)
    fake = blended(photo, box_xyxy, arguments.seed)
    clips = {"astronaut_real.mp4": (photo, None), "astronaut_fake.mp4": (fake, CAPTION)}
    for name, (still, caption) in clips.items():
        path = arguments.out / name
        write_video(path, frames(still, box_xyxy, caption), fps=FPS, crf=arguments.crf)
        n_bytes = path.stat().st_size
        print(f"{name}: {n_bytes} bytes")
        if n_bytes > MOST_BYTES:
            raise SystemExit(f"{name}: expected at most {MOST_BYTES} bytes, got {n_bytes}; raise --crf")


if __name__ == "__main__":
    main()
