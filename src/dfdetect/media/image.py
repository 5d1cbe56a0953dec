"""Still and animated images to upright sRGB pixels, through Pillow.

One way for training and scanning: the EXIF orientation is applied once, an ICC profile is converted to sRGB (a broken
profile is ignored, as viewers do), CMYK and palette are resolved, 16 and 32 bits are scaled (never clipped) to 8, and
transparency is laid over white, which is what viewers show.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dfdetect.errors import ErrorCode, MediaError
from dfdetect.media.boundary import Source, media_errors, open_source
from dfdetect.media.cuts import thumbnail_size
from dfdetect.media.limits import DEFAULT_LIMITS, Limits, check_pixels, over_limit
from dfdetect.media.pictures import Picture
from dfdetect.media.sniff import HEAD_BYTES, MediaType, sniff
from dfdetect.values import MediaInfo, UInt8Array

if TYPE_CHECKING:
    from PIL import Image

# More than one frame means an animation only here: the pages of a TIFF and the stereo pair of an MPO are no film.
_ANIMATED = frozenset(("GIF", "WEBP", "PNG", "AVIF"))
# Browsers show a frame that asks for 10 ms or less for 100 ms; so do we.
_SHORTEST_MS, _INSTEAD_MS = 10.0, 100.0
_MAX_ICC_BYTES = 8 * 1024**2
_ORIENTATION = 0x0112
_WHITE = (255, 255, 255)
# What Pillow raises while it reads damaged metadata of a picture whose pixels are sound.
_BAD_METADATA = (ValueError, TypeError, LookupError, ArithmeticError, SyntaxError, OSError, EOFError, struct.error)


class ImageFile:
    """The frames of one image: one for a still, more for an animated GIF, WebP, PNG or AVIF (kind "video")."""

    def __init__(self, source: Source, media_type: MediaType, limits: Limits) -> None:
        """Errors: too_large, too_many_pixels, too_many_frames, too_long, corrupt_header, corrupt_data."""
        if source.size_bytes > limits.max_image_bytes:
            raise over_limit(ErrorCode.TOO_LARGE, f"{source.size_bytes} bytes", f"{limits.max_image_bytes} bytes")
        self._source = source
        self._parser = media_type.parser
        self._limits = limits
        # The first frame is decoded at once: only then are its true size and orientation known.
        with self._opened() as image:
            count = self._frame_count(image)
            rotation_deg = 0
            with _decoding():
                image.load()
                if count == 1:
                    rotation_deg = _rotation_deg(_orientation(image))
                self._first: UInt8Array | None = _upright_rgb(image)
            durations_s = self._durations_s(image, count) if count > 1 else [0.0]
        ends_s = np.cumsum(durations_s)
        self.times_s: NDArray[np.float64] = np.concatenate(([0.0], ends_s[:-1]))
        if ends_s[-1] > limits.max_duration_s:
            raise over_limit(ErrorCode.TOO_LONG, f"{ends_s[-1]:.0f} s", f"{limits.max_duration_s:.0f} s")
        height_px, width_px = self._first.shape[:2]
        self.info = MediaInfo(
            kind="video" if count > 1 else "image",
            container=media_type.name,
            codec=media_type.name,
            width_px=width_px,
            height_px=height_px,
            fps=Fraction(count / float(ends_s[-1])).limit_denominator(1001) if count > 1 else None,
            frame_count=count,
            duration_s=float(ends_s[-1]),
            rotation_deg=rotation_deg,
            bit_rate_bps=round(source.size_bytes * 8 / ends_s[-1]) if count > 1 else None,
        )

    def pictures(self, wanted: Collection[int] | None = None) -> Iterator[Picture]:
        """All frames in order, whatever is wanted. Errors: corrupt_data."""
        if self.info.kind == "image":
            # Given away on first use, so that the pixels are not held twice; made again if asked for again.
            first, self._first = self._first, None
            yield _picture(0, first if first is not None else self._decode_still())
            return
        self._first = None
        with self._opened() as image:
            for index in range(self.info.frame_count):
                with _decoding():
                    image.seek(index)
                    image.load()
                    rgb = _on_canvas(_upright_rgb(image), self.info.width_px, self.info.height_px)
                yield _picture(index, rgb)

    def close(self) -> None:
        self._first = None

    def _decode_still(self) -> UInt8Array:
        with self._opened() as image, _decoding():
            return _upright_rgb(image)

    @contextmanager
    def _opened(self) -> Iterator[Image.Image]:
        """The Pillow image after its header alone was read and checked."""
        from PIL import Image

        self._source.seek(0)
        with media_errors("probe"), _quiet():
            image = Image.open(self._source, formats=(self._parser,))  # type: ignore[arg-type]
            check_pixels(*image.size, self._limits.max_image_pixels)
        # Never closed: that would close the source, which is not Pillow's.
        yield image

    def _frame_count(self, image: Any) -> int:
        if self._parser not in _ANIMATED:
            return 1
        with media_errors("probe"), _quiet():
            count = int(getattr(image, "n_frames", 1))
        if count > self._limits.max_frames:
            raise over_limit(ErrorCode.TOO_MANY_FRAMES, f"{count} frames", f"{self._limits.max_frames} frames")
        if count > 1 and count * image.width * image.height > self._limits.max_animation_pixels:
            raise over_limit(
                ErrorCode.TOO_MANY_PIXELS,
                f"{count} frames of {image.width} x {image.height} px",
                f"{self._limits.max_animation_pixels / 1e6:g} million pixels in all frames",
            )
        return count

    def _durations_s(self, image: Any, count: int) -> list[float]:
        """How long each frame is shown; some formats tell only once the frame is decoded."""
        durations_s = []
        for index in range(count):
            with _decoding():
                image.seek(index)
                image.load()
                shown_ms = float(image.info.get("duration") or 0)
            durations_s.append((shown_ms if shown_ms > _SHORTEST_MS else _INSTEAD_MS) / 1000)
        return durations_s


def read_rgb(path_or_bytes: Path | str | bytes, *, limits: Limits = DEFAULT_LIMITS) -> UInt8Array:
    """One still image, or the first frame of an animation, as (H, W, 3) uint8 upright sRGB.

    The same code that a scan runs. Errors: MediaError with a code of the closed list; a video file is
    `unsupported_type`.
    """
    source = open_source(path_or_bytes, limits)
    try:
        media_type = sniff(source.head(HEAD_BYTES))
        if media_type.kind != "image":
            raise MediaError(
                ErrorCode.UNSUPPORTED_TYPE, f"expected an image, got a video ({media_type.name})", stage="probe"
            )
        file = ImageFile(source, media_type, limits)
        return next(file.pictures()).rgb()
    finally:
        source.close()


@contextmanager
def _quiet() -> Iterator[None]:
    """Pillow warns about damage that we either report as an error or that does not matter; users cannot act on it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _decoding() -> Iterator[None]:
    with media_errors("decode"), _quiet():
        yield


