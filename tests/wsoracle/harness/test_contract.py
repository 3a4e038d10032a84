"""The contract of a run: an application that echoes. What a run says of servers that echo, but for one thing."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from websockets.asyncio.client import connect

from tests.wsoracle.client_testee import TemporaryFolder, fuzzing_server
from tests.wsoracle.degenerate_servers import Handler, serving
from tests.wsoracle.echo_servers import (
    answers_1011,
    drops_empty,
    goes_away_after,
    late,
    other_type,
    served,
    sink,
    swaps,
    twice,
    upper_case,
)
from tests.wsoracle.harness.test_client import ECHO, POSITIVE, QUICK, against, case
from wsoracle.generators.cases.steps import SendFrame, Settle
from wsoracle.model.octets.vocabulary import PING, TEXT, Frame
from wsoracle.properties.judge.echo_words import BESIDES, CUT_SHORT, NOT_AN_ECHO
from wsoracle.reports import ReportFolder
from wsoracle.reports.lists import Lists

EMPTY = case("empty", SendFrame(Frame(TEXT)), control=None)
TWO = case("two", SendFrame(Frame(TEXT, b"one")), SendFrame(Frame(TEXT, b"two")), control=None)
IN_TURN = case("in-turn", SendFrame(Frame(TEXT, b"one")), Settle(), SendFrame(Frame(TEXT, b"two")), control=None)
PINGED = case("pinged", SendFrame(Frame(PING, b"x")), control=None)
BAD = case("bad", SendFrame(Frame(TEXT, b"Hello", rsv1=True)))
CASES = (*POSITIVE, EMPTY, TWO, IN_TURN, BAD)


def said(handler: Handler, *cases: Any) -> dict[str, dict[str, Any]]:
    records = against(handler, cases=cases or CASES, manners=QUICK)
    return {case_id: record["wsoracle"] for case_id, record in records.items()}


@pytest.mark.parametrize(
    ("handler", "at", "difference"),
    [
        (served(answers_1011), ECHO, "the application answers with Close 1011"),
        (served(upper_case), ECHO, "the message differs at octet 1"),
        (served(other_type), ECHO, "the message is binary instead of text"),
        (served(drops_empty), EMPTY.id, "the message was not sent back"),
        (served(sink), ECHO, "the message was not sent back"),
        (swaps(), TWO.id, "the message was sent back in another order"),
        (served(twice), ECHO, "the application sends a message of its own"),
        (goes_away_after(1, 1011), ECHO, "the application closes by itself with Close 1011"),
    ],
    ids=["1011", "upper case", "binary", "empty", "sink", "swapped", "twice", "closes 1011"],
)
def test_what_is_no_echo_fails_under_no_rule(handler: Handler, at: str, difference: str) -> None:
    found = said(handler, *(one for one in CASES if one.id == at))[at]
    assert (found["verdict"], found["passed"], found["rules"]) == ("FAILED", False, [])
    assert found["note"] == f"{NOT_AN_ECHO}: {difference}"


def test_a_greeting_takes_nothing_away() -> None:
    found = said(served(greeting=b"welcome"), *POSITIVE, EMPTY, TWO, IN_TURN)
    assert {one["verdict"] for one in found.values()} == {"OK"}
    assert {one["note"] for one in found.values()} == {f"{BESIDES}: the application sends a message of its own"}


def test_to_be_late_takes_nothing_away() -> None:
    assert {one["verdict"] for one in said(served(late), *POSITIVE, TWO).values()} == {"OK"}


def test_a_close_of_its_own_ends_what_goes_on() -> None:
    found = said(goes_away_after(1), POSITIVE[0], TWO, IN_TURN)
    closes = "with Close 1001"
    assert found[ECHO]["verdict"] == "OK"
    assert found[ECHO]["note"] == f"{BESIDES}: the application closes by itself {closes}"
    for one in (TWO, IN_TURN):
        assert (found[one.id]["verdict"], found[one.id]["passed"]) == ("NOT RUN", False)
        assert found[one.id]["note"].startswith(CUT_SHORT) and found[one.id]["note"].endswith(closes)


def test_who_answers_every_message_with_1011_passes_nothing() -> None:
    found = said(served(answers_1011), *CASES, PINGED)
    assert not any(one["passed"] for one in found.values())
    assert found[BAD.id]["counts"] is False and "control" in found[BAD.id]["note"]
    assert "no message was echoed in this run" in found[PINGED.id]["note"]


def test_without_a_case_that_asks_for_an_echo_none_is_missed() -> None:
    assert said(served(answers_1011), PINGED)[PINGED.id]["passed"]


def test_reports_name_the_cause_and_no_clause(tmp_path: Path) -> None:
    folder = ReportFolder(tmp_path / "out")
    for record in against(served(upper_case), cases=POSITIVE[:1]).values():
        folder.add(record)
    junit, markdown = tmp_path / "junit.xml", tmp_path / "summary.md"
    folder.write_lists(Lists(str(junit), str(markdown)))
    (failure,) = ElementTree.parse(junit).iter("failure")
    assert failure.get("message") == f"the message differs at octet 1: {NOT_AN_ECHO}"
    assert "not an echo" in markdown.read_text(encoding="utf-8")
    folder.finish()
    assert '"behavior": "FAILED"' in (folder.path / "index.json").read_text(encoding="utf-8")


def test_the_drop_in_says_the_same_and_ends_with_1(tmp_path: Path) -> None:
    async def run() -> tuple[int | None, str]:
        async with serving(served(upper_case)) as port:
            specification = {"outdir": "out", "servers": [{"agent": "me", "url": f"ws://127.0.0.1:{port}"}],
                             "cases": ["2.1", "5.3"]}  # fmt: skip
            (tmp_path / "spec.json").write_text(json.dumps(specification), encoding="utf-8")
            command = [sys.executable, "-m", "wsoracle", "wstest", "-m", "fuzzingclient", "-s", "spec.json"]
            pipe = asyncio.subprocess.PIPE
            process = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, stdout=pipe)
            output, _ = await process.communicate()
            return process.returncode, output.decode()

    status, output = asyncio.run(run())
    assert status == 1 and f"{NOT_AN_ECHO}: the message differs at octet 0" in output
    index = json.loads((tmp_path / "out" / "index.json").read_bytes())["me"]
    # The Ping was answered, but no message came back in the whole run.
    assert {case_id: one["behavior"] for case_id, one in index.items()} == {"2.1": "FAILED", "5.3": "FAILED"}


@pytest.mark.peers
def test_a_client_under_test_is_asked_for_an_echo_too() -> None:
    async def run() -> dict[str, dict[str, Any]]:
        folder = TemporaryFolder()
        async with fuzzing_server([POSITIVE[0]], folder) as (server, url):
            async with connect(f"{url}/runCase?case=1&agent=me", compression=None, close_timeout=2) as connection:
                async for message in connection:
                    await connection.send(str(message).upper())
            assert await server.run.until(lambda: not server.run.agents["me"].running, 5)
        return folder.of("me")

    found = asyncio.run(run())[ECHO]["wsoracle"]
    assert (found["verdict"], found["rules"]) == ("FAILED", [])
    assert found["note"] == f"{NOT_AN_ECHO}: the message differs at octet 1"
