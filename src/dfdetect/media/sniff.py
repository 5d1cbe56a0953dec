"""What a file is, told from its first bytes alone; the name and the extension are never looked at.

Exactly one parser is then tried: the one named here. What is not in the table is `unsupported_type`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dfdetect.errors import ErrorCode, MediaError
from dfdetect.values import MediaKind

HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class MediaType:
    """name: what `MediaInfo.container` says. kind: which reader. parser: the one Pillow format or FFmpeg demuxer."""

    name: str
    kind: MediaKind
    parser: str


# What a file starts with, and what it is then. First match wins.
_MAGIC: tuple[tuple[bytes, str, MediaKind, str], ...] = (  # pattern, name, kind, parser
    (rb"\xff\xd8\xff", "jpeg", "image", "JPEG"),
    (rb"\x89PNG\r\n\x1a\n", "png", "image", "PNG"),
    (rb"RIFF....WEBP", "webp", "image", "WEBP"),
    (rb"GIF8[79]a", "gif", "image", "GIF"),
    (rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0", "bmp", "image", "BMP"),
    (rb"II\*\0|MM\0\*|II\+\0|MM\0\+", "tiff", "image", "TIFF"),
    (rb"....ftypqt  ", "mov", "video", "mov"),
    (rb"....(?:ftyp|moov|mdat|free|skip|wide|pnot|styp|moof|sidx)", "mp4", "video", "mov"),
    (rb"\x1a\x45\xdf\xa3.{0,256}?\x42\x82[\x40-\xff]{1,2}webm", "webm", "video", "matroska"),
    (rb"\x1a\x45\xdf\xa3", "mkv", "video", "matroska"),
    (rb"RIFF....AVI[ X\x19]", "avi", "video", "avi"),
    (rb"FLV\x01", "flv", "video", "flv"),
    (rb"OggS", "ogg", "video", "ogg"),
    (rb"\0\0\x01\xba", "mpeg", "video", "mpeg"),
    (rb"\0\0\x01\xb3", "mpeg_video", "video", "mpegvideo"),
    (rb"\0?\0\0\x01(?:[\x27\x47\x67]|\x09.\0?\0\0\x01[\x27\x47\x67])", "h264", "video", "h264"),
    (rb"\0?\0\0\x01(?:\x40\x01|\x46\x01.\0?\0\0\x01\x40\x01)", "hevc", "video", "hevc"),
)
_MPEG_TS = MediaType("mpegts", "video", "mpegts")
_AVIF = MediaType("avif", "image", "AVIF")

_AUDIO = re.compile(
    rb"ID3|fLaC|RIFF....WAVE|FORM....AIF[FC]|\xff[\xf1\xf9\xf2\xf3\xfa\xfb]|#!AMR|....ftypM4[AB]", re.DOTALL
)
_HEIF_BRANDS = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1", b"jpeg", b"avci")
)
_AVIF_BRANDS = frozenset((b"avif", b"avis"))

# Text that makes a player fetch something else: a playlist, a session description, a script.
_REFERENCES = re.compile(
    rb"#EXTM3U|ffconcat\b|\[playlist\]|\[reference\]|RTSPtext|rtsp://|rtp://|v=0\r?\n|push graphic-context"
    rb"|<\?wpl|(?:<\?xml[^>]*>\s*)?(?:<!--.{0,512}?-->\s*)*<(?:mpd|smil|asx|SmoothStreamingMedia)\b"
    rb"|(?:#[^\n]*\n|\s)*file\s+['\"]?\S+",
    re.DOTALL | re.IGNORECASE,
)

_SYNC_BYTE = 0x47
_MIN_SYNCS = 4


def sniff(head: bytes) -> MediaType:
    """Type of the file that starts with `head` (its first `HEAD_BYTES` bytes, or all of them).

    Errors: unsupported_type, external_reference (playlists and the like), no_video (audio files).
    """
    if head[4:8] == b"ftyp":
        still = _heif_type(head)
        if still is not None:
            return still
    if _AUDIO.match(head):
        raise MediaError(ErrorCode.NO_VIDEO, "expected an image or a video, got an audio file", stage="probe")
    for pattern, name, kind, parser in _MAGIC:
        if re.match(pattern, head, re.DOTALL):
            return MediaType(name, kind, parser)
    if _is_mpeg_ts(head):
        return _MPEG_TS
    if _REFERENCES.match(head.removeprefix(b"\xef\xbb\xbf").lstrip()):
        raise MediaError(
            ErrorCode.EXTERNAL_REFERENCE,
            "expected an image or a video, got a playlist or script that points elsewhere; give the file it points to",
            stage="probe",
        )
    raise MediaError(
        ErrorCode.UNSUPPORTED_TYPE,
        "expected an image (JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF) or a video (MP4, MOV, MKV, WebM, AVI, MPEG, "
        f"MPEG-TS, FLV, Ogg), got {_seen(head)}; convert it to one of these",
        stage="probe",
    )


def _heif_type(head: bytes) -> MediaType | None:
    """AVIF, None for anything that is not a HEIF still, or the refusal of HEIC."""
    size = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12]] + [head[i : i + 4] for i in range(16, size - 3, 4)]
    if brands[0] not in _HEIF_BRANDS | _AVIF_BRANDS:
        return None
    if not _AVIF_BRANDS.isdisjoint(brands):
        return _AVIF
    raise MediaError(
        ErrorCode.UNSUPPORTED_TYPE,
        "HEIC/HEIF images are not read; convert the file to JPEG or PNG (the optional plug-in pillow-heif can do it)",
        stage="probe",
    )


def _is_mpeg_ts(head: bytes) -> bool:
    """A packet is 188 bytes, with a time stamp before it 192, with a checksum 204; a cut file starts inside one."""
    for packet_bytes in (188, 192, 204):
        n = min(len(head) // packet_bytes, 8)
        if n >= _MIN_SYNCS and any(
            all(head[start + i * packet_bytes] == _SYNC_BYTE for i in range(n))
            for start in range(len(head) - (n - 1) * packet_bytes)[:packet_bytes]
        ):
            return True
    return False


def _seen(head: bytes) -> str:
    start = head.lstrip()[:256].lower()
    for mark, what in (
        (b"<svg", "SVG"), (b"<html", "HTML"), (b"<!doctype html", "HTML"), (b"<?php", "a script"), (b"%pdf", "PDF"),
        (b"%!ps", "PostScript"), (b"pk\x03\x04", "a ZIP archive"), (b"\x30\x26\xb2\x75", "Windows Media"),
    ):  # fmt: skip
        if start.startswith(mark):
            return what
    if head and all(32 <= b < 127 or b in b"\t\r\n" for b in head[:256]):
        return "text"
    return f"a file that starts with the bytes {head[:8].hex(' ')}"
