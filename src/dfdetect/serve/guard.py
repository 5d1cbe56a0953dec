"""Addresses that the service may be asked to call or to fetch from: public ones only, and the very one checked.

A name is resolved once, every address that it has is judged, and the connection goes to a judged address: a name that
answers differently the second time (DNS rebinding) gains nothing. No redirects are followed.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from dfdetect.errors import DfdetectError, ErrorCode

PORTS = {"http": 80, "https": 443}
MOST_URL_CHARACTERS = 2_000

_UNICAST_V6 = ipaddress.ip_network("2000::/3")  # the only part of IPv6 that is given out
# Inside what `ipaddress.is_global` lets pass: relays, benchmarks, translation, an IPv4 address within.
_NEVER = tuple(
    ipaddress.ip_network(text)
    for text in ("100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "2001::/23", "2002::/16")
)

Resolve = Callable[[str, int], Iterable[str]]


class AddressRefused(DfdetectError):  # noqa: N818 - what happened
    """This URL is not called. The message does not tell what lies behind a name: that would map the inner network."""

    code = ErrorCode.EXTERNAL_REFERENCE


@dataclass(frozen=True, slots=True)
class Target:
    """A checked URL. address: the one to connect to. host: for the Host header and TLS's server name."""

    url: str
    scheme: str
    host: str
    port: int
    address: str


def resolve(host: str, port: int) -> list[str]:
    """Addresses of a name, by the system."""
    return sorted({str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})


def check_url(url: str, *, resolve: Resolve = resolve, schemes: Iterable[str] = ("https", "http")) -> Target:
    """Target of a URL, or AddressRefused with what is expected."""
    if len(url) > MOST_URL_CHARACTERS or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise AddressRefused(f"expected a URL of at most {MOST_URL_CHARACTERS} printable ASCII characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressRefused(f"expected a URL; got {url[:100]!r}") from error
    if parts.scheme not in schemes or not parts.hostname:
        raise AddressRefused(f"expected a URL that begins with {' or '.join(f'{s}://' for s in schemes)}")
    if "@" in parts.netloc:
        raise AddressRefused("expected a URL without a user name in it")
    if port not in (None, PORTS[parts.scheme]):
        raise AddressRefused(f"expected port {PORTS[parts.scheme]}; got {port}")
    host = parts.hostname.rstrip(".")
    _refuse_odd_numbers(host)
    try:
        addresses = list(resolve(host, PORTS[parts.scheme]))
    except (OSError, UnicodeError) as error:
        raise AddressRefused("expected the URL of a public host; its name cannot be resolved") from error
    if not addresses or not all(is_public(address) for address in addresses):
        raise AddressRefused("expected the URL of a public host; this one is not")
    return Target(url, parts.scheme, host, PORTS[parts.scheme], addresses[0])


def is_public(address: str) -> bool:
    """Whether an address is one of the open internet."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if ip.version == 6 and ip not in _UNICAST_V6:
        return False
    inner = ip.is_private or ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_reserved
    return ip.is_global and not inner and not any(ip in network for network in _NEVER if ip.version == network.version)


def _refuse_odd_numbers(host: str) -> None:
    """Decimal, octal, hexadecimal and short forms of addresses: libraries disagree on what they mean."""
    last = host.rpartition(".")[2]
    if last and (last.isdigit() or last.lower().startswith("0x")):
        try:
            ipaddress.IPv4Address(host)
        except ValueError as error:
            raise AddressRefused("expected a host name or an address in its usual form") from error
