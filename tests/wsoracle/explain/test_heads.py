"""Requests and responses explained: by example, and that what is said of any head is true."""

import json
from itertools import combinations
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from wsoracle.cli import program
from wsoracle.explain import heads
from wsoracle.explain.as_json import as_json
from wsoracle.explain.explanation import ExplainedOctets, ExplainError, HeadReading
from wsoracle.explain.heads import request_of
from wsoracle.explain.text import lines
from wsoracle.explain.written import octets_of_text
from wsoracle.model.facts.heads import request_octets, response_octets, sample_request
from wsoracle.model.machine.interpreted import Kind
from wsoracle.model.notation.expression import evaluate
from wsoracle.model.notation.head_variables import (
    DEFLATE_FACTS,
    HEAD_VARIABLES,
    RequestFacts,
    ResponseFacts,
    possible_response,
    value_of,
)
from wsoracle.model.notation.switches import Switches
from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.http import HEAD_LIMIT, Request
from wsoracle.model.octets.vocabulary import Role

SERVER, CLIENT = Setting(Role.SERVER), Setting(Role.CLIENT)
SOUND = """\
GET /chat HTTP/1.1
Host: server.example.com
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
Sec-WebSocket-Version: 13

"""
ANSWER = """\
HTTP/1.1 101 Switching Protocols
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=

"""


def explain_request(octets: bytes, setting: Setting) -> HeadReading:
    (reading,) = heads.explain_request(octets, setting).readings
    return reading


def explain_response(octets: bytes, setting: Setting, asked: Request | None = None) -> HeadReading:
    (reading,) = heads.explain_response(octets, setting, asked).readings
    return reading


def request(text: str, setting: Setting = SERVER) -> HeadReading:
    return explain_request(octets_of_text(text.encode("latin-1")).octets, setting)


def response(text: str, to: str | None = SOUND, setting: Setting = CLIENT) -> HeadReading:
    asked = None if to is None else request_of(octets_of_text(to.encode("latin-1")).octets)
    return explain_response(octets_of_text(text.encode("latin-1")).octets, setting, asked)


def alone(reading: HeadReading) -> ExplainedOctets[HeadReading]:
    assert reading.sent is not None
    setting = Setting(reading.sent.sender.role.peer, switches=reading.sent.sender.switches)
    return ExplainedOctets(setting, reading.before, (reading,))


def said(reading: HeadReading) -> str:
    return "\n".join(line.plain for line in lines(alone(reading), 100))


def ids(rules: object) -> list[str]:
    return [rule.id for rule in rules]  # type: ignore[attr-defined]


# --- requests


def test_a_sound_request() -> None:
    assert said(request(SOUND)) == (
        """\
received by a server in the state CONNECTING (not begun)

request: 161 octets
  GET /chat HTTP/1.1                           method_get: yes; target: a resource name; http: 1.1
  Host: server.example.com                     host: one
  Upgrade: websocket                           upgrade: websocket
  Connection: Upgrade                          connection: Upgrade
  Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==  key: 16 octets
  Sec-WebSocket-Version: 13                    version: 13
                                               the end
  absent: Sec-WebSocket-Protocol, Sec-WebSocket-Extensions, Origin

  accepted: a sound opening handshake
    MUST      4.2.1/sound-request
              section 4.2.1: "The client's opening handshake consists of the following parts."
  afterwards: CONNECTING (awaiting 101)
  it owes a response, such as
      HTTP/1.1 101 Switching Protocols
      Upgrade: websocket
      Connection: Upgrade
      Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
      129 octets: 48 54 54 50 2f 31 2e 31 20 31 30 31 20 53 77 69 74 63 68 69 6e 67 20 50 72 6f 74
      6f 63 6f 6c 73 ... (97 more)
    MUST      4.2.2/response-owed
              section 4.2.2: "When a client establishes a WebSocket connection to a server, the
              server MUST complete the following steps to accept the connection and send the
              server's opening handshake."
  a client may send it"""
    )


