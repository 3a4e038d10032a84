"""A handful of cases written by hand, for the tests of the format and of the exporters."""

from dataclasses import replace

from wsoracle.generators.cases.case import (
    Case,
    Departure,
    Origin,
    Outcome,
    Reaction,
    Receive,
    ReceiveEof,
    ReceiveOctets,
    Seen,
    SeenClose,
    SeenMessage,
    SeenPong,
    SeenTcpClosed,
    Send,
    Silence,
)
from wsoracle.model.notation.rule import Strength
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Role

MUST, SHOULD, MAY, CONSENSUS = Strength.MUST, Strength.SHOULD, Strength.MAY, Strength.CONSENSUS
KEY = bytes.fromhex("37fa213d")


def frame(opcode: int, payload: bytes = b"", role: Role = Role.SERVER, **fields: bool) -> Frame:
    """A frame that arrives at an endpoint of this role, masked if it must be."""
    return Frame(opcode, payload, key=KEY if role is Role.SERVER else None, **fields)


def accepted(rule: str, *seen: Seen) -> Outcome:
    return Outcome(Reaction.ACCEPT, MUST, (rule,), observable=seen)


def refused(code: int, rule: str, *before: Seen, strength: Strength = MUST) -> tuple[Outcome, ...]:
    """The outcomes of failing: with the right Close, with another, with none."""
    fail = Outcome(Reaction.FAIL, strength, (rule,), (*before, SeenClose(code), SeenTcpClosed()), code)
    other = (Departure("7.1.7/appropriate-code", SHOULD),)
    none = (Departure("7.1.7/close-frame-before-tcp", SHOULD),)
    return (
        fail,
        replace(fail, observable=(*before, SeenClose("any"), SeenTcpClosed()), departs_from=other),
        replace(fail, observable=(*before, SeenTcpClosed()), departs_from=none),
    )


def echo_text(role: Role = Role.SERVER) -> Case:
    seen = SeenMessage(b"Hello")
    return Case(
        id=f"control/text/{role}",
        role=role,
        origin=Origin("control"),
        title="a text message is echoed",
        steps=(Receive(frame(TEXT, b"Hello", role)),),
        allowed=(accepted("6.2/text-message", seen),),
    )


def reserved_bit(role: Role = Role.SERVER) -> Case:
    return Case(
        id=f"witness/5.2/reserved-bits/{role}",
        role=role,
        origin=Origin("witness", rule="5.2/reserved-bits"),
        title="RSV1 is set, and no extension defines it",
        description="The same frame with RSV1 clear is the control.",
        steps=(Receive(frame(TEXT, b"Hello", role, rsv1=True)),),
        allowed=refused(1002, "5.2/reserved-bits"),
        control=f"control/text/{role}",
        chunks=(1, 2, 8 if role is Role.SERVER else 4),
    )


def fragments_around_ping() -> Case:
    steps = (
        Receive(frame(TEXT, "grü".encode()[:3], fin=False)),
        Receive(frame(PING, b"p")),
        Send(Frame(PONG, b"p")),
        Receive(frame(CONTINUATION, "grü".encode()[3:] + b"n")),
    )
    seen = (SeenPong(b"p"), SeenMessage("grün".encode()))
    return Case(
        id="exploration/seed-7/fragments-around-ping",
        role=Role.SERVER,
        origin=Origin("exploration", seed=7),
        title="a Ping between two fragments, split inside a character",
        steps=steps,
        allowed=(accepted("6.2/last-text-fragment", *seen),),
    )


def two_messages() -> Case:
    """Two outcomes with one verdict, and a first chunk that holds a frame and a half."""
    steps = (Receive(frame(BINARY, b"\x00\xff")), Receive(frame(PING, b"q")))
    message, pong = SeenMessage(b"\x00\xff", binary=True), SeenPong(b"q")
    return Case(
        id="mutant/5.5.2-ping.drop-pong_due/server",
        role=Role.SERVER,
        origin=Origin("mutant", mutant="5.5.2/ping:drop:pong_due"),
        title="a binary message and a Ping: the Pong may overtake the echo",
        steps=steps,
        allowed=(accepted("5.5.2/ping", message, pong), accepted("5.5.2/ping", pong, message)),
        chunks=(10, 5),
    )


def closing(role: Role = Role.SERVER) -> Case:
    payload = (1000).to_bytes(2) + b"bye"
    seen: tuple[Seen, ...] = (SeenClose(1000),) if role is Role.CLIENT else (SeenClose(1000), SeenTcpClosed())
    return Case(
        id=f"witness/5.5.1/close/{role}",
        role=role,
        origin=Origin("witness", rule="5.5.1/close"),
        title="a Close with 1000 is answered",
        steps=(Receive(frame(CLOSE, payload, role)),),
        allowed=(accepted("5.5.1/close", *seen),),
    )


def bad_close() -> Case:
    return Case(
        id="witness/7.4.1/receive-not-to-be-sent/server",
        role=Role.SERVER,
        origin=Origin("witness", rule="7.4.1/receive-not-to-be-sent"),
        title="a Close with 1005, which may not be on the wire",
        steps=(Receive(frame(CLOSE, (1005).to_bytes(2))),),
        allowed=refused(1002, "7.4.1/receive-not-to-be-sent", strength=CONSENSUS),
        control="witness/5.5.1/close/server",
    )


def unfinished_message() -> Case:
    return Case(
        id="witness/5.4/first-text-fragment/server",
        role=Role.SERVER,
        origin=Origin("witness", rule="5.4/first-text-fragment"),
        title="the first fragment of a text message",
        steps=(Receive(frame(TEXT, b"Hel", fin=False)),),
        allowed=(accepted("5.4/first-text-fragment"),),
    )


def unfinished_frame() -> Case:
    return Case(
        id="exploration/seed-8/half-a-header",
        role=Role.SERVER,
        origin=Origin("exploration", seed=8),
        title="one octet of a header: nothing is said yet",
        steps=(ReceiveOctets(b"\x81"),),
        allowed=(Outcome(Reaction.ACCEPT, MAY, ("2.1/nothing-owed",), observable=()),),
    )


def end_of_tcp() -> Case:
    return Case(
        id="witness/7.1.4/server-lost/server",
        role=Role.SERVER,
        origin=Origin("witness", rule="7.1.4/server-lost"),
        title="a message, then the end of TCP, which may come before its echo",
        steps=(Receive(frame(TEXT, b"Hello")), ReceiveEof()),
        allowed=(
            accepted("7.1.4/server-lost", SeenMessage(b"Hello"), SeenTcpClosed()),
            accepted("7.1.4/server-lost", SeenMessage(b"Hello"), SeenClose("any"), SeenTcpClosed()),
            accepted("7.1.4/server-lost", SeenTcpClosed()),
        ),
        control="control/text/server",
    )


def silent_after_ping() -> Case:
    """For the judge only: the last step is the endpoint's own."""
    return Case(
        id="witness/5.5.2/pong-owed/server",
        role=Role.SERVER,
        origin=Origin("witness", rule="5.5.2/pong-owed"),
        title="no Pong for a Ping",
        steps=(Receive(frame(PING, b"p")), Silence()),
        allowed=(Outcome(Reaction.FORBID, MUST, ("5.5.2/pong-owed",)),),
        control="control/text/server",
    )


def huge_frame() -> Case:
    return Case(
        id="witness/5.2/length-sign-bit/server",
        role=Role.SERVER,
        origin=Origin("witness", rule="5.2/length-sign-bit"),
        title="a header that declares 2^63 octets",
        steps=(Receive(frame(BINARY, b"ab"), declared=2**63),),
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
