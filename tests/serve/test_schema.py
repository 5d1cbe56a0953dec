"""Every route answers what the OpenAPI document says of it, whatever it is asked (schemathesis draws the requests)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as drawing

from dfdetect.media.child.reader import DecodeServer
from dfdetect.serve.settings import ServeSettings
from serve.served import Served, picture, serving

DRAWN = 12  # requests of a route
ENDLESS = "/events"  # a stream that ends with the scan; tests/serve/test_api.py reads it


@pytest.fixture
def served(tmp_path: Path, store_url: str, bundle: Path, server: DecodeServer) -> Iterator[Served]:
    settings = ServeSettings(
        data=tmp_path / "data", database_url=store_url, model=str(bundle), frames=4, free_reserve_bytes=0,
        keep_media_s=3600.0,
    )  # fmt: skip
    with serving(settings, server) as one:
        yield one


def test_answers_are_those_of_the_document(served: Served) -> None:
    """When it was first asked, a key for 10^20 scans was a 500, and a picture that never was had "been deleted"."""
    schemathesis = pytest.importorskip("schemathesis")
    scan_id = served.post(picture(), served.admin).json()["id"]
    served.work()
    found: dict[str, str] = {}
    routes = [
        one.ok() for one in schemathesis.openapi.from_asgi("/openapi.json", served.client.app).get_all_operations()
    ]
    asked = [one for one in routes if not one.path.endswith(ENDLESS) and not _ends_the_scan(one)]
    assert len(asked) > 30
    for route in asked:
        _ask(route, scan_id, served.admin, found)
    assert found == {}, "\n\n".join(f"{label}: {text}" for label, text in found.items())


def _ends_the_scan(route: Any) -> bool:
    return (route.method.upper(), route.path) == ("DELETE", "/v1/scans/{scan_id}")


def _ask(route: Any, scan_id: str, headers: dict[str, str], found: dict[str, str]) -> None:
    from schemathesis.core.failures import Failure, FailureGroup
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    @seed(0)
    @drawing(
        max_examples=DRAWN, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=route.as_strategy())
    def ask(case: Any) -> None:
        if "scan_id" in (case.path_parameters or {}):
            case.path_parameters["scan_id"] = scan_id
        case.headers = {**(case.headers or {}), **headers}
        try:
            # A cursor, a model or a callback's address is a string to the schema, and only few strings are one.
            case.call_and_validate(excluded_checks=[positive_data_acceptance])
        except (Failure, FailureGroup) as error:
            found[route.label] = str(error)[:1500]

    ask()