def test_a_request_with_two_faults_names_both_and_mends_both() -> None:
    found = request(
        SOUND.replace("Connection: Upgrade", "Connection: keep-alive").replace("Version: 13", "Version: 013")
    )
    assert found.outcomes[0].label.code == 400
    assert {"4.2.1/connection", "4.2.1/version"} <= set(ids(found.refusals))
    assert {"4.1/send-connection", "4.1/send-version"} <= set(ids(found.breaks))
    assert {fact.name for line in found.lines for fact in line.facts if fact.wrong} == {"connection", "version"}
    assert found.mended is not None
    assert len(found.mended.changes) == 2
    assert found.mended.head.values("Connection") == ["keep-alive, Upgrade"]
    assert "4.2.1/connection   because connection is without Upgrade\n" in said(found)


def test_another_version_is_answered_with_ours() -> None:
    found = request(SOUND.replace("Version: 13", "Version: 8"))
    assert found.outcomes[0].label.code == 426
    (owed,) = found.owed
    assert owed.octets.startswith(b"HTTP/1.1 426 Upgrade Required\r\n")
    assert b"\r\nSec-WebSocket-Version: 13\r\n" in owed.octets


def test_a_disputed_point_is_said_with_its_switch() -> None:
    text = SOUND.replace("dGhlIHNhbXBsZSBub25jZQ==", "AAAA")
    assert "with --switch key_not_of_16_octets=refuse: refuse it with 400" in said(request(text))
    refused = request(text, Setting(Role.SERVER, switches=Switches(key_not_of_16_octets="refuse")))
    assert [outcome.label.code for outcome in refused.outcomes] == [400]


def test_what_is_no_handshake() -> None:
    found = request("GET / HTTP/1.1\nHost: a\n\n")
    assert found.outcomes[0].label.delivers == "other request"
    assert found.mended is not None
    assert len(found.mended.changes) == 4


@pytest.mark.parametrize(
    ("octets", "why", "code"),
    [
        (b"\x16\x03\x01\x02\x00", "it does not begin as HTTP does", 400),
        (b"GET / HTTP/1.1\r\nNo colon\r\n\r\n", "", 400),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * HEAD_LIMIT, "it has no end within 65536 octets", 431),
        (b"GET / HTTP/1.1 x\r\n\r\n", "", 400),
    ],
)
def test_octets_that_are_no_request(octets: bytes, why: str, code: int) -> None:
    found = explain_request(octets, SERVER)
    assert (found.malformed or "").startswith(why)
    assert [outcome.label.code for outcome in found.outcomes] == [code]
    assert max(map(len, said(found).splitlines())) < 300


def test_lines_that_give_no_fact_say_so() -> None:
    octets = b"\r\n" + SOUND.replace("\n\n", "\nX-Y: 1\n  2\nContent-Length: 3\n\n").replace("\n", "\r\n").encode()
    found = explain_request(octets + b"abc", SERVER)
    remarks = [line.remark for line in found.lines if line.remark]
    assert remarks == [
        "an empty line before the head: skipped",
        "not part of the handshake",
        "folded: it continues the line before",
        "the end",
    ]
    assert found.rest == 3
    assert "body: announced" in said(found)


# --- responses


def test_a_sound_answer_opens() -> None:
    found = response(ANSWER)
    assert found.outcomes[0].label.delivers == "open"
    assert not (found.breaks or found.mended or found.owed)
    assert "afterwards: OPEN" in said(found)


def test_a_wrong_accept_is_mended_with_the_right_one() -> None:
    found = response(ANSWER.replace("s3pP", "S3pP"))
    assert ids(found.refusals) == ["4.1/answer-accept"]
    assert found.mended is not None
    assert found.mended.head.octets().decode() == ANSWER.replace("\n", "\r\n")


def test_without_its_request_an_answer_is_taken_as_it_could_be_right() -> None:
    found = response(ANSWER.replace("\n\n", "\nSec-WebSocket-Protocol: x\nSec-WebSocket-Extensions: y; z\n\n"), None)
    assert found.outcomes[0].label.delivers == "open"
    (note,) = heads.explain_response(octets_of_text(ANSWER.encode()).octets, CLIENT).notes
    assert "(--to FILE names it)" in note
    assert ids(response(ANSWER.replace("s3pP", "3pP"), None).refusals) == ["4.1/answer-accept"]
    assert response(ANSWER.replace("\n\n", "\nSec-WebSocket-Protocol: x\n\n")).outcomes[0].label.kind is Kind.FAIL


