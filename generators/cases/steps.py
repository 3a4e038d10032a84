"""The steps of a case: what arrives at the endpoint under test, and what it does itself (docs/cases.md).

A step knows the octets that it puts on the wire and its form in JSON. Octets are written as lower-case hex.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts, label_of_fact, value_of
from wsoracle.model.octets.frames import encode, encode_header
from wsoracle.model.octets.masking import mask
from wsoracle.model.octets.vocabulary import Frame

__all__ = [
    "CloseTcp",
    "Receive",
    "ReceiveEof",
    "ReceiveHead",
    "ReceiveOctets",
    "Send",
    "SendHead",
    "Silence",
    "Step",
    "frame_from_json",
    "frame_to_json",
    "head_from_json",
    "head_to_json",
    "step_from_json",
    "step_to_json",
]


@dataclass(frozen=True, slots=True)
class Receive:
    """A frame arrives at the endpoint.

    `declared` is the payload length in the header where it is more than the octets of the payload that follow: the
    frame is never completed. None: the frame is whole.
    """

    frame: Frame
    declared: int | None = None
    do: ClassVar[str] = "receive"

    def __post_init__(self) -> None:
        if self.declared is not None and self.declared <= self.frame.length:
            raise ValueError(
                f"declared says that octets of the payload are missing, so it is more than {self.frame.length}, "
                f"not {self.declared}"
            )

    @property
    def whole(self) -> bool:
        """Whether all octets that the header declares are there."""
        return self.declared is None

    @property
    def octets(self) -> bytes:
        """What goes over the wire."""
        if self.declared is None:
            return encode(self.frame)
        frame = self.frame
        header = encode_header(
            frame.opcode,
            self.declared,
            fin=frame.fin,
            rsv1=frame.rsv1,
            rsv2=frame.rsv2,
            rsv3=frame.rsv3,
            key=frame.key,
            form=frame.form,
        )
        return header + (frame.payload if frame.key is None else mask(frame.payload, frame.key))


@dataclass(frozen=True, slots=True)
class ReceiveOctets:
    """Octets arrive that are not a complete header, or the next part of a payload that is never completed."""

    octets: bytes
    do: ClassVar[str] = "receive"

    def __post_init__(self) -> None:
        if not self.octets:
            raise ValueError("a step that receives octets has at least one")


@dataclass(frozen=True, slots=True)
class ReceiveHead:
    """A head of HTTP arrives, or octets that are none where one is read: `facts` say what they are.

    A response answers the request of the step before it, which is a sample: with the request that a real client sends
    comes another key, and a runner puts the accept value that fits in the place of the one that fits the sample.
    """

    octets: bytes
    facts: RequestFacts | ResponseFacts
    do: ClassVar[str] = "receive"


@dataclass(frozen=True, slots=True)
class SendHead:
    """The endpoint sends a head of HTTP; `octets` are a sample with these facts. `prompted` as in :class:`Send`."""

    octets: bytes
    facts: RequestFacts | ResponseFacts
    prompted: bool = True
    do: ClassVar[str] = "send"


@dataclass(frozen=True, slots=True)
class Send:
    """The endpoint sends a frame.

    `prompted`: what it received before makes it do so (a Pong, an echo, the answer to a Close), so that a runner can
    wait for the frame; otherwise its application sends it on its own, which no runner can bring about from outside.
    """

    frame: Frame
    prompted: bool = True
    do: ClassVar[str] = "send"

    @property
    def octets(self) -> bytes:
        """What goes over the wire."""
        return encode(self.frame)


@dataclass(frozen=True, slots=True)
class ReceiveEof:
    """The peer closes its sending half of the TCP connection."""

    do: ClassVar[str] = "receive_eof"


@dataclass(frozen=True, slots=True)
class CloseTcp:
    """The endpoint closes the TCP connection."""

    do: ClassVar[str] = "close_tcp"


@dataclass(frozen=True, slots=True)
class Silence:
    """The endpoint is observed to stay silent (quiescence)."""

    do: ClassVar[str] = "silence"


Step: TypeAlias = Receive | ReceiveOctets | ReceiveHead | Send | SendHead | ReceiveEof | CloseTcp | Silence

_BARE: dict[str, Step] = {step.do: step for step in (ReceiveEof(), CloseTcp(), Silence())}


def head_to_json(facts: RequestFacts | ResponseFacts) -> dict[str, Any]:
    """The facts of a head as an object: what it is, and what is unusual in it, in words."""
    usual = type(facts)()._asdict()
    named = {name: value if isinstance(value, bool) or name == "status" else label_of_fact(name, value)
             for name, value in facts._asdict().items() if value != usual[name]}  # fmt: skip
    return {"is": "request" if isinstance(facts, RequestFacts) else "response", "facts": named}


def head_from_json(document: Mapping[str, Any]) -> RequestFacts | ResponseFacts:
    """The facts of an object; KeyError, TypeError or ValueError if it is bad."""
    kinds: dict[str, type[RequestFacts] | type[ResponseFacts]] = {"request": RequestFacts, "response": ResponseFacts}
    facts: dict[str, Any] = {
        name: value if isinstance(value, bool) or name == "status" else value_of(name, value)
        for name, value in document["facts"].items()
    }
    return kinds[document["is"]](**facts)


def frame_to_json(frame: Frame, declared: int | None = None) -> dict[str, Any]:
    """A frame as an object; `length` is the length that the header declares."""
    return {
        "opcode": frame.opcode,
        "fin": frame.fin,
        "rsv1": frame.rsv1,
        "rsv2": frame.rsv2,
        "rsv3": frame.rsv3,
        "key": None if frame.key is None else frame.key.hex(),
        "form": frame.form,
        "length": frame.length if declared is None else declared,
        "payload": frame.payload.hex(),
    }


def frame_from_json(document: Mapping[str, Any]) -> tuple[Frame, int | None]:
    """The frame of an object, and the declared length where payload is missing; KeyError or ValueError if it is bad."""
    key = document["key"]
    frame = Frame(
        opcode=document["opcode"],
        payload=bytes.fromhex(document["payload"]),
        fin=document["fin"],
        rsv1=document["rsv1"],
        rsv2=document["rsv2"],
        rsv3=document["rsv3"],
        key=None if key is None else bytes.fromhex(key),
        form=document["form"],
    )
    return frame, None if document["length"] == frame.length else document["length"]


def step_to_json(step: Step) -> dict[str, Any]:
    """A step as an object: `do`, and for octets on the wire the frame and the octets."""
    match step:
        case Receive():
            return {"do": step.do, "frame": frame_to_json(step.frame, step.declared), "octets": step.octets.hex()}
        case ReceiveOctets():
            return {"do": step.do, "frame": None, "octets": step.octets.hex()}
        case ReceiveHead():
            return {"do": step.do, "head": head_to_json(step.facts), "octets": step.octets.hex()}
        case SendHead():
            return {
                "do": step.do,
                "head": head_to_json(step.facts),
                "octets": step.octets.hex(),
                "prompted": step.prompted,
            }
        case Send():
            return {
                "do": step.do,
                "frame": frame_to_json(step.frame),
                "octets": step.octets.hex(),
                "prompted": step.prompted,
            }
        case _:
            return {"do": step.do}


def step_from_json(document: Mapping[str, Any]) -> Step:
    """The step of an object; KeyError or ValueError if it is bad, also where frame and octets do not agree."""
    do = document["do"]
    if do in _BARE:
        return _BARE[do]
    octets = bytes.fromhex(document["octets"])
    if "head" in document:
        facts = head_from_json(document["head"])
        return ReceiveHead(octets, facts) if do == ReceiveHead.do else SendHead(octets, facts, document["prompted"])
    if document["frame"] is None:
        return ReceiveOctets(octets)
    frame, declared = frame_from_json(document["frame"])
    step: Receive | Send = Receive(frame, declared) if do == Receive.do else Send(frame, document["prompted"])
    if do not in (Receive.do, Send.do):
        raise ValueError(f"there is no step {do!r}")
    if step.octets != octets:
        raise ValueError(f"the octets of a step are {octets.hex()}, and its frame gives {step.octets.hex()}")
    return step
