"""The pages of the fuzzing server in a real browser: what they show while agents run, and that people can use them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import BrowserContext

from tests.wsoracle.chromium import Tab, chromium
from tests.wsoracle.client_testee import TemporaryFolder, fuzzing_server
from wsoracle.generators.cases.runnable import runnable_cases

CASES = tuple(case for case in runnable_cases() if case.id in ("1.1.1", "1.1.2", "1.2.2"))
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
MOST_SHIFT = 0.01
"""A tenth of the layout shift that counts as good."""
SAYS_NOTHING = """
(where) => new Promise((done) => { const socket = new WebSocket(where); socket.onclose = () => done(true); })
"""


@contextmanager
def serving() -> Iterator[str]:
    """A fuzzing server in a thread of its own, and the address of its pages."""
    ready: list[str] = []
    up, ends = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        folder = TemporaryFolder()
        try:
            async with fuzzing_server(CASES, folder, reports=folder.path) as (_, url):
                ready.append(url.replace("ws://", "http://"))
                up.set()
                await ends.wait()
        finally:
            up.set()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        up.wait(60)
        yield ready[0]
    finally:
        loop.call_soon_threadsafe(ends.set)
        thread.join(60)
        loop.close()


def assert_still(tab: Tab) -> None:
    assert sum(value for value, _ in tab.shifts()) < MOST_SHIFT, tab.shifts()


@pytest.fixture(scope="module")
def browser() -> Iterator[BrowserContext]:
    with chromium() as found:
        yield found


def test_a_browser_tests_itself_while_the_live_page_follows(browser: BrowserContext) -> None:
    with serving() as url:
        live, phone = Tab(browser, 1280), Tab(browser, 390)
        for tab in (live, phone):
            tab.watch_shifts()
        live.open(f"{url}/")
        live.wait_for_text("#state", "Waiting for an agent")
        assert live.barriers() == []

        # A page of any site may run cases; this one leaves all messages unanswered.
        other = Tab(browser)
        socket = url.replace("http://", "ws://")
        assert other.page.evaluate(SAYS_NOTHING, f"{socket}/runCase?casetuple=1.1.2&agent=mute%20%3Cb%3E")
        live.wait_for_text("#causes .cause", "✗ FAILED")
        live.wait_for_text(".agent .where", "1 of 3 cases")
        assert live.run("document.querySelector('.agent h2').textContent") == "mute <b>"
        assert live.run("document.querySelector('.agent .report').textContent") == ""

        assert_still(live)

        phone.open(f"{url}/test_browser.html?agent=a+browser&autostart=1")
        phone.wait_for_text("#state", "Done.")
        phone.wait_for_text(".agent .outcome", "✓ passed: nothing in 3 cases failed.")
        assert_still(phone)
        live.wait_for_text("#state", "4 results of 2 agents.")
        live.wait_for_text(".agent .where", "3 of 3 cases, done")
        for tab, scheme in ((live, "dark"), (phone, "light")):
            tab.scheme(scheme)
            assert tab.barriers() == []
            assert tab.run(FITS)
            assert tab.complaints() == []

        # Each result and each cause leads to the page of its case, the report of the browser to the index.
        assert live.run("document.querySelectorAll('#results tr').length") == 4
        live.run("document.getElementById('only-failed').click()")
        assert live.run("document.querySelectorAll('#results tr:not([hidden])').length") == 1
        pages = live.run("Array.from(document.querySelectorAll('#results a, .cause a')).map((one) => one.href)")
        assert len(pages) == 5
        live.click(".cause a")
        assert live.run("document.querySelector('h1').textContent") == "mute <b> · case 1.1.2"
        assert live.barriers() == []
        phone.click(".agent .report")
        assert phone.run("document.querySelectorAll('tr.case').length") == 3
        assert phone.barriers() == []
        for tab in (live, phone, other):
            tab.close()


def test_a_long_name_is_shown_in_short(browser: BrowserContext) -> None:
    with serving() as url:
        tab = Tab(browser, 390)
        tab.open(f"{url}/")
        socket = url.replace("http://", "ws://")
        assert tab.page.evaluate(SAYS_NOTHING, f"{socket}/runCase?casetuple=1.1.2&agent={'M' * 4096}")
        tab.wait_for_text("#causes .cause", "✗ FAILED")
        assert tab.run("document.querySelector('.agent h2').textContent") == "M" * 80 + "..."
        assert tab.run("document.body.textContent.length") < 4096
        assert tab.run(FITS)
        tab.close()


def test_a_barrier_is_found(browser: BrowserContext) -> None:
    tab = Tab(browser)
    tab.page.set_content('<p>text <img src="data:,"><input></p>')
    assert {"image-alt", "label"} <= {found.partition(":")[0] for found in tab.barriers()}
    tab.close()


def test_the_status_page_has_no_barrier(browser: BrowserContext) -> None:
    with serving() as url:
        tab = Tab(browser, 390)
        tab.open(f"{url}/what/ever")
        assert tab.run("document.querySelector('main').textContent").count("Agents: 0") == 1
        assert tab.barriers() == []
        assert tab.run(FITS)
        tab.close()
