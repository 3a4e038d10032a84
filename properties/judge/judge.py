"""The judge: whether the rules allow what an endpoint (the SUT) was seen to do, and what they say if not.

Theory of operation. The theory is input-output conformance: everything that the endpoint does, silence included, must
be allowed after what came before. :func:`judge` looks for an explanation of the whole trace (`judge.search`): some
interleaving of what arrived and what was sent, and some choice of outcomes, that the rules allow. It looks first among
what they allow in full, then for departures from SHOULD and CONSENSUS rules, at last for the fewest steps that break a
MUST. The verdict follows from the strengths of the rules that the best explanation breaks.

A trace may begin with the opening handshake. Each explanation of it in which the handshake is complete is followed by
the judgement on the frames, from the state that was reached; of all of them the one that breaks least, before and
after, gives the verdict. What a server gets before it has answered is kept for after its 101. Only a client that did
not wait sends frames so early, and the RFC does not say what becomes of them: a server that drops them is
INFORMATIONAL. So is one that takes the body of a request for frames: RFC 6455 does not speak of bodies, however clear
HTTP is. A frame that is sent before the answer is too early, and otherwise taken as if it had been sent after it. The
body of a refusal is passed over. Under permessage-deflate frames are judged as they are once inflated. What another
extension transforms is judged only as far as all of it is allowed in full without it; otherwise the verdict is
INFORMATIONAL.

The application behind the endpoint is part of what is specified. Where it is known (`echo`, `sink`), the trace shows
all that it asks for, and the endpoint may send messages and Close only for a reason: because it was asked to, because
it echoes, because the protocol calls for it. Where it is `unknown` (recorded traffic), it may send whatever the rules
let it send.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from typing import Final, Literal, TypeAlias

from wsoracle.model.machine.compiled import machine_for
from wsoracle.model.notation.head_variables import ResponseFacts, value_of
from wsoracle.model.notation.rule import RuleSet
from wsoracle.model.notation.variables import Setting, State
from wsoracle.model.octets.http import HEAD_LIMIT, Request
from wsoracle.model.octets.units import SWITCHING
from wsoracle.model.octets.uri import WebSocketUri
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES

from .explanation import Subject
from .history import History
from .judgement import Judgement
from .observation import Crashes, Told, Trace
from .openings import Openings
from .reading_heads import TRANSFORMED
from .ruling import Ruling
from .verdict import TAKEN_BY_ALL, Profile, Verdict

Application: TypeAlias = Literal["echo", "sink", "unknown"]

Feature: TypeAlias = Literal["extension", "subprotocol"]
"""The options that the opening handshake may agree on: some extension, a subprotocol."""

EVERYTHING: Final[frozenset[Told]] = frozenset(("text", "binary", "ping", "pong", "close", "failed", "lost"))
"""All that an endpoint can tell its application."""


_OFFERED: Final = value_of("subprotocol", "offered")


def judge(
    trace: Trace | History,
    setting: Setting,
    *,
    application: Application = "unknown",
    sees: Collection[Told] = (),
    start: State | None = None,
    request: Request | None = None,
    uri: WebSocketUri | None = None,
    head_limit: int = HEAD_LIMIT,
    needs: Collection[Feature] = (),
    rules: RuleSet = RULES,
    profile: Profile = "interop",
    strictly: bool = False,
    taken_by_all: int = TAKEN_BY_ALL,
    keeps_promise: bool = False,
    acts: bool = True,
) -> Judgement:
    """Judge a trace of one endpoint, whose role, limit and application `setting` states.

    ``start`` is the state in which the trace begins: ``CONNECTING`` for one that begins with the first octet of the
    opening handshake, by default the state right after it. `sees` are the kinds of :class:`~.observation.Tells` that
    the trace is certain to show where they happen. An endpoint that states no limit is assumed to have none for
    messages of up to ``taken_by_all`` octets. In a run the application is asked to echo: with ``keeps_promise`` it is
    not assumed to close by itself before the endpoint has read what had arrived, such as a frame that it must refuse.
    Without ``acts`` it does nothing at all that it does not promise. With ``strictly`` an explanation that breaks rules
    is not looked for.

    For the opening handshake: ``request`` is one that was sent and received before the trace begins; usually the trace
    has it. ``uri`` is the URI that a client was told to open, if known. ``head_limit`` is the largest head that the
    endpoint says it takes, in octets. An endpoint that answers or ends TCP is assumed to have seen every head that had
    arrived. ``needs`` are the options of the case: an endpoint that completes the handshake without agreeing to one,
    and fails nothing, is UNIMPLEMENTED.

    The trace may be given as its history, so that a caller that needs the history too reads the trace once. ValueError
    where `application` and `setting` do not agree, or where the history begins elsewhere than `start` says.
    """
    if (application == "echo") is not setting.echo:
        raise ValueError(f"the setting says echo={setting.echo}, the application is {application!r}")
    unasked = application == "unknown"
    subject = Subject(
        setting, rules, frozenset(sees), unasked, taken_by_all, request, uri, head_limit, profile, keeps_promise, acts
    )
    ruling = Ruling(subject, application, strictly)
    role = setting.role if start is not None and start.handshake else None
    history = _history_of(trace, role)
    if role is not None:
        judgement = Openings(history, ruling).judgement()
        return _with_needs(judgement, needs)
    state = State() if start is None else start
    if state.recv_window:
        history = history.under(state, setting.limit, 0)
    return ruling.on_frames(history, history.moments, state).judgement


def _history_of(trace: Trace | History, role: Role | None) -> History:
    """The history of a trace. The observations before a crash are judged as they would be without it."""
    known = trace if isinstance(trace, History) else None
    if known is not None and known.role is not role:
        raise ValueError(f"a history for {known.role} cannot be judged as one for {role}")
    seen = trace.trace if isinstance(trace, History) else trace
    crash = next((at for at, one in enumerate(seen) if isinstance(one, Crashes)), None)
    if crash is not None:
        return History(seen[: crash + 1], role)
    return History(seen, role) if known is None else known


def _with_needs(judgement: Judgement, needs: Collection[Feature]) -> Judgement:
    missing = _not_agreed_on(judgement, needs)
    if not missing or judgement.verdict is Verdict.FAILED:
        return judgement
    note = "; ".join([f"not agreed on in the opening handshake: {', '.join(missing)}", *filter(None, [judgement.note])])
    return replace(judgement, verdict=Verdict.UNIMPLEMENTED, note=note)


def _not_agreed_on(judgement: Judgement, needs: Collection[Feature]) -> list[Feature]:
    """Those of the features that the handshake was completed without."""
    if not needs:
        return []
    heads = [step.event.head for step in judgement.steps if step.event is not None]
    answers = [head for head in heads if isinstance(head, ResponseFacts) and head.status == SWITCHING]
    if not answers:
        return []
    agreed = {"extension": answers[-1].extensions in TRANSFORMED, "subprotocol": answers[-1].subprotocol == _OFFERED}
    return [feature for feature in sorted(needs) if not agreed[feature]]


def rules_fired(judgement: Judgement, setting: Setting, rules: RuleSet = RULES) -> Counter[str]:
    """How often each rule was enabled along the explanation of a trace."""
    machine = machine_for(rules, setting)
    fired: Counter[str] = Counter()
    for step in judgement.steps:
        if step.event is not None:
            rules_here = step.rules if step.early else (r.id for r in machine.enabled(step.state, step.event))
            for rule in rules_here:
                fired[rule] += step.times
    return fired
