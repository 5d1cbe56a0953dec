"""Fixtures of the service's tests."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

if importlib.util.find_spec("sqlalchemy") is None:
    collect_ignore_glob = ["*"]  # the core is tested without the extra `serve` too
else:
    import sqlalchemy as sa

    from dfdetect.media.child.reader import DecodeServer
    from dfdetect.serve.store.engine import open_store
    from serve.running import running_service
    from serve.stores import KINDS, fresh_store, postgres_bin, postgres_server
    from tiny_bundle import make_tiny_bundle

    @pytest.fixture(scope="session")
    def postgres_url() -> Iterator[str | None]:
        if postgres_bin() is None:
            yield None
            return
        with postgres_server() as url:
            yield url

    @pytest.fixture(params=KINDS)
    def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
        """URL of an empty store, once for every kind."""
        server = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
        if request.param == "postgresql" and server is None:
            pytest.skip("NOT TESTED ON POSTGRESQL: it is not installed (Debian: apt-get install postgresql)")
        with fresh_store(request.param, tmp_path, server) as url:
            yield url

    @pytest.fixture
    def engine(store_url: str) -> Iterator[sa.Engine]:
        one = open_store(store_url)
        yield one
        one.dispose()

    @pytest.fixture(scope="session")
    def server() -> Iterator[DecodeServer]:
        """Forks the children that decode for the workers of the tests."""
        one = DecodeServer()
        yield one
        one.close()

    @pytest.fixture(scope="session")
    def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
        return make_tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny")

    @pytest.fixture(scope="session")
    def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Path]]:
        """Address, key and bundle of a running `dfdetect serve`; its drain is measured at the end."""
        folder = tmp_path_factory.mktemp("service")
        with running_service(folder) as found:
            yield found
