"""A headless Chromium of the system, driven by Playwright, and a page in it with what it asked for and complained of.

Every wait has an end: a browser that hangs fails a test, and is ended with all that it started.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Request, sync_playwright

PATIENCE: Final = 60.0
NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS: Final = ("--disable-gpu", "--disable-dev-shm-usage", "--password-store=basic")
_SHIFTS: Final = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) {
    if (!one.hadRecentInput) { window.shifts.push([one.value, one.sources.map((s) => s.node && s.node.outerHTML)]); }
  }
}).observe({ type: 'layout-shift', buffered: true });
"""


def find_chromium() -> str | None:
    """The path of a browser; None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@lru_cache(maxsize=1)
def _axe() -> str:
    """The script of axe-core."""
    return (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


class Tab:
    """A page in a browser, which reaches nothing but this machine."""

    def __init__(self, browser: BrowserContext, width: int = 1200, height: int = 900) -> None:
        self.page: Final = browser.new_page()
        self.page.set_default_timeout(1000 * PATIENCE)
        self._requested: Final[list[str]] = []
        self._complaints: Final[list[str]] = []
        self.page.on("request", self._on_request)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self._complaints.append(str(error)))
        self.resize(width, height)

    def _on_request(self, request: Request) -> None:
        self._requested.append(request.url)

    def _on_console(self, message: ConsoleMessage) -> None:
        self._complaints.append(message.text)

    def resize(self, width: int, height: int = 900) -> None:
        """Give the page that many pixels."""
        self.page.set_viewport_size({"width": width, "height": height})

    def scheme(self, name: str) -> None:
        """Prefer ``dark`` or ``light``."""
        self.page.emulate_media(color_scheme="dark" if name == "dark" else "light")

    def open(self, where: Path | str) -> None:
        """Load a file or an address, to its end."""
        self._requested.clear()
        self._complaints.clear()
        self.page.goto(where.resolve().as_uri() if isinstance(where, Path) else where)

    def click(self, selector: str) -> None:
        """Click on a link, and load the page that it leads to."""
        with self.page.expect_navigation():
            self.page.evaluate("(one) => document.querySelector(one).click()", selector)

    def run(self, script: str) -> Any:
        """The value of an expression of JavaScript, in the page."""
        return self.page.evaluate(script)

    def wait_for_text(self, selector: str, text: str) -> None:
        """Wait until an element contains a text."""
        self.page.locator(selector, has_text=text).first.wait_for()

    def type(self, selector: str, text: str) -> None:
        """Type into a field, as somebody at the keyboard."""
        self.page.fill(selector, text)

    def requested(self) -> list[str]:
        """The addresses that were asked for since the page was opened."""
        self.run("new Promise((done) => setTimeout(done, 0))")
        return list(self._requested)

    def complaints(self) -> list[str]:
        """What the browser has to say about the page: errors, and what its policy has kept from running."""
        return list(self._complaints)

    def barriers(self) -> list[str]:
        """What axe finds that keeps people from using the page: the rule, and the elements."""
        self.run(_axe())
        found: list[dict[str, Any]] = self.run("axe.run().then((found) => found.violations)")
        return [f"{one['id']}: {[node['html'] for node in one['nodes']]}" for one in found]

    def watch_shifts(self) -> None:
        """From the next page on, take down what moves without being asked to."""
        self.page.add_init_script(_SHIFTS)

    def shifts(self) -> list[Any]:
        """What has moved: by how much, and which elements."""
        found: list[Any] = self.run("window.shifts")
        return found

    def picture(self, path: Path) -> None:
        """Write a picture of the whole page as PNG."""
        self.page.screenshot(path=path, full_page=True)

    def close(self) -> None:
        """Close the page."""
        self.page.close()


@contextmanager
def chromium() -> Iterator[BrowserContext]:
    """A browser for as long as the block lasts; while it does, asyncio runs in other threads only.

    Where there is none, tests that need it are skipped, and fail in CI.
    """
    binary = find_chromium()
    if binary is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no chromium here: on Debian, apt-get install chromium")
    with sync_playwright() as playwright:
        options = [*_OPTIONS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        browser = playwright.chromium.launch(
            executable_path=binary,
            args=options,
            proxy={"server": "127.0.0.1:9", "bypass": "127.0.0.1"},
            timeout=1000 * PATIENCE,
        )
        try:
            yield browser.new_context()
        finally:
            browser.close()
