"""The decoder in a real browser: Pyodide and CPython say the same, and the page can be walked through."""

import functools
import http.server
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.capture_files import packets_of, pcap, segments_of
from tests.wsoracle.chromium import Tab, chromium
from tests.wsoracle.site.decoder.examples import HELLO, PASSED, at_random, by_hand
from tests.wsoracle.site.pyodide_folder import pyodide
from tests.wsoracle.site.test_building import builder_of_the_site, files_of_the_site
from wsoracle.site.addresses import Addresses
from wsoracle.site.building import POLICY, write_files
from wsoracle.site.decoder.entry import ADDRESSES, decoded
from wsoracle.site.decoder.packing import ARCHIVE

RANDOM: Final = 60
LOADING: Final = 300_000
"""Milliseconds that Python may take to be loaded on a machine that has much to do."""

FITS: Final = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
KEPT_WORKER: Final = """
const Made = window.Worker;
window.Worker = function (...given) { window.made = new Made(...given); return window.made; };
"""
ASK: Final = """(asked) => new Promise((done) => {
  const answers = [];
  window.made.addEventListener("message", (event) => {
    if (event.data.number < 0) { answers.push(event.data.html || "failed: " + event.data.failed); }
    if (answers.length === asked.length) { done(answers); }
  });
  for (const [text, octets] of asked) {
    window.made.postMessage({ number: -1, asked: text, octets: octets === null ? undefined : new Uint8Array(octets) });
  }
})"""


class SilentServer(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if pyodide() is None:
        pytest.skip("no Pyodide here: make test installs it where npm is")
    builder, files = builder_of_the_site(), files_of_the_site()
    folder = tmp_path_factory.mktemp("site")
    wanted = {name: files[name] for name in files if "decoder" in name or not name.endswith(".html")}
    write_files({**wanted, **builder.loaded_later()}, folder)
    return folder


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(SilentServer, directory=site))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def tab(address: str) -> Iterator[Tab]:
    """The page behind its first answer, so that Python is loaded once."""
    with chromium() as browser:
        tab = Tab(browser)
        tab.watch_shifts()
        tab.page.add_init_script(KEPT_WORKER)
        tab.open(address + "decoder.html")
        tab.page.get_by_role("button", name="The same text, sent to a server").click()
        tab.page.locator("#progress", has_text="Decoded the text").wait_for(timeout=LOADING)
        yield tab


def test_pyodide_says_what_cpython_says_of_every_form_and_of_random_octets(site: Path, tab: Tab) -> None:
    places = json.loads(zipfile.ZipFile(io.BytesIO((site / ARCHIVE).read_bytes())).read(
        f"wsoracle/site/decoder/{ADDRESSES}"
    ))  # fmt: skip
    addresses = Addresses(**places)
    inputs = [*by_hand(), *at_random(RANDOM)]
    here = [decoded(asked, octets, addresses) for asked, octets in inputs]
    there = tab.page.evaluate(
        ASK, [[json.dumps(asked), None if octets is None else list(octets)] for asked, octets in inputs]
    )
    assert len(there) == len(here) > RANDOM
    assert [pair for pair in zip(inputs, here, there, strict=True) if pair[1] != pair[2]] == []


def test_an_answer_names_fields_rule_clause_and_remedy(tab: Tab) -> None:
    tab.page.get_by_role("button", name="The same text, sent to a server").click()
    tab.wait_for_text("#result h3", "frame 1")
    said = tab.page.inner_text("#result")
    for words in ("MASK", "5.1/server-refuses-unmasked", "The server MUST close the connection", "masked: 81 85"):
        assert words in said
    link = tab.run("document.querySelector('#result .ruled a').getAttribute('href')")
    assert link.startswith("rules-") and link.endswith("#5.1/server-refuses-unmasked")


def test_octets_are_pasted_and_decoded_with_the_keyboard_and_the_address_keeps_them(tab: Tab) -> None:
    tab.page.get_by_label("Octets, a head, or a conversation").fill("gQVIZWxsbw==")
    tab.page.keyboard.press("Control+Enter")
    tab.wait_for_text("#result", "taken for base64")
    assert "text=gQVIZWxsbw" in tab.page.url
    tab.page.get_by_role("radio", name="client").check()
    tab.wait_for_text("#result", "received by a client")
    assert tab.shifts() == []


def test_a_file_is_opened_and_judged(tab: Tab) -> None:
    octets = pcap(packets_of(segments_of([*PASSED[:2], (False, HELLO)])))
    tab.page.set_input_files("#file", {"name": "chat.pcap", "mimeType": "", "buffer": octets})
    tab.wait_for_text("#result", "5.1/server-does-not-mask")
    assert "chat.pcap" in tab.page.inner_text("#progress")
    assert tab.page.get_by_text("What the server sent").count() == 1
    tab.page.evaluate("""(octets) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(octets)], "dropped.pcap"));
      document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: data }));
    }""", list(pcap(packets_of(segments_of(PASSED)))))  # fmt: skip
    tab.wait_for_text("#progress", "dropped.pcap")


def test_the_page_is_clean_and_fits_and_asks_nobody_else(tab: Tab, address: str) -> None:
    tab.page.get_by_role("button", name="A conversation", exact=True).click()
    tab.wait_for_text("#result", "the conversation")
    for width, scheme in ((320, "dark"), (1200, "light")):
        tab.resize(width)
        tab.scheme(scheme)
        assert tab.run(FITS)
        assert tab.barriers() == []
    assert tab.complaints() == []
    assert {one for one in tab.requested() if not one.startswith((address, "data:"))} == set()
    assert "unsafe" not in POLICY


def test_from_files_the_page_says_which_command_helps(site: Path, tab: Tab) -> None:
    page = tab.page.context.new_page()
    page.goto((site / "decoder.html").as_uri())
    page.get_by_role("button", name="Decode").click()
    assert page.get_by_text("python3 -m http.server").is_visible()
    page.close()
