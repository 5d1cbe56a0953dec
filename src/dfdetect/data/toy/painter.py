"""Tiny clips of drawn people and what is made of them: real, face-swapped, re-enacted, masked, cropped.

    toy = Toy(Path("toys/faceforensics"))
    real = Shot("ffpp:033")
    toy.video("original_sequences/youtube/c23/videos/033.mp4", real)
    toy.video("manipulated_sequences/Deepfakes/c23/videos/033_097.mp4", real.fake("ffpp:097", method="Deepfakes"))

A fake is its real clip with another drawn face blended into the inside of the face: before encoding every pixel outside
the mask is equal, and both are encoded alike. One seed gives the same bytes.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import wave
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from dfdetect.data.blend import blend
from dfdetect.data.drawn_faces import DrawnScene, Look, draw_clip, sample_look
from dfdetect.data.drawn_shapes import FloatArray, smooth_step
from dfdetect.data.sample import SampleKind
from dfdetect.media.roundtrip import encode_jpeg, encode_png, write_video
from dfdetect.values import Float32Array, Label, UInt8Array

Way = Literal["swap", "reenact"]

FPS = 8
N_FRAMES = 8
SIZE_WH = (320, 240)
_KEPT_CLIPS = 24  # held in memory, 2 MB each


@dataclass(frozen=True, slots=True)
class Shot:
    """What a clip shows. Equal shots are equal pictures, whatever dataset they are written into.

    person: who (or whose background) it is, by any name, `ffpp:033`; clip: which recording of that person.
    donor: whose face or expression was put in, "" for a real clip. method: gives each way of faking its own traces.
    way: "swap" puts in the donor's face, "reenact" the donor's mouth on the person's own face.
    bystander: a second person, right in the picture, whose face is left alone.
    """

    person: str
    clip: str = "1"
    donor: str = ""
    method: str = ""
    way: Way = "swap"
    bystander: str = ""

    def fake(self, donor: str, *, method: str = "", way: Way = "swap") -> Shot:
        """The fake that is made from this clip frame by frame."""
        return replace(self, donor=donor, method=method, way=way)

    @property
    def real(self) -> Shot:
        """The clip that a fake was made from."""
        return replace(self, donor="", method="", way="swap")

    @property
    def label(self) -> Label:
        return Label.FAKE if self.donor else Label.REAL


@dataclass(frozen=True, slots=True)
class ToyItem:
    """One thing that a reader should find. path: inside the toy's root, a file or a folder of frames or crops."""

    path: str
    kind: SampleKind
    shot: Shot


