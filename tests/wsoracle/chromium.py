"""A headless Chromium under remote control: the DevTools protocol over two pipes, so that no port is open.

Every wait has an end: a browser that hangs fails a test, and is killed with all that it started.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

PATIENCE: Final = 60.0
NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class BrowserError(Exception):
    """The browser did not do what it was asked for."""


def find_chromium() -> str | None:
    """The path of a browser; None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Chromium:
    """A browser. Its pages share one profile in a folder of their own."""

    def __init__(self, binary: str, profile: Path) -> None:
        options = [
            "--headless", "--remote-debugging-pipe", f"--user-data-dir={profile}", "--no-first-run", "--disable-gpu",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
            "--disable-dev-shm-usage", "--proxy-server=127.0.0.1:9", "--password-store=basic",
        ]  # fmt: skip
        if os.geteuid() == 0:
            options.append("--no-sandbox")
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        # The browser reads commands from descriptor 3 and writes to 4.
        line = f'exec "$0" "$@" 3<&{to_browser} 4>&{from_browser}'
        self._process: Final = subprocess.Popen(
            ["bash", "-c", line, binary, *options, "about:blank"],
            pass_fds=(to_browser, from_browser), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        os.close(to_browser)
        os.close(from_browser)
        self._buffer = bytearray()
        self._number = 0
        self.events: Final[list[dict[str, Any]]] = []

    def call(self, method: str, session: str | None = None, /, **params: Any) -> dict[str, Any]:
        """Do something, and return the result."""
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": params, **({"sessionId": session} if session else {})}
        left = json.dumps(message).encode() + b"\0"
        while left:
            left = left[os.write(self._out, left) :]
        ends = time.monotonic() + PATIENCE
        while True:
            answer = self._next(ends)
            if answer.get("id") == number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def wait_for(self, method: str, session: str) -> dict[str, Any]:
        """The next event of that name."""
        ends = time.monotonic() + PATIENCE
        seen = 0
        while True:
            for event in self.events[seen:]:
                if event.get("method") == method and event.get("sessionId") == session:
                    return event
            seen = len(self.events)
            self.events.append(self._next(ends))

    def close(self) -> None:
        """End the browser and everything that it started."""
        with suppress(OSError, BrowserError):
            self.call("Browser.close")
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        os.close(self._out)
        os.close(self._in)

    def _next(self, ends: float) -> dict[str, Any]:
        while (end := self._buffer.find(0)) < 0:
            ready, _, _ = select.select([self._in], [], [], max(0.0, ends - time.monotonic()))
            if not ready:
                raise BrowserError(f"the browser said nothing for {PATIENCE} s")
            octets = os.read(self._in, 1 << 16)
            if not octets:
                raise BrowserError("the browser has ended")
            self._buffer += octets
        message: dict[str, Any] = json.loads(self._buffer[:end])
        del self._buffer[: end + 1]
        return message


class Tab:
    """A page in a browser."""

    def __init__(self, browser: Chromium, width: int = 1200, height: int = 900) -> None:
        self.browser: Final = browser
        self._target: Final = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session: Final[str] = browser.call("Target.attachToTarget", targetId=self._target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Network", "Log", "Security"):
            self.call(f"{domain}.enable")
        self.resize(width, height)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Do something with the page."""
        return self.browser.call(method, self.session, **params)

    def resize(self, width: int, height: int = 900) -> None:
        """Give the page that many pixels."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def scheme(self, name: str) -> None:
        """Prefer ``dark`` or ``light``."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def open(self, path: Path) -> None:
        """Load a file, to its end."""
        self.browser.events.clear()
        done = self.call("Page.navigate", url=path.resolve().as_uri())
        if "errorText" in done:
            raise BrowserError(f"{path}: {done['errorText']}")
        self.browser.wait_for("Page.loadEventFired", self.session)

    def run(self, script: str) -> Any:
        """The value of an expression of JavaScript, in the page."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise BrowserError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def type(self, selector: str, text: str) -> None:
        """Type into a field, as somebody at the keyboard."""
        self.run(f"document.querySelector({json.dumps(selector)}).focus()")
        self.run(f"document.querySelector({json.dumps(selector)}).select()")
        if text:
            self.call("Input.insertText", text=text)
        else:
            for kind in ("keyDown", "keyUp"):
                self.call("Input.dispatchKeyEvent", type=kind, key="Delete", code="Delete", windowsVirtualKeyCode=46)

    def requested(self) -> list[str]:
        """The addresses that were asked for since the page was opened."""
        self.run("new Promise((done) => setTimeout(done, 0))")
        return [
            event["params"]["request"]["url"]
            for event in self.browser.events
            if event.get("method") == "Network.requestWillBeSent" and event.get("sessionId") == self.session
        ]

    def complaints(self) -> list[str]:
        """What the browser has to say about the page: errors, and what its policy has kept from running."""
        found = []
        for event in self.browser.events:
            if event.get("sessionId") == self.session:
                if event.get("method") == "Log.entryAdded":
                    found.append(event["params"]["entry"]["text"])
                elif event.get("method") == "Runtime.exceptionThrown":
                    found.append(str(event["params"]["exceptionDetails"]))
                elif event.get("method") == "Runtime.consoleAPICalled":
                    found.append(str(event["params"]["args"]))
        return found

    def picture(self, path: Path) -> None:
        """Write a picture of the whole page as PNG."""
        import base64

        data = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(data))

    def close(self) -> None:
        """Close the page."""
        self.browser.call("Target.closeTarget", targetId=self._target)


@contextmanager
def chromium(binary: str, profile: Path) -> Iterator[Chromium]:
    """A browser for as long as the block lasts."""
    browser = Chromium(binary, profile)
    try:
        yield browser
    finally:
        browser.close()