def test_a_head_says_why_it_is_tolerated_and_why_its_facts_are_as_they_are() -> None:
    octets = ANSWER.replace(" Switching Protocols", "").replace("Connection: ", "Connection: two words, ")
    found = explain_response(octets.replace("\n", "\r\n").encode(), CLIENT)
    text = said(found)
    assert "tolerated: line 1 ends without the blank before the reason phrase" in text
    assert "connection: Upgrade beside no token ('two words' is no token)" in text
    assert "HTTP/1.1 101\\x20" in text  # the remedy shows the blank
    document = as_json(alone(found))
    assert document["tolerated"] == "line 1 ends without the blank before the reason phrase"
    assert document["lines"][2]["reasons"] == {"connection": "'two words' is no token"}


def test_101_to_a_faulty_request_is_the_servers_fault() -> None:
    found = response(ANSWER, SOUND.replace("Host: server.example.com\n", "").replace("Version: 13", "Version: 9"))
    assert found.outcomes[0].label.delivers == "open"
    assert ids(found.breaks) == ["4.2.1/error-for-faulty"]
    assert found.mended is not None
    assert found.mended.head.octets().startswith(b"HTTP/1.1 400 ")
    assert found.mended.changes == ("the status is an error, 400 or more",)


# --- text


def test_line_ends_of_an_editor_are_taken_for_those_of_http() -> None:
    written = octets_of_text(SOUND.encode())
    assert written.octets == SOUND.replace("\n", "\r\n").encode()
    assert len(written.notes) == 1
    assert octets_of_text(SOUND.encode(), exact=True) == (SOUND.encode(), ())
    assert octets_of_text(written.octets) == (written.octets, ())


def test_a_missing_end_is_added_and_said() -> None:
    whole = octets_of_text(SOUND.encode()).octets
    for cut in (2, 1):
        written = octets_of_text(SOUND.rstrip("\n").encode() + b"\n" * (2 - cut))
        assert written.octets == whole
        assert len(written.notes) == 2
    assert "not complete" in said(explain_request(octets_of_text(whole[:-2], exact=True).octets, SERVER))


def test_mixed_line_ends_stay_as_they_are() -> None:
    octets = SOUND.replace("\n", "\r\n", 3).encode()
    assert octets_of_text(octets).octets == octets
    found = explain_request(octets, SERVER)
    assert "4.2.1/may-refuse-tolerated" in said(found)
    assert ids(found.breaks) == ["4.1/valid-request"]
    assert found.mended is not None
    assert found.mended.head.octets() == SOUND.replace("\n", "\r\n").encode()


def test_no_text_is_an_error() -> None:
    with pytest.raises(ExplainError, match="there is no head"):
        octets_of_text(b"")


# --- of any head


def one_fault(sound: RequestFacts | ResponseFacts) -> list[dict[str, int | bool]]:
    found: list[dict[str, int | bool]] = []
    for name, value in sound._asdict().items():
        if name in ("syntax", "status", "for_uri") or name.startswith("defines"):
            continue
        variable = HEAD_VARIABLES[name]
        found += [{name: type(value)(v)} for v in range(variable.low, variable.high + 1) if v != value]
    return found


def pairs(sound: RequestFacts | ResponseFacts) -> list[dict[str, int | bool]]:
    singles = one_fault(sound)
    return [*singles, *({**a, **b} for a, b in combinations(singles, 2) if a.keys() != b.keys())]


def test_every_request_with_one_fault_or_two_is_mended_to_a_sound_one() -> None:
    for changes in pairs(RequestFacts())[::7] + one_fault(RequestFacts()):
        facts = RequestFacts()._replace(**changes)  # type: ignore[arg-type]
        if facts.deflate_offers and "offers" in changes:
            continue  # the one field says both
        facts = facts._replace(offers=facts.offers or int(facts.deflate_offers > 0))
        found = explain_request(request_octets(facts), SERVER)
        if found.mended is not None:
            assert len(found.mended.changes) <= len(changes)
            again = explain_request(found.mended.head.octets(), SERVER)
            assert again.mended is None
            assert again.breaks == ()
            assert again.outcomes[0].label.delivers == "opening handshake"
        else:
            assert found.breaks == ()
            assert found.outcomes[0].label.delivers == "opening handshake"


