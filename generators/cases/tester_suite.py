"""From generated cases with their outcomes to those that a tester carries on a connection.

Witnesses of rules, faults in opening handshakes and killers of mutants go in; what of them can be sent and told from
outside comes out as cases without outcomes, each with its control: the judge decides about what comes of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import starmap
from typing import Final

from wsoracle.model.facts.frames import DEFAULT_KEY
from wsoracle.model.facts.heads import request_octets, response_octets, sample_body, sample_request
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts
from wsoracle.model.octets.deflate_stream import Deflater
from wsoracle.model.octets.vocabulary import TEXT, Frame, Role

from .agreed import after_heads, agrees_among_others
from .canonical import must_be_answered
from .case import Case
from .catalogue import catalogued
from .compression import Compression
from .controls import with_nearest_controls
from .derived import judge_only
from .origin import Origin
from .step_json import head_to_json
from .steps import ACTIONS, Action, EndpointSends, EndpointSendsHead, SendFrame, SendHead, SendOctets, Settle
from .stimulus import StreamEnd, stream_end
from .words import change_in_words, in_words

SECONDS: Final = 15.0
"""Seconds that a generated case may take."""

LONG: Final = 1000
"""Octets of a payload from which on, if they are all the same, the tester makes it when it writes it."""

_KEPT: Final = ("fault", "compression", "control", "witness", "mutant", "exploration")
"""The origins of cases; of two with the same stimulus the one whose origin comes first is kept."""

_KINDS: Final = {
    "witness": "Witnesses of rules",
    "mutant": "Killers of mutants",
    "fault": "Faults",
    "compression": "Compressed messages",
    "control": "Positive controls",
    "exploration": "Exploration",
}


def suite_for_testers(cases: Iterable[Case]) -> tuple[Case, ...]:
    """Those of the generated cases that a tester can carry, in the order of their ids, with controls.

    A case's own control can be one that a Close alone answers; what is told from outside needs a message or a Pong, or
    an endpoint that answers everything with a Close would pass. Such a control is left out, and the openings of each
    role get one that goes on with a message.
    """
    ordered = sorted(cases, key=lambda case: case.id)
    every = [for_tester(case) for case in ordered if _can_be_told(case)]
    return with_controls(
        case for case in every if case.origin.kind != "control" or case.opening or must_be_answered(case)
    )


def with_controls(carried: Iterable[Case]) -> tuple[Case, ...]:
    """Cases for testers with their controls, each stimulus once, in the order of their ids."""
    cases = tuple(carried)
    agreements = {(case.role, case.compression): None for case in cases if case.compression is not None}
    once = each_stimulus_once((*cases, *starmap(_compressed_control, agreements)))
    found: list[Case] = []
    for role in Role:
        here = [case for case in once if case.roles == {role}]
        control = _opening_control(role)
        found += [control, *(replace(case, control=control.id) for case in here if case.opening)]
        after = [case for case in here if not case.opening]
        found += with_nearest_controls([case for case in after if case.compression is None], catalogued())
        for of_role, compression in agreements:
            if of_role is role:
                found += with_nearest_controls(case for case in after if case.compression == compression)
    return tuple(sorted(found, key=lambda case: case.id))


def each_stimulus_once(cases: Iterable[Case]) -> list[Case]:
    """The cases without those of which another one has the stimulus: it is about their rules too.

    A fault tells best what is sent, so that it stays; then a control, a witness, the killer of a mutant.
    """
    found: dict[tuple[object, ...], Case] = {}
    for case in sorted(cases, key=lambda case: (_KEPT.index(case.origin.kind), case.id)):
        stimulus = case.roles, case.opening, case.compression, case.actions
        first = found.setdefault(stimulus, case)
        if first is not case:
            found[stimulus] = replace(first, quotes=tuple(dict.fromkeys((*first.quotes, *case.quotes))))
    return list(found.values())


def _can_be_told(case: Case) -> bool:
    """Whether a tester can carry a case and tell from outside what comes of it.

    Inside a frame it cannot: an endpoint that waits there for the rest of the frame does nothing wrong. Nor after heads
    that agree on compressed messages and on more.
    """
    inside_frame = stream_end(case) is StreamEnd.INSIDE_FRAME and not case.opening
    carried = judge_only(case) is None and case.application == "echo" and not inside_frame
    return carried and not agrees_among_others(case)


def _opening_control(role: Role) -> Case:
    """A sound opening handshake, and then a message that is to be echoed."""
    request = RequestFacts()
    answer = response_octets(ResponseFacts(), sample_request(request))
    sound = request_octets(request) if role is Role.SERVER else answer
    actions = (SendHead(sound), Settle(), SendFrame(Frame(TEXT, b"Hello")))
    what = "request" if role is Role.SERVER else "answer"
    return _control(role, "opening-then-text", f"A sound {what}, then a text message", actions, opening=True)


def _compressed_control(role: Role, compression: Compression) -> Case:
    """A text message that is compressed by itself, and to be echoed, under an agreement."""
    payload = Deflater(takeover=False).deflate(b"Hello", True)
    key = DEFAULT_KEY if role is Role.SERVER else None
    actions = (SendFrame(Frame(TEXT, payload, rsv1=True, key=key)),)
    title = f"A compressed text message; {compression.wishes}"
    return _control(role, f"compressed-{_slug(compression)}", title, actions, compression=compression)


def _control(
    role: Role,
    name: str,
    title: str,
    actions: tuple[Action, ...],
    *,
    opening: bool = False,
    compression: Compression | None = None,
) -> Case:
    origin = Origin("control")
    return Case(
        f"control/{role}/{name}",
        title,
        in_words(actions),
        _group(origin, opening=opening),
        actions,
        frozenset((role,)),
        opening=opening,
        seconds=SECONDS,
        origin=origin,
        compression=compression,
    )


def _slug(compression: Compression) -> str:
    return "-".join(re.findall("[a-z0-9]+", f"{compression.own}, {compression.asks[0]}"))


def for_tester(case: Case) -> Case:
    """A case as a tester carries it: its actions alone, and the rules that its outcomes stand on as quotes.

    Where its opening handshake does no more than to agree on permessage-deflate, the tester makes that itself.
    """
    case = after_heads(case)
    actions = tuple(_actions(case))
    rule = (case.origin.rule,) if case.origin.rule else ()
    rules = dict.fromkeys((*rule, *(rule for outcome in case.allowed for rule in outcome.rules)))
    return Case(
        case.id,
        case.title,
        _stimulus(case, actions),
        _group(case.origin, opening=case.opening),
        actions,
        case.roles,
        opening=case.opening,
        quotes=tuple(rules),
        seconds=SECONDS,
        origin=case.origin,
        compression=case.compression,
    )


def _actions(case: Case) -> Iterator[Action]:
    """The actions. The tester waits for a step of the endpoint's own before it sends the octets after it."""
    begun = waits = False
    for step in case.steps:
        if isinstance(step, EndpointSends | EndpointSendsHead):
            waits = begun
        elif isinstance(step, ACTIONS):
            if waits:
                yield Settle()
            yield _carried(step, case.role)
            begun, waits = True, False