@dataclass(slots=True)
class Toy:
    """A toy dataset being written under `root`; `items` tells the truth about it.

    Paths are inside root, with `/`. compression by `crf` as x264 has it: 10 next to lossless, 23 and 40 as c23 and c40.
    """

    root: Path
    seed: int = 0
    items: list[ToyItem] = field(default_factory=list)

    def video(self, path: str, shot: Shot, *, crf: int = 23, codec: str = "libx264", listed: bool = True) -> None:
        """A clip of one second. listed: False for a file that a reader should not return."""
        write_video(self._new(path), pictures(shot, self.seed), fps=FPS, crf=crf, codec=codec, repeatable=True)
        if listed:
            self.items.append(ToyItem(path, "video", shot))

    def mask_video(self, path: str, shot: Shot) -> None:
        """Where the fake differs from its real: white on black."""
        frames = [_white(mask) for mask in masks(shot, self.seed)]
        write_video(self._new(path), frames, fps=FPS, crf=23, repeatable=True)

    def frames(self, folder: str, shot: Shot, *, name: str = "{:03d}.jpg", first: int = 1) -> None:
        """Whole frames as JPEG or PNG by the suffix of `name` (JPEG without one), numbered from `first`."""
        self._folder(folder, pictures(shot, self.seed), name, first)
        self.items.append(ToyItem(folder, "frames", shot))

    def crops(self, folder: str, shot: Shot, *, name: str = "{:03d}.png", first: int = 0, size_px: int = 128) -> None:
        """Face crops with a margin of a third, as other people's crops come."""
        self._folder(folder, _crops(shot, self.seed, size_px), name, first)
        self.items.append(ToyItem(folder, "crop", shot))

    def mask_crops(self, folder: str, shot: Shot, *, name: str = "{:03d}.png", first: int = 0) -> None:
        """The masks of `crops`, beside them."""
        boxes = [scene.boxes_xyxy[0] for scene in _drawn(shot.real, self.seed)]
        cut = [_crop(_white(m), box, 128) for m, box in zip(masks(shot, self.seed), boxes, strict=True)]
        self._folder(folder, cut, name, first)

    def image(self, path: str, shot: Shot, *, frame: int = 0, listed: bool = True) -> None:
        """One whole frame, 0..7, as JPEG or PNG. listed: False for a file that a reader should not return."""
        self._new(path).write_bytes(_encoded(path, pictures(shot, self.seed)[frame]))
        if listed:
            self.items.append(ToyItem(path, "image", shot))

    def crop(self, path: str, shot: Shot, *, frame: int = 0, size_px: int = 128) -> None:
        """One face crop, of frame 0..7, as JPEG or PNG."""
        self._new(path).write_bytes(_encoded(path, _crops(shot, self.seed, size_px)[frame]))
        self.items.append(ToyItem(path, "crop", shot))

    def silence(self, path: str) -> None:
        """A WAV file of a tenth of a second, for datasets that keep the sound apart."""
        with wave.open(str(self._new(path)), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(bytes(1600))

    def text(self, path: str, text: str) -> None:
        self._new(path).write_text(text, encoding="utf-8")

    def json(self, path: str, value: object) -> None:
        self.text(path, json.dumps(value, indent=1))

    def csv(self, path: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([header, *rows])
        self.text(path, out.getvalue())

    def _new(self, path: str) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def _folder(self, folder: str, images: Sequence[UInt8Array], name: str, first: int) -> None:
        for number, image in enumerate(images, first):
            path = f"{folder}/{name.format(number)}"
            self._new(path).write_bytes(_encoded(path, image))


@lru_cache(maxsize=_KEPT_CLIPS)
def pictures(shot: Shot, seed: int = 0) -> tuple[UInt8Array, ...]:
    """The frames of a shot: N_FRAMES times (240, 320, 3) uint8 RGB, kept in memory a while: do not write to them."""
    real = _drawn(shot.real, seed)
    if not shot.donor:
        return tuple(scene.image for scene in real)
    donor = _drawn(replace(shot, method=""), seed)
    rng = _rng(seed, "traces", shot.donor, shot.method)
    detail_px = int(rng.integers(70, 110))  # what a generator of this face size would have drawn
    colour_kept = rng.uniform(0.6, 1.0)
    out = []
    for target, face, mask in zip(real, donor, masks(shot, seed), strict=True):
        face_px = float(target.boxes_xyxy[0, 2] - target.boxes_xyxy[0, 0])
        soft = _regrown(face.image, min(1.0, detail_px / face_px))
        out.append(blend(_coloured_as(target.image, soft, mask, colour_kept), target.image, mask))
    return tuple(out)


@lru_cache(maxsize=_KEPT_CLIPS)
def masks(shot: Shot, seed: int = 0) -> tuple[Float32Array, ...]:
    """Share of the donor's face in every pixel of every frame: (240, 320) float32 0..1, 0 outside the face."""
    rng = _rng(seed, "mask", shot.person, shot.clip, shot.donor, shot.method)
    radii_uv = rng.uniform((0.70, 0.80), (0.84, 0.96)) if shot.way == "swap" else rng.uniform((0.48, 0.3), (0.6, 0.36))
    centre_v = 0.16 if shot.way == "swap" else 0.72
    soft = rng.uniform(0.15, 0.35)
    return tuple(_mask(scene, radii_uv, centre_v, soft) for scene in _drawn(shot.real, seed))


def _mask(scene: DrawnScene, radii_uv: FloatArray, centre_v: float, soft: float) -> Float32Array:
    """A soft ellipse in the face's own axes; a box spans -0.95..0.95 across and -0.98..1.30 down."""
    left, top, right, bottom = (float(edge) for edge in scene.boxes_xyxy[0])
    unit_px = (right - left) / 1.9
    eyes = scene.landmarks[0, 1] - scene.landmarks[0, 0]
    across = eyes / np.hypot(*eyes)
    down = np.array([-across[1], across[0]])
    centre = np.array([(left + right) / 2, (top + bottom) / 2]) + down * (centre_v - 0.16) * unit_px
    height_px, width_px = scene.image.shape[:2]
    dx = np.arange(width_px, dtype=np.float32)[None, :] + np.float32(0.5 - centre[0])
    dy = np.arange(height_px, dtype=np.float32)[:, None] + np.float32(0.5 - centre[1])
    u = (dx * across[0] + dy * across[1]) / np.float32(unit_px * radii_uv[0])
    v = (dx * down[0] + dy * down[1]) / np.float32(unit_px * radii_uv[1])
    return smooth_step((1 - np.sqrt(u * u + v * v)) / np.float32(soft))


def _regrown(image: UInt8Array, share: float) -> UInt8Array:
    """Lose the detail that a smaller picture cannot hold."""
    height_px, width_px = image.shape[:2]
    small = cv2.resize(image, (round(width_px * share), round(height_px * share)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width_px, height_px), interpolation=cv2.INTER_CUBIC), np.uint8)


def _coloured_as(target: UInt8Array, face: UInt8Array, mask: Float32Array, share: float) -> UInt8Array:
    """Move the face's mean colour under the mask towards the target's, as swaps do to hide their edge."""
    shift = np.einsum("hwc,hw->c", target.astype(np.float32) - face, mask) / mask.sum() * share
    return np.asarray(np.clip(np.rint(face + shift), 0, 255), np.uint8)


def _crops(shot: Shot, seed: int, size_px: int) -> list[UInt8Array]:
    boxes = [scene.boxes_xyxy[0] for scene in _drawn(shot.real, seed)]
    return [_crop(image, box, size_px) for image, box in zip(pictures(shot, seed), boxes, strict=True)]


def _crop(image: UInt8Array, box_xyxy: Float32Array, size_px: int) -> UInt8Array:
    """The square around a face box, 1.3 times as wide as the box is high, filled at the picture's edge."""
    left, top, right, bottom = (float(edge) for edge in box_xyxy)
    side_px = 1.3 * (bottom - top)
    scale = size_px / side_px
    move = np.array(
        [[scale, 0, size_px / 2 - scale * (left + right) / 2], [0, scale, size_px / 2 - scale * (top + bottom) / 2]]
    )
    return np.asarray(
        cv2.warpAffine(image, move, (size_px, size_px), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


@lru_cache(maxsize=_KEPT_CLIPS)
def _drawn(shot: Shot, seed: int) -> tuple[DrawnScene, ...]:
    """A clip as drawn: of a real shot the person; of a fake one the donor in the person's very poses."""
    look = _look(shot.person, seed)
    if shot.donor:
        donor = _look(shot.donor, seed)
        look = donor if shot.way == "swap" else _other_mouth(look, donor, _rng(seed, "mouth", shot.person, shot.donor))
    looks = [look, _look(shot.bystander, seed)] if shot.bystander else [look]
    rng = _rng(seed, "clip", shot.person, shot.clip, shot.bystander)
    return tuple(draw_clip(rng, N_FRAMES, SIZE_WH, n_faces=len(looks), looks=looks, fps=FPS))


def _other_mouth(look: Look, donor: Look, rng: np.random.Generator) -> Look:
    """The same person with a mouth that the donor drives: always plainly wider or narrower, fuller or thinner."""
    return replace(
        look,
        mouth_width=look.mouth_width * rng.choice([0.8, 1.2]),
        lip_height=look.lip_height * rng.choice([0.6, 1.5]),
        lip_red=donor.lip_red,
    )


def _look(person: str, seed: int) -> Look:
    return sample_look(_rng(seed, "look", person))


def _rng(seed: int, *names: str) -> np.random.Generator:
    digest = hashlib.sha256("\n".join(names).encode()).digest()
    return np.random.default_rng([seed, *digest[:16]])


def _white(mask: Float32Array) -> UInt8Array:
    return np.repeat(np.where(mask > 0.05, 255, 0).astype(np.uint8)[:, :, None], 3, axis=2)


def _encoded(path: str, image: UInt8Array) -> bytes:
    return encode_png(image, effort=1) if path.lower().endswith(".png") else encode_jpeg(image, 90)
