"""The type is told from the content; one parser is named or the file is refused."""

from __future__ import annotations

import pytest

from dfdetect.errors import ErrorCode, MediaError
from dfdetect.media.sniff import sniff

_FTYP = b"\0\0\0\x20ftyp%b\0\0\0\0%b"

ACCEPTED = [
    (b"\xff\xd8\xff\xe0", "jpeg", "image"),
    (b"\x89PNG\r\n\x1a\n", "png", "image"),
    (b"RIFF\x10\0\0\0WEBPVP8 ", "webp", "image"),
    (b"GIF89a", "gif", "image"),
    (b"BM" + bytes(12) + b"\x28\0\0\0", "bmp", "image"),
    (b"II*\0", "tiff", "image"),
    (b"MM\0*", "tiff", "image"),
    (_FTYP % (b"avif", b"mif1miaf"), "avif", "image"),
    (_FTYP % (b"mif1", b"avifmiaf"), "avif", "image"),
    (_FTYP % (b"isom", b"isomavc1"), "mp4", "video"),
    (_FTYP % (b"qt  ", b"qt  \0\0\0\0"), "mov", "video"),
    (b"\0\0\0\x08wide\0\0\0\x08mdat", "mp4", "video"),
    (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm", "webm", "video"),
    (b"\x1a\x45\xdf\xa3\x9f\x42\x82\x88matroska", "mkv", "video"),
    (b"RIFF\x10\0\0\0AVI LIST", "avi", "video"),
    (b"FLV\x01\x05", "flv", "video"),
    (b"OggS\0\x02", "ogg", "video"),
    (b"\0\0\x01\xba\x44", "mpeg", "video"),
    (b"\0\0\x01\xb3\x16", "mpeg_video", "video"),
    (b"\0\0\0\x01\x67\x64", "h264", "video"),
    (b"\0\0\0\x01\x40\x01\x0c", "hevc", "video"),
    ((b"\x47" + bytes(187)) * 5, "mpegts", "video"),
    (bytes(100) + (b"\x47" + bytes(187)) * 8, "mpegts", "video"),
]

REFUSED = [
    (b"just some text, named clip.mp4\n", ErrorCode.UNSUPPORTED_TYPE, "text"),
    (b"<html><body>", ErrorCode.UNSUPPORTED_TYPE, "HTML"),
    (b"<?php system('id');", ErrorCode.UNSUPPORTED_TYPE, "script"),
    (b"<svg xmlns='x'><image href='file:///etc/passwd'/>", ErrorCode.UNSUPPORTED_TYPE, "SVG"),
    (b"%!PS-Adobe-3.0 EPSF-3.0", ErrorCode.UNSUPPORTED_TYPE, "PostScript"),
    (b"PK\x03\x04", ErrorCode.UNSUPPORTED_TYPE, "ZIP"),
    (b"\x80\x04\x95cos\nsystem", ErrorCode.UNSUPPORTED_TYPE, "bytes"),
    (b"B", ErrorCode.UNSUPPORTED_TYPE, "text"),
    (b"BM, said the text", ErrorCode.UNSUPPORTED_TYPE, "text"),
    (_FTYP % (b"heic", b"mif1heic"), ErrorCode.UNSUPPORTED_TYPE, "pillow-heif"),
    (b"ID3\x04", ErrorCode.NO_VIDEO, "audio"),
    (b"RIFF\x10\0\0\0WAVEfmt ", ErrorCode.NO_VIDEO, "audio"),
    (b"fLaC", ErrorCode.NO_VIDEO, "audio"),
    (b"#EXTM3U\nhttp://127.0.0.1/a.ts", ErrorCode.EXTERNAL_REFERENCE, "points elsewhere"),
    (b"\xef\xbb\xbf\n #EXTM3U\n", ErrorCode.EXTERNAL_REFERENCE, "points elsewhere"),
    (b"ffconcat version 1.0\nfile a.mp4", ErrorCode.EXTERNAL_REFERENCE, "points elsewhere"),
    (b"file 'secret.mp4'\n", ErrorCode.EXTERNAL_REFERENCE, "points elsewhere"),
    (b"v=0\r\no=- 0 0 IN IP4 127.0.0.1", ErrorCode.EXTERNAL_REFERENCE, "points elsewhere"),
    (b"<?xml version='1.0'?>\n<MPD type='static'>", ErrorCode.EXTERNAL_REFERENCE, "points elsewhere"),
    (b"<asx version='3.0'><entry>", ErrorCode.EXTERNAL_REFERENCE, "points elsewhere"),
    (b"<smil><body>", ErrorCode.EXTERNAL_REFERENCE, "points elsewhere"),
    (b"push graphic-context\nimage over 0,0 0,0 'https://a'", ErrorCode.EXTERNAL_REFERENCE, "points elsewhere"),
]


@pytest.mark.parametrize(("head", "name", "kind"), ACCEPTED, ids=[f"{n}-{i}" for i, (_, n, _) in enumerate(ACCEPTED)])
def test_accepted(head: bytes, name: str, kind: str) -> None:
    media_type = sniff(head)
    assert (media_type.name, media_type.kind) == (name, kind)


@pytest.mark.parametrize(("head", "code", "said"), REFUSED, ids=[repr(h[:12]) for h, _, _ in REFUSED])
def test_refused(head: bytes, code: ErrorCode, said: str) -> None:
    with pytest.raises(MediaError, match=said) as caught:
        sniff(head)
    assert caught.value.code is code
    assert caught.value.stage == "probe"
