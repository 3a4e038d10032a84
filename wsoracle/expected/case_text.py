"""A case for people, and as JSON: the stimulus, frame by frame, and the expectation, with the clauses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, Final

from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.compression import FIELD
from wsoracle.generators.cases.derived import judge_only
from wsoracle.generators.cases.steps import (
    Action,
    EndpointClosesTcp,
    EndpointIsSilent,
    EndpointSends,
    EndpointSendsHead,
    SendFrame,
    SendHead,
    SendOctets,
    octets_of,
)
from wsoracle.generators.cases.words import HEAD_LINE, MANY, repetitions, told
from wsoracle.model.octets.units import shown
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES

from .expectations import expectations

SHOWN: Final = 64
"""Octets of an action that are shown in hex."""


def summary(case: Case) -> str:
    """One line for lists: id, title, the role where the case is for one alone, and its control."""
    roles = "" if len(case.roles) == len(Role) else f" [{', '.join(sorted(case.roles))}]"
    control = f" (control: {case.control})" if case.control is not None else ""
    return f"{case.id:<10} {case.title}{roles}{control}"


def case_overview(case: Case, *, whole: bool) -> dict[str, Any]:
    """A case as an object; ``whole``: with each action and what is expected of each role."""
    found: dict[str, Any] = {
        "id": case.id,
        "title": case.title,
        "group": list(case.group),
        "stimulus": case.stimulus,
        "roles": sorted(role.value for role in case.roles),
        "control": case.control,
        "opening": case.opening,
        "origin": str(case.origin) or None,
        "seconds": case.seconds,
    }
    if case.compression is not None:
        found["compression"] = {"messages": str(case.compression), "offer": case.compression.offer}
    if whole:
        found["actions"] = [
            {"what": told(action), "times": count, "octets": _size(action), "hex": _hex(action)}
            for action, count in _runs(case)
        ]
        found["expected"] = {
            role.value: [one.to_json() for one in expectations(case, role, failed=True)] for role in sorted(case.roles)
        }
    return found


def case_lines(case: Case) -> Iterator[str]:
    """A case in full, as lines of text. Octets are shown as they are without a mask."""
    yield f"{case.id}: {case.title}"
    if case.group:
        yield f"group     {': '.join(case.group)}"
    yield f"for       {' and '.join(sorted(f'{role}s' for role in case.roles))}"
    if str(case.origin):
        yield f"origin    {case.origin}"
    yield f"control   {case.control or 'none: an endpoint that passes has answered'}"
    if case.allowed:
        yield from _history(case)
        return
    yield f"at most   {case.seconds:g} s"
    if case.compression is not None:
        yield f"messages  {case.compression}"
        yield f"offered   {FIELD}: {case.compression.offer}"
    yield ""
    plain = ", before it is compressed" if case.compresses else ""
    yield f"What is sent{', from the first octet on' if case.opening else ' after the opening handshake'}{plain}:"
    for action, count in _runs(case):
        times = f"{count} times: " if count > 1 else ""
        yield f"  {times}{told(action)}"
        if isinstance(action, SendHead):
            yield from (f"    {line.decode('latin-1')!s}" for line in action.octets[:2000].splitlines())
        elif hexadecimal := _hex(action):
            yield f"    {hexadecimal}"
    yield ""
    yield from _expected(case)


def _history(case: Case) -> Iterator[str]:
    """What happens in a case that is a history, and what the rules say of its last step."""
    why = judge_only(case)
    yield f"played    {f'by no tester: {why}' if why else 'by testers'}"
    yield ""
    yield "What happens" + (", from the first octet on:" if case.opening else " after the opening handshake:")
    for step in case.steps:
        match step:
            case EndpointSends(frame=frame):
                yield f"  the endpoint sends {frame}"
            case EndpointSendsHead(octets=octets):
                yield f"  the endpoint sends the head {shown(octets.partition(HEAD_LINE)[0])}"
            case EndpointClosesTcp():
                yield "  the endpoint closes TCP"
            case EndpointIsSilent():
                yield "  the endpoint is silent"
            case _:
                yield f"  {told(step)}"
                if hexadecimal := _hex(step):
                    yield f"    {hexadecimal}"
    yield ""
    yield "What the rules say of what the endpoint does at the end:"
    named: dict[str, None] = {}
    for outcome in case.allowed:
        code = "" if outcome.code is None else f" {outcome.code}"
        yield f"  {outcome.verdict().value:<13} {outcome.reaction.value}{code}"
        yield f"{'':<16}{', '.join(outcome.rules)}"
        departs = [one.rule for one in outcome.departs_from]
        if departs:
            yield f"{'':<16}not followed: {', '.join(departs)}"
        named.update(dict.fromkeys((*outcome.rules, *departs)))
    yield ""
    yield from _clauses(named)


def _expected(case: Case) -> Iterator[str]:
    by_role = {role: expectations(case, role, failed=True) for role in sorted(case.roles)}
    alike = len({tuple((one.verdict, one.what) for one in found) for found in by_role.values()}) == 1
    named: dict[str, None] = {}
    for role, found in by_role.items():
        yield "What the rules say of each behaviour:" if alike else f"What the rules say, where a {role} does this:"
        for one in found:
            yield f"  {one.verdict.value:<13} {one.what}"
            yield f"{'':<16}{', '.join(one.rules)}"
            named.update(dict.fromkeys(one.rules))
        yield ""
        if alike:
            break
    yield from _clauses(named)


def _clauses(named: Iterable[str]) -> Iterator[str]:
    yield "Clauses:"
    for rule_id in named:
        rule = RULES.by_id[rule_id]
        yield f"  {rule_id} ({rule.strength.value}, {rule.clause}): {rule.quote}"


def _runs(case: Case) -> list[tuple[Action, int]]:
    if len(case.actions) > MANY:
        return repetitions(case.actions)
    return [(next(same), 1 + sum(1 for _ in same)) for _, same in groupby(case.actions)]


def _size(action: Action) -> int:
    if isinstance(action, SendFrame | SendOctets):
        return len(octets_of(action, None))
    return len(action.octets) if isinstance(action, SendHead) else 0


def _hex(action: Action) -> str:
    if isinstance(action, SendFrame | SendOctets):
        octets = octets_of(action, None)
        shown = octets[:SHOWN].hex(" ")
        return shown if len(octets) <= SHOWN else f"{shown} ... ({len(octets)} octets)"
    return action.octets[:SHOWN].hex(" ") if isinstance(action, SendHead) else ""
