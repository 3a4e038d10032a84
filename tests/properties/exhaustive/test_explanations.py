"""The exhaustive search on traces whose explanations can be counted by hand."""

from __future__ import annotations

import pytest

from wsoracle.model.endpoint.deflate import agreed_state
from wsoracle.model.notation.variables import Setting, State
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import CLOSE, PING, PONG, TEXT, Frame, Role
from wsoracle.properties.exhaustive.explanations import Explained, explained
from wsoracle.properties.exhaustive.place import Whereabouts
from wsoracle.properties.judge.observation import Arrives, Observation, Quiet, ResetsTcp, Writes

_KEY = b"1234"


def _in(opcode: int, payload: bytes = b"", **fields: bool) -> Arrives:
    return Arrives(encode(Frame(opcode, payload, key=_KEY, **fields)))


def _out(opcode: int, payload: bytes = b"") -> Writes:
    return Writes(encode(Frame(opcode, payload)))


def _server(*trace: Observation, known: bool = False) -> Explained:
    return explained(trace, Setting(Role.SERVER), Whereabouts(State()), known_application=known)


@pytest.mark.parametrize(
    ("octets", "echo", "broken"),
    [
        (b"\x4a\x04\x00", b"\x4a\x04\x00", set()),
        (b"\x4a\x04\x00", b"\x06", {"7692.7.2.1/send-deflate"}),
        (b"\x06", b"\x4a\x04\x00", {"7692.7.2.2/malformed"}),
    ],
)
def test_compressed_messages_are_inflated(octets: bytes, echo: bytes, broken: set[str]) -> None:
    """An "a", and a block of the reserved type; a Ping behind it shows that it was taken in."""
    marked = {"rsv1": True}
    arrives = (_in(TEXT, octets, **marked), _in(PING, b"x"))
    writes = (Writes(encode(Frame(TEXT, echo, rsv1=True))), _out(PONG, b"x"), Quiet())
    agreed = agreed_state(Role.SERVER, "permessage-deflate")
    assert agreed is not None
    found = explained((*arrives, *writes), Setting(Role.SERVER), Whereabouts(agreed), known_application=False)
    assert found.conforms is not bool(broken)
    assert not broken or broken in found.broken


def test_a_ping_that_is_answered() -> None:
    assert _server(_in(PING, b"a"), _out(PONG, b"a"), Quiet()).conforms


def test_a_ping_that_is_not_answered() -> None:
    """It is dropped, or taken in and left unanswered."""
    found = _server(_in(PING, b"a"), Quiet())
    assert not found.conforms
    assert {"5.5.2/ping"} in found.broken
    assert any("5.5.2/pong-owed" in broken for broken in found.broken)


def test_a_pong_that_comes_late() -> None:
    """It breaks no more than the SHOULD of section 5.5.2."""
    found = _server(_in(PING, b"a"), Quiet(), _out(PONG, b"a"))
    assert frozenset({"5.5.2/pong-soon"}) in found.broken


def test_without_quiet_an_answer_may_be_on_its_way() -> None:
    assert _server(_in(PING, b"a")).conforms


def test_a_fault_that_is_overlooked() -> None:
    """Text after it that is answered shows it; text alone does not."""
    bad = _in(3)
    assert _server(bad, _out(TEXT, b"hello")).conforms, "it may have been sent before the frame was read"
    found = _server(bad, _in(PING, b"a"), _out(PONG, b"a"), Quiet())
    assert frozenset({"5.2/unknown-opcode"}) in found.broken


def test_a_reset_may_cost_the_close() -> None:
    assert _server(_in(3), ResetsTcp()).conforms
    assert _server(_in(CLOSE, b"\x03\xe8"), ResetsTcp()).conforms


@pytest.mark.parametrize(("code", "conforms"), [(1000, True), (1008, True), (1002, False), (1007, False)])
def test_an_application_may_close_but_not_for_what_was_received(code: int, conforms: bool) -> None:
    close = _out(CLOSE, code.to_bytes(2, "big"))
    assert _server(_in(TEXT, b"a"), close, known=True).conforms is conforms


def test_a_pong_without_a_payload_may_be_a_heartbeat() -> None:
    assert _server(_in(PING, fin=False), _out(PONG)).conforms
    assert not _server(_in(PING, fin=False), _out(PONG), known=True).conforms
    assert not _server(_in(PING, b"a", fin=False), _out(PONG, b"a")).conforms
