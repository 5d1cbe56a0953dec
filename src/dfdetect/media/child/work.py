"""What a child does: open the one file that it was given, then answer requests for frames until nobody asks."""

from __future__ import annotations

import os
from typing import Any

from dfdetect.errors import MediaError
from dfdetect.media.boundary import Source
from dfdetect.media.child.forms import error_to_json, info_to_json
from dfdetect.media.child.wire import Budget, Closed, receive, send
from dfdetect.media.limits import Limits
from dfdetect.media.reader import MediaReader, read_source

_FOREVER_S = 7 * 24 * 3600.0  # the parent ends a child that it has forgotten; that is not the child's to do


def decode(input_fd: int, requests: int, replies: int, command: dict[str, Any]) -> None:
    """command: size_bytes and sha256 of the file as the parent saw them, media_limits."""
    with os.fdopen(input_fd, "rb") as file:
        source = Source(file, command["size_bytes"])
        try:
            reader = read_source(source, Limits(**command["media_limits"]), sha256=command["sha256"])
        except MediaError as error:
            send(replies, {"is": "error", **error_to_json(error)})
            return
        head = {"is": "opened", "info": info_to_json(reader.info)}
        send(replies, head, memoryview(reader.times_s.tobytes()))
        while True:
            try:
                request, _ = receive(requests, Budget(_FOREVER_S))
            except Closed:
                return
            _answer(reader, request, replies)


def _answer(reader: MediaReader, request: dict[str, Any], replies: int) -> None:
    try:
        for frame in reader.frames(request["indices"], find_cuts=request["find_cuts"]):
            height, width = frame.image.shape[:2]
            head = {"is": "frame", "index": frame.index, "time_s": frame.time_s, "height": height, "width": width}
            send(replies, head, memoryview(frame.image.tobytes()))
    except MediaError as error:
        send(replies, {"is": "error", **error_to_json(error)})
        return
    send(replies, {"is": "end", "cuts_s": list(reader.cuts_s)})
