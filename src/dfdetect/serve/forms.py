"""A multipart form read as a stream: one file into the spool, a few short fields into memory.

The parser is python-multipart's; the limits are ours, since a form may have endless parts and headers (threat T9).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

from dfdetect.serve.intake import Spool, Upload
from dfdetect.serve.problems import Problem

MOST_FIELDS = 16
MOST_FIELD_BYTES = 4_096
MOST_HEADER_BYTES = 4_096
FILE_FIELD = "file"


@dataclass(slots=True)
class Form:
    """fields: name -> text. filename: as the asker called the file."""

    upload: Upload
    filename: str | None
    fields: dict[str, str]


async def read_form(stream: AsyncIterator[bytes], content_type: str, spool: Spool) -> Form:
    """Problem malformed, too_large, unprocessable: names what was expected."""
    _, options = parse_options_header(content_type.encode("latin-1", "replace"))
    boundary = options.get(b"boundary")
    if not boundary or len(boundary) > 200:
        raise Problem("malformed", "expected multipart/form-data with a boundary")
    parts = _Parts(spool)
    try:
        parser = MultipartParser(boundary, parts.callbacks())
        async for piece in stream:
            parser.write(piece)
        parser.finalize()
    except FormParserError as error:
        raise Problem("malformed", "expected a well-formed multipart body") from error
    if not parts.complete or not parts.had_file:
        raise Problem("malformed", f"expected a complete form with one file in the field {FILE_FIELD!r}")
    return Form(spool.finish(), parts.filename, parts.fields)


@dataclass(slots=True)
class _Parts:
    """What the parser calls; state of the part at hand."""

    spool: Spool
    fields: dict[str, str] = field(default_factory=dict)
    filename: str | None = None
    had_file: bool = False
    complete: bool = False
    _header: bytearray = field(default_factory=bytearray)
    _value: bytearray = field(default_factory=bytearray)
    _disposition: bytes = b""
    _header_name: bytes = b""
    _header_bytes: int = 0
    _parts: int = 0
    _name: str = ""
    _in_file: bool = False

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._on_header_name,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers,
            "on_part_data": self._on_data,
            "on_part_end": self._end,
            "on_end": self._on_end,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MOST_FIELDS + 1:
            raise Problem("malformed", f"expected at most {MOST_FIELDS} fields beside the file")
        self._disposition, self._header_bytes, self._in_file, self._name = b"", 0, False, ""
        self._value.clear()

    def _count(self, n: int) -> None:
        self._header_bytes += n
        if self._header_bytes > MOST_HEADER_BYTES:
            raise Problem("malformed", f"expected at most {MOST_HEADER_BYTES} bytes of headers in a part")

    def _on_header_name(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._header += data[start:end]

    def _on_header_end(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = bytes(self._header)
        self._header_name = b""
        self._header.clear()

    def _on_headers(self) -> None:
        kind, options = parse_options_header(self._disposition)
        name = options.get(b"name")
        if kind != b"form-data" or name is None:
            raise Problem("malformed", "expected every part to be form-data with a name")
        self._name = name.decode("utf-8", "replace")
        self._in_file = b"filename" in options
        if not self._in_file:
            return
        if self._name != FILE_FIELD or self.had_file:
            raise Problem("malformed", f"expected one file, in the field {FILE_FIELD!r}")
        self.had_file = True
        self.filename = options[b"filename"].decode("utf-8", "replace")

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self.spool.write(data[start:end])
            return
        self._value += data[start:end]
        if len(self._value) > MOST_FIELD_BYTES:
            raise Problem("malformed", f"expected at most {MOST_FIELD_BYTES} bytes in the field {self._name[:50]!r}")

    def _end(self) -> None:
        if not self._in_file:
            self.fields[self._name] = self._value.decode("utf-8", "replace")

    def _on_end(self) -> None:
        self.complete = True
