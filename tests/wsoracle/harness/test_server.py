"""The fuzzing server with real clients: paths, results, several agents, and the end of a run."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import pytest

from tests.wsoracle.client_testee import (
    QUICK,
    TemporaryFolder,
    address_of,
    ask,
    fuzzing_server,
    get,
    opening,
    raw,
    run_all,
    run_case,
)
from tests.wsoracle.harness.test_client import ALL, CERTIFICATE, ECHO
from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.runnable import runnable_cases
from wsoracle.harness.server import MOST_BEHIND
from wsoracle.harness.server_connection import ServerLimits
from wsoracle.harness.server_run import MOST_AGENTS, ServerRun
from wsoracle.model.octets.vocabulary import Role
from wsoracle.reports import ReportFolder
from wsoracle.reports.summary import CaseSummary

pytestmark = pytest.mark.peers

T = TypeVar("T")
OPENING = replace(next(case for case in runnable_cases() if case.id == "fault/client/accept-wrong"), control=ECHO)
FOR_SERVERS = Case("sample/no", "", "", ("sample",), (), frozenset((Role.SERVER,)))
CASES = (*ALL, OPENING)


def run(work: Coroutine[Any, Any, T]) -> T:
    async def bounded() -> T:
        async with asyncio.timeout(300):
            return await work

    return asyncio.run(bounded())


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=CERTIFICATE)
    context.check_hostname = False
    return context


@pytest.mark.parametrize(("host", "secure"), [("127.0.0.1", False), ("::1", False), ("127.0.0.1", True)])
def test_a_client_testee_runs_unchanged(host: str, secure: bool) -> None:
    async def talk() -> tuple[TemporaryFolder, int]:
        folder, tls = TemporaryFolder(), None
        more: dict[str, Any] = {}
        if secure:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(CERTIFICATE)
            more["ssl"] = trusting()
        async with fuzzing_server((*CASES, FOR_SERVERS), folder, host=host, tls=tls) as (_, url):
            return folder, await run_all(url, "websockets", **more)

    folder, count = run(talk())
    records = folder.of("websockets")
    assert count == len(CASES) and set(records) == {case.id for case in CASES} and folder.finished == 1
    assert all(record["wsoracle"]["passed"] for record in records.values())
    assert [records[case.id]["case"] for case in CASES] == list(range(1, count + 1))
    assert not any(record["isServer"] is False for record in records.values())
    assert records["sample/unknown-opcode"]["remoteCloseCode"] == 1002
    assert records[ECHO]["httpRequest"].startswith("GET /runCase?case=1&agent=websockets HTTP/1.1\r\n")


def test_several_agents_at_once_do_not_meet() -> None:
    names = [f"agent {number}" for number in range(4)]

    async def talk() -> TemporaryFolder:
        folder = TemporaryFolder()
        async with fuzzing_server(CASES, folder) as (_, url), asyncio.TaskGroup() as group:
            tasks = [group.create_task(run_all(url, name)) for name in names]
            await asyncio.gather(*tasks)
        return folder

    folder = run(talk())
    for name in names:
        records = folder.of(name)
        assert len(records) == len(CASES) and all(record["wsoracle"]["passed"] for record in records.values())


@pytest.mark.parametrize(
    "name", ["../../x", "x" * 4096, "a\0b", "<script>alert(1)</script>", "név ✓", "a b&c", "con", "\r\nX: y", "."]
)
def test_an_agent_may_call_itself_what_it_likes(name: str) -> None:
    async def talk() -> tuple[TemporaryFolder, bytes]:
        folder = TemporaryFolder()
        async with fuzzing_server(ALL[:2], folder) as (_, url):
            await run_all(url, name)
            return folder, (await get(url, "/live.json"))[2]

    folder, live = run(talk())
    assert set(folder.of(name)) == {case.id for case in ALL[:2]}
    assert json.loads(live)["agents"][0]["name"] == name


def test_replies_on_the_paths() -> None:
    async def talk() -> list[Any]:
        async with fuzzing_server(ALL) as (_, url):
            await run_case(url, "casetuple=sample/pong", "me")
            asked = ("getCaseCount", "getCaseInfo?case=1", "getCaseInfo?casetuple=sample/pong",
                     "getCaseStatus?casetuple=sample/pong&agent=me", "updateReports?agent=nobody")  # fmt: skip
            return [await ask(f"{url}/{path}") for path in asked]

    count, first, pong, status, update = run(talk())
    assert count == str(len(ALL)) and update is None
    assert json.loads(first) == {"id": ALL[0].id, "description": ALL[0].stimulus}
    assert json.loads(pong)["id"] == "sample/pong"
    assert json.loads(status) == {"behavior": "OK"}


def test_each_reply_ends_with_an_empty_close() -> None:
    async def talk() -> bytes:
        async with fuzzing_server(ALL) as (_, url):
            return await raw(url, opening("/getCaseCount"), end=True)

    assert run(talk()).endswith(b"\x81" + bytes((len(str(len(ALL))),)) + str(len(ALL)).encode() + b"\x88\x00")


@pytest.mark.parametrize(
    ("target", "status", "says"),
    [
        ("/runCase?agent=a", 500, "needs a case"),
        ("/runCase?case=1", 500, "agent=NAME"),
        ("/runCase?case=1&agent=", 500, "agent=NAME"),
        ("/runCase?case=0&agent=a", 500, "no case 0"),
        ("/runCase?case=-1&agent=a", 500, "no number"),
        (f"/runCase?case={'9' * 5000}&agent=a", 500, "no number"),
        ("/runCase?case=1&case=2&agent=a", 500, "2 times"),
        ("/runCase?case=1&agent=a&agent=b", 500, "2 times"),
        ("/runCase?casetuple=99.9&agent=a", 500, "no case '99.9'"),
        (f"/runCase?case=1&agent={'x' * 4097}", 500, "4096"),
        ("/runCase?" + "&".join(f"a{n}=1" for n in range(100)), 500, "parameters"),
        ("/getCaseInfo", 500, "needs a case"),
        ("/getCaseStatus?case=1", 500, "agent=NAME"),
        ("/updateReports", 500, "agent=NAME"),
        ("/elsewhere", 404, "/getCaseCount"),
    ],
)
def test_wrong_parameters_are_refused_with_a_reason(target: str, status: int, says: str) -> None:
    async def talk() -> bytes:
        async with fuzzing_server(ALL) as (server, url):
            answer = await raw(url, opening(target))
            assert not server.run.agents
            return answer

    answer = run(talk())
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()) and says in answer.decode()


def test_a_status_is_held_until_there_is_a_result() -> None:
    async def talk() -> tuple[str | None, str | None]:
        async with fuzzing_server(ALL) as (_, url), asyncio.TaskGroup() as group:
            held = group.create_task(ask(f"{url}/getCaseStatus?case=1&agent=me"))
            await run_case(url, "case=1", "me")
            found = await held
        async with fuzzing_server(ALL, limits=ServerLimits(status=0.05)) as (_, url):
            return found, await ask(f"{url}/getCaseStatus?case=1&agent=me")

    assert run(talk()) == ('{"behavior": "OK"}', None)


def test_a_control_may_come_after_the_case_and_after_a_report() -> None:
    async def talk() -> list[bool]:
        folder, seen = TemporaryFolder(), []
        async with fuzzing_server(ALL, folder) as (_, url):
            for step in ("runCase?casetuple=sample/pong", "", f"runCase?casetuple={ECHO}", ""):
                if step:
                    await run_case(url, step.partition("?")[2], "me")
                await ask(f"{url}/updateReports?agent=me")
                seen.append(folder.of("me")["sample/pong"]["wsoracle"]["counts"])
        return seen

    assert run(talk()) == [False, False, True, True]


@pytest.mark.parametrize(
    ("path", "once", "stops"),
    [
        ("updateReports?agent=a", False, False),
        ("updateReports?agent=a&shutdownOnComplete=true", False, True),
        ("updateReports?agent=a&shutdownOnComplete=no", False, False),
        ("updateReports?agent=a", True, True),
        ("stopServer", False, True),
    ],
)
def test_what_ends_the_server(path: str, once: bool, stops: bool) -> None:
    async def talk() -> bool:
        async with fuzzing_server(ALL, once=once) as (server, url):
            await ask(f"{url}/{path}")
            stopped = asyncio.ensure_future(server.stopped())
            if stops:
                await stopped
            else:
                assert await ask(f"{url}/getCaseCount")
            done = stopped.done()
            stopped.cancel()
            return done

    assert run(talk()) is stops


def test_what_was_run_before_is_not_run_again_unless_it_is_asked_for_twice() -> None:
    async def talk() -> tuple[list[int], bool]:
        folder, counts = TemporaryFolder(), list[int]()
        async with fuzzing_server(ALL, folder) as (_, url):
            await run_case(url, "case=1", "me")
            await ask(f"{url}/getCaseStatus?case=1&agent=me")  # it is judged when the client has gone
        before = len(folder.of("me"))
        async with fuzzing_server(ALL, run=ServerRun(ReportFolder(folder.path, resumed=True))) as (server, url):
            for _ in range(2):
                serial = server.run.serial
                await run_all(url, "me")
                await ask(f"{url}/updateReports?agent=me")
                counts.append(server.run.serial - serial - (before if not counts else 0))
            return counts, set(server.run.agents["me"].results) == {case.id for case in ALL}

    assert run(talk()) == ([len(ALL) - 1, len(ALL)], True)


def test_what_was_run_before_its_control_is_run_again() -> None:
    async def talk() -> set[str]:
        folder = TemporaryFolder()
        async with fuzzing_server(ALL, folder) as (_, url):
            await run_case(url, "casetuple=sample/pong", "me")
            await ask(f"{url}/getCaseStatus?casetuple=sample/pong&agent=me")
        later = ReportFolder(folder.path, resumed=True)
        async with fuzzing_server(ALL, run=ServerRun(later)) as (_, url):
            await run_case(url, "casetuple=sample/pong", "me")
            await ask(f"{url}/updateReports?agent=me")
        return {case_id for case_id, record in later.summaries["me"].items() if not record.counts}

    assert run(talk()) == {"sample/pong"}


def test_an_agent_is_let_go_where_it_is_not_to_run_a_case() -> None:
    async def talk() -> set[str]:
        folder = TemporaryFolder()
        excluded = lambda agent, case_id: agent == "me" and case_id == ECHO  # noqa: E731
        async with fuzzing_server(ALL[:3], folder, excluded=excluded) as (_, url):
            await run_all(url, "me")
            assert await ask(f"{url}/getCaseStatus?casetuple={ECHO}&agent=me") is None
        return set(folder.of("me"))

    assert run(talk()) == {case.id for case in ALL[:3]} - {ECHO}


def test_who_is_refused_stops_nothing() -> None:
    async def talk() -> tuple[bytes, str | None]:
        async with fuzzing_server(ALL) as (_, url):
            refused = await raw(url, opening("/stopServer").replace(b"Version: 13", b"Version: 8"))
            return refused, await ask(f"{url}/getCaseCount")

    refused, count = run(talk())
    assert refused.startswith(b"HTTP/1.1 426 ") and count == str(len(ALL))


def test_there_are_not_more_agents_than_can_be_kept() -> None:
    async def talk() -> bytes:
        async with fuzzing_server(ALL[:1]) as (server, url):
            for number in range(MOST_AGENTS):
                server.run.agent(str(number))
            return await raw(url, opening("/runCase?case=1&agent=more"))

    assert run(talk()).startswith(b"HTTP/1.1 500 ")


def test_where_a_report_cannot_be_written_the_server_ends() -> None:
    class Full(TemporaryFolder):
        def enter(self, summary: CaseSummary) -> None:
            raise OSError(28, "No space left on device")

    async def talk() -> None:
        async with fuzzing_server(ALL, Full()) as (server, url):
            await run_case(url, "case=1", "me")
            await server.stopped()

    with pytest.raises(OSError, match="No space"):
        run(talk())


def test_pages() -> None:
    async def talk() -> None:
        async with fuzzing_server(ALL) as (server, url):
            host, port = await server.listen_for_pages("127.0.0.1", 0)
            web = f"http://{host}:{port}"
            for where in (url, web):
                for target in ("/", "/test_browser.html", "/live.js", "/test_browser.js", "/server.css"):
                    status, head, body = await get(where, target)
                    assert status == 200 and body and "@PORT@" not in body.decode()
                    assert (await get(where, target, "HEAD"))[2] == b""
                assert (await get(where, "/", "POST"))[0] == 405
            assert f'data-port="{url.rpartition(":")[2]}"'.encode() in (await get(web, "/test_browser.html"))[2]
            status, head, body = await get(url, "/what/ever?x=1")
            assert status == 200 and b"fuzzing server" in body and "Content-Security-Policy" in head
            assert (await get(web, "/what/ever"))[0] == 404
            for query in ("?since=x", "?since=-1", "?since=99999999999999999999", "?since=1&since=2", "?" + "&" * 99):
                assert (await get(web, "/live.json" + query))[0] == 200

    run(talk())


def test_only_files_of_the_report_are_served(tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    (reports / "css").mkdir(parents=True)
    for name in ("index.html", "a_case_1_1_1.json", "css/x.css", "secret.pem", ".hidden.html"):
        (reports / name).write_text(name)
    (tmp_path / "outside.html").write_text("outside")
    (reports / "link.html").symlink_to(tmp_path / "outside.html")

    async def talk() -> dict[str, int]:
        async with fuzzing_server(ALL, reports=reports) as (_, url):
            names = ("", "index.html", "a_case_1_1_1.json", "css/x.css", "secret.pem", ".hidden.html", "link.html",
                     "../outside.html", "%2e%2e/outside.html", "..%2foutside.html", "css/", "css", "x%00.html",
                     "//index.html", quote(str(tmp_path / "outside.html")), "a\\..\\index.html",
                     "x" * 5000 + ".html")  # fmt: skip
            found = {name: await get(url, f"/reports/{name}") for name in names}
        assert all(b"outside" not in body for _, _, body in found.values())
        assert "application/json" in found["a_case_1_1_1.json"][1]
        return {name: status for name, (status, _, _) in found.items()}

    statuses = run(talk())
    good = {name for name, status in statuses.items() if status == 200}
    assert good == {"", "index.html", "a_case_1_1_1.json", "css/x.css"}
    assert set(statuses.values()) == {200, 404}


@pytest.mark.parametrize("talks", [True, False])
def test_a_client_is_silent_by_its_first_messages_alone_however_late_they_are_judged(
    talks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The judge may be behind: who talked in a case that has no result yet is not silent."""

    async def talk() -> dict[str, dict[str, Any]]:
        folder, judged = TemporaryFolder(), asyncio.Event()
        async with fuzzing_server(ALL[:3], folder, manners=QUICK) as (server, url):
            record = server._judges.record

            async def late(*arguments: Any) -> CaseSummary:
                await judged.wait()
                return await record(*arguments)

            monkeypatch.setattr(server._judges, "record", late)
            if talks:
                await run_case(url, "case=1", "x")
            answers = [await raw(url, opening("/runCase?case=1&agent=x")) for _ in range(4)]
            assert answers[2].startswith(b"HTTP/1.1 101")
            assert answers[3].startswith(b"HTTP/1.1 101" if talks else b"HTTP/1.1 503")
            judged.set()
            await ask(f"{url}/updateReports?agent=x")
        return folder.of("x")

    records = run(talk())
    assert set(records) == {ECHO}
    assert ("taken to be silent" in records[ECHO]["wsoracle"]["note"]) is not talks


