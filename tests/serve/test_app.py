"""What stands around every route."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from dfdetect.serve.api.app import _Around

_GET: Scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"x-request-id", b"abc1")]}


def sent_around(*, begins: bool, sent: list[Message]) -> None:
    """Run an application that fails, before or after its first byte, and keep what is sent."""

    async def fails(_scope: Scope, _receive: Receive, send: Send) -> None:
        if begins:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("the disk is on fire")

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(_Around(fails)(dict(_GET), receive, send))


def test_a_fault_of_ours_is_a_problem_document_that_tells_nothing() -> None:
    sent: list[Message] = []
    sent_around(begins=False, sent=sent)
    headers = dict(sent[0]["headers"])
    assert sent[0]["status"] == 500
    assert headers[b"x-request-id"] == b"abc1"
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert b"abc1" in sent[1]["body"]
    assert b"fire" not in sent[1]["body"]


def test_a_fault_in_the_middle_of_an_answer_cuts_it_short() -> None:
    """A second status after the first would be a broken protocol; an answer that ends well would be a lie."""
    sent: list[Message] = []
    with pytest.raises(RuntimeError, match="fire"):
        sent_around(begins=True, sent=sent)
    assert [message["type"] for message in sent] == ["http.response.start"]
