"""Calls to others: to the very address that the guard has checked, without redirects and without a proxy's word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from dfdetect.serve.guard import PORTS, Target

if TYPE_CHECKING:
    import httpx2


@contextmanager
def calling(
    method: str, target: Target, headers: Mapping[str, str], *, timeout_s: float, body: bytes | None = None
) -> Iterator[httpx2.Response]:
    """The answer as a stream. The name is in the Host header and in TLS's checks; the connection goes to the address.

    httpx2.HTTPError for whatever goes wrong on the way.
    """
    import httpx2

    parts = urlsplit(target.url)
    address = f"[{target.address}]" if ":" in target.address else target.address
    url = urlunsplit((target.scheme, f"{address}:{target.port}", parts.path or "/", parts.query, ""))
    host = target.host if target.port in PORTS.values() else f"{target.host}:{target.port}"
    with (
        httpx2.Client(follow_redirects=False, timeout=timeout_s, trust_env=False) as client,
        client.stream(
            method, url, content=body, headers={**headers, "host": host}, extensions={"sni_hostname": target.host}
        ) as answer,
    ):
        yield answer
