"""What both ends may do next, as numbered choices: each with how much it is asked for, and the rules that say so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from wsoracle.model.facts.frames import DEFAULT_KEY
from wsoracle.model.machine.interpreted import allowed, done_by, forbidden_by, owed
from wsoracle.model.machine.words import choice_words
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts
from wsoracle.model.notation.rule import Strength
from wsoracle.model.notation.variables import NO_CODE
from wsoracle.model.octets.vocabulary import CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Role

from ..site.histories import SIDES, HistoryUnit, unit_text
from ..site.unit_words import AGREES, OFFER
from ..site.world import ExploredEnd, ExploredWorld, compressed, words_of
from ..spec.player import choice_of

MUST: Final = "must"
SHOULD: Final = "should"
MAY: Final = "may"
AGAINST: Final = "should not"
NEVER: Final = "must not"
GRADES: Final = (MUST, SHOULD, MAY, AGAINST, NEVER)

_REFUSED: Final = ResponseFacts(status=400, upgrade=0, connection=0, accept=0)
_REQUESTS: Final = (RequestFacts(), OFFER, RequestFacts(key=0), RequestFacts(version=2))
_RESPONSES: Final = (ResponseFacts(), _REFUSED, _REFUSED._replace(status=426, versions=1))


class ExploredChoice(NamedTuple):
    """Something that an end may do: the grade, in words, the action, and the ids of the rules behind it."""

    who: Role
    grade: str
    words: str
    action: str
    rules: tuple[str, ...]


def choices(world: ExploredWorld) -> list[ExploredChoice]:
    """What the ends may do, the client first; what arrives before what is sent, and what must be before what may."""
    found: list[ExploredChoice] = []
    for who in Role:
        if who is world.you:
            continue
        found += _taking(world, who)
        sent = (_sending(world, who, unit) for unit in dict.fromkeys(_palette(world, who)) if world.can_send(who, unit))
        found += sorted(sent, key=lambda one: GRADES.index(one.grade))
    return found


def _taking(world: ExploredWorld, who: Role) -> Iterator[ExploredChoice]:
    event, end, side = world.arriving(who), world.ends[who], SIDES[who]
    if event is None:
        return
    arrived = words_of(end.coming[0].unit, who.peer)
    if not world.happens(who, event):
        yield ExploredChoice(who, MAY, f"pass by {arrived}: no rule is about it now", f"{side}:take", ())
        return
    for one in allowed(end.state, event, end.setting, world.rules, departures=True):
        grade = AGAINST if one.departs_from else MAY if one.strength is Strength.MAY else MUST
        words = f"{arrived} has come: {choice_words(one.label)}"
        yield ExploredChoice(
            who, grade, words, f"{side}:take.{choice_of(one.label)}", (*one.rules, *one.departs_from)
        )  # fmt: skip


def _sending(world: ExploredWorld, who: Role, unit: HistoryUnit) -> ExploredChoice:
    grade, rules = judged(world, who, unit)
    words = "close TCP" if unit is None else f"send {words_of(unit, who)}"
    return ExploredChoice(who, grade, words, f"{SIDES[who]}:{unit_text(unit)}", rules)


def judged(world: ExploredWorld, who: Role, unit: HistoryUnit) -> tuple[str, tuple[str, ...]]:
    """What the rules say of sending a unit: the grade, and the rules behind it."""
    end, event = world.ends[who], world.sending(who, unit)
    outcomes = allowed(end.state, event, end.setting, world.rules, departures=True)
    if not outcomes:
        return NEVER, tuple(rule.id for rule in forbidden_by(end.state, event, end.setting, world.rules))
    first = outcomes[0]
    if first.departs_from:
        return AGAINST, first.departs_from
    due = [rule for what, rule in owed(end.state, end.setting, world.rules) if what is done_by(event)]
    grade = MUST if any(rule.strength is Strength.MUST for rule in due) else SHOULD if due else MAY
    return grade, (*(rule.id for rule in due), *first.rules)


def _palette(world: ExploredWorld, who: Role) -> Iterator[HistoryUnit]:
    """What is offered to be sent: what may be due, then one of each kind."""
    end, key = world.ends[who], DEFAULT_KEY if who is Role.CLIENT else None
    if end.state.handshake:
        if who is Role.SERVER and world.request.values("Sec-WebSocket-Extensions"):
            yield AGREES
        yield from _REQUESTS if who is Role.CLIENT else _RESPONSES
        yield None
        return
    yield from _due(end, key)
    yield Frame(TEXT, b"Hello", key=key)
    if end.state.send_window:
        yield Frame(TEXT, compressed(b"Hello"), rsv1=True, key=key)
    yield Frame(TEXT, b"Hel", fin=False, key=key)
    yield Frame(CONTINUATION, b"lo", key=key)
    yield Frame(PING, b"hi", key=key)
    yield Frame(CLOSE, (1000).to_bytes(2, "big"), key=key)
    yield None
    yield Frame(TEXT, b"Hello", key=None if key else DEFAULT_KEY)


def _due(end: ExploredEnd, key: bytes | None) -> Iterator[Frame]:
    state = end.state
    if state.pong_due:
        yield Frame(PONG, end.ping, key=key)
    yield from (Frame(opcode, octets, key=key) for opcode, octets in end.echoes[:1])
    if state.failed and state.fail_code:
        yield Frame(CLOSE, state.fail_code.to_bytes(2, "big"), key=key)
    if state.got_close:
        body = b"" if state.close_code == NO_CODE else state.close_code.to_bytes(2, "big")
        yield Frame(CLOSE, body, key=key)
