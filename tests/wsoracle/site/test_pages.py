"""The site in a real browser, from files: nothing to complain of, nothing that keeps people out, nothing that moves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.wsoracle.chromium import Tab, chromium
from tests.wsoracle.site.test_building import files_of_the_site
from wsoracle.site.building import EXPLORER_LOADER, EXPLORER_SCRIPTS, write_files

KINDS: Final = (
    "index.html", "contents.html", "rules-limits.html", "clause-9.html", "mutants-limits.html", "exercises-1.html",
    "sheet-1.html", "findings.html", "explorer.html", "break.html", "break-framing.html", "real-libwebsockets.html",
)  # fmt: skip
"""A page of each kind."""

FITS: Final = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
BROKEN: Final = """
Array.from(document.querySelectorAll('.fields tbody th, .fields td:last-child, .scroll td')).flatMap((cell) => {
  const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), range = document.createRange(), found = [];
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    for (const word of text.data.matchAll(/(?<![\\w,])[A-Za-z0-9]{3,12}(?![\\w,])/g)) {
      range.setStart(text, word.index);
      range.setEnd(text, word.index + word[0].length);
      if (new Set(Array.from(range.getClientRects(), (one) => one.top)).size > 1) { found.push(word[0]); }
    }
  }
  return found;
})
"""
"""The words in cells, none of them long, that are cut at the end of a line."""
NOW: Final = "document.querySelector('.player output').textContent"
SHOWN: Final = (
    "Array.from(document.querySelectorAll('.player .moments > li'))"
    ".filter((one) => getComputedStyle(one).visibility === 'visible').length"
)


def own_scripts(name: str) -> tuple[str, ...]:
    return (EXPLORER_LOADER, *EXPLORER_SCRIPTS) if name == "explorer.html" else ()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    write_files(files_of_the_site(), folder)
    return folder


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    with chromium() as browser:
        yield Tab(browser)


def test_every_kind_of_page_is_clean_and_fits(site: Path, tab: Tab) -> None:
    tab.watch_shifts()
    for name in KINDS:
        tab.resize(320)
        tab.scheme("dark")
        tab.open(site / name)
        assert tab.run(FITS), name
        tab.resize(1200)
        assert tab.complaints() == [], name
        assert tab.barriers() == [], name
        tab.scheme("light")
        tab.open(site / name)
        assert tab.shifts() == [], name
        expected = {name, "style.css", "site.js", "exercises.js", ",", *own_scripts(name)}
        assert {Path(one).name for one in tab.requested()} <= expected, name


def test_a_run_is_stepped_through_by_buttons_and_by_keys(site: Path, tab: Tab) -> None:
    tab.open(site / "index.html")
    assert tab.run(NOW) == "Step 1 of 8"
    height = tab.run("document.body.scrollHeight")
    tab.page.click(".player [data-do=step]")
    assert tab.run(NOW) == "Step 2 of 8"
    tab.page.keyboard.press("End")
    assert tab.run(NOW) == "Step 8 of 8"
    tab.page.keyboard.press("ArrowLeft")
    assert tab.run(NOW) == "Step 7 of 8"
    assert tab.run(SHOWN) == tab.run("document.querySelectorAll('.player').length")
    assert tab.run("document.body.scrollHeight") == height
    tab.page.click(".player [data-do=first]")
    assert tab.run(NOW) == "Step 1 of 8"
    tab.page.click(".player [data-do=whole]")
    assert tab.page.is_visible(".player .whole table")


def test_the_search_finds_a_rule_and_leads_to_it(site: Path, tab: Tab) -> None:
    tab.open(site / "index.html")
    tab.page.keyboard.press("/")
    tab.type("#search", "control frames fragmented")
    tab.wait_for_text("#found", "5.5/fragmented-control")
    tab.type("#search", "5.5/fragmented-control")
    with tab.page.expect_navigation():
        tab.page.keyboard.press("Enter")
    assert tab.page.url.endswith("#5.5/fragmented-control")
    assert tab.complaints() == []


def test_the_search_answers_a_question_by_what_has_most_of_its_words(site: Path, tab: Tab) -> None:
    tab.open(site / "index.html")
    tab.type("#search", "Why does a newcomer mask?")
    tab.wait_for_text("#found-count", "with most of the words")
    assert tab.page.inner_text("#found li >> nth=0").startswith("Masking")
    assert tab.complaints() == []


def test_words_in_tables_are_whole_on_every_screen(site: Path, tab: Tab) -> None:
    for name in ("index.html", "frames.html", "exercises-1.html", "the-opening-handshake.html"):
        tab.open(site / name)
        for width in (320, 390, 1200):
            tab.resize(width)
            assert tab.run(BROKEN) == [], (name, width)
            assert tab.run(FITS), (name, width)


def test_a_closed_table_is_printed(site: Path, tab: Tab) -> None:
    tab.open(site / "closing.html")
    seen = "document.querySelector('.long table').checkVisibility({ contentVisibilityAuto: true })"
    assert not tab.run(seen)
    tab.page.emulate_media(media="print")
    tab.page.wait_for_function(seen)  # the page is laid out anew for paper
    tab.page.emulate_media(media="screen")


def test_without_scripts_the_tables_stand(site: Path, tab: Tab) -> None:
    assert tab.page.context.browser is not None
    context = tab.page.context.browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / "index.html").as_uri())
    assert page.is_visible(".player .whole table")
    assert not page.is_visible(".player .controls")
    context.close()


def test_an_exercise_is_answered_and_the_reasons_are_shown(site: Path, tab: Tab) -> None:
    tab.open(site / "exercises-1.html")
    first = tab.page.locator(".exercise", has_text="81 00").first
    first.get_by_label("accept it").check()
    first.get_by_role("button", name="Check").click()
    assert "Not yet" in first.inner_text()
    assert first.inner_text().count("5.1/server-refuses-unmasked") == 1
    first.get_by_label("accept it").uncheck()
    first.get_by_label("fail the connection with 1002").check()
    first.get_by_role("button", name="Check").press("Enter")
    assert "Right." in first.inner_text()
    assert tab.page.inner_text("#score").startswith("1 of 1 right")
    assert tab.complaints() == []


def press(tab: Tab, side: str, words: str) -> None:
    """Press a button of an endpoint of the explorer, by its words, and wait until the page shows the new history."""
    box = tab.page.locator(f"#explorer-{side}")
    for one in box.locator("details[data-keep]", has=tab.page.locator("button.do", has_text=words)).all():
        one.evaluate("(details) => { details.open = true; }")
    tab.run("shown = new Promise((done) => addEventListener('hashchange', done, { once: true })), 0")
    box.locator("button.do", has_text=words).first.click()
    tab.run("shown.then(() => 0)")


def test_the_explorer_shows_which_end_closes_tcp_first_and_why(site: Path, tab: Tab) -> None:
    tab.resize(1200)
    tab.open(site / "explorer.html")
    press(tab, "c", "Send Close 1000, normal closure")
    press(tab, "s", "Accept it")
    assert tab.page.locator("#explorer-s .must button.do").first.inner_text() == "Send Close 1000, as the one received"
    press(tab, "s", "Send Close 1000, as the one received")
    press(tab, "c", "Accept it")
    must = tab.page.locator("#explorer-s .must", has_text="Close TCP")
    must.locator("summary").click()
    assert "MUST close the underlying TCP connection immediately" in must.inner_text()
    unwise = tab.page.locator("#explorer-c .not", has_text="Close TCP")
    assert "7.1.1/client-waits" in unwise.inner_html()
    address = tab.page.url
    press(tab, "s", "Close TCP")
    press(tab, "c", "Accept it")
    press(tab, "c", "Close TCP")
    states = [tab.page.locator(f"#explorer-{side} .state strong").inner_text() for side in "cs"]
    assert [state.split(",")[0] for state in states] == ["CLOSED", "CLOSED"]
    for _ in range(3):
        tab.page.click("#explorer-undo")
    tab.wait_for_text("#explorer-count", "4 steps of 7")
    assert tab.page.url.replace("open,at=4", "open").startswith(address)
    assert tab.complaints() == [] and tab.barriers() == []


def test_the_explorer_sends_any_frame_and_names_the_rule(site: Path, tab: Tab) -> None:
    tab.open(site / "explorer.html")
    tab.page.click("#explorer-c .form > summary")
    tab.page.select_option("#explorer-c [name=opcode]", "9")
    tab.page.locator("#explorer-c [name=fin]").uncheck()
    tab.wait_for_text("#explorer-c .draft", "5.4/control-not-fragmented")
    tab.page.click("#explorer-c .draft button")
    tab.wait_for_text("#explorer-last", "forbidden, sent anyway")
    tab.page.click("#explorer-s .segments button >> nth=1")
    tab.wait_for_text("#explorer-last", "5.5/fragmented-control")
    press(tab, "s", "Fail the connection with 1002")
    assert tab.page.locator("#explorer-s .should button.do").first.inner_text() == "Send Close 1002, which says why"
    assert tab.complaints() == [] and tab.barriers() == []


def chosen(tab: Tab, group: str, words: str) -> None:
    """Let the explorer show something from its lists."""
    tab.page.focus("#explorer-group")
    tab.page.wait_for_selector("#explorer-group[data-ready]", state="attached")
    tab.page.select_option("#explorer-group", label=group)
    tab.page.select_option("#explorer-preset", label=words)


def test_the_explorer_shows_what_a_real_endpoint_did(site: Path, tab: Tab) -> None:
    tab.open(site / "explorer.html")
    chosen(tab, "What libwebsockets did", "as a server: 5.1/server-refuses-unmasked")
    tab.wait_for_text("#explorer-last", "accepted: text message, against the rules")
    tab.wait_for_text("#explorer-found", "libwebsockets 4.1.6, as a server, was sent")
    assert "The server MUST close the connection" in tab.page.inner_text("#explorer-last")
    assert tab.page.locator(".sequence .broken").count() == 1
    assert tab.page.inner_text("#explorer-count") == "2 steps of 3"
    tab.page.locator(".sequence button").last.press("Enter")
    tab.wait_for_text("#explorer-count", "3 steps")
    assert tab.complaints() == [] and tab.barriers() == []
    tab.page.click("#explorer-found a")
    assert tab.page.locator(":target").get_by_text("this exchange in the explorer").count() == 1


def test_the_history_is_drawn_and_its_steps_lead_back(site: Path, tab: Tab) -> None:
    tab.open((site / "explorer.html").as_uri() + "#open;c:9f.37fa213d.6869;s:take;s:af.-.6869;c:take")
    for width in (320, 1200):
        tab.resize(width)
        assert tab.page.locator(".drawn .arrow path").count() == 2
        assert tab.run(FITS)
    steps = tab.page.locator(".sequence button")
    assert steps.nth(0).inner_text().splitlines()[-1] == "1. The client sends Ping: permitted"
    assert steps.nth(3).get_attribute("aria-current") == "step"
    steps.nth(1).click()
    tab.wait_for_text("#explorer-s .state", "Owes a Pong")
    assert steps.nth(3).inner_text().endswith("(undone)")
    tab.page.click("#explorer-redo")
    tab.wait_for_text("#explorer-count", "3 steps of 4")
    press(tab, "c", "Send text “Hello”")
    tab.wait_for_text("#explorer-count", "4 steps")
    assert tab.complaints() == [] and tab.barriers() == []


def test_a_compressed_message_is_sent_from_its_fields_and_inflated(site: Path, tab: Tab) -> None:
    tab.open(site / "explorer.html")
    tab.page.select_option("#explorer-start", "deflate")
    tab.wait_for_text("#explorer-c .state", "Permessage-deflate agreed on")
    tab.page.click("#explorer-c .form > summary")
    tab.page.select_option("#explorer-c [name=kind]", "deflate")
    tab.wait_for_text("#explorer-c .draft", "DEFLATE data: 7 octets that come to 5 octets")
    tab.page.click("#explorer-c .draft button")
    tab.wait_for_text("#explorer-last", "permitted")
    press(tab, "s", "Accept it")
    tab.wait_for_text("#explorer-last", "accepted: text message")
    assert "48 65 6c 6c 6f" in tab.page.inner_text("#explorer-last .inflated")
    assert tab.complaints() == [] and tab.barriers() == []


def test_a_file_that_is_missing_is_said_to_be(site: Path, tab: Tab, tmp_path: Path) -> None:
    for one in site.iterdir():
        if one.is_file() and one.name not in ("explorer-wire.js", "presets.js"):
            (tmp_path / one.name).write_bytes(one.read_bytes())
    tab.open(tmp_path / "explorer.html")
    tab.wait_for_text("#explorer-wrong", "explorer-wire.js was not found beside this page")
    (tmp_path / "explorer-wire.js").write_bytes((site / "explorer-wire.js").read_bytes())
    tab.open(tmp_path / "explorer.html")
    tab.page.focus("#explorer-group")
    tab.wait_for_text("#explorer-wrong", "presets.js was not found beside this page")


def test_the_explorer_shows_examples_from_a_list_and_from_an_address(site: Path, tab: Tab) -> None:
    tab.open(site / "explorer.html")
    chosen(tab, "Example runs", "client fails")
    tab.wait_for_text("#explorer-count", "9 steps")
    tab.open("about:blank")
    tab.open((site / "explorer.html").as_uri() + "#connect,you=client;c:request.version=2;s:take")
    tab.wait_for_text("#explorer-last", "to be answered with 426")
    assert tab.page.locator("#explorer-count").inner_text() == "2 steps"
    assert tab.complaints() == []


def test_a_rule_is_broken_and_the_explorer_opens_with_it(site: Path, tab: Tab) -> None:
    tab.resize(1200)
    tab.open(site / "break.html")
    tab.page.locator(".topic summary", has_text="Framing").click()
    with tab.page.expect_navigation():
        tab.page.locator(".topic li", has_text="5.1/server-refuses-unmasked").get_by_text("the rule is missing").click()
    fault = tab.page.locator(".fault").first
    assert "fail the connection with 1002" in fault.locator(".parting > div").first.inner_text()
    assert "accept it" in fault.locator(".parting > div").last.inner_text()
    assert "left this rule unfollowed" in fault.inner_text()
    with tab.page.expect_navigation():
        fault.get_by_text("in the explorer, the rule broken").click()
    tab.wait_for_text("#explorer-last", "accepted: text message")
    assert "5.1/server-refuses-unmasked" in tab.page.inner_text("#explorer-broken")
    assert tab.complaints() == [] and tab.barriers() == []
    tab.page.click("#explorer-broken button")
    tab.wait_for_text("#explorer-last", "fail the connection with 1002")
    assert not tab.page.is_visible("#explorer-broken")
