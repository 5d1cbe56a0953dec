"""Which addresses the service calls: the sixty that have been used to reach inner networks are refused."""

from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfdetect.serve.guard import AddressRefused, check_url, is_public

INNER = (
    *("127.0.0.1", "127.1.2.3", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.254"),
    *("192.168.0.1", "192.168.255.255", "169.254.169.254", "100.64.0.1", "100.127.255.254", "192.0.0.1", "198.18.0.1"),
    *("198.19.255.255", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.51.100.1"),
    *("203.0.113.9", "192.88.99.1", "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "fc00::1"),
    *("fdff::1", "fe80::1", "fec0::1", "ff02::1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1"),
    *("2001:db8::1", "100::1"),
)
ODD = (
    *("http://2130706433/", "http://0x7f000001/", "http://017700000001/", "http://127.1/", "http://0177.0.0.1/"),
    *("http://0x7f.0.0.1/", "http://1.2.3/", "http://127.0.0.1.nothing.0x1/"),
)
WRONG = (
    *("file:///etc/passwd", "ftp://example.com/", "gopher://example.com/", "data:text/plain,x", "unix:///run/x"),
    *("http://user@example.com/", "http://example.com:22/", "https://example.com:80/"),
    *(
        "http:///x",
        "//example.com/",
        "http://example.com:99999/",
        "http://exa mple.com/",
        "http://example.com/\r\nX: y",
    ),
    *("http://ex\u2460mple.com/", "http://example.com\\@127.0.0.1/", "http://[::1", "HTTP//x", "http://" + "a" * 3000),
)


def _public(host: str, port: int) -> list[str]:
    return ["93.184.216.34"]


@pytest.mark.parametrize("address", INNER)
def test_inner_addresses_are_refused_by_number_and_by_name(address: str) -> None:
    assert not is_public(address)
    shown = f"[{address}]" if ":" in address else address
    for url in (f"http://{shown}/", f"https://{shown}/hook"):
        with pytest.raises(AddressRefused):
            check_url(url, resolve=lambda host, port: [host])
    with pytest.raises(AddressRefused):  # one public address beside it does not help
        check_url("https://example.com/", resolve=lambda host, port: ["93.184.216.34", address])


@pytest.mark.parametrize("url", [*ODD, *WRONG])
def test_odd_forms_are_refused_even_if_their_name_resolves(url: str) -> None:
    with pytest.raises(AddressRefused):
        check_url(url, resolve=_public)


def test_a_public_address_passes_and_is_the_one_to_connect_to() -> None:
    target = check_url("https://Hooks.example.com./a?b=c", resolve=_public)
    assert (target.host, target.port, target.address) == ("hooks.example.com", 443, "93.184.216.34")
    assert check_url("http://example.com:80/", resolve=_public).port == 80


def test_a_name_that_cannot_be_resolved_is_refused() -> None:
    def fail(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(AddressRefused, match="cannot be resolved"):
        check_url("https://nowhere.example/", resolve=fail)


@given(st.ip_addresses())
def test_nothing_that_the_standard_library_calls_private_is_public(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    inner = ip.is_private or ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_reserved
    assert not (inner and is_public(str(ip)))