def test_a_sequential_client_is_never_refused_however_far_the_judge_is_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections are counted while they are open; too many that wait to be judged slow the next case down."""
    most = 3

    async def talk() -> dict[str, dict[str, Any]]:
        folder, going = TemporaryFolder(), asyncio.Semaphore(0)
        cases = [replace(ALL[0], id=f"sample/{number}") for number in range(4 * MOST_BEHIND)]
        limits = ServerLimits(connections=most)
        async with fuzzing_server(cases, folder, manners=QUICK, limits=limits) as (server, url):
            record = server._judges.record

            async def late(*arguments: Any) -> CaseSummary:
                await going.acquire()
                return await record(*arguments)

            monkeypatch.setattr(server._judges, "record", late)
            for number in range(MOST_BEHIND):
                await run_case(url, f"case={number + 1}", "x")
            next_one = asyncio.ensure_future(run_case(url, f"case={MOST_BEHIND + 1}", "x"))
            await asyncio.sleep(0.05)
            assert not next_one.done()
            for _ in cases:
                going.release()
            await next_one
            for number in range(MOST_BEHIND + 2, len(cases) + 1):
                await run_case(url, f"case={number}", "x")
            await ask(f"{url}/updateReports?agent=x")
        return folder.of("x")

    records = run(talk())
    assert len(records) == 4 * MOST_BEHIND
    assert {record["wsoracle"]["verdict"] for record in records.values()} == {"OK"}


def test_the_next_request_on_the_tcp_connection_of_a_refusal_is_a_request() -> None:
    """Section 4.1: "the client handles the response per HTTP [RFC2616] procedures", which keep connections."""
    refusals = [one for one in runnable_cases() if one.id in ("fault/client/status-200", "fault/client/status-201")]
    assert len(refusals) == 2

    async def talk() -> tuple[list[bytes], dict[str, dict[str, Any]]]:
        folder = TemporaryFolder()
        async with fuzzing_server(refusals, folder, manners=QUICK) as (_, url):
            reader, writer = await asyncio.open_connection(*address_of(url))
            answers = []
            for target in ("/runCase?case=1&agent=x", "/runCase?case=2&agent=x", "/getCaseCount"):
                writer.write(opening(target))
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"Content-Length: (\d+)", head)
                answers.append(head + (await reader.readexactly(int(length[1])) if length else b""))
            answers.append(await reader.readexactly(3))
            writer.close()
            await ask(f"{url}/updateReports?agent=x")
        return answers, folder.of("x")

    answers, records = run(talk())
    assert not any(answer.startswith(b"HTTP/1.1 101") for answer in answers[:2])
    assert answers[2].startswith(b"HTTP/1.1 101") and answers[3] == b"\x81\x012"
    assert [records[one.id]["wsoracle"]["verdict"] for one in refusals] == ["OK", "OK"]


def test_the_number_of_cases_has_a_segment_of_its_own() -> None:
    async def talk() -> tuple[bytes, bytes]:
        async with fuzzing_server(ALL) as (_, url):
            reader, writer = await asyncio.open_connection(*address_of(url))
            writer.write(opening("/getCaseCount"))
            first, second = await reader.read(65536), await reader.read(65536)
            writer.close()
            return first, second

    first, second = run(talk())
    assert first.endswith(b"\r\n\r\n") and second.startswith(b"\x81")


def test_a_client_that_hangs_in_a_case_is_given_up_and_can_skip_it() -> None:
    said: list[str] = []

    async def talk() -> dict[str, dict[str, Any]]:
        folder = TemporaryFolder()
        skipped = ALL[1].id
        async with fuzzing_server(
            ALL[:3], folder, manners=QUICK, say=said.append, excluded=lambda agent, case_id: case_id == skipped
        ) as (_, url):
            reader, writer = await asyncio.open_connection(*address_of(url))
            writer.write(opening("/runCase?case=1&agent=x"))
            assert (await reader.read()).startswith(b"HTTP/1.1 101")
            writer.close()
            await run_case(url, "case=2", "x")
            await run_case(url, "case=3", "x")
            await ask(f"{url}/updateReports?agent=x")
        return folder.of("x")

    records = run(talk())
    assert f"x: {ECHO} is given up: it says nothing" in said
    assert set(records) == {ECHO, ALL[2].id} and records[ALL[2].id]["wsoracle"]["passed"]
