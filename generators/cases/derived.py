"""Properties derived from the outcomes of a case, so that none can disagree with them, and sets of cases.

A case that is a history goes in: its steps, the exact octets, the outcomes that the rules allow. Further properties for
testers and readers come out: the `expected` and `expectedClose` of Autobahn, whether the case is negative, whether a
tester can carry it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from wsoracle.model.octets.vocabulary import Role

from .case import Case
from .outcome import (
    ACCEPTABLE,
    AllowedOutcome,
    Profile,
    ReactionKind,
    SeenClose,
    SeenMessage,
    SeenPong,
    Verdict,
)
from .steps import EndpointClosesTcp, EndpointIsSilent, EndpointSends, EndpointSendsHead, SendHead
from .stimulus import StreamEnd, chunk_faults, order_faults, sizes, stream_end

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+=,@~-]*(/[A-Za-z0-9][A-Za-z0-9._+=,@~-]*)+")
_CLAIMS: Final = ("rsv1", "rsv2", "rsv3")
_APPLICATIONS: Final = ("echo", "sink")
_OWN: Final = (EndpointSends, EndpointSendsHead, EndpointClosesTcp, EndpointIsSilent)


def checked(case: Case) -> Case:
    """The case, where it does not contradict itself; without chunks each step that arrives is one write.

    Raises ValueError, with the fault, for any other.
    """
    whole = case if case.chunks else replace(case, chunks=sizes(case.steps))
    for fault in _faults(whole):
        raise ValueError(f"case {case.id}: {fault}")
    return whole


def acceptable(case: Case, profile: Profile = "interop") -> tuple[AllowedOutcome, ...]:
    """The allowed outcomes that are no fault, the best verdict first."""
    good = [outcome for outcome in case.allowed if outcome.verdict(profile) in ACCEPTABLE]
    return tuple(sorted(good, key=lambda outcome: ACCEPTABLE.index(outcome.verdict(profile))))


def negative(case: Case) -> bool:
    """Whether an endpoint that ends the connection without processing anything could show what is allowed.

    Such a case proves nothing by itself: only together with its control, which the same endpoint must answer.
    """
    judged = [o for o in case.allowed if o.verdict() in (Verdict.OK, Verdict.NON_STRICT)]
    forbids = any(outcome.reaction is ReactionKind.FORBID for outcome in case.allowed)
    return forbids or any(_needs_no_processing(case, outcome) for outcome in judged)


def _needs_no_processing(case: Case, outcome: AllowedOutcome) -> bool:
    if outcome.reaction in (ReactionKind.FAIL, ReactionKind.REFUSE):
        return True
    if outcome.observable is None or outcome.stays_open:
        return False
    answered = any(isinstance(seen, SeenMessage | SeenPong) for seen in outcome.observable)
    return not answered and not (case.sends_close and outcome.reaction is ReactionKind.ACCEPT)


def judge_only(case: Case) -> str | None:
    """Why no tester can carry this case over a wire, None where one can; the judge of traces can always read it."""
    if any(isinstance(step, EndpointSends | EndpointSendsHead) and not step.prompted for step in case.steps):
        return "the endpoint's own application has to send something"
    if any(isinstance(step, EndpointClosesTcp | EndpointIsSilent) for step in case.steps) or isinstance(
        case.steps[-1], EndpointSendsHead
    ):
        return "it judges a step that the endpoint takes on its own"
    if case.role is Role.CLIENT and isinstance(case.steps[0], SendHead):
        return "a client sends its request at once, so that no answer can come before it"
    if case.claims:
        return "it needs a negotiated extension that defines " + ", ".join(case.claims)
    if not case.octets and not case.half_closes:
        return "nothing is sent to the endpoint"
    if not acceptable(case):
        return "no outcome is allowed"
    if any(outcome.observable is None for outcome in acceptable(case)):
        return "what is allowed cannot be told from outside"
    if case.switches.changes():
        return "it is about another answer to a disputed point: " + ", ".join(case.switches.changes())
    if case.limit is not None and any(_speaks_of(outcome, 1009) for outcome in case.allowed):
        return f"it needs an endpoint that refuses messages of more than {case.limit} octets"
    return None


def expected(case: Case) -> dict[str, list[list[list[Any]]]]:
    """Messages and Pongs to be received, by verdict, as in Autobahn, payloads in hex.

    Empty for a case about the opening handshake: Autobahn has no such cases.

    Autobahn has one list of events for each verdict, here there can be several. A list under a better verdict is not
    repeated under a worse one.
    """
    found: dict[str, list[list[list[Any]]]] = {}
    for outcome in () if case.opening else acceptable(case):
        if outcome.observable is not None:
            events = [_suite_event(s) for s in outcome.observable if isinstance(s, SeenMessage | SeenPong)]
            if not any(events in lists for lists in found.values()):
                found.setdefault(outcome.verdict().value, []).append(events)
    return found


def expected_close(case: Case) -> dict[str, Any] | None:
    """How the connection ends, as in Autobahn; None where no outcome is told on the wire.

    It describes the best verdict: where outcomes with that verdict differ in the side that closes, the first of them.
    """
    visible = [outcome for outcome in acceptable(case) if outcome.observable is not None]
    if case.opening or not visible:
        return None
    by_me = closed_by_me(case, visible[0])
    alike = [o for o in visible if o.verdict() is visible[0].verdict() and closed_by_me(case, o) is by_me]
    return {
        "closedByMe": by_me,
        "closeCode": sorted({code for outcome in alike for code in _codes(outcome, by_me)}),
        "requireClean": all(o.reaction is not ReactionKind.FAIL and _clean(o, by_me) for o in alike),
    }


def closed_by_me(case: Case, outcome: AllowedOutcome) -> bool:
    """Whether the peer of the endpoint (the suite) starts the closing handshake when this is the outcome.

    It does so with a Close of the stimulus; and at the end of a run, where the endpoint leaves the connection open
    and the stream is between messages.
    """
    return case.sends_close or (outcome.stays_open and stream_end(case) is StreamEnd.BETWEEN_MESSAGES)


def check_suite(cases: Iterable[Case]) -> tuple[Case, ...]:
    """The cases in the order of their ids; ValueError for no cases, a repeated id, or a control that does not fit."""
    ordered = sorted(map(checked, cases), key=lambda case: case.id)
    if not ordered:
        raise ValueError("there is no case to write: nothing was selected")
    by_id = {case.id: case for case in ordered}
    folded: dict[str, str] = {}
    for case in ordered:
        if other := folded.get(case.id.casefold()):
            raise ValueError(f"the ids {other} and {case.id} are too alike: some file systems do not tell them apart")
        folded[case.id.casefold()] = case.id
        if case.control is None:
            continue
        control = by_id.get(case.control)
        if control is None:
            raise ValueError(f"case {case.id}: its control {case.control} is not among the cases")
        if negative(control) or control.role is not case.role or control.application != case.application:
            raise ValueError(
                f"case {case.id}: its control {case.control} must be positive, for the same role and application"
            )
    return tuple(ordered)


def with_controls(selected: Iterable[Case], cases: Iterable[Case]) -> tuple[Case, ...]:
    """The selected cases and their controls out of all cases, in the order of their ids."""
    by_id = {case.id: case for case in cases}
    wanted = {case.id: case for case in selected}
    controls = {c.control: by_id[c.control] for c in wanted.values() if c.control is not None and c.control in by_id}
    return tuple(sorted({**controls, **wanted}.values(), key=lambda case: case.id))


# --- checks and derivations


def _faults(case: Case) -> Iterator[str]:
    if not _ID.fullmatch(case.id):
        yield "an id is made of names with a slash between them, such as witness/5.2/reserved-bits/server"
    if not case.title or not case.title.isprintable():
        yield "a title is one line"
    if case.application not in _APPLICATIONS:
        yield f"there is no application {case.application!r}: there are {', '.join(_APPLICATIONS)}"
    if case.limit is not None and case.limit < 0:
        yield f"a limit is a number of octets, not {case.limit}"
    if any(claim not in _CLAIMS for claim in case.claims) or len(set(case.claims)) != len(case.claims):
        yield f"claims are some of {', '.join(_CLAIMS)}, each once"
    if not case.steps:
        yield "there are no steps"
    if not case.opening and any(isinstance(step, SendHead | EndpointSendsHead) for step in case.steps):
        yield "a head of HTTP belongs to a case that begins before the opening handshake"
    if not case.allowed:
        yield "no outcome is given (for a step that no rule allows: one that forbids it)"
    yield from order_faults(case.steps)
    yield from chunk_faults(case.steps, case.chunks)
    own = bool(case.steps) and isinstance(case.steps[-1], _OWN)
    judging = [outcome.reaction in (ReactionKind.PERMIT, ReactionKind.FORBID) for outcome in case.allowed]
    if any(judged is not own for judged in judging):
        yield "permit and forbid are for a last step that the endpoint takes itself, the other reactions for an input"
    if ReactionKind.FORBID in (o.reaction for o in case.allowed) and len(case.allowed) > 1:
        yield "where the last step is forbidden nothing else is allowed"
    if negative(case) and case.control is None:
        yield "a negative case names its positive control"
    if case.control is not None and not negative(case):
        yield "only a negative case has a control"
    if case.sends_close and any(outcome.stays_open for outcome in acceptable(case)):
        yield "a Close arrives, so that no outcome leaves the connection open and silent"


def _speaks_of(outcome: AllowedOutcome, code: int) -> bool:
    """The outcome is to fail with this code, or the code was sent before."""
    return outcome.code == code or SeenClose(code) in (outcome.observable or ())


def _suite_event(seen: SeenMessage | SeenPong) -> list[Any]:
    if isinstance(seen, SeenPong):
        return ["pong", seen.payload.hex()]
    return ["message", seen.payload.hex(), seen.binary]


def _codes(outcome: AllowedOutcome, by_me: bool) -> list[int]:
    if outcome.stays_open:
        return [1000] if by_me else []
    return [s.code for s in outcome.observable or () if isinstance(s, SeenClose) and isinstance(s.code, int)]


def _clean(outcome: AllowedOutcome, by_me: bool) -> bool:
    return by_me if outcome.stays_open else any(isinstance(seen, SeenClose) for seen in outcome.observable or ())
