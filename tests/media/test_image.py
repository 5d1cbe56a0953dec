"""Still and animated images: one orientation rule, sRGB, 8 bits, white behind transparency."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from dfdetect.errors import ErrorCode, MediaError
from dfdetect.media.image import read_rgb
from dfdetect.media.limits import Limits
from dfdetect.media.reader import open_media
from media.clips import corner_marked, encoded, number_of, numbered_frame

# EXIF orientation -> how the stored picture is turned so that it shows `corner_marked` upright.
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


def _with_orientation(value: int, stored: np.ndarray, kind: str = "PNG") -> bytes:
    exif = Image.Exif()
    exif[0x0112] = value
    return encoded(Image.fromarray(np.ascontiguousarray(stored)), kind, exif=exif)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("value", sorted(STORED))
def test_orientation_is_applied_exactly_once(value: int, kind: str) -> None:
    """Pillow turns a TIFF itself and leaves a PNG alone: a second turn, or none, gives a face lying on its side."""
    upright = corner_marked()
    options = {"lossless": True} if kind == "WEBP" else {}
    exif = Image.Exif()
    exif[0x0112] = value
    data = encoded(Image.fromarray(np.ascontiguousarray(STORED[value](upright))), kind, exif=exif, **options)
    np.testing.assert_array_equal(read_rgb(data), upright)


@pytest.mark.parametrize("value", [0, 9, 255])
def test_orientation_out_of_range_is_no_orientation(value: int) -> None:
    np.testing.assert_array_equal(read_rgb(_with_orientation(value, corner_marked())), corner_marked())


def test_orientation_shows_in_the_info(tmp_path: Path) -> None:
    path = tmp_path / "sideways.png"
    path.write_bytes(_with_orientation(6, np.rot90(corner_marked(48, 32), 1)))
    with open_media(path) as media:
        info, frames = media.info, list(media.frames([0]))
    assert (info.kind, info.width_px, info.height_px, info.rotation_deg) == ("image", 48, 32, 90)
    assert info.fps is None
    assert frames[0].image.shape == (32, 48, 3)
    assert frames[0].image.flags.writeable
    assert (frames[0].index, frames[0].time_s) == (0, 0.0)


def test_broken_exif_does_not_cost_the_picture() -> None:
    """`ImageOps.exif_transpose` raised struct.error on a damaged EXIF block and the whole photograph was lost."""
    data = encoded(Image.fromarray(corner_marked()), "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")
    np.testing.assert_array_equal(read_rgb(data), corner_marked())


def _png_16(values: np.ndarray) -> bytes:
    """16-bit RGB PNG, which Pillow reads but does not write. values: (H, W, 3) uint16."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


_RAMP_16 = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)


@pytest.mark.parametrize(
    "data",
    [
        encoded(Image.fromarray(_RAMP_16), "PNG"),
        encoded(Image.fromarray(_RAMP_16), "TIFF"),
        encoded(Image.fromarray(_RAMP_16.astype(np.int32)), "TIFF"),
        encoded(Image.fromarray((_RAMP_16 / 65535).astype(np.float32)), "TIFF"),
        _png_16(np.repeat(_RAMP_16[..., None], 3, axis=2)),
    ],
    ids=["png-gray", "tiff-gray", "tiff-int32", "tiff-float", "png-rgb"],
)
def test_more_than_8_bits_are_scaled_not_clipped(data: bytes) -> None:
    """Pillow's own convert("RGB") clips a 16-bit gray picture to 255: all white but the darkest 0.4 %."""
    expected = np.repeat((_RAMP_16 / 257.0)[..., None], 3, axis=2)
    assert np.abs(read_rgb(data).astype(float) - expected).max() <= 1.0


