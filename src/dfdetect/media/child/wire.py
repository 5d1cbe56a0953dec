"""Messages between the decoding child and its parent: a JSON head and raw bytes, both of bounded length.

    magic 4 | length of the head 4 | length of the body 8 | head (UTF-8 JSON object) | body

The parent believes nothing: `Broken` is raised for whatever does not fit, and the child is then killed.
"""

from __future__ import annotations

import json
import os
import select
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

_MAGIC = b"dfd1"
_PREFIX = struct.Struct(">4sIQ")
MOST_HEAD_BYTES = 1 << 20
_PIECE_BYTES = 1 << 20


class Broken(Exception):  # noqa: N818 - what the other end is
    """The other end answered with something that is no message of this protocol."""


class Closed(Exception):  # noqa: N818 - what the other end is
    """The other end is gone; nothing, or half a message, had come."""


class OutOfTime(Exception):  # noqa: N818 - what happened
    """No answer within the seconds that were left."""


@dataclass(slots=True)
class Budget:
    """Seconds that may still be spent on waiting for the child."""

    left_s: float

    def wait_readable(self, descriptor: int) -> None:
        """Return when there is something to read (or the other end is gone); OutOfTime when the seconds are used up."""
        start = monotonic()
        poll = select.poll()  # not select(): a server may hold more than 1,024 descriptors
        poll.register(descriptor, select.POLLIN)
        ready = poll.poll(max(0.0, self.left_s) * 1000)
        self.left_s -= monotonic() - start
        if not ready:
            raise OutOfTime


def send(descriptor: int, head: Mapping[str, Any], body: bytes | memoryview = b"") -> None:
    """Write one message; blocks until the reader has taken it. BrokenPipeError: nobody reads."""
    text = json.dumps(head).encode()
    _write_all(descriptor, memoryview(_PREFIX.pack(_MAGIC, len(text), len(body)) + text))
    if len(body):
        _write_all(descriptor, memoryview(body))


def receive(descriptor: int, budget: Budget, *, most_body_bytes: int = 0) -> tuple[dict[str, Any], bytearray]:
    """Read one message. Errors: Broken, Closed, OutOfTime."""
    magic, head_bytes, body_bytes = _PREFIX.unpack(_read_exactly(descriptor, _PREFIX.size, budget))
    if magic != _MAGIC or head_bytes > MOST_HEAD_BYTES or body_bytes > most_body_bytes:
        raise Broken(f"a message of {head_bytes} + {body_bytes} bytes")
    try:
        head = json.loads(_read_exactly(descriptor, head_bytes, budget))
    except (ValueError, RecursionError) as error:
        raise Broken("a head that is no JSON") from error
    if not isinstance(head, dict):
        raise Broken("a head that is no object")
    return head, _read_exactly(descriptor, body_bytes, budget)


def _read_exactly(descriptor: int, n: int, budget: Budget) -> bytearray:
    data = bytearray(n)
    view, filled = memoryview(data), 0
    while filled < n:
        budget.wait_readable(descriptor)
        got = os.readv(descriptor, [view[filled : filled + _PIECE_BYTES]])
        if got == 0:
            raise Closed
        filled += got
    return data


def _write_all(descriptor: int, data: memoryview) -> None:
    while len(data):
        data = data[os.write(descriptor, data) :]
