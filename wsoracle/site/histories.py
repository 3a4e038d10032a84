"""Histories of the explorer as text, as they stand in its address: of example runs and of the cases made for rules.

``templates/explorer-history.js`` reads and writes the same text, and says what it means.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.steps import (
    ACTIONS,
    CaseStep,
    EndpointClosesTcp,
    EndpointSends,
    EndpointSendsHead,
    EndSending,
    SendFrame,
    SendHead,
)
from wsoracle.model.facts.frames import DEFAULT_KEY, concrete
from wsoracle.model.facts.heads import facts_of_request, facts_of_response, response_octets, sample_request
from wsoracle.model.notation.expression import Sort
from wsoracle.model.notation.head_variables import HEAD_VARIABLES, RequestFacts, ResponseFacts, label_of_fact
from wsoracle.model.notation.variables import CLAIMS, Facts, FrameFacts, Setting, State
from wsoracle.model.octets.frames import minimal_form
from wsoracle.model.octets.http import HeadParser, Malformed, ParsedHead, Request
from wsoracle.model.octets.vocabulary import CONTINUATION, DEFAULT_LIMIT, TEXT, Frame, Role

from ..spec.player import Break, Does, RunStep

SIDES: Final = {Role.CLIENT: "c", Role.SERVER: "s"}
_HELLO: Final = b"Hello"
_LETTERS: Final = re.compile(rb"a{16,}")


def run_text(steps: Iterable[RunStep | Break], start: str) -> str:
    """An example run; ``start`` is ``open`` or ``connect``."""
    request = Request("1.1", ())
    texts = [start]
    for step in steps:
        if isinstance(step, Break):
            texts.append("cut")
        elif step.sent is None:
            texts.append(f"{SIDES[step.who]}:{'take' if step.does is Does.TAKE else 'end'}")
        else:
            texts.append(f"{SIDES[step.who]}:{_sent(step.sent, request)}")
            if isinstance(step.sent, RequestFacts) and is_head(step.sent):
                request = sample_request(step.sent)
    return ";".join(texts)


def _sent(sent: Facts, request: Request) -> str:
    if isinstance(sent, ResponseFacts):
        # What a response says depends on what was asked.
        return head_text(facts_of_response(_read(Role.CLIENT, response_octets(sent, request)), request))
    if isinstance(sent, RequestFacts):
        return head_text(sent)
    words = {TEXT: _HELLO[: sent.length], CONTINUATION: _HELLO[-sent.length :]}.get(sent.opcode)
    frame = concrete(sent, payload=words if sent.length <= len(_HELLO) else None).frame
    assert frame is not None
    return frame_text(frame)


def is_head(facts: RequestFacts | ResponseFacts) -> bool:
    """Whether octets with these facts are a head of HTTP."""
    return label_of_fact("syntax", facts.syntax) in ("well-formed", "tolerated")


def head_text(facts: RequestFacts | ResponseFacts) -> str:
    """A head by those of its facts that differ from a sound one."""
    kind = "request" if isinstance(facts, RequestFacts) else "response"
    sound = type(facts)()
    changed = [f"{n}={int(v)}" for n, v in facts._asdict().items() if v != getattr(sound, n)]
    return ".".join([kind, *changed])


def frame_text(frame: Frame) -> str:
    """A frame by its fields; of a long row of the letter a the number stands."""
    letters = _LETTERS.search(frame.payload)
    payload = frame.payload.hex()
    if letters is not None:
        before, after = frame.payload[: letters.start()], frame.payload[letters.end() :]
        payload = f"{before.hex()}*{len(letters[0])}*{after.hex()}"
    return ".".join([form_text(frame), "-" if frame.key is None else frame.key.hex(), payload])


def form_text(frame: Frame | FrameFacts) -> str:
    """The first part of a frame: its opcode and bits, and the form of its length where that is not the shortest."""
    bits = "".join(str(n) for n in (1, 2, 3) if getattr(frame, f"rsv{n}"))
    form = "" if frame.form is None or frame.form == minimal_form(frame.length) else "sxy"[frame.form]
    return f"{frame.opcode:x}{'f' if frame.fin else ''}{f'r{bits}' if bits else ''}{form}"


HistoryUnit: TypeAlias = "Frame | RequestFacts | ResponseFacts | None"
"""What an end sends in a history: a frame, a head, or (None) the end of TCP."""


def unit_text(unit: HistoryUnit) -> str:
    """A unit as histories write it; :func:`read_unit` reads it back."""
    return "end" if unit is None else frame_text(unit) if isinstance(unit, Frame) else head_text(unit)


class HistoryError(ValueError):
    """A text is no history, or what it says cannot be done: one line that says what would be right."""


MOST_OCTETS: Final = 1 << 20
"""Octets of a payload that are made of a text, at most."""
_FIRST: Final = re.compile(r"([0-9a-f])(f?)(?:r(1?2?3?))?([sxy]?)")
_PAYLOAD: Final = re.compile(r"((?:[0-9a-f]{2})*)(?:\*(\d{1,20})\*((?:[0-9a-f]{2})*))?")


def read_unit(text: str) -> HistoryUnit:
    """The unit that a text stands for.

    Raises :class:`HistoryError` for any other text, and for a frame that is too long to be made.
    """
    first, *rest = text.split(".")
    if text == "end":
        return None
    if first in ("request", "response"):
        return _read_head(RequestFacts() if first == "request" else ResponseFacts(), rest)
    found, payload = _FIRST.fullmatch(first), _PAYLOAD.fullmatch(rest[1]) if len(rest) == 2 else None
    if found is None or payload is None or not re.fullmatch("-|[0-9a-f]{8}", rest[0]):
        raise HistoryError(f"{text}: a frame is its opcode, key and payload, such as 1f.-.48656c6c6f")
    letters = int(payload[2] or 0)
    if letters > MOST_OCTETS:
        raise HistoryError(f"{text}: no frame of more than {MOST_OCTETS} octets is made here")
    octets = bytes.fromhex(payload[1]) + b"a" * letters + bytes.fromhex(payload[3] or "")
    form = "sxy".index(found[4]) if found[4] else minimal_form(len(octets))
    if form < minimal_form(len(octets)):
        raise HistoryError(f"{text}: that form of the length is too short for {len(octets)} octets")
    bits = found[3] or ""
    key = None if rest[0] == "-" else bytes.fromhex(rest[0])
    return Frame(int(found[1], 16), octets, bool(found[2]), "1" in bits, "2" in bits, "3" in bits, key, form)


def _read_head(facts: RequestFacts | ResponseFacts, changes: Iterable[str]) -> RequestFacts | ResponseFacts:
    for change in changes:
        name, _, value = change.partition("=")
        known = facts._asdict()
        if name not in known or not value.isdecimal():
            raise HistoryError(f"{change}: a fact of a head and a number; the facts are {', '.join(known)}")
        variable = HEAD_VARIABLES.get(name)
        if variable is not None and variable.sort is Sort.INT and not variable.low <= int(value) <= variable.high:
            raise HistoryError(f"{change}: {name} is from {variable.low} to {variable.high}")
        known[name] = value != "0" if isinstance(known[name], bool) else int(value)
        facts = type(facts)(**known)
    return facts


def case_text(case: Case, role: Role) -> str | None:
    """A case for an endpoint of a role, whose peer is the reader; None where its octets are no whole units."""
    me, you = SIDES[role], SIDES[role.peer]
    steps = [f"{me}:request"] if case.opening and role is Role.CLIENT else []
    for step in case.steps:
        written = step_text(as_sent(case, step, role.peer), role)
        if written is None or not isinstance(step, ACTIONS):
            return None
        steps += [f"{you}:{written}", f"{me}:take"]
    return ";".join([f"{'connect' if case.opening else 'open'},you={role.peer.value}", *steps])


def first_text(setting: Setting, start: State, *, more: Iterable[str] = ()) -> str:
    """The beginning of a history of which the reader plays the peer: the setting, what was agreed on, and ``more``."""
    usual = Setting(setting.role, limit=DEFAULT_LIMIT).values
    changes = [f"{name}={int(value)}" for name, value in setting.values.items() if value != usual[name]]
    first = "connect" if start.handshake else "open"
    return ",".join([first, f"you={setting.role.peer.value}", *changes, *_agreed_texts(start, setting.role), *more])


AGREEABLE: Final = (*(f"{role.value}_{what}" for what in ("window", "takeover") for role in Role), *CLAIMS)
"""What a history says of the extensions that its opening handshake agreed on: for what each end sends the window in
octets and (1 or 0) whether contexts are taken over; and the reserved bits that extensions claim."""


def told_state(agreed: Mapping[str, int], role: Role) -> State:
    """The state of an end after an opening handshake that agreed on these; permessage-deflate claims RSV1."""
    mine, peers = role.value, role.peer.value
    received, sent = agreed.get(f"{peers}_window", 0), agreed.get(f"{mine}_window", 0)
    return State(
        recv_window=received,
        send_window=sent,
        recv_takeover=bool(agreed.get(f"{peers}_takeover", 0)),
        send_takeover=bool(agreed.get(f"{mine}_takeover", 0)),
        claims_rsv1=bool(received or agreed.get("claims_rsv1", 0)),
        claims_rsv2=bool(agreed.get("claims_rsv2", 0)),
        claims_rsv3=bool(agreed.get("claims_rsv3", 0)),
    )


def is_told(state: State, role: Role) -> bool:
    """Whether a history can begin in a state after the opening handshake: nothing but extensions was agreed on."""
    agreed = dict(text.split("=") for text in _agreed_texts(state, role))
    return told_state({name: int(value) for name, value in agreed.items()}, role) == state


def _agreed_texts(state: State, role: Role) -> Iterator[str]:
    """What :func:`told_state` reads."""
    ends = (("recv", role.peer), ("send", role))
    for name, value in (
        *((f"{end.value}_window", getattr(state, f"{way}_window")) for way, end in ends),
        *((f"{end.value}_takeover", getattr(state, f"{way}_takeover")) for way, end in ends),
        *((name, getattr(state, name)) for name in CLAIMS if name != "claims_rsv1" or not state.recv_window),
    ):
        if value:
            yield f"{name}={int(value)}"


def step_text(step: CaseStep | None, role: Role) -> str | None:
    """What a step sends to the endpoint of a role, or what that sends; None where it is no whole unit."""
    match step:
        case SendFrame() if step.is_whole:
            return frame_text(step.written)
        case EndpointSends(frame=frame):
            return frame_text(frame)
        case SendHead():
            return head_text(_head(step, role))
        case EndpointSendsHead(facts=facts):
            return head_text(facts)
        case EndSending() | EndpointClosesTcp():
            return "end"
    return None


def as_sent(case: Case, step: CaseStep, tester: Role) -> CaseStep:
    """A step with the frame as the tester writes it: a client masks."""
    if not isinstance(step, SendFrame) or step.frame.key is not None or tester is Role.SERVER or case.allowed:
        return step
    return replace(step, frame=replace(step.frame, key=DEFAULT_KEY))


def _head(step: SendHead, role: Role) -> RequestFacts | ResponseFacts:
    if step.facts is not None:
        return step.facts
    if role is Role.SERVER:
        return facts_of_request(_read(role, step.octets))
    return facts_of_response(_read(role, step.octets), sample_request(RequestFacts()))


def _read(role: Role, octets: bytes) -> ParsedHead | Malformed:
    """The head that an endpoint of a role reads."""
    reader = HeadParser(role)
    reader.feed(octets)
    assert reader.result is not None
    return reader.result
