"""`wsoracle judge`: exit status, what is printed, and one line for whatever is no trace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.capture_files import OPENING, Said, packets_of, pcap, segments_of
from wsoracle.cli import program
from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.observation import Arrives, ClosesTcp, Observation, Quiet, Writes
from wsoracle.properties.traces.recorded import Recorded, trace_to_json

PINGED, PONGS = Arrives(bytes.fromhex("898137fa213d56")), Writes(bytes.fromhex("8a0161"))
HELLO = Arrives(bytes.fromhex("818537fa213d7f9f4d5158"))


def run(*args: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(program, ["judge", *args], input=stdin)


def document(*trace: Observation, **more: Any) -> str:
    return json.dumps({**trace_to_json(Recorded(trace, Setting(Role.SERVER), opening=False)), **more})


def error_of(result: Result) -> str:
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("wsoracle: error: ") and result.stderr.count("\n") == 1
    return result.stderr


def test_what_is_allowed_is_ok() -> None:
    result = run("-", stdin=document(PINGED, PONGS, Quiet()))
    assert result.exit_code == 0
    assert result.output.startswith("OK  -: a server")


def test_what_is_not_allowed_has_its_clause_and_place(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(document(PINGED, PONGS, Quiet()))
    bad.write_text(document(PINGED, PONGS, Writes(bytes.fromhex("81810000000061")), Quiet()))
    result = run(str(good), str(bad), "--json", "-")
    assert result.exit_code == 1
    fine, wrong = json.loads(result.stdout)["judgements"]
    assert (fine["verdict"], fine["deciding"], fine["rules"]) == ("OK", None, [])
    assert (wrong["verdict"], wrong["behavior"]) == ("FAILED", "FAILED")
    assert (wrong["deciding"]["observation"], wrong["deciding"]["octet"]) == (2, 4)
    shown = run(str(bad))
    assert shown.exit_code == 1
    assert "FAILED" in shown.output and ">>> sends" in shown.output
    assert "decided at octet 4 of what it wrote" in shown.output


def test_each_rule_is_quoted_and_what_would_have_been_allowed_is_said() -> None:
    result = run("-", stdin=document(PINGED, Quiet()))
    assert result.exit_code == 1
    assert '5.5.2/pong-owed: MUST, section 5.5.2: "' in result.output.replace("\n", " ")
    assert "would have been allowed: accept: ping; pong with payload 61" in result.output


def test_the_profile_the_application_and_the_limit_can_be_given() -> None:
    silent = document(HELLO, Quiet())
    assert run("-", stdin=silent).exit_code == 0
    result = run("-", "--application", "echo", stdin=silent)
    assert (result.exit_code, result.output.split()[0]) == (0, "INFORMATIONAL")
    assert "not an echo: the message was not sent back" in result.output
    fragmented = document(Arrives(bytes.fromhex("098000000000")), Writes(b"\x8a\x00"), Quiet())
    for profile, verdict in (("interop", "FAILED"), ("letter", "INFORMATIONAL")):
        assert run("-", "--profile", profile, stdin=fragmented).output.split()[0] == verdict
    refused = document(HELLO, Writes(bytes.fromhex("880203f1")), ClosesTcp(), Quiet(), application="sink")
    for limit, verdict in (([], "INFORMATIONAL"), (["--limit", "4"], "OK"), (["--limit", "5"], "FAILED")):
        assert run("-", *limit, stdin=refused).output.split()[0] == verdict


def test_a_report_of_the_established_suite_is_known_by_its_fields() -> None:
    report = {"isServer": False, "wirelog": [], "httpRequest": "", "httpResponse": "", "droppedByMe": True}
    assert "no wire log" in error_of(run("-", stdin=json.dumps(report)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON: "),
        ("[" * 200_000, "nested too deeply"),
        ('{"a":' * 200_000, "nested too deeply"),
        ("[1]", "a list, and a trace is an object"),
        ("{}", "it has no format"),
        ('{"format": "\\u001b[31mred"}', "format: "),
        (b"\xff\xfe\x00", "is not JSON"),
        (b"\x00" * 1000, "is not JSON"),
        ('{"format": "wsoracle-trace", "version": 1, "role": "server", "observations": [[[]]]}', "observations[0]"),
        ('{"format": "wsoracle-trace", "version": ' + "1" * 5000 + "}", "a number is too long"),
    ],
)
def test_whatever_is_no_trace_gives_one_line(text: str | bytes, words: str) -> None:
    error = error_of(run("-", stdin=text))
    assert words in error
    assert error.strip("\n").isprintable()


def test_a_file_that_cannot_be_read_is_one_line_too(tmp_path: Path) -> None:
    assert "No such file" in error_of(run(str(tmp_path / "none.json")))
    assert "directory" in error_of(run(str(tmp_path)))
    assert "NUL" in error_of(run("a\0b"))
    assert "once" in error_of(run("-", "-", stdin="{}"))
    assert run().exit_code == 2


@pytest.mark.parametrize(
    "listed",
    [
        {"format": "wsoracle-run", "version": 1, "agents": {}},
        {"format": "wsoracle-connections", "version": 1},
        {"mine": {"1.1.1": {"behavior": "OK", "behaviorClose": "OK", "reportfile": "mine_case_1_1_1.json"}}},
    ],
)
def test_a_list_of_results_beside_traces_is_passed_over_and_said(tmp_path: Path, listed: dict[str, Any]) -> None:
    index, trace = tmp_path / "index.json", tmp_path / "trace.json"
    index.write_text(json.dumps(listed))
    trace.write_text(document(PINGED, PONGS, Quiet()))
    result = run(str(index), str(trace))
    assert result.exit_code == 0
    assert result.stdout.startswith(f"OK  {trace}: a server")
    assert result.stderr == f"wsoracle: {index}: it lists the results of a run, and has no trace: passed over\n"
    assert "lists the results" in error_of(run(str(index)))


def test_a_compressed_trace_needs_to_say_what_was_agreed_on() -> None:
    """The masked Hello of section 7.2.3.1 of RFC 7692, and its echo."""
    hello, echo = Arrives(bytes.fromhex("c18700000000f248cdc9c90700")), Writes(bytes.fromhex("c107f248cdc9c90700"))
    stated = run("-", "--extensions", "permessage-deflate", stdin=document(hello, echo, Quiet()))
    assert stated.exit_code == 0
    unstated = run("-", "--json", "-", stdin=document(hello, echo, Quiet()))
    assert unstated.exit_code == 2 and "say what was (extensions)" in unstated.stderr
    for none in (
        run("-", "--extensions", "", stdin=document(hello, echo, Quiet())),
        run("-", stdin=document(hello, echo, Quiet(), version=2, extensions="")),
    ):
        assert none.exit_code == 1 and "5.2/reserved-bits" in none.stdout
    for other in (Writes(bytes.fromhex("c10107")), Writes(bytes.fromhex("d107f248cdc9c90700"))):
        assert run("-", stdin=document(hello, other, Quiet())).exit_code == 1


def test_what_cannot_be_judged_is_no_pass(tmp_path: Path) -> None:
    arrives = {"what": "arrives", "octets": PINGED.octets.hex()}
    transformed = document(PINGED, PONGS, Quiet(), version=2, extensions="x-private")
    for text, words in (
        (document(observations=[]), "the trace shows nothing that the endpoint did"),
        (document(observations=[arrives, {"what": "arrivesEof"}]), "the trace shows nothing that the endpoint did"),
        (transformed, "an extension was agreed on that is not known"),
    ):
        result = run("-", "--json", "-", stdin=text)
        assert result.exit_code == 2
        assert words in result.stderr and result.stderr.count("\n") == 1
        (judged,) = json.loads(result.stdout)["judgements"]
        assert [judged[name] for name in ("verdict", "behavior", "behaviorClose")] == ["INFORMATIONAL"] * 3
        assert words in judged["note"]
    assert run("-", "--extensions", "", stdin=transformed).exit_code == 0
    assert run("-", "--extensions", "x-some", stdin=document(PINGED, Quiet())).exit_code == 2
    assert "no list of extensions" in error_of(run("-", "--extensions", "=", stdin=transformed))
    assert "no list of extensions" in error_of(run("-", stdin=document(PINGED, version=2, extensions=";")))
    assert "leave out --extensions" in error_of(run("-", "--extensions", "x-a", stdin=document(opening=True)))
    bad = tmp_path / "bad.json"
    bad.write_text(document(PINGED, Quiet()))
    assert run("-", str(bad), stdin=transformed).exit_code == 1


def test_each_file_is_judged_whatever_becomes_of_the_others(tmp_path: Path) -> None:
    good, out = tmp_path / "good.json", tmp_path / "out.json"
    good.write_text(document(PINGED, PONGS, Quiet()))
    result = run(str(tmp_path / "none"), str(good), str(tmp_path), "--json", str(out))
    assert result.exit_code == 2
    assert result.stdout.startswith("OK  ") and "good.json" in result.stdout
    assert [line.rpartition(": ")[0][-4:] for line in result.stderr.splitlines()] == ["tory", "tory"]
    assert result.stderr.count("wsoracle: error: ") == 2
    assert [one["verdict"] for one in json.loads(out.read_text())["judgements"]] == ["OK"]


def test_a_crash_that_is_told_in_any_text_stays_on_its_line() -> None:
    arrives = {"what": "arrives", "octets": PINGED.octets.hex()}
    crashes = {"what": "crashes", "reason": "no\n\x1b[31mred" + "x" * 9000}
    result = run("-", stdin=document(observations=[arrives, crashes]))
    assert result.exit_code == 1
    assert "\x1b[31m" not in result.output and len(result.output) < 3000


def test_of_a_capture_both_ends_are_judged(tmp_path: Path) -> None:
    capture = tmp_path / "two.pcap"
    silent: list[Said] = [*OPENING, (True, b"\x81\x00"), (False, "FIN")]
    other = packets_of(segments_of([(True, b"GET / HTTP/1.1\r\n\r\n")]), ports=(9, 80))
    capture.write_bytes(pcap([*packets_of(segments_of(silent)), *other]))
    result = run(str(capture))
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    name = f"{capture}: 10.0.0.1:40000 -> 10.0.0.2:80"
    assert [line for line in lines if line.startswith(("FAILED", "OK"))] == [
        f"FAILED  {name}: a client (behaviour FAILED, closing OK)",
        f"OK  {name}: a server (behaviour OK, closing OK)",
    ]
    assert "the capture does not show the end of the connection: judged up to there" in result.stdout
    assert result.stderr == f"wsoracle: {capture}: 1 TCP connection without an opening handshake: not judged\n"
    client, server = json.loads(run("--json", "-", str(capture)).stdout)["judgements"]
    assert client["connection"] == server["connection"] == "10.0.0.1:40000 -> 10.0.0.2:80"
    assert [rule["id"] for rule in client["rules"]] == ["5.1/client-masks"]
    assert client["notShown"] == ["the capture does not show the end of the connection: judged up to there"]
    assert "no WebSocket connection is in it" in error_of(run("-", stdin=pcap(other)))