def test_every_answer_with_one_fault_is_mended_to_one_that_opens() -> None:
    asks = RequestFacts(protocols=value_of("protocols", "distinct tokens"), offers=1)
    compresses = ResponseFacts(extensions=1, defines_rsv1=True, deflate=1, sound_offer=True)
    for changes in one_fault(ResponseFacts()):
        unknown = changes.get("extensions") == value_of("extensions", "with unknown parameters")
        compressed = unknown or not changes.keys().isdisjoint(DEFLATE_FACTS)
        facts = (compresses if compressed else ResponseFacts())._replace(**changes)  # type: ignore[arg-type]
        if not evaluate(possible_response(), facts._asdict()):
            continue
        offers = asks._replace(deflate_offers=1) if compressed else asks
        asked = sample_request(offers, answer=facts)
        found = explain_response(response_octets(facts, asked), CLIENT, asked)
        again = found if found.mended is None else explain_response(found.mended.head.octets(), CLIENT, asked)
        assert again.outcomes[0].label.delivers == "open", changes
        assert again.breaks == ()


@given(octets=st.binary(max_size=60) | st.binary(max_size=40).map(lambda tail: SOUND.encode()[:70] + tail))
def test_no_octets_make_it_raise(octets: bytes) -> None:
    for found in (explain_request(octets, SERVER), explain_response(octets, CLIENT)):
        assert said(found)
        json.dumps(as_json(alone(found)))
        assert found.missing or found.outcomes


# --- the command


def run(*args: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(program, ["explain", *args], input=stdin)


def test_the_command_reads_a_file_standard_input_or_the_text(tmp_path: Path) -> None:
    path = tmp_path / "request.txt"
    path.write_text(SOUND, encoding="ascii", newline="")
    results = [run("--request", str(path)), run("--request", "-", stdin=SOUND.encode()), run("--request", SOUND)]
    assert all(result.exit_code == 0 for result in results)
    assert len({result.output for result in results}) == 1
    answered = run("--response", "-", "--to", str(path), stdin=ANSWER.encode())
    assert "accepted: the connection is open" in answered.output


def test_the_command_gives_json(tmp_path: Path) -> None:
    path = tmp_path / "explained.json"
    result = run("--request", SOUND.replace("GET", "POST"), "--json", str(path))
    assert result.exit_code == 0
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["facts"]["method_get"] == "no"
    assert [rule["id"] for rule in document["sender"]["breaks"]] == ["4.1/send-get"]
    assert document["rules"][0]["because"] == "not method_get"
    assert bytes.fromhex(document["owes"][0]["octets"]).startswith(b"HTTP/1.1 400 ")
    assert bytes.fromhex(document["mended"]["octets"]).startswith(b"GET /chat ")


def test_exact_leaves_octets_as_they_are() -> None:
    assert "syntax is tolerated" in run("--request", SOUND, "--exact").output


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--request", "no/such/file"], "--request: no/such/file: No such file or directory: give a file, or -"),
        (["--request", ""], "the name of the file is empty"),
        (["--request", "."], ".: Is a directory"),
        (["--request", "-"], "--request: there is no head to explain: a head begins with a line such as GET"),
        (["--request", SOUND, "--response", ANSWER], "--request and --response exclude each other"),
        (["--request", SOUND, "--to", SOUND], "--to names the request that a response answers"),
        (["--response", "-", "--to", "-"], "standard input can be read once"),
        (["--response", ANSWER, "--to", ANSWER], "--to: it is not a request"),
        (["--response", ANSWER, "--to", "GET / HTTP/1.1\n\x01"], "--to: it is not a whole request"),
        (["--response", ANSWER, "81"], "HEX are octets of frames"),
        (["--request", SOUND, "--role", "client"], "--role is for frames: leave it out"),
        (["--request", SOUND, "--after", "81"], "--after is for frames"),
        (["--request", SOUND, "--switch", "x=1"], "there is no switch 'x'"),
        (["--exact", "81"], "--exact is for heads: give --request or --response too"),
        (["--to", "x", "81"], "--to is for heads"),
    ],
)
def test_wrong_input_is_one_line(args: list[str], says: str) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert says in result.stderr
