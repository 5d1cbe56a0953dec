"""A browser that is watched while it uses the page: what it asks for elsewhere, and every error, is a failure.

It is Debian's Chromium (or another one on the path), driven by Playwright, which downloads nothing.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
MOST_WAIT_MS = 20_000  # of a computer that does other things too


def chromium_path() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


def missing() -> str | None:
    """Why the page cannot be looked at here, None where it can."""
    if importlib.util.find_spec("playwright") is None:
        return "NOT CHECKED IN A BROWSER: the package playwright is not installed"
    if chromium_path() is None:
        return "NOT CHECKED IN A BROWSER: there is no Chromium (Debian: apt-get install chromium)"
    return None


@contextmanager
def running_browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(),
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],  # a container's user may be root
        )
        yield browser
        browser.close()


@dataclass
class Visit:
    """One person at the page, with a key of her own: nothing is seen of the other tests' scans.

    problems: what went wrong so far. expected: parts of console messages that a test provokes on purpose.
    """

    page: Page
    base: str
    key: str
    problems: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def enter(self, hash_path: str = "") -> Page:
        """Log in as `dfdetect serve` has one do it: by the address that it prints."""
        self.page.goto(f"{self.base}/#key={self.key}")
        self.page.wait_for_function("!location.hash.includes('key=')")
        if hash_path:
            self.page.goto(f"{self.base}/{hash_path}")
        return self.page

    def api(self, path: str, data: bytes | None = None, method: str | None = None, **headers: str) -> Any:
        """Ask the service beside the page, as the same person."""
        given = {"authorization": f"Bearer {self.key}", "content-type": "application/octet-stream", **headers}
        request = urllib.request.Request(self.base + path, data=data, method=method, headers=given)
        with urllib.request.urlopen(request, timeout=60) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def scan(self, data: bytes, name: str, **query: str) -> Any:
        """A scan that is over when this returns."""
        from urllib.parse import urlencode

        return self.api(
            f"/v1/scans?{urlencode({'filename': name, **query}, errors='surrogatepass')}", data, prefer="wait=30"
        )

    def unexpected(self) -> list[str]:
        return [one for one in self.problems if not any(part in one for part in self.expected)]


def new_key(base: str, admin_key: str) -> str:
    request = urllib.request.Request(
        f"{base}/v1/keys",
        data=json.dumps({"name": "visit", "scopes": ["scan", "read"]}).encode(),
        headers={"authorization": f"Bearer {admin_key}", "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(json.loads(answer.read())["secret"])


@contextmanager
def visiting(browser: Browser, base: str, key: str, **context: Any) -> Iterator[Visit]:
    """A fresh browser profile; afterwards nothing may have gone wrong that the test did not expect."""
    profile = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **context})
    profile.set_default_timeout(MOST_WAIT_MS)
    page = profile.new_page()
    visit = Visit(page, base, key)
    watch(visit, page)
    try:
        yield visit
    finally:
        profile.close()
    assert visit.unexpected() == []


def watch(visit: Visit, page: Page) -> None:
    """Note down every error of a tab, and every request that leaves the service."""

    def asked(url: str) -> None:
        if not url.startswith((visit.base + "/", "blob:" + visit.base, "data:")):
            visit.problems.append(f"a request off the service: {url[:200]}")

    def stopped(dialog: Any) -> None:
        visit.problems.append(f"a dialog: {dialog.message[:200]}")
        dialog.dismiss()

    page.on("request", lambda request: asked(request.url))
    page.on("pageerror", lambda error: visit.problems.append(f"an error of the page: {error}"))
    page.on("dialog", stopped)
    page.on(
        "console",
        lambda message: (
            visit.problems.append(f"console: {message.text}") if message.type in ("error", "warning") else None
        ),
    )


def axe_issues(page: Page) -> list[str]:
    """What axe-core calls serious or critical: rule, how to mend it, and where."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']} ({one['impact']}): {node['target']} {node.get('failureSummary', '')[:300]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
