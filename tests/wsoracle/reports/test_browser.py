"""Pages in a real browser: no network, nothing from outside runs, the filter filters, everything is there and fits."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner
from playwright.sync_api import BrowserContext
from websockets.asyncio.server import ServerConnection, serve

from tests.wsoracle.chromium import Tab, chromium
from tests.wsoracle.reports.report_samples import HOSTILE, RULE, autobahn_record, poisoned, sample, step
from wsoracle.cli import program
from wsoracle.generators.cases.runnable import runnable_cases
from wsoracle.harness.client import run_client
from wsoracle.harness.controls import with_controls
from wsoracle.harness.manners import Manners
from wsoracle.harness.target import Target
from wsoracle.model.octets.uri import parse_uri
from wsoracle.reports import ReportFolder

WIDTHS = (1200, 400)
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
OUTSIDE_OF_DIAGRAM = """
(() => {
  const svg = document.querySelector('svg'), box = svg.viewBox.baseVal;
  return Array.from(svg.querySelectorAll('text,line,path')).filter((one) => {
    const b = one.getBBox();
    return b.x < 0 || b.y < 0 || b.x + b.width > box.width || b.y + b.height > box.height;
  }).map((one) => one.outerHTML);
})()
"""
SHOWN = "Array.from(document.querySelectorAll('tr.case:not([hidden]) > th')).map((one) => one.firstChild.data.trim())"
WOULD_LEAVE = """
new Promise((found) => {
  addEventListener('securitypolicyviolation', (event) => found(event.effectiveDirective));
  const image = new Image();
  image.onload = image.onerror = () => setTimeout(() => found('it tried'), 200);
  image.src = 'http://127.0.0.1:9/x.png';
})
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[BrowserContext]:
    with chromium() as found:
        yield found


@pytest.fixture
def tab(browser: BrowserContext) -> Iterator[Tab]:
    page = Tab(browser)
    yield page
    page.close()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of which every text is hostile: each agent and each case is called so, and a case has it everywhere."""
    folder = ReportFolder(tmp_path_factory.mktemp("hostile"))
    for number, text in enumerate([*HOSTILE, "x" * 100_000]):
        folder.add({**poisoned(text), "agent": text, "id": text})
        folder.add({**poisoned(text), "agent": text, "id": f"1.{number}"})
    folder.finish()
    return folder.path


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three agents, five cases in three groups."""
    folder = ReportFolder(tmp_path_factory.mktemp("matrix"))
    groups = {"1.1.1": ["Messages", "Text"], "1.1.2": ["Messages", "Text"], "1.2.1": ["Messages", "Binary"],
              "2.1": ["Ping"], "2.2": ["Ping"]}  # fmt: skip
    for agent in ("first", "second", "third agent with a name that is rather long"):
        for case_id, group in groups.items():
            verdict = {("first", "1.1.2"): "FAILED", ("second", "2.1"): "NON-STRICT"}.get((agent, case_id), "OK")
            folder.add(sample(agent, case_id, verdict, group=group, title=f"Title of {case_id}"))
    folder.finish()
    return folder.path


# --- no network -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["first_case_1_1_2.html", "index.html"])
def test_a_page_asks_for_nothing_and_cannot(tab: Tab, matrix: Path, name: str) -> None:
    tab.open(matrix / name)
    assert tab.requested() == [(matrix / name).resolve().as_uri()]
    assert tab.complaints() == []
    assert tab.run(WOULD_LEAVE) == "img-src"