def _carried(action: Action, role: Role) -> Action:
    """A whole frame keeps its own key; one that lacks octets, or a key that it must have, is given as octets.

    A head is followed by the body that it announces: an endpoint that reads bodies would wait for it.
    """
    match action:
        case SendFrame(frame) if action.is_whole and (role is Role.CLIENT or frame.key is not None):
            payload = frame.payload
            if len(payload) > LONG and len(set(payload)) == 1:
                return SendFrame(replace(frame, payload=payload[:1]), length=len(payload))
        case SendFrame():
            return SendOctets(action.octets)
        case SendHead(octets, facts) if facts is not None:
            return SendHead(octets + sample_body(facts))
    return action


def _stimulus(case: Case, actions: tuple[Action, ...]) -> str:
    heads = [step.facts for step in case.steps if isinstance(step, SendHead) and step.facts is not None]
    words = [in_words(actions)] if len(actions) > len(heads) else []
    for head in heads:
        facts = head_to_json(head)["facts"]
        unusual = "; ".join(change_in_words(name, value) for name, value in facts.items())
        name = "A request" if isinstance(head, RequestFacts) else "An answer"
        words.append(f"{name} as usual" + (f", but: {unusual}." if unusual else "."))
    return " ".join(words)


def _group(origin: Origin, *, opening: bool) -> tuple[str, ...]:
    return ("Opening handshake", _KINDS[origin.kind]) if opening else (_KINDS[origin.kind],)
