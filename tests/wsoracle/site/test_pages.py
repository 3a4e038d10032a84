"""The site in a real browser, from files: nothing to complain of, nothing that keeps people out, nothing that moves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.wsoracle.chromium import Tab, chromium
from tests.wsoracle.site.test_building import files_of_the_site
from wsoracle.site.building import write_files

KINDS: Final = (
    "index.html", "contents.html", "rules-limits.html", "clause-9.html", "mutants-limits.html", "exercises-1.html",
    "sheet-1.html", "findings.html",
)  # fmt: skip
"""A page of each kind."""

FITS: Final = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
NOW: Final = "document.querySelector('.player output').textContent"
SHOWN: Final = (
    "Array.from(document.querySelectorAll('.player .moments > li'))"
    ".filter((one) => getComputedStyle(one).visibility === 'visible').length"
)


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
        assert {Path(one).name for one in tab.requested()} <= {name, "style.css", "site.js", "exercises.js", ","}, name


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
    assert "5.1/server-refuses-unmasked" in first.inner_text()
    first.get_by_label("accept it").uncheck()
    first.get_by_label("fail the connection with 1002").check()
    first.get_by_role("button", name="Check").press("Enter")
    assert "Right." in first.inner_text()
    assert tab.page.inner_text("#score").startswith("1 of 1 right")
    assert tab.complaints() == []
