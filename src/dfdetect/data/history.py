"""What happens to a picture between the camera and us, drawn once and applied alike to the real and the fake of a pair.

A pair that differs in anything but the blend teaches the difference: re-encoding only the fake lets a classifier that
sees nothing of the face reach AUC 0.94 (docs/self_blending.md). So a history is drawn first, as a list of steps with
their numbers, and then applied to both pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import NormalDist

import cv2
import numpy as np

from dfdetect.data.augment import AugmentOptions
from dfdetect.data.changes import brightness_contrast, sharpen, shift_hsv, shift_rgb
from dfdetect.data.shards import FaceRecord
from dfdetect.errors import UsageError, unknown_name
from dfdetect.faces.align import cut_square, resize_square
from dfdetect.media.roundtrip import (
    CODECS,
    encode_jpeg,
    encode_png,
    jpeg_round_trip,
    last_after_video,
    webp_round_trip,
)
from dfdetect.values import Float32Array, UInt8Array

COPY = "copy"  # what the compression of a copy begins with

Step = Callable[[UInt8Array], UInt8Array]  # square RGB picture in, square RGB picture out

_GRID_PX = 16  # codecs' grids must not start at the crop's corner every time: a little more is encoded, then cut
_LEAST_PX = 24  # no picture becomes smaller
_FACES_WIDE = 1.25  # how many faces wide a crop is, about


def same_history(
    pictures: Sequence[UInt8Array],
    square: tuple[int, int, int],
    size_px: int,
    rng: np.random.Generator,
    options: AugmentOptions,
) -> list[UInt8Array]:
    """Pictures of one size -> crops (size_px, size_px, 3), each with the same colour, codec and size history.

    square: (left, top, side) of the crop in the pictures.
    """
    left, top, side = square
    extra_x, extra_y = (int(v) for v in rng.integers(0, _GRID_PX + 1, 2))
    steps = _Draw(rng, options, side + _GRID_PX).steps()
    crops = []
    for picture in pictures:
        wide = cut_square(picture, left - extra_x, top - extra_y, side + _GRID_PX)
        for step in steps:
            wide = step(wide)
        scale = wide.shape[0] / (side + _GRID_PX)
        cut = cut_square(wide, round(extra_x * scale), round(extra_y * scale), max(8, round(side * scale)))
        crops.append(resize_square(cut, size_px))
    return crops


def cut_mask(mask: Float32Array, square: tuple[int, int, int], size_px: int) -> Float32Array:
    """The mask (H, W) of a pair in the same square, (size_px, size_px) float32 0..1."""
    left, top, side = square
    cut = mask[top : top + side, left : left + side]
    how = cv2.INTER_AREA if side > 1.6 * size_px else cv2.INTER_LINEAR  # it is smooth
    return np.asarray(cv2.resize(cut, (size_px, size_px), interpolation=how), np.float32)


def codec_weights(entries: Sequence[str]) -> dict[str, float]:
    """("h264=0.7", ...) -> share of each codec, summing to 1. UsageError for what is no such list."""
    weights: dict[str, float] = {}
    for entry in entries:
        name, _, weight = entry.partition("=")
        if name not in CODECS:
            raise unknown_name("video codec", name, CODECS)
        try:
            weights[name] = float(weight)
        except ValueError:
            raise UsageError(f"augment.video_codecs: expected NAME=WEIGHT; got {entry!r}") from None
    total = sum(weights.values())
    if total <= 0 or min(weights.values()) < 0:
        raise UsageError(f"augment.video_codecs: weights must be 0 or more, one of them above 0; got {list(entries)}")
    return {name: weight / total for name, weight in weights.items()}


def video_copies(
    record: FaceRecord, count: int, rng: np.random.Generator, options: AugmentOptions
) -> Iterator[FaceRecord]:
    """The same face as so many videos would show it: for machines that train without PyAV, made beforehand.

    Each copy is the record with its whole loose picture through the video part of a history (size, softness, codec),
    everything that is measured in its pixels scaled with it, and compression "copy1", "c23+copy2", ... With such rows
    in the shards, a recipe with augment.p_video = 0 still learns from compressed faces; only the fakes that are made
    come after the codec then.
    """
    picture = record.picture()
    for number in range(1, count + 1):
        steps = _Draw(rng, options, picture.shape[0]).video()
        copy = picture
        for step in steps:
            copy = step(copy)
        scale = copy.shape[0] / picture.shape[0]
        mask = record.mask()
        if mask is not None:
            mask = np.asarray(cv2.resize(mask, copy.shape[1::-1], interpolation=cv2.INTER_AREA), np.uint8)
        yield replace(
            record,
            image_bytes=encode_jpeg(copy, 95, subsampling="444"),
            mask_bytes=None if mask is None else encode_png(np.repeat(mask[..., None], 3, axis=2)),
            mesh=_scaled(record.mesh, scale),
            landmarks=_scaled(record.landmarks, scale),
            box_xyxy=_scaled(record.box_xyxy, scale),
            face_px=record.face_px * scale,
            compression=f"{record.compression}+{COPY}{number}".lstrip("+"),
        )


def _scaled(points: Float32Array | None, scale: float) -> Float32Array | None:
    return None if points is None else np.asarray(points * np.float32(scale), np.float32)


class _Draw:
    """One history being drawn. side: of the square picture as the steps so far leave it."""

    def __init__(self, rng: np.random.Generator, options: AugmentOptions, side: int) -> None:
        self.rng, self.options, self.side, self.native = rng, options, side, side
        self._steps: list[Step] = []

    def steps(self) -> list[Step]:
        """All of it."""
        self._colour()
        if self._happens(self.options.p_retouch):
            self._retouch()
        if self._happens(self.options.p_video):
            self._video()
        else:
            self._photo()
        return self._steps

    def video(self) -> list[Step]:
        """What a video does, alone."""
        self._video()
        return self._steps

    def _happens(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def _seeded(self, change: Callable[[UInt8Array, np.random.Generator], UInt8Array]) -> None:
        """Add a change that draws numbers of its own: the same ones for each picture."""
        seed = int(self.rng.integers(2**63))
        self._steps.append(lambda picture: change(picture, np.random.default_rng(seed)))

    # ---- the whole picture ----

    def _colour(self) -> None:
        p = self.options.p_colour
        if self._happens(p / 2):
            self._seeded(lambda picture, rng: shift_rgb(picture, rng, 20))
        if self._happens(p):
            self._seeded(shift_hsv)
        if self._happens(p):
            self._seeded(lambda picture, rng: brightness_contrast(picture, rng, 0.2))
        if self._happens(self.options.p_gray):
            self._steps.append(_gray)

    def _retouch(self) -> None:
        """Skin smoothing, noise reduction or sharpening, as cameras, apps and editors do to the whole picture."""
        kind = str(self.rng.choice(["bilateral", "median", "sharpen"], p=[0.35, 0.2, 0.45]))
        if kind == "bilateral":
            colour, space = float(self.rng.uniform(15, 50)), float(self.rng.uniform(1.5, 4))
            self._steps.append(lambda p: np.asarray(cv2.bilateralFilter(p, 5, colour, space), np.uint8))
        elif kind == "median":
            size = int(self.rng.choice([3, 3, 5]))
            self._steps.append(lambda p: np.asarray(cv2.medianBlur(np.ascontiguousarray(p), size), np.uint8))
        else:
            amount, radius = float(self.rng.uniform(0.3, 1.5)), float(self.rng.uniform(0.7, 2.0))
            self._steps.append(lambda p: sharpen(p, amount, radius_px=radius))

    def _blur_or_noise(self) -> None:
        if self._happens(self.options.p_blur):
            sigma = float(self.rng.uniform(0.4, 1.5))
            self._steps.append(lambda p: np.asarray(cv2.GaussianBlur(p, (0, 0), sigma), np.uint8))
        if self._happens(self.options.p_noise):
            noise = _noise(self.rng, self.side, float(self.rng.uniform(1, 7)))
            self._steps.append(lambda p: np.asarray(cv2.add(p, noise, dtype=cv2.CV_8U), np.uint8))

    # ---- sizes ----

    def _resize(self, side: int, how: int) -> None:
        self.side = side
        self._steps.append(lambda p: np.asarray(cv2.resize(p, (side, side), interpolation=how), np.uint8))

    def _face_to(self, limits: tuple[int, int]) -> None:
        """Shrink until the face is as wide as drawn; never enlarge."""
        low, high = limits
        face_px = float(np.exp(self.rng.uniform(np.log(low), np.log(high))))
        self._shrink(face_px * _FACES_WIDE)

    def _shrink(self, side: float) -> None:
        wanted = max(_LEAST_PX, round(side))
        if wanted < self.side:
            how = cv2.INTER_AREA if self.rng.random() < 0.8 else cv2.INTER_LINEAR
            self._resize(wanted, how)

    # ---- a photograph ----

    def _photo(self) -> None:
        """Shrunk, softened or noisy, then JPEG (sometimes WebP), sometimes all over again."""
        if self._happens(self.options.p_shrink):
            self._face_to(self.options.photo_face_px)
        self._blur_or_noise()
        if self._happens(self.options.p_photo_jpeg):
            self._jpeg()
            while self._happens(self.options.p_again):
                if self._happens(0.5):
                    self._shrink(self.side * float(self.rng.uniform(0.5, 0.95)))
                self._jpeg()
        elif self._happens(self.options.p_webp):
            quality = int(self.rng.integers(40, 95))
            self._steps.append(lambda p: webp_round_trip(p, quality))

    def _jpeg(self) -> None:
        low, high = self.options.jpeg_quality
        quality, sampling = int(self.rng.integers(low, high)), str(self.rng.choice(["420", "444"]))
        self._steps.append(lambda p: jpeg_round_trip(p, quality, subsampling=sampling))

    # ---- a frame of a video ----

    def _video(self) -> None:
        """A small face, moving, through a codec once or twice; the last of three frames."""
        if self._happens(self.options.p_broadcast):
            self._broadcast()
        else:
            self._face_to(self.options.video_face_px)
        if self._happens(self.options.p_interlaced):
            self._interlaced()
        self._blur_or_noise()
        if self._happens(self.options.p_motion_blur):
            kernel = _motion_kernel(self.rng)
            self._steps.append(lambda p: np.asarray(cv2.filter2D(p, -1, kernel), np.uint8))
        self._codec()
        if self._happens(self.options.p_again):
            if self._happens(0.4):
                self._shrink(self.side * float(self.rng.uniform(0.6, 0.95)))
            self._codec()

    def _broadcast(self) -> None:
        """Enlarged from a smaller picture: soft lines, and sharpening that rings around edges."""
        low, _ = self.options.video_face_px
        self._face_to((low, max(low, 140)))
        across = max(_LEAST_PX, round(self.side * float(self.rng.uniform(0.5, 1.0))))
        grown = min(max(self.native, self.side), round(self.side * float(self.rng.uniform(1.2, 3.0))))
        how = int(self.rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4]))
        self._steps.append(lambda p: _squeezed(p, across))
        self._resize(grown, how)
        if self._happens(0.6):
            amount, radius = float(self.rng.uniform(0.3, 1.4)), float(self.rng.uniform(1.2, 3.0))
            self._steps.append(lambda p: sharpen(p, amount, radius_px=radius))

    def _interlaced(self) -> None:
        if self._happens(0.5):
            self._steps.append(_one_field)
        else:
            step = self.rng.uniform(-2, 2, 2).astype(np.float32)
            self._steps.append(lambda p: _mixed_fields(p, step))

    def _codec(self) -> None:
        low, high = self.options.video_crf
        # Small pictures are not encoded as hard: there would be no face left, and nothing of the fake.
        share = np.clip((self.side - 60) / 200, 0.3, 1.0)
        crf = int(self.rng.integers(low, round(low + share * (high - low)) + 1))
        weights: Mapping[str, float] = codec_weights(self.options.video_codecs)
        codec = str(self.rng.choice(list(weights), p=list(weights.values())))
        before = int(self.rng.choice([0, 1, 2], p=[0.2, 0.2, 0.6]))  # none: a key frame
        step = self.rng.normal(0, 0.7, 2).astype(np.float32)

        def through(picture: UInt8Array) -> UInt8Array:
            clip = [_moved(picture, step * back) for back in range(before, 0, -1)]
            return last_after_video([*clip, picture], crf=crf, codec=codec)

        self._steps.append(through)


def _gray(image: UInt8Array) -> UInt8Array:
    return np.asarray(cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8)


# A byte that is evenly distributed becomes a normal one: much faster than drawing normal numbers.
_NORMAL = np.array([NormalDist().inv_cdf((byte + 0.5) / 256) for byte in range(256)], np.float32)


def _noise(rng: np.random.Generator, side: int, sigma: float) -> Float32Array:
    """(side, side, 3) float32 of standard deviation sigma."""
    even = np.frombuffer(rng.bytes(side * side * 3), np.uint8).reshape(side, side, 3)
    return np.asarray(cv2.LUT(even, _NORMAL * np.float32(sigma)), np.float32)


def _motion_kernel(rng: np.random.Generator) -> Float32Array:
    length = int(rng.integers(3, 8))
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1.0 / length
    angle = float(rng.uniform(0, 180))
    turn = cv2.getRotationMatrix2D(((length - 1) / 2, (length - 1) / 2), angle, 1.0)
    kernel = np.asarray(cv2.warpAffine(kernel, turn, (length, length)), np.float32)
    return np.asarray(kernel / max(float(kernel.sum()), 1e-6), np.float32)


def _squeezed(image: UInt8Array, width: int) -> UInt8Array:
    return np.asarray(cv2.resize(image, (width, image.shape[0]), interpolation=cv2.INTER_AREA), np.uint8)


def _one_field(image: UInt8Array) -> UInt8Array:
    """Every second line, stretched over the others: the plainest way to take interlacing away."""
    size = (image.shape[1], image.shape[0])
    return np.asarray(cv2.resize(np.ascontiguousarray(image[::2]), size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _mixed_fields(image: UInt8Array, step_xy: Float32Array) -> UInt8Array:
    """Two fields of different moments mixed: a faint double picture, soft from line to line."""
    other = _moved(image, step_xy)
    mixed = image.copy()
    mixed[1::2] = other[1::2]
    return np.asarray(cv2.blur(mixed, (1, 3)), np.uint8)


def _moved(image: UInt8Array, step_xy: Float32Array) -> UInt8Array:
    move = np.array([[1, 0, step_xy[0]], [0, 1, step_xy[1]]], np.float32)
    size = (image.shape[1], image.shape[0])
    return np.asarray(cv2.warpAffine(image, move, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)
