"""Compressed messages as cases: what an endpoint may do with each the rules say.

Frames put together by :mod:`deflate_messages` go in, and are read as an endpoint reads them: a tracer measures them,
and each but the last is accepted where it may be. Out come histories that begin with the opening handshake.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from wsoracle.model.facts.frames import DEFAULT_KEY, facts_of_unit, text_before
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.machine.interpreted import Kind, Label, canonical
from wsoracle.model.notation.variables import Event, EventKind, Setting, State
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.inflated_frames import AgreedDirection, InflatedFrames
from wsoracle.model.octets.units import frames_in
from wsoracle.model.octets.vocabulary import Frame, Role
from wsoracle.model.rules import RULES

from ..cases.build import build_case
from ..cases.case import Case
from ..cases.origin import Origin
from ..cases.realised_history import CannotBuildError, CaseHistory
from .deflate_messages import deflate_messages


@lru_cache(maxsize=1)
def compressed_cases() -> tuple[tuple[Case, ...], Mapping[str, str]]:
    """The cases for servers and for clients, their controls among them, in the order of their ids.

    And what is no case, by the id that it would have, with the reason.
    """
    cases: dict[str, Case] = {}
    left: dict[str, str] = {}
    for role in Role:
        machine = CompiledMachine(RULES, Setting(role))
        for one in deflate_messages():
            try:
                history = history_of(machine, one.frames, one.compression.wanted.state)
                made = build_case(_id(role, one.name), Origin("compression"), one.title, history)
            except CannotBuildError as error:
                left[_id(role, one.name)] = str(error)
                continue
            cases.update((case.id, case) for case in made)
    return tuple(sorted(cases.values(), key=lambda case: case.id)), left


def compressed_ids() -> list[str]:
    """The ids of the cases, without making them."""
    return [_id(role, one.name) for role in Role for one in deflate_messages()]


def _id(role: Role, name: str) -> str:
    return f"compression/{role}/{name}"


def history_of(machine: CompiledMachine, frames: Sequence[Frame], start: State) -> CaseHistory:
    """The history of an endpoint that receives these frames from a state on; the last one is to be judged."""
    role = machine.setting.role
    key = DEFAULT_KEY if role is Role.SERVER else None
    arriving = InflatedFrames(AgreedDirection(start.recv_window, start.recv_takeover, measured=True))
    masked = tuple(replace(frame, key=key) for frame in frames)
    path: list[tuple[Event, Label]] = []
    state = start
    for number, frame in enumerate(masked):
        unit = arriving.take(frames_in(encode(frame))[0][0])
        before = text_before(frame.opcode, state, EventKind.RECEIVE)
        event = Event(EventKind.RECEIVE, facts_of_unit(unit, before))
        if number == len(masked) - 1:
            return CaseHistory(machine.setting, event, tuple(path), start, masked)
        outcomes = machine.allowed(state, event)
        taken = [outcome for outcome in outcomes if outcome.label.kind is Kind.ACCEPT]
        outcome = taken[0] if taken else canonical(outcomes)
        path.append((event, outcome.label))
        state = outcome.state
    raise CannotBuildError("there is no frame")
