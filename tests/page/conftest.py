"""Fixtures of the tests in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from page.browser import Visit, missing, new_key, running_browser, visiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Path]]:
    """Address, key and bundle of a running `dfdetect serve`; the test is skipped, loudly, where no browser is."""
    why = missing()
    if why is not None:
        pytest.skip(why)
    from serve.running import running_service

    with running_service(tmp_path_factory.mktemp("page")) as found:
        yield found


@pytest.fixture(scope="module")
def browser(service: tuple[str, str, Path]) -> Iterator[Browser]:
    """Not for the session: while it is open, Playwright's event loop runs in this thread, and no other test has one."""
    with running_browser() as one:
        yield one


@pytest.fixture
def visit(browser: Browser, service: tuple[str, str, Path]) -> Iterator[Visit]:
    base, admin_key, _ = service
    with visiting(browser, base, new_key(base, admin_key)) as one:
        yield one
