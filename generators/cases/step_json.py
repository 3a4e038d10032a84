"""The steps of a case in JSON (docs/cases.md). Octets are written as lower-case hex."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts, label_of_fact, value_of
from wsoracle.model.octets.vocabulary import Frame

from .steps import (
    CaseStep,
    EndpointClosesTcp,
    EndpointIsSilent,
    EndpointSends,
    EndpointSendsHead,
    EndSending,
    SendFrame,
    SendHead,
    SendOctets,
    unfinished,
)

_BARE: Final[Mapping[str, CaseStep]] = {
    "receive_eof": EndSending(),
    "close_tcp": EndpointClosesTcp(),
    "silence": EndpointIsSilent(),
}
"""The steps that are nothing but their name, which tells them from the side of the endpoint."""

_NAMES: Final = {step: name for name, step in _BARE.items()}


def head_to_json(facts: RequestFacts | ResponseFacts) -> dict[str, Any]:
    """The facts of a head as an object: what it is, and what is unusual in it, in words."""
    usual = type(facts)()._asdict()
    named = {name: value if isinstance(value, bool) or name == "status" else label_of_fact(name, value)
             for name, value in facts._asdict().items() if value != usual[name]}  # fmt: skip
    return {"is": "request" if isinstance(facts, RequestFacts) else "response", "facts": named}


def _head_from_json(document: Mapping[str, Any]) -> RequestFacts | ResponseFacts:
    """The facts of an object; KeyError, TypeError or ValueError if it is bad."""
    kinds: dict[str, type[RequestFacts] | type[ResponseFacts]] = {"request": RequestFacts, "response": ResponseFacts}
    facts: dict[str, Any] = {
        name: value if isinstance(value, bool) or name == "status" else value_of(name, value)
        for name, value in document["facts"].items()
    }
    return kinds[document["is"]](**facts)


def frame_to_json(frame: Frame, declared: int) -> dict[str, Any]:
    """A frame as an object; `length` is the length that its header declares."""
    return {
        "opcode": frame.opcode,
        "fin": frame.fin,
        "rsv1": frame.rsv1,
        "rsv2": frame.rsv2,
        "rsv3": frame.rsv3,
        "key": None if frame.key is None else frame.key.hex(),
        "form": frame.form,
        "length": declared,
        "payload": frame.payload.hex(),
    }


def frame_from_json(document: Mapping[str, Any]) -> Frame:
    """The frame of an object, with the payload that is there; KeyError or ValueError if it is bad."""
    key = document["key"]
    return Frame(
        opcode=document["opcode"],
        payload=bytes.fromhex(document["payload"]),
        fin=document["fin"],
        rsv1=document["rsv1"],
        rsv2=document["rsv2"],
        rsv3=document["rsv3"],
        key=None if key is None else bytes.fromhex(key),
        form=document["form"],
    )


def step_to_json(step: CaseStep) -> dict[str, Any]:
    """A step as an object: `do`, and for octets on the wire the frame or the head and the octets.

    ValueError for a step that no case file has: a wait, or a head whose facts are not known.
    """
    match step:
        case SendFrame():
            frame = frame_to_json(step.written, step.size)
            return {"do": "receive", "frame": frame, "octets": step.octets.hex()}
        case SendOctets():
            return {"do": "receive", "frame": None, "octets": step.octets.hex()}
        case SendHead(octets, facts) if facts is not None:
            return {"do": "receive", "head": head_to_json(facts), "octets": octets.hex()}
        case EndpointSends(frame, prompted):
            said = frame_to_json(frame, frame.length)
            return {"do": "send", "frame": said, "octets": step.octets.hex(), "prompted": prompted}
        case EndpointSendsHead(octets, facts, prompted):
            return {"do": "send", "head": head_to_json(facts), "octets": octets.hex(), "prompted": prompted}
        case _ if step in _NAMES:
            return {"do": _NAMES[step]}
    raise ValueError(f"a case file has no step {step!r}")


def step_from_json(document: Mapping[str, Any]) -> CaseStep:
    """The step of an object; KeyError or ValueError if it is bad, also where frame and octets do not agree."""
    do = document["do"]
    if do in _BARE:
        return _BARE[do]
    if do not in ("receive", "send"):
        raise ValueError(f"there is no step {do!r}")
    octets = bytes.fromhex(document["octets"])
    if "head" in document:
        facts = _head_from_json(document["head"])
        return SendHead(octets, facts) if do == "receive" else EndpointSendsHead(octets, facts, document["prompted"])
    if document["frame"] is None:
        return SendOctets(octets)
    frame, declared = frame_from_json(document["frame"]), document["frame"]["length"]
    step: SendFrame | EndpointSends
    if do == "receive":
        step = SendFrame(frame) if declared == frame.length else unfinished(frame, declared)
    else:
        step = EndpointSends(frame, document["prompted"])
    if step.octets != octets:
        raise ValueError(f"the octets of a step are {octets.hex()}, and its frame gives {step.octets.hex()}")
    return step
