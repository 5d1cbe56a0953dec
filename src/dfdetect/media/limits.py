"""How much one input may ask of us. Each limit maps to one error code; nothing is ever cut silently at a limit."""

from __future__ import annotations

from dataclasses import dataclass

from dfdetect.errors import ErrorCode, MediaError, Stage


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps on one input. A file above a cap is refused with the code named beside it, never read in part."""

    max_bytes: int = 8 * 1024**3  # too_large
    max_image_bytes: int = 512 * 1024**2  # too_large; some image decoders hold the whole file in memory
    max_image_pixels: int = 50_000_000  # too_many_pixels
    max_frame_pixels: int = 36_000_000  # too_many_pixels
    max_animation_pixels: int = 5_000_000_000  # too_many_pixels; width x height x frames of a GIF, WebP, APNG, AVIF
    max_duration_s: float = 4 * 3600.0  # too_long
    max_frames: int = 1_000_000  # too_many_frames
    max_streams: int = 64  # too_many_streams
    decode_threads: int = 4  # never more than the machine has; each one holds a few more frames in memory


DEFAULT_LIMITS = Limits()

MIN_DECODED_PART = 0.9  # below this part of what the file promises, a video is corrupt_data


def check_pixels(width_px: int, height_px: int, max_pixels: int) -> None:
    """Refuse a picture by its header, before any pixel is decoded."""
    if width_px < 1 or height_px < 1:
        raise MediaError(
            ErrorCode.CORRUPT_HEADER,
            f"expected a picture of at least 1 x 1 px, the header says {width_px} x {height_px}",
            stage="probe",
        )
    if width_px * height_px > max_pixels:
        raise over_limit(
            ErrorCode.TOO_MANY_PIXELS, f"{width_px} x {height_px} px", f"{max_pixels / 1e6:g} million pixels"
        )


def over_limit(code: ErrorCode, came: str, limit: str, *, stage: Stage = "probe") -> MediaError:
    """The one message for an input that is over a limit."""
    return MediaError(
        code, f"expected at most {limit}, got {came}; make a smaller copy or raise the limit", stage=stage
    )