def _mode_samples() -> dict[str, tuple[bytes, tuple[int, int, int]]]:
    red = Image.new("RGB", (16, 8), (200, 30, 40))
    half = Image.new("RGBA", (16, 8), (0, 0, 0, 128))
    keyed = Image.new("P", (16, 8), 1)
    keyed.putpalette([10, 20, 30, 200, 30, 40])
    return {
        "gray": (encoded(Image.new("L", (16, 8), 90), "PNG"), (90, 90, 90)),
        "bilevel": (encoded(Image.new("1", (16, 8), 1), "PNG"), (255, 255, 255)),
        "palette": (encoded(keyed, "PNG"), (200, 30, 40)),
        "palette, transparent": (encoded(keyed, "PNG", transparency=1), (255, 255, 255)),
        "colour key": (encoded(red, "PNG", transparency=(200, 30, 40)), (255, 255, 255)),
        "half transparent": (encoded(half, "PNG"), (127, 127, 127)),
        "gray and alpha": (encoded(Image.new("LA", (16, 8), (0, 0)), "PNG"), (255, 255, 255)),
        "opaque alpha": (encoded(red.convert("RGBA"), "PNG"), (200, 30, 40)),
        "bmp": (encoded(red, "BMP"), (200, 30, 40)),
        "gif": (encoded(red, "GIF"), (200, 30, 40)),
        "cmyk tiff": (encoded(Image.new("CMYK", (16, 8), (0, 255, 255, 0)), "TIFF"), (255, 0, 0)),
        "lab tiff": (encoded(Image.new("LAB", (16, 8), (255, 128, 128)), "TIFF"), (255, 255, 255)),
    }


@pytest.mark.parametrize("name", sorted(_mode_samples()))
def test_every_mode_becomes_rgb_on_white(name: str) -> None:
    data, colour = _mode_samples()[name]
    rgb = read_rgb(data)
    assert rgb.shape == (8, 16, 3)
    assert rgb.dtype == np.uint8
    assert np.abs(rgb.astype(int) - np.array(colour)).max() <= 2


@pytest.mark.parametrize("kind", ["JPEG", "AVIF"])
def test_lossy_formats_keep_the_corners_in_place(kind: str) -> None:
    rgb = read_rgb(encoded(Image.fromarray(corner_marked()), kind, quality=95)).astype(int)
    assert np.abs(rgb - corner_marked())[4:-4:8, 4:-4:8].max() < 60


def test_cmyk_jpeg_is_not_inverted() -> None:
    rgb = read_rgb(encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95))
    assert rgb[8, 8, 0] > 200
    assert rgb[8, 8, 1] < 60


def _profile(name: str) -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(name)).tobytes()  # type: ignore[arg-type]


def test_a_profile_is_converted_to_srgb() -> None:
    """Gamma 1.0 instead of 2.2: without the conversion a mid-gray face would come out far too dark."""
    linear = bytearray(_profile("sRGB"))
    size = int.from_bytes(linear[:4], "big")
    assert size == len(linear)
    gamma_1 = struct.pack(">4sIIH", b"curv", 0, 1, 256)  # u8Fixed8 1.0
    for at in range(132, 132 + 12 * int.from_bytes(linear[128:132], "big"), 12):
        kind, offset, _ = struct.unpack(">4sII", linear[at : at + 12])
        if kind in (b"rTRC", b"gTRC", b"bTRC"):
            linear[offset : offset + len(gamma_1)] = gamma_1
            linear[at + 8 : at + 12] = struct.pack(">I", len(gamma_1))
    rgb = read_rgb(encoded(Image.new("RGB", (8, 8), (55, 55, 55)), "PNG", icc_profile=bytes(linear)))
    assert np.abs(rgb.astype(int) - 128).max() <= 4


@pytest.mark.parametrize("profile", [_profile("sRGB"), b"x" * 4000, _profile("LAB")], ids=["srgb", "noise", "wrong"])
def test_a_useless_profile_changes_nothing(profile: bytes) -> None:
    data = encoded(Image.fromarray(corner_marked()), "PNG", icc_profile=profile)
    np.testing.assert_array_equal(read_rgb(data), corner_marked())


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_animations_are_videos_with_their_own_times(tmp_path: Path, kind: str) -> None:
    frames = [Image.fromarray(numbered_frame(n)) for n in range(1, 6)]
    durations_ms = [100, 200, 50, 400, 150]
    lossless = {"lossless": True} if kind == "WEBP" else {}
    path = tmp_path / "animation.bin"
    path.write_bytes(
        encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=durations_ms, **lossless)
    )
    with open_media(path) as media:
        info = media.info
        np.testing.assert_allclose(media.times_s, [0, 0.1, 0.3, 0.35, 0.75])
        given = list(media.frames([0, 2, 4]))
        assert [number_of(f.image) for f in media.frames([1, 3])] == [2, 4]
    assert (info.kind, info.frame_count, info.duration_s) == ("video", 5, pytest.approx(0.9))
    assert [number_of(f.image) for f in given] == [1, 3, 5]
    assert [f.time_s for f in given] == pytest.approx([0, 0.3, 0.75])


