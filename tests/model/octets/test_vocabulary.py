"""The vocabulary: names for all opcodes, and frames that hold only what a header can express."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from wsoracle.model.octets import vocabulary as v
from wsoracle.model.octets.vocabulary import Frame, Role


def test_roles_are_each_others_peers() -> None:
    assert Role.CLIENT.peer is Role.SERVER
    assert Role.SERVER.peer is Role.CLIENT
    assert Role("client") is Role.CLIENT
    assert str(Role.SERVER) == Role.SERVER.value == "server"


def test_opcodes_are_partitioned() -> None:
    assert list(v.OPCODE_NAMES) == list(range(16))
    assert len(set(v.OPCODE_NAMES.values())) == 16
    assert sorted(v.KNOWN_OPCODES + v.RESERVED_DATA_OPCODES + v.RESERVED_CONTROL_OPCODES) == list(range(16))
    assert (v.CONTINUATION, v.TEXT, v.BINARY, v.CLOSE, v.PING, v.PONG) == (0, 1, 2, 8, 9, 10)
    assert (v.OPCODE_NAMES[v.PING], v.OPCODE_NAMES[0xB]) == ("ping", "reserved-control-B")


@pytest.mark.parametrize("opcode", range(16))
def test_kinds_of_opcodes(opcode: int) -> None:
    # Section 5.5: the most significant of the four bits tells control frames from the others.
    assert v.is_control(opcode) == bool(opcode >> 3)
    assert v.is_control(opcode) == (opcode in v.CONTROL_OPCODES + v.RESERVED_CONTROL_OPCODES)


def test_frame_defaults_and_helpers() -> None:
    frame = Frame(v.TEXT)
    assert (frame.payload, frame.fin, frame.rsv, frame.key, frame.form) == (b"", True, 0, None, None)
    assert (frame.masked, frame.length, frame.control) == (False, 0, False)
    frame = Frame(v.PONG, b"abc", rsv1=True, rsv3=True, key=b"\0\0\0\0")
    assert (frame.masked, frame.length, frame.control, frame.rsv) == (True, 3, True, 0b101)


def test_frame_is_a_value() -> None:
    frame = Frame(v.TEXT, b"x")
    assert frame == Frame(v.TEXT, b"x")
    assert hash(frame) == hash(Frame(v.TEXT, b"x"))
    with pytest.raises(FrozenInstanceError):
        frame.fin = False  # type: ignore[misc]
    with pytest.raises((AttributeError, TypeError)):
        frame.extra = 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"opcode": 16}, ValueError, r"opcode must be in 0\.\.15, not 16"),
        ({"opcode": -1}, ValueError, r"opcode must be in 0\.\.15, not -1"),
        ({"opcode": 1, "key": b"123"}, ValueError, "a masking key has 4 octets, not 3"),
        ({"opcode": 1, "key": b""}, ValueError, "a masking key has 4 octets, not 0"),
        ({"opcode": 1, "key": "1234"}, TypeError, "key must be bytes or None, not str"),
        ({"opcode": 1, "form": 3}, ValueError, "form must be 0"),
        ({"opcode": 1, "form": -1}, ValueError, "form must be 0"),
        ({"opcode": 1, "payload": "text"}, TypeError, "payload must be bytes, not str"),
        ({"opcode": 1, "payload": bytearray(1)}, TypeError, "payload must be bytes, not bytearray"),
    ],
)
def test_frame_refuses_what_no_header_expresses(wrong: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Frame(**wrong)


def test_frame_describes_itself() -> None:
    assert str(Frame(v.TEXT, b"Hello", key=b"\1\2\3\4")) == "text fin masked 5 octets"
    assert str(Frame(0x3, b"x", fin=False, rsv2=True, form=2)) == "reserved-data-3 more rsv2 form 7+64 1 octet"
