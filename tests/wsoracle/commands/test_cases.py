"""``wsoracle cases``: the list, one case in full, and the documents that are made from all of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.autobahn_cases import autobahn_cases
from wsoracle.autobahn.comparison import compare, compare_all
from wsoracle.autobahn.document import DOCUMENT, document, of_rule
from wsoracle.cli import program
from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.catalogue import catalogued
from wsoracle.generators.cases.outcome import AllowedOutcome, ReactionKind
from wsoracle.generators.cases.runnable import runnable_cases
from wsoracle.generators.cases.steps import EndpointIsSilent, SendHead
from wsoracle.generators.suite.all_cases import Collection
from wsoracle.model.notation.rule import Strength
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES
from wsoracle.properties.judge.verdict import PROFILES, Verdict

ROOT = Path(__file__).resolve().parents[3]
BY_ID = {case.id: case for case in catalogued()}


def told(*arguments: str) -> str:
    result = CliRunner().invoke(program, list(arguments))
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments: str) -> str:
    result = CliRunner().invoke(program, list(arguments))
    assert result.exit_code == 2, result.output
    return result.stderr


def test_every_case_is_listed_with_its_title_and_control() -> None:
    lines = told("cases").splitlines()
    for case in runnable_cases():
        (line,) = (one for one in lines if one.split()[:1] == [case.id])
        assert case.title in line
        assert case.control is None or f"control: {case.control}" in line
        assert len(case.roles) == len(Role) or f"[{next(iter(case.roles))}]" in line
    assert "Closing handshake: Length of a Close" in lines


def test_a_pattern_selects() -> None:
    assert len(told("cases", "7.3").splitlines()) == 1 + 6
    assert "give a part of an id" in refused("cases", "99.9")


def test_titles_are_searched_and_digests_are_not() -> None:
    found = {line.split()[0] for line in told("cases", "utf8").splitlines() if line.startswith("  ")}
    assert found >= {case.id for case in runnable_cases() if "UTF-8" in case.title} and len(found) > 50
    digests = [match[1] for case in runnable_cases() if (match := re.search("-([0-9a-f]{6})$", case.id))]
    assert "no case matches" in refused("cases", digests[0])


@pytest.mark.parametrize(
    ("asked", "near"),
    [("4.2.99", "4.2.1, 4.2.2, 4.2.3"), ("unknwon-opcode", "mutant/5.2/unknown-opcode"), ("9.1.1/none", "9.1.1")],
)
def test_what_comes_close_is_offered(asked: str, near: str) -> None:
    assert f"such as {near}" in refused("cases", asked)


def test_generated_cases_that_no_tester_plays_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    silent, given = "witness/10.7/response-owed/server", "witness/5.2/unknown-opcode/server"
    assert silent not in {case.id for case in runnable_cases()}
    assert f"wsoracle cases {silent} shows it" in refused("test", "ws://127.0.0.1:1/", "--select", silent)
    assert "wsoracle test --select runs it" in refused(
        "generate", "--out", "x", "--format", "json", "--select", "4.2.4"
    )
    assert "wsoracle generate --select works them out" in refused("cases", "mutant/1.5/other-request~drop/client")
    history = Case("witness/10.7/response-owed/server", "silence", roles=frozenset({Role.SERVER}),
                   steps=(SendHead(b"GET / HTTP/1.1\r\n\r\n"), EndpointIsSilent()), opening=True,
                   allowed=(AllowedOutcome(ReactionKind.PERMIT, Strength.MAY, ("2.1/nothing-owed",)),))  # fmt: skip
    found = Collection((history,), {given: "the rule is never enabled"})
    monkeypatch.setattr("wsoracle.generators.suite.all_cases.collect", lambda *_: found)
    said = told("cases", silent)
    for part in ("by no tester: it judges a step that the endpoint takes on its own", "the endpoint is silent",
                 "OK            permit", "2.1/nothing-owed (MAY, section 2.1)"):  # fmt: skip
        assert part in said
    assert "more that no tester plays" not in said


def test_a_script_is_printed_for_one_case() -> None:
    assert told("cases", "4.2.4", "--script", "python").startswith("#!/usr/bin/env python3")
    assert told("cases", "4.2.4", "--script", "sh").startswith("#!/usr/bin/env bash")
    assert "(0: any)" in told("cases", "4.2.4", "--script", "python", "--role", "client")
    assert "cases match: name one" in refused("cases", "4.2", "--script", "python")
    assert "cannot listen" in refused("cases", "4.2.4", "--script", "sh", "--role", "client")


def test_of_one_case_everything_is_told() -> None:
    said = told("cases", "4.2.4")
    for part in (
        "81 0d 48 65 6c 6c 6f",
        "8e 0d",
        "89 00",
        "OK            text message 'Hello, world!'; then fails the connection: Close 1002",
        "5.2/unknown-opcode (MUST, section 5.2): If an unknown opcode is received",
        "NON-STRICT    no answer; then closes TCP without a Close",
        "FAILED",
        f"control   {next(case.control for case in runnable_cases() if case.id == '4.2.4')}",
    ):
        assert part in said, part
    said = told("cases", "fault/server/version-13-and-more")
    assert "Sec-WebSocket-Version: 13\n    Sec-WebSocket-Version: 13" in said
    assert "answers with 400, 403, 404, 426 or 500" in said


def test_long_cases_are_told_in_few_lines() -> None:
    for case_id in ("9.3.1", "9.7.6", "9.2.6"):
        said = told("cases", case_id)
        assert len(said.splitlines()) < 70, case_id
        assert max(map(len, said.splitlines())) < 400


def test_as_json() -> None:
    listed = json.loads(told("cases", "5.6", "--json", "-"))["cases"]
    assert [one["id"] for one in listed] == ["5.6"]
    assert [action["hex"][:5] for action in listed[0]["actions"]] == ["01 09", "89 0c", "80 09"]
    assert listed[0]["expected"]["client"][0]["verdict"] == "OK"
    many = json.loads(told("cases", "3", "--json", "-"))["cases"]
    assert len(many) == 7 and "expected" not in many[0]
    assert {"id", "title", "group", "stimulus", "roles", "control", "opening", "seconds"} <= set(many[0])


@pytest.mark.parametrize(
    "arguments",
    [("--autobahn", "--suite"), ("--autobahn", "3.1"), ("--write", "x"), ("--autobahn-cases", "x", "3.1"),
     ("--suite", "--json", "-")],
)  # fmt: skip
def test_what_does_not_go_together_is_refused(arguments: tuple[str, ...]) -> None:
    assert refused("cases", *arguments).startswith("wsoracle: error: ")


def test_without_its_cases_there_is_no_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsoracle.commands.cases.checked_autobahn_cases", lambda name: None)
    assert "--autobahn-cases FILE" in refused("cases", "--autobahn")


# --- docs/autobahn.md


def test_the_document_is_not_stale() -> None:
    made = document(autobahn_cases())
    assert (ROOT / DOCUMENT).read_text(encoding="utf-8") == made, "wsoracle cases --autobahn --write docs/autobahn.md"


def test_every_rule_that_the_document_names_is_one_and_is_quoted() -> None:
    text = (ROOT / DOCUMENT).read_text(encoding="utf-8")
    named = {rule.id for rule in RULES if f"`{rule.id}`" in text}
    assert len(named) > 20
    assert of_rule("5.2/unknown-opcode") in text
    for issue in ("52, 88, 113", "79", "123", "38, 102", "(9)", "47", "(5)", "78", "2.10, 2.11", "7.1.5"):
        assert issue in text, issue


def row(case_id: str, expected: dict[str, Any], *, by_me: bool, codes: list[int], calls: Any = ()) -> dict[str, Any]:
    close = {"closedByMe": by_me, "closeCode": codes, "requireClean": by_me}
    return {"id": case_id, "expected": expected, "expectedClose": close, "onOpen_calls": list(calls)}


HELLO = ["message", {"hex": b"Hello, world!".hex(), "len": 13}, False]


def test_agreement() -> None:
    agreed = compare(BY_ID["2.2"], row("2.2", {"OK": [["pong", HELLO[1]]]}, by_me=True, codes=[1000]))
    assert agreed.canonical and agreed.profiles == PROFILES
    assert {said.value for said in agreed.stated[0].verdicts.values()} == {"OK"}
    silent = compare(BY_ID["2.2"], row("2.2", {"OK": []}, by_me=True, codes=[1000]))
    assert not silent.canonical and silent.profiles == ()
    assert set(silent.stated[0].verdicts.values()) == {Verdict.FAILED}
    # Either it took the Ping in and owes the Pong, or it dropped the Ping.
    assert silent.stated[0].rules == ("5.5.2/ping", "5.5.2/pong-owed")


def test_a_verdict_that_differs_is_a_difference() -> None:
    said = {"OK": [HELLO], "NON-STRICT": []}
    found = compare(BY_ID["3.2"], row("3.2", said, by_me=False, codes=[1002]))
    assert found.canonical and not found.profiles
    assert [(one.verdict, one.agrees("interop")) for one in found.stated] == [("OK", True), ("NON-STRICT", False)]
    same = compare(BY_ID["3.2"], row("3.2", {"OK": [HELLO]}, by_me=False, codes=[1002]))
    assert same.profiles == PROFILES
    other = compare(BY_ID["3.2"], row("3.2", {"OK": [HELLO]}, by_me=False, codes=[1000]))
    assert not other.canonical and other.stated[0].rules == ("7.1.7/appropriate-code",)


def test_a_point_that_the_rfc_leaves_open_is_no_difference() -> None:
    """Code 1004 back is left open (7.4.1), so what Autobahn says of it is no accusation here."""
    call = [["sendCloseFrame", 1004]]
    found = compare(BY_ID["7.9.3"], row("7.9.3", {"INFORMATIONAL": []}, by_me=True, codes=[1004], calls=call))
    assert not found.canonical
    assert set(found.stated[0].verdicts.values()) == {Verdict.OK}
    assert [found.stated[0].agrees(profile) for profile in PROFILES] == [False, False]


def test_a_pause_that_passes_is_silence() -> None:
    timeouts = {"OK": [["timeout", "A"]], "NON-STRICT": [["timeout", "A"], ["timeout", "B"]]}
    for case_id in ("6.4.1", "6.4.3"):
        found = compare(BY_ID[case_id], row(case_id, timeouts, by_me=False, codes=[1007]))
        assert [one.late for one in found.stated] == [1, 2]
        assert all(said is Verdict.OK for one in found.stated for said in one.verdicts.values())


def test_a_file_that_lacks_cases_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(json.dumps({"id": "1.1.1"}) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"missing: 1\.1\.2"):
        compare_all(path)
