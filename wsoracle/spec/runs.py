"""The example runs of docs/spec.md: a client and a server, both the model itself, with a stream in each direction.

A run is a list of steps. Each step is judged with :func:`~wsoracle.model.machine.interpreted.allowed` when the page
is made, so that neither the sequence diagram nor the table below it can say anything that the rules do not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from wsoracle.model.machine.interpreted import Kind, allowed, canonical, forbidden_by, owed
from wsoracle.model.notation.expression import evaluate
from wsoracle.model.notation.rule import Due
from wsoracle.model.notation.variables import HANDSHAKE, Event, EventKind, FrameFacts, Setting, State, phase
from wsoracle.model.octets import utf8
from wsoracle.model.octets.vocabulary import CLOSE, CONTINUATION, DEFAULT_LIMIT, PING, PONG, TEXT, Role
from wsoracle.model.rules.closing import handshake_done

from .markdown import listed, table


class Does(Enum):
    """What an endpoint does in a step, or what happens to it. TAKE: the next thing that the peer sent arrives."""

    SEND = "sends"
    TAKE = "takes"
    CLOSE_TCP = "closes TCP"


@dataclass(frozen=True)
class Step:
    """One step of a run. ``words`` name the frame that is sent."""

    who: Role
    does: Does
    frame: FrameFacts | None = None
    words: str = ""


@dataclass(frozen=True)
class Break:
    """The connection is lost: what is under way never arrives, and each side finds the end of its stream."""


@dataclass(frozen=True)
class Told:
    """A step as it happened, ready to be shown."""

    number: int
    who: Role
    event: str
    outcome: str
    rules: tuple[str, ...]
    after: str
    arrow: bool
    takes: int | None = None
    """The number of the step whose frame this one takes."""


@dataclass
class _Side:
    setting: Setting
    state: State = field(default_factory=State)
    coming: deque[tuple[int, FrameFacts | None, str]] = field(default_factory=deque)


EOF: Final = "the end of the TCP stream"


def play(steps: tuple[Step | Break, ...]) -> list[Told]:
    """The run of the steps. Raises :class:`ValueError` for a step that the model never allows to happen at all."""
    sides = {role: _Side(Setting(role, limit=DEFAULT_LIMIT)) for role in Role}
    told: list[Told] = []
    for step in steps:
        number = len(told) + 1
        if isinstance(step, Break):
            for side in sides.values():
                side.coming = deque([(0, None, EOF)])
            continue
        side, peer = sides[step.who], sides[step.who.peer]
        event, words, takes = _event(step, side)
        before = side.state
        outcomes = allowed(before, event, side.setting, departures=True)
        if outcomes:
            chosen = canonical(outcomes)
            side.state, rules, outcome = chosen.state, (*chosen.rules, *chosen.departs_from), str(chosen.label)
            outcome += "; departs from the last rule" if chosen.departs_from else ""
        elif step.does is Does.SEND:
            # An endpoint that breaks a rule: the other side has to cope with it.
            rules, outcome = tuple(r.id for r in forbidden_by(before, event, side.setting)), "forbidden, sent anyway"
        else:
            raise ValueError(f"the model does not allow step {number}: {step}")
        arrow = step.does is not Does.TAKE
        if arrow:
            peer.coming.append((number, event.frame, step.words if step.does is Does.SEND else EOF))
        told.append(Told(number, step.who, words, outcome, rules, after_words(side.state, side.setting), arrow, takes))
    return told


def _event(step: Step, side: _Side) -> tuple[Event, str, int | None]:
    masked = step.who is Role.CLIENT
    match step.does:
        case Does.SEND:
            assert step.frame is not None
            frame = step.frame if step.words.startswith("unmasked") else step.frame._replace(masked=masked)
            return Event(EventKind.SEND, frame), f"sends {step.words}", None
        case Does.CLOSE_TCP:
            return Event(EventKind.CLOSE_TCP), "closes TCP", None
        case Does.TAKE:
            number, taken, words = side.coming.popleft()
            kind = EventKind.RECEIVE_EOF if taken is None else EventKind.RECEIVE
            event = Event(kind, taken._replace(answers=False) if taken is not None else None)
            return event, f"finds {words}" if taken is None else f"receives {words}", number


OWED: Final[Mapping[Due, str]] = {
    Due.REQUEST: "a request",
    Due.RESPONSE: "an answer",
    Due.REPLY: "the echo",
    Due.PONG: "a Pong",
    Due.CLOSE: "a Close frame",
    Due.TCP_CLOSE: "the TCP close",
}


def after_words(state: State, setting: Setting) -> str:
    """Where an endpoint stands after a step, and what it owes."""
    parts = [phase(state)]
    if parts[0] == "CONNECTING":
        parts[0] += f" ({HANDSHAKE[state.handshake]})"
    dues = list(dict.fromkeys(OWED[due] for due, _ in owed(state, setting)))
    if dues:
        parts.append(f"owes {' and '.join(dues)}")
    if not state.tcp_open:
        clean = evaluate(handshake_done, state._asdict())
        parts.append(f"{'cleanly' if clean else 'not cleanly'}, close code {state.close_code}")
    return "; ".join(parts)


# --- the runs -------------------------------------------------------------------------------------------------------

C, S = Role.CLIENT, Role.SERVER


def _close(status: int | None) -> FrameFacts:
    return FrameFacts(CLOSE) if status is None else FrameFacts(CLOSE, length=2, code=status)


def _sends(who: Role, frame: FrameFacts, words: str) -> Step:
    return Step(who, Does.SEND, frame, words)


def _sends_close(who: Role, status: int | None) -> Step:
    return _sends(who, _close(status), "Close without a body" if status is None else f"Close {status}")


def _takes(who: Role) -> Step:
    return Step(who, Does.TAKE)


def _closes(who: Role) -> Step:
    return Step(who, Does.CLOSE_TCP)


_ANSWER: Final = FrameFacts(PONG, length=2, answers=True)

RUNS: Final[dict[str, tuple[Step | Break, ...]]] = {
    "ping-inside-message": (
        _sends(C, FrameFacts(TEXT, fin=False, length=3), "text, more to come"), _takes(S),
        _sends(C, FrameFacts(PING, length=2), "Ping"), _takes(S),
        _sends(S, _ANSWER, "Pong"), _takes(C),
        _sends(C, FrameFacts(CONTINUATION, length=2), "continuation, FIN"), _takes(S),
    ),
    "client-closes": (
        _sends_close(C, 1000), _takes(S), _sends_close(S, 1000), _takes(C), _closes(S), _takes(C),
    ),
    "server-closes": (
        _sends_close(S, 1001), _takes(C), _sends_close(C, 1001), _takes(S), _closes(S), _takes(C),
    ),
    "both-close": (
        _sends_close(C, 1000), _sends_close(S, 1001), _takes(S), _takes(C), _closes(S), _takes(C),
    ),
    "client-gives-up-waiting": (
        _sends_close(C, None), _takes(S), _sends_close(S, None), _takes(C), _closes(C), _takes(S),
    ),
    "server-fails": (
        _sends(C, FrameFacts(TEXT, length=5), "unmasked text"), _takes(S), _sends_close(S, 1002), _closes(S),
        _takes(C), _sends_close(C, 1002), _takes(C),
    ),
    "client-fails": (
        _sends(S, FrameFacts(0x3), "a frame of opcode 3"), _takes(C), _sends_close(C, 1002), _takes(S),
        _sends_close(S, 1002), _takes(C), _closes(S), _takes(C),
    ),
    "loss": (
        _sends(C, FrameFacts(TEXT, fin=False, length=3), "text, more to come"), _sends_close(S, 1000), Break(),
        _takes(S), _takes(C),
    ),
}  # fmt: skip
"""The runs by name. A frame whose words begin with "unmasked" is sent as it is, others masked as the role asks."""

BAD_TEXT: Final = FrameFacts(TEXT, fin=False, masked=True, length=2, utf8_next=utf8.REJECT)


def outcomes() -> str:
    """What a server whose limit is not known may do with the first fragment of a text that is not UTF-8."""
    found = allowed(State(), Event(EventKind.RECEIVE, BAD_TEXT), Setting(Role.SERVER))
    rows = [(str(outcome.label), listed(outcome.rules), outcome.strength.value) for outcome in found]
    return table(("outcome", "allowed by", "strength"), rows)


def run(name: str) -> str:
    """A run: its sequence diagram, then its table."""
    return shown(play(RUNS[name]))


def shown(told: list[Told]) -> str:
    """Steps as they happened: a sequence diagram, then a table."""
    return f"{_diagram(told)}\n\n{_table(told)}"


def _table(told: list[Told]) -> str:
    rows = [(str(t.number), t.who.value, _linked(t), t.outcome, listed(t.rules), t.after) for t in told]
    return table(("step", "endpoint", "event", "outcome", "rules", "afterwards"), rows)


def _linked(told: Told) -> str:
    return f"{told.event} ({told.takes})" if told.takes else told.event


def _diagram(told: list[Told]) -> str:
    taken = {t.takes for t in told}
    lines = ["```mermaid", "sequenceDiagram", "    participant C as Client", "    participant S as Server"]
    for t in told:
        here, there = ("C", "S") if t.who is Role.CLIENT else ("S", "C")
        said = f"{t.number}. {t.event.removeprefix('sends ')}"
        if t.arrow:
            head, end = ("-x", " (never read)") if t.number not in taken else ("->>", "")
            lines.append(f"    {here}{'--)' if t.event == Does.CLOSE_TCP.value else head}{there}: {_plain(said)}{end}")
            lines.append(f"    Note over {here}: {_plain(t.after)}")
        else:
            decided = "" if t.outcome.startswith(Kind.ACCEPT.value) else f": {t.outcome}"
            lines.append(f"    Note over {here}: {_plain(said + decided)}<br/>{_plain(t.after)}")
    return "\n".join((*lines, "```"))


def _plain(words: str) -> str:
    """Words for a Mermaid message or note: a semicolon would end the statement, a number sign begin an entity."""
    return words.replace(";", ",").replace("#", "no. ")


__all__ = ["EOF", "OWED", "RUNS", "Break", "Does", "Step", "Told", "after_words", "play", "run", "shown"]
