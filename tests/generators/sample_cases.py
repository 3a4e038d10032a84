"""A handful of cases written by hand, for the tests of the format and of the exporters."""

from dataclasses import replace
from typing import Any

from wsoracle.generators.cases.build import build_case
from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.derived import checked
from wsoracle.generators.cases.origin import Origin
from wsoracle.generators.cases.outcome import (
    AllowedOutcome,
    Departure,
    ReactionKind,
    SeenClose,
    SeenEvent,
    SeenMessage,
    SeenPong,
    SeenTcpClosed,
)
from wsoracle.generators.cases.steps import (
    EndpointIsSilent,
    EndpointSends,
    EndSending,
    SendFrame,
    SendOctets,
    unfinished,
)
from wsoracle.generators.suite.compressed_cases import history_of
from wsoracle.generators.suite.deflate_messages import deflate_messages
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.notation.rule import Strength
from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Role
from wsoracle.model.rules import RULES

MUST, SHOULD, MAY, CONSENSUS = Strength.MUST, Strength.SHOULD, Strength.MAY, Strength.CONSENSUS
KEY = bytes.fromhex("37fa213d")


def _case(**fields: Any) -> Case:
    return checked(Case(**fields))


def compressed_histories(*names: str, role: Role = Role.SERVER) -> list[Case]:
    """Some of the cases of compressed messages, with their controls."""
    machine = CompiledMachine(RULES, Setting(role))
    found: dict[str, Case] = {}
    for one in deflate_messages():
        if one.name in names:
            history = history_of(machine, one.frames, one.compression.wanted.state)
            made = build_case(f"compression/{role}/{one.name}", Origin("compression"), one.title, history)
            found |= {case.id: case for case in made}
    return list(found.values())


def frame(opcode: int, payload: bytes = b"", role: Role = Role.SERVER, **fields: bool) -> Frame:
    """A frame that arrives at an endpoint of this role, masked if it must be."""
    return Frame(opcode, payload, key=KEY if role is Role.SERVER else None, **fields)


def accepted(rule: str, *seen: SeenEvent) -> AllowedOutcome:
    return AllowedOutcome(ReactionKind.ACCEPT, MUST, (rule,), observable=seen)


def refused(code: int, rule: str, *before: SeenEvent, strength: Strength = MUST) -> tuple[AllowedOutcome, ...]:
    """The outcomes of failing: with the right Close, with another, with none."""
    fail = AllowedOutcome(ReactionKind.FAIL, strength, (rule,), (*before, SeenClose(code), SeenTcpClosed()), code)
    other = (Departure("7.1.7/appropriate-code", SHOULD),)
    none = (Departure("7.1.7/close-frame-before-tcp", SHOULD),)
    return (
        fail,
        replace(fail, observable=(*before, SeenClose("any"), SeenTcpClosed()), departs_from=other),
        replace(fail, observable=(*before, SeenTcpClosed()), departs_from=none),
    )


def echo_text(role: Role = Role.SERVER) -> Case:
    seen = SeenMessage(b"Hello")
    return _case(
        id=f"control/text/{role}",
        roles=frozenset((role,)),
        origin=Origin("control"),
        title="a text message is echoed",
        steps=(SendFrame(frame(TEXT, b"Hello", role)),),
        allowed=(accepted("5.4/text-message", seen),),
    )


def reserved_bit(role: Role = Role.SERVER) -> Case:
    return _case(
        id=f"witness/5.2/reserved-bits/{role}",
        roles=frozenset((role,)),
        origin=Origin("witness", rule="5.2/reserved-bits"),
        title="RSV1 is set, and no extension defines it",
        description="The same frame with RSV1 clear is the control.",
        steps=(SendFrame(frame(TEXT, b"Hello", role, rsv1=True)),),
        allowed=refused(1002, "5.2/reserved-bits"),
        control=f"control/text/{role}",
        chunks=(1, 2, 8 if role is Role.SERVER else 4),
    )


def fragments_around_ping() -> Case:
    steps = (
        SendFrame(frame(TEXT, "grü".encode()[:3], fin=False)),
        SendFrame(frame(PING, b"p")),
        EndpointSends(Frame(PONG, b"p")),
        SendFrame(frame(CONTINUATION, "grü".encode()[3:] + b"n")),
    )
    seen = (SeenPong(b"p"), SeenMessage("grün".encode()))
    return _case(
        id="exploration/seed-7/fragments-around-ping",
        roles=frozenset((Role.SERVER,)),
        origin=Origin("exploration", seed=7),
        title="a Ping between two fragments, split inside a character",
        steps=steps,
        allowed=(accepted("5.4/last-text-fragment", *seen),),
    )