def _picture(index: int, rgb: UInt8Array) -> Picture:
    return Picture(index, rgb=lambda: rgb, thumbnail_bgr=partial(_thumbnail_bgr, rgb))


def _on_canvas(rgb: UInt8Array, width_px: int, height_px: int) -> UInt8Array:
    """A GIF frame may reach beyond the first one: what sticks out is cut off, what is missing is white."""
    if rgb.shape[:2] == (height_px, width_px):
        return rgb
    canvas = np.full((height_px, width_px, 3), 255, dtype=np.uint8)
    seen = rgb[:height_px, :width_px]
    canvas[: seen.shape[0], : seen.shape[1]] = seen
    return canvas


def _thumbnail_bgr(rgb: UInt8Array) -> UInt8Array:
    import cv2

    size = thumbnail_size(rgb.shape[1], rgb.shape[0])
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(small[..., ::-1], dtype=np.uint8)


def _upright_rgb(image: Image.Image) -> UInt8Array:
    """(H, W, 3) uint8 upright sRGB of a loaded or unloaded Pillow image."""
    from PIL import Image

    image.load()
    orientation = _orientation(image)  # after load: Pillow applies the one of a TIFF itself and then drops the tag
    profile = image.info.get("icc_profile")
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = Image.fromarray(_to_8_bit(np.asarray(image)))
    elif image.mode in ("P", "PA", "La", "RGBa") or (image.mode in ("1", "L", "RGB") and "transparency" in image.info):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    rgb = _to_srgb(image, profile)
    if orientation != 1:
        rgb = rgb.transpose(_transpositions()[orientation])
    return np.array(rgb, dtype=np.uint8)


