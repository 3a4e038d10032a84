"""A header that decides does so whether or not its payload ever comes, for the judge as for explain."""

from __future__ import annotations

from itertools import product

import pytest

from wsoracle.explain.frames import explain
from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.frames import encode, encode_header
from wsoracle.model.octets.vocabulary import CLOSE, PING, TEXT, Frame, Role
from wsoracle.properties.judge.judge import judge
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.observation import Arrives, ClosesTcp, Observation, Quiet, Writes
from wsoracle.properties.judge.verdict import Verdict

KEYS = {Role.SERVER: b"\x11\x22\x33\x44", Role.CLIENT: None}
"""The masking keys of what arrives at an endpoint."""

DECIDING = {
    "a reserved opcode": {"opcode": 3},
    "a reserved control opcode": {"opcode": 11},
    "a reserved bit": {"opcode": TEXT, "rsv1": True},
    "a long Ping": {"opcode": PING, "length": 126},
    "a part of a Ping": {"opcode": PING, "fin": False},
    "a continuation without a message": {"opcode": 0},
    "2^63 octets": {"opcode": TEXT, "length": 2**63},
    "as long as can be": {"opcode": 2, "length": 2**64 - 1},
}


def header(role: Role, fields: dict[str, int]) -> bytes:
    given = {"length": 9, **fields}
    opcode, length = given.pop("opcode"), given.pop("length")
    return encode_header(opcode, length, key=KEYS[role], **given)  # type: ignore[arg-type]


def judged(role: Role, *observations: Observation, profile: str = "interop") -> Judgement:
    return judge(observations, Setting(role), application="sink", profile=profile)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "role"), [*product(DECIDING, Role)])
def test_quiet_after_the_header_is_quiet_after_the_frame(name: str, role: Role) -> None:
    octets = header(role, DECIDING[name])
    (reading,) = explain(octets, Setting(role)).readings
    assert reading.begun is not None
    fails = [rule.id for rule in reading.begun.fails]
    assert fails
    for payload in (b"", b"some"):
        silent = judged(role, Arrives(octets + payload), Quiet())
        if role is Role.SERVER:
            assert silent.verdict is Verdict.FAILED
            assert set(fails) <= set(silent.rules)
        else:
            assert silent.verdict in (Verdict.FAILED, Verdict.NON_STRICT)


def test_in_the_profile_letter_a_header_of_2_to_the_63_octets_is_informational() -> None:
    octets = header(Role.SERVER, DECIDING["2^63 octets"])
    assert judged(Role.SERVER, Arrives(octets), Quiet(), profile="letter").verdict is Verdict.INFORMATIONAL


def test_to_wait_for_a_payload_that_comes_is_no_fault() -> None:
    octets = header(Role.SERVER, DECIDING["a reserved opcode"])
    fails = (Writes(encode(Frame(CLOSE, b"\x03\xea"))), ClosesTcp())
    assert judged(Role.SERVER, Arrives(octets), Quiet(), Arrives(bytes(9)), *fails).verdict is Verdict.OK
    assert judged(Role.SERVER, Arrives(octets), *fails).verdict is Verdict.OK


@pytest.mark.parametrize("octets", [b"\x81", b"\x83", b"\x81\xff\x80", header(Role.SERVER, {"opcode": TEXT}) + b"\xff"])
def test_what_may_still_be_waited_for_is_no_fault(octets: bytes) -> None:
    """A header that is not whole; text that is broken, which need be noticed only at its end."""
    assert judged(Role.SERVER, Arrives(octets), Quiet()).verdict is Verdict.OK