def two_messages() -> Case:
    """Two outcomes with one verdict, and a first chunk that holds a frame and a half."""
    steps = (SendFrame(frame(BINARY, b"\x00\xff")), SendFrame(frame(PING, b"q")))
    message, pong = SeenMessage(b"\x00\xff", binary=True), SeenPong(b"q")
    return _case(
        id="mutant/5.5.2-ping.drop-pong_due/server",
        roles=frozenset((Role.SERVER,)),
        origin=Origin("mutant", mutant="5.5.2/ping:drop:pong_due"),
        title="a binary message and a Ping: the Pong may overtake the echo",
        steps=steps,
        allowed=(accepted("5.5.2/ping", message, pong), accepted("5.5.2/ping", pong, message)),
        chunks=(10, 5),
    )


def closing(role: Role = Role.SERVER) -> Case:
    payload = (1000).to_bytes(2) + b"bye"
    seen: tuple[SeenEvent, ...] = (SeenClose(1000),) if role is Role.CLIENT else (SeenClose(1000), SeenTcpClosed())
    return _case(
        id=f"witness/5.5.1/close/{role}",
        roles=frozenset((role,)),
        origin=Origin("witness", rule="5.5.1/close"),
        title="a Close with 1000 is answered",
        steps=(SendFrame(frame(CLOSE, payload, role)),),
        allowed=(accepted("5.5.1/close", *seen),),
    )


def bad_close() -> Case:
    return _case(
        id="witness/7.4.1/receive-not-to-be-sent/server",
        roles=frozenset((Role.SERVER,)),
        origin=Origin("witness", rule="7.4.1/receive-not-to-be-sent"),
        title="a Close with 1005, which may not be on the wire",
        steps=(SendFrame(frame(CLOSE, (1005).to_bytes(2))),),
        allowed=refused(1002, "7.4.1/receive-not-to-be-sent", strength=CONSENSUS),
        control="witness/5.5.1/close/server",
    )


def unfinished_message() -> Case:
    return _case(
        id="witness/5.4/first-text-fragment/server",
        roles=frozenset((Role.SERVER,)),
        origin=Origin("witness", rule="5.4/first-text-fragment"),
        title="the first fragment of a text message",
        steps=(SendFrame(frame(TEXT, b"Hel", fin=False)),),
        allowed=(accepted("5.4/first-text-fragment"),),
    )


def unfinished_frame() -> Case:
    return _case(
        id="exploration/seed-8/half-a-header",
        roles=frozenset((Role.SERVER,)),
        origin=Origin("exploration", seed=8),
        title="one octet of a header: nothing is said yet",
        steps=(SendOctets(b"\x81"),),
        allowed=(AllowedOutcome(ReactionKind.ACCEPT, MAY, ("2.1/nothing-owed",), observable=()),),
    )


def end_of_tcp() -> Case:
    return _case(
        id="witness/7.1.4/server-lost/server",
        roles=frozenset((Role.SERVER,)),
        origin=Origin("witness", rule="7.1.4/server-lost"),
        title="a message, then the end of TCP, which may come before its echo",
        steps=(SendFrame(frame(TEXT, b"Hello")), EndSending()),
        allowed=(
            accepted("7.1.4/server-lost", SeenMessage(b"Hello"), SeenTcpClosed()),
            accepted("7.1.4/server-lost", SeenMessage(b"Hello"), SeenClose("any"), SeenTcpClosed()),
            accepted("7.1.4/server-lost", SeenTcpClosed()),
        ),
        control="control/text/server",
    )


def silent_after_ping() -> Case:
    """For the judge only: the last step is the endpoint's own."""
    return _case(
        id="witness/5.5.2/pong-owed/server",
        roles=frozenset((Role.SERVER,)),
        origin=Origin("witness", rule="5.5.2/pong-owed"),
        title="no Pong for a Ping",
        steps=(SendFrame(frame(PING, b"p")), EndpointIsSilent()),
        allowed=(AllowedOutcome(ReactionKind.FORBID, MUST, ("5.5.2/pong-owed",)),),
        control="control/text/server",
    )


def huge_frame() -> Case:
    return _case(
        id="witness/5.2/length-sign-bit/server",
        roles=frozenset((Role.SERVER,)),
        origin=Origin("witness", rule="5.2/length-sign-bit"),
        title="a header that declares 2^63 octets",
        steps=(unfinished(frame(BINARY, b"ab"), 2**63),),
        allowed=(
            *refused(1002, "5.2/length-sign-bit", strength=CONSENSUS),
            *refused(1009, "10.4/unstated-limit", strength=MAY),
        ),
        control="control/text/server",
    )


def sample_cases() -> tuple[Case, ...]:
    """One of each kind, controls included."""
    return (
        echo_text(),
        echo_text(Role.CLIENT),
        reserved_bit(),
        reserved_bit(Role.CLIENT),
        fragments_around_ping(),
        two_messages(),
        closing(),
        closing(Role.CLIENT),
        bad_close(),
        unfinished_message(),
        unfinished_frame(),
        end_of_tcp(),
        silent_after_ping(),
        huge_frame(),
    )