def _to_8_bit(values: NDArray[Any]) -> UInt8Array:
    """One channel of more than 8 bits, scaled by what its type and range say: 16 bits, 31 bits, or floats of 0..1."""
    high = float(np.nanmax(values, initial=0))
    if values.dtype.kind == "f":
        top = 1.0 if high <= 1 else 255.0 if high <= 255 else 65535.0 if high <= 65535 else high
    else:
        top = 65535.0 if high <= 65535 else float(2**31 - 1)
    scaled = np.clip(np.nan_to_num(values.astype(np.float32)) * (255 / top), 0, 255)
    eight: UInt8Array = (scaled + 0.5).astype(np.uint8)
    return eight


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """8-bit image of any mode and its profile -> RGB on white."""
    from PIL import Image

    alpha = image.getchannel("A") if image.mode in ("RGBA", "LA") else None
    colour = image.convert(image.mode[:-1]) if alpha is not None else image
    rgb = _through_profile(colour, profile) or _plain_rgb(colour)
    if alpha is None or alpha.getextrema() == (255, 255):
        return rgb
    return Image.composite(rgb, Image.new("RGB", rgb.size, _WHITE), alpha)


def _plain_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "LAB":  # the one mode that Pillow converts only through a profile
        from PIL import ImageCms

        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB") or image
    return image.convert("RGB")


def _through_profile(image: Image.Image, profile: bytes | None) -> Image.Image | None:
    """The image in sRGB by its own profile; None without a usable one."""
    if not isinstance(profile, bytes) or not 128 <= len(profile) <= _MAX_ICC_BYTES or image.mode == "LAB":
        return None
    from PIL import ImageCms

    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        to_srgb = ImageCms.buildTransform(own, ImageCms.createProfile("sRGB"), image.mode, "RGB")
        # Most profiles are sRGB under some name. To apply one would cost more than to decode the picture.
        if image.mode == "RGB" and _changes_little(to_srgb):
            return image
        return ImageCms.applyTransform(image, to_srgb)
    except (ImageCms.PyCMSError, *_BAD_METADATA):
        return None


def _changes_little(to_srgb: Any) -> bool:
    """True when no colour of a 9 x 9 x 9 lattice moves by more than 2 of 255 steps."""
    from PIL import Image, ImageCms

    steps = np.linspace(0, 255, 9).astype(np.uint8)
    lattice = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3)
    moved = np.asarray(ImageCms.applyTransform(Image.fromarray(lattice), to_srgb), dtype=np.int16)
    return bool(np.abs(moved - lattice).max() <= 2)


def _orientation(image: Image.Image) -> int:
    """EXIF orientation 1..8; 1 when there is none, when it is out of range, or when the block cannot be read."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
        return int(value) if int(value) in range(1, 9) else 1
    except _BAD_METADATA:
        return 1


def _transpositions() -> dict[int, Image.Transpose]:
    """EXIF orientation -> how to turn the picture upright (CIPA DC-008-2012, section 4.6.4)."""
    from PIL.Image import Transpose

    return {
        2: Transpose.FLIP_LEFT_RIGHT, 3: Transpose.ROTATE_180, 4: Transpose.FLIP_TOP_BOTTOM, 5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270, 7: Transpose.TRANSVERSE, 8: Transpose.ROTATE_90,
    }  # fmt: skip


def _rotation_deg(orientation: int) -> int:
    return {3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270}.get(orientation, 0)
