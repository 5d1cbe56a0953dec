"""Take a file from a URL, behind the guard: public addresses, no redirects, bounded in bytes and time."""

from __future__ import annotations

from time import monotonic

from dfdetect.serve.guard import Target, check_url
from dfdetect.serve.intake import Spool, Upload
from dfdetect.serve.outward import calling
from dfdetect.serve.problems import Problem

MOST_FETCH_BYTES = 100_000_000
MOST_FETCH_S = 60.0
_CONNECT_S = 5.0


def fetch(url: str, spool: Spool) -> Upload:
    """AddressRefused; Problem fetch_failed, too_large."""
    return fetch_target(check_url(url), spool)


def fetch_target(target: Target, spool: Spool) -> Upload:
    """Fetch from a checked address."""
    import httpx2

    headers = {"accept-encoding": "identity", "user-agent": "dfdetect"}
    until = monotonic() + MOST_FETCH_S
    got = 0
    try:
        with calling("GET", target, headers, timeout_s=_CONNECT_S) as answer:
            if answer.status_code != 200:
                detail = f"expected the file itself (200); the server answered {answer.status_code}"
                raise Problem("fetch_failed", detail)
            for piece in answer.iter_raw():
                got += len(piece)
                if got > MOST_FETCH_BYTES:
                    raise Problem("too_large", f"expected at most {MOST_FETCH_BYTES} bytes behind a URL")
                if monotonic() > until:
                    raise Problem("fetch_failed", f"the file did not come within {MOST_FETCH_S:g} s")
                spool.write(piece)
    except httpx2.HTTPError as error:
        raise Problem("fetch_failed", f"the file could not be fetched ({type(error).__name__})") from error
    return spool.finish()