def test_what_a_page_asks_for_would_be_seen(tab: Tab, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text('<img src="beside.png"><script>console.log("ran")</script>')
    tab.open(page)
    assert [url.rpartition("/")[2] for url in tab.requested()] == ["page.html", "beside.png"]
    assert any("ran" in words for words in tab.complaints())
    assert tab.run(WOULD_LEAVE) == "it tried"


# --- hostile records --------------------------------------------------------------------------------------------------


def test_hostile_texts_stay_texts(tab: Tab, hostile: Path) -> None:
    pages = sorted(set(hostile.glob("*_case_*.html")) - set(hostile.glob("*_case_1_*.html")))
    assert len(pages) == len(HOSTILE) + 1
    for page in [*pages, hostile / "index.html"]:
        scripts = 1 if page.name == "index.html" else 0
        tab.open(page)
        seen = tab.run("""({
          ran: 'ran' in window, title: document.title, scripts: document.scripts.length,
          heading: document.querySelector('main > h1').textContent, sections: document.querySelectorAll('h2').length,
          strange: document.querySelectorAll('img,image,iframe,object,embed,audio,video,base,form,textarea').length,
          handlers: Array.from(document.querySelectorAll('*')).filter(
            (one) => one.getAttributeNames().some((name) => name.startsWith('on'))).length,
          links: Array.from(document.links).map((one) => one.href),
        })""")
        assert not seen["ran"]
        assert seen["title"] != "ran"
        assert (seen["scripts"], seen["strange"], seen["handlers"]) == (scripts, 0, 0)
        assert seen["heading"]
        assert scripts or seen["sections"] >= 10
        below = hostile.resolve().as_uri()
        assert all(link.startswith(f"{below}/") for link in seen["links"])
        assert tab.complaints() == []
        assert len(tab.requested()) == 1


@pytest.mark.parametrize("width", WIDTHS)
def test_hostile_texts_do_not_widen_a_page(tab: Tab, hostile: Path, width: int) -> None:
    tab.resize(width)
    for page in [next(hostile.glob("xxx*_case_1_*.html")), next(hostile.glob("script*_case_1_*.html"))]:
        tab.open(page)
        assert tab.run(FITS)
        assert tab.run(OUTSIDE_OF_DIAGRAM) == []
    tab.open(hostile / "index.html")
    assert tab.run(FITS)


# --- barriers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_nothing_keeps_people_from_using_a_page(tab: Tab, matrix: Path, width: int, scheme: str) -> None:
    tab.resize(width)
    tab.scheme(scheme)
    for name in ("index.html", "first_case_1_1_2.html"):
        tab.open(matrix / name)
        assert tab.barriers() == []


# --- the index --------------------------------------------------------------------------------------------------------


def test_the_filter_filters(tab: Tab, matrix: Path) -> None:
    def choose(menu: str, label: str) -> None:
        tab.run(f"""(() => {{
          const menu = document.getElementById({json.dumps(menu)});
          menu.value = Array.from(menu.options).find((one) => one.text.trim() === {json.dumps(label)}).value;
          menu.dispatchEvent(new Event('input', {{ bubbles: true }}));
        }})()""")

    every = ["1.1.1", "1.1.2", "1.2.1", "2.1", "2.2"]
    tab.open(matrix / "index.html")
    assert tab.run(SHOWN) == every
    for typed, found in (
        ("1.2", ["1.1.2", "1.2.1"]), ("1.2.", ["1.2.1"]), ("TITLE 2.", ["1.2.1", "2.1", "2.2"]),
        (RULE["id"], ["1.1.2"]), ("non-strict", ["2.1"]), ("binary", ["1.2.1"]),
        ("no such thing", []), ("", every),
    ):  # fmt: skip
        tab.type("#search", typed)
        assert tab.run("document.getElementById('search').value") == typed
        assert tab.run(SHOWN) == found
        assert tab.run("document.getElementById('count').textContent") == f"{len(found)} of 5 cases"
        groups = tab.run("document.querySelectorAll('tr.group:not([hidden])').length")
        assert groups == len({one.rpartition(".")[0] for one in found})
    for menu, label, found in (
        ("verdict", "not OK", ["1.1.2", "2.1"]), ("verdict", "FAILED", ["1.1.2"]), ("verdict", "any", every),
        ("group", "Messages", ["1.1.1", "1.1.2", "1.2.1"]), ("group", "Binary", ["1.2.1"]),
        ("group", "Ping", ["2.1", "2.2"]), ("verdict", "FAILED", []), ("group", "all", ["1.1.2"]),
    ):  # fmt: skip
        choose(menu, label)
        assert tab.run(SHOWN) == found
    assert tab.complaints() == []


def test_totals_and_causes_are_links_that_filter(tab: Tab, matrix: Path) -> None:
    tab.open(matrix / "index.html")
    counts = tab.run("""Array.from(document.querySelectorAll('.sums a, .cause a')).filter(
      (one) => one.getAttribute('href').startsWith('#')).map((one) => [one.hash, parseInt(one.textContent)])""")
    assert {link.partition("=")[0] for link, _ in counts} == {"#verdict", "#cause", "#cases"}
    for link, count in counts:
        tab.run(f"document.querySelector('a[href=\"{link}\"]').click()")
        tab.run("new Promise((done) => setTimeout(done, 0))")
        shown = tab.run(SHOWN)
        assert len(shown) == count, link
        title = tab.run("document.getElementById('cases').textContent")
        assert title == ("Cases" if count == 5 else f"Cases: {count} of 5")
    assert tab.complaints() == []


def test_cases_are_sorted_by_verdict_on_demand(tab: Tab, matrix: Path) -> None:
    tab.open(matrix / "index.html")
    for value, order, heads in (("verdict", ["1.1.2", "2.1", "1.1.1", "1.2.1", "2.2"], 0),
                                ("", ["1.1.1", "1.1.2", "1.2.1", "2.1", "2.2"], 3)):  # fmt: skip
        tab.run(f"""(() => {{ const menu = document.getElementById('sort');
          menu.value = {json.dumps(value)}; menu.dispatchEvent(new Event('input')); }})()""")
        assert tab.run(SHOWN) == order
        assert tab.run("document.querySelectorAll('tr.group:not([hidden])').length") == heads


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_of_the_index_is_cut_off_on_a_telephone(tab: Tab, matrix: Path, scheme: str) -> None:
    tab.resize(390)
    tab.scheme(scheme)
    tab.open(matrix / "index.html")
    cut = tab.run("""Array.from(document.querySelectorAll('.sums, .sums *, .cause, .cause *, .tools, .tools *')).filter(
      (one) => one.getBoundingClientRect().right > document.documentElement.clientWidth).map((one) => one.outerHTML)""")
    assert cut == []
    for element in (".cause p", ".cause summary", ".cause .hex", ".cause a"):
        assert contrast(tab, element) > 4.5, element


def test_the_matrix_leads_to_every_page(tab: Tab, matrix: Path) -> None:
    tab.open(matrix / "index.html")
    links = tab.run("Array.from(document.querySelectorAll('.matrix a')).map((one) => one.href)")
    assert sorted(links) == sorted(page.resolve().as_uri() for page in matrix.glob("*_case_*.html"))
    tab.click(".matrix td.FAILED a")
    assert tab.run("document.querySelector('h1').textContent") == "first · case 1.1.2"
    tab.click("nav a")
    assert tab.run("document.querySelectorAll('tr.case').length") == 5


def test_a_large_matrix_is_drawn_on_demand(tab: Tab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsoracle.reports.matrix.MOST_CELLS", 3)
    folder = ReportFolder(tmp_path)
    for agent, case_id, verdict in (("a", "1.1.1", "OK"), ("b", "1.1.1", "FAILED"), (HOSTILE[0], "1.1.1", "FAILED"),
                                    ("b", "1.1.2", "OK")):  # fmt: skip
        folder.add(sample(agent, case_id, verdict))
    folder.finish()
    tab.open(tmp_path / "index.html")
    assert tab.run("document.querySelectorAll('.matrix a').length") == 0
    assert tab.run("document.querySelector('.matrix summary').textContent") == "✗ FAILED 2 · ✓ OK 1"
    tab.run("document.querySelector('.matrix summary').click()")
    tab.run("new Promise((done) => setTimeout(done, 100))")
    listed = tab.run("Array.from(document.querySelectorAll('.matrix li a')).map((one) => [one.href, one.textContent])")
    assert {text.rpartition(": ")[2] for _, text in listed} == {"✓ OK", "✗ FAILED"}
    pages = {page.resolve().as_uri() for page in tmp_path.glob("*_case_1_1_1.html")}
    assert len(listed) == 3 and {link for link, _ in listed} == pages
    tab.run("""(() => { const menu = document.getElementById('agent');
      menu.value = Array.from(menu.options).find((one) => one.text === 'b').value;
      menu.dispatchEvent(new Event('input')); })()""")
    of_agent = "Array.from(document.querySelectorAll('.matrix td > a')).map((one) => one.textContent)"
    assert tab.run(of_agent) == ["✗ FAILED", "✓ OK"]
    assert tab.barriers() == []
    assert tab.complaints() == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_head_of_the_matrix_stays_in_sight(tab: Tab, matrix: Path, width: int) -> None:
    tab.resize(width, 300)
    tab.open(matrix / "index.html")
    assert tab.run(FITS)
    head, row, scrolled = tab.run("""(() => {
      const box = document.querySelector('.window');
      box.scrollTop = 150; box.scrollLeft = 60;
      const edge = box.getBoundingClientRect(), of = (one) => document.querySelector(one).getBoundingClientRect();
      return [of('.matrix thead th').top - edge.top, of('tr.case > th').left - edge.left, box.scrollTop];
    })()""")
    assert scrolled > 0
    assert abs(head) <= 1
    assert abs(row) <= 1


# --- the page of a case -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_fits_and_can_be_read(tab: Tab, tmp_path: Path, width: int, scheme: str) -> None:
    folder = ReportFolder(tmp_path)
    timeline = [step("tester", "m" * 300), step("sut", "m" * 300, deciding=True), step("timer", "m" * 300)]
    folder.add(sample("a", "1", timeline=[*sample()["wsoracle"]["timeline"], *timeline, step("sut", "語" * 99)]))
    folder.add({**autobahn_record("a", "2"), "description": "m" * 3000, "httpRequest": "m" * 3000})
    folder.finish()
    tab.resize(width)
    tab.scheme(scheme)
    for name in ("a_case_1.html", "a_case_2.html"):
        tab.open(tmp_path / name)
        assert tab.run(FITS)
    tab.open(tmp_path / "a_case_1.html")
    assert tab.run(OUTSIDE_OF_DIAGRAM) == []
    mark = tab.run("""(() => {
      const marks = Array.from(document.querySelectorAll('mark'));
      return marks.map((one) => [one.textContent, one.getBoundingClientRect().width > 0]);
    })()""")
    assert mark == [["8a", True], ["8a", True]]
    assert contrast(tab, "body") > 7
    for element in ("strong.verdict", "mark", "blockquote", ".wire .rx .kind", ".wire .tx .kind", "tr.deciding td"):
        assert contrast(tab, element) > 4.5, element


def contrast(tab: Tab, selector: str) -> float:
    """The contrast of a text to what is behind it, by the formula of WCAG 2."""
    colours = tab.run(f"""(() => {{
      let one = document.querySelector({json.dumps(selector)});
      const text = getComputedStyle(one).color;
      while (one && getComputedStyle(one).backgroundColor === 'rgba(0, 0, 0, 0)') {{ one = one.parentElement; }}
      return [text, getComputedStyle(one).backgroundColor];
    }})()""")
    first, second = sorted((_luminance(colour) for colour in colours), reverse=True)
    return (first + 0.05) / (second + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def real_run(folder: ReportFolder) -> None:
    cases = with_controls([case for case in runnable_cases() if case.id == "4.2.4"], runnable_cases())
    async with serve(echo, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        target = Target(parse_uri(f"ws://127.0.0.1:{port}/"), "real server")
        await run_client(target, cases, Manners(patience=5.0, grace=0.1, seconds=20.0), folder)


@pytest.mark.parametrize(("width", "shown"), [(390, "ol.steps"), (1200, "svg.sequence")])
def test_the_sequence_can_be_read_at_any_width(tab: Tab, matrix: Path, width: int, shown: str) -> None:
    tab.resize(width)
    tab.open(matrix / "first_case_1_1_2.html")
    seen = tab.run("""['ol.steps', 'svg.sequence'].filter(
      (one) => document.querySelector(one).getBoundingClientRect().width > 0)""")
    assert seen == [shown]
    inside = tab.run(f"""(() => {{ const box = document.querySelector('{shown}').getBoundingClientRect();
      return box.left >= 0 && box.right <= document.documentElement.clientWidth; }})()""")
    assert inside


def test_pages_lead_to_the_one_before_and_the_one_after(tab: Tab, matrix: Path) -> None:
    made = CliRunner().invoke(program, ["report", str(matrix)])
    assert made.exit_code == 0
    tab.open(matrix / "first_case_1_1_2.html")
    links = tab.run("""Array.from(document.querySelectorAll('nav a[rel]')).map(
      (one) => [one.rel, one.textContent, one.href])""")
    assert [(rel, words, link.rpartition("/")[2]) for rel, words, link in links] == [
        ("prev", "previous", "first_case_1_1_1.html"), ("next", "next", "first_case_1_2_1.html")
    ]  # fmt: skip


@pytest.mark.peers
def test_the_page_of_4_2_4_has_what_a_reader_of_the_established_one_looks_for(tab: Tab, tmp_path: Path) -> None:
    folder = ReportFolder(tmp_path)
    with ThreadPoolExecutor(1) as other:  # the browser has this one's event loop
        other.submit(asyncio.run, real_run(folder)).result()
    folder.finish()
    record = json.loads((tmp_path / "real_server_case_4_2_4.json").read_text())
    tab.open(tmp_path / "real_server_case_4_2_4.html")
    text = tab.run("document.body.innerText")
    places = [text.index(f"\n{heading}\n") for heading in (
        "Sequence", "Description", "Expectation", "Outcome", "Closing behaviour", "Opening handshake",
        "Closing facts", "Wire statistics", "Timeline", "Wire log")]  # fmt: skip
    assert places == sorted(places)

    def rows(selector: str) -> list[list[str]]:
        found: list[list[str]] = tab.run(f"""Array.from(document.querySelectorAll({json.dumps(f"{selector} tr")})).map(
          (row) => Array.from(row.cells).map((cell) => cell.innerText))""")
        return found

    top = dict(rows(".banner .pairs"))
    assert top["agent"] == "real server (server)"
    assert (top["behaviour"], top["closing behaviour"]) == (record["behavior"], record["behaviorClose"])
    assert (top["duration"], top["started"]) == (f"{record['duration']} ms", record["started"])
    assert tab.run("document.querySelector('.banner strong').innerText") == f"✓ {record['wsoracle']['verdict']}"
    shakes = tab.run("Array.from(document.querySelectorAll('pre')).map((one) => one.textContent)")
    assert shakes == [record[name].replace("\r\n", "\n") for name in ("httpRequest", "httpResponse")]
    assert "Sec-WebSocket-Key: " in shakes[0]
    assert "101 Switching Protocols" in shakes[1]
    facts = {row[0]: row[1:] for row in rows(".facts")[1:]}
    for name in ("isServer", "closedByMe", "failedByMe", "droppedByMe", "wasClean", "wasServerConnectionDropTimeout",
                 "wasOpenHandshakeTimeout", "wasCloseHandshakeTimeout", "wasNotCleanReason", "localCloseCode",
                 "localCloseReason", "remoteCloseCode", "remoteCloseReason"):  # fmt: skip
        value, meaning = facts[name]
        assert value == {True: "yes", False: "no", None: "-"}.get(record[name], str(record[name]))
        assert meaning
    tables = {
        table["title"]: table["rows"]
        for table in tab.run("""Array.from(document.querySelectorAll('.side section')).map((one) => ({
          title: one.querySelector('h3').innerText,
          rows: Array.from(one.querySelectorAll('tbody tr'), (row) => Array.from(row.cells, (cell) => cell.innerText)),
        }))""")
    }
    for title, field in (("Octets received by chop size", "rxOctetStats"),
                         ("Octets transmitted by chop size", "txOctetStats")):  # fmt: skip
        counts = {int(size): count for size, count in record[field].items()}
        octets = sum(size * count for size, count in counts.items())
        lines = [[str(size), str(count), str(size * count)] for size, count in sorted(counts.items())]
        assert tables[title] == [*lines, ["total", str(sum(counts.values())), str(octets)]]
    for title, field in (
        ("Frames received by opcode", "rxFrameStats"),
        ("Frames transmitted by opcode", "txFrameStats"),
    ):
        counted = [[row[0].split()[0], row[1]] for row in tables[title]]
        assert counted[:-1] == [
            [code, str(count)] for code, count in sorted(record[field].items(), key=lambda x: int(x[0]))
        ]
        assert counted[-1] == ["total", str(sum(record[field].values()))]
    assert [row[0] for row in tables["Frames transmitted by opcode"]] == [
        "1 (text)", "8 (close)", "9 (ping)", "14 (reserved-control-E)", "total"
    ]  # fmt: skip
    wire = rows(".wire")[1:]
    assert [row[0] for row in wire] == [f"{number:03d}" for number in range(len(wire))]
    assert [row[1] for row in wire[:2]] == ["TX OCTETS", "RX OCTETS"]
    for kind, name in (("TX OCTETS", "TO"), ("RX OCTETS", "RO")):
        shown = [row[2] for row in wire if row[1] == kind]
        assert shown == [f"{line[1][0]}: {line[1][1]}" for line in record["wirelog"] if line[0] == name]
    frames = [row[2] for row in wire if row[1] == "TX FRAME"]
    fields = r"OPCODE=14 \(reserved-control-E\), FIN=True, RSV=0, PAYLOAD-LEN=13, MASK=[0-9a-f]{8}: Hello, world!"
    assert re.fullmatch(fields, frames[1])
    assert any(row[1] == "RX FRAME" and row[2].startswith("OPCODE=8 (close)") for row in wire)
    assert wire[-1][1] == "TCP DROPPED BY PEER"
    timeline = [row[2] for row in rows(".timeline")[1:]]
    assert timeline == [one["what"] for one in record["wsoracle"]["timeline"]]
    assert timeline[-1] == "closes TCP"
    control = tab.run("Array.from(document.querySelectorAll('nav a')).map((one) => one.getAttribute('href'))")
    assert control == ["index.html", "real_server_case_6_5_1.html"]
    assert (tmp_path / control[1]).is_file()