def test_a_gif_frame_beyond_the_first_one_keeps_the_size(tmp_path: Path) -> None:
    """The cut finder compared frames of two sizes and stopped the scan with an AssertionError."""
    first, second = Image.new("P", (20, 10), 0), Image.new("P", (20, 10), 1)
    data = bytearray(encoded(first, "GIF", save_all=True, append_images=[second], duration=100, optimize=False))
    at = data.rindex(b"\x2c")  # image descriptor of the second frame: left, top, width, height
    data[at + 1 : at + 5] = struct.pack("<HH", 5, 3)
    path = tmp_path / "sticks_out.gif"
    path.write_bytes(data)
    with open_media(path) as media:
        assert {f.image.shape for f in media.frames(range(media.info.frame_count))} == {(10, 20, 3)}


def test_pages_of_a_tiff_are_no_video(tmp_path: Path) -> None:
    pages = [Image.fromarray(numbered_frame(n)) for n in (7, 8)]
    path = tmp_path / "pages.tif"
    path.write_bytes(encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:]))
    with open_media(path) as media:
        assert media.info.kind == "image"
        assert [number_of(f.image) for f in media.frames([0])] == [7]


def _png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    header = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return header + struct.pack(">I", 1000) + b"IDAT" + b"cut short"


_JPEG = encoded(Image.fromarray(np.tile(corner_marked(), (4, 4, 1))), "JPEG")

REFUSED = [
    ("51 megapixels", _png_header(7200, 7100), ErrorCode.TOO_MANY_PIXELS),
    ("a bomb", _png_header(2**31 - 1, 2**31 - 1), ErrorCode.TOO_MANY_PIXELS),
    ("header only", _png_header(64, 64), ErrorCode.CORRUPT_DATA),
    ("cut JPEG", _JPEG[: len(_JPEG) // 2], ErrorCode.CORRUPT_DATA),
    ("JPEG magic and noise", b"\xff\xd8\xff" + b"noise" * 50, ErrorCode.CORRUPT_HEADER),
    ("empty", b"", ErrorCode.EMPTY),
    ("text", b"hello", ErrorCode.UNSUPPORTED_TYPE),
    ("a video", b"FLV\x01\x05\0\0\0\x09", ErrorCode.UNSUPPORTED_TYPE),
]


@pytest.mark.parametrize(("data", "code"), [(d, c) for _, d, c in REFUSED], ids=[n for n, _, _ in REFUSED])
def test_refused(data: bytes, code: ErrorCode) -> None:
    with pytest.raises(MediaError) as caught:
        read_rgb(data)
    assert caught.value.code is code, caught.value.message


def test_one_pixel_and_extreme_shapes() -> None:
    for width, height in ((1, 1), (3000, 1), (1, 3000)):
        assert read_rgb(encoded(Image.new("RGB", (width, height)), "PNG")).shape == (height, width, 3)


def test_the_pixel_limit_leaves_pillow_as_it_was() -> None:
    before = Image.MAX_IMAGE_PIXELS
    with pytest.raises(MediaError):
        read_rgb(_png_header(7200, 7100))
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(max_frames=3), ErrorCode.TOO_MANY_FRAMES),
        (Limits(max_animation_pixels=20_000), ErrorCode.TOO_MANY_PIXELS),
        (Limits(max_duration_s=0.4), ErrorCode.TOO_LONG),
        (Limits(max_image_bytes=50), ErrorCode.TOO_LARGE),
    ],
)
def test_limits_of_animations(tmp_path: Path, limits: Limits, code: ErrorCode) -> None:
    frames = [Image.fromarray(numbered_frame(n)) for n in range(1, 6)]
    path = tmp_path / "long.gif"
    path.write_bytes(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100))
    with pytest.raises(MediaError) as caught:
        open_media(path, limits=limits)
    assert caught.value.code is code
