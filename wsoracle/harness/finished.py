"""What a case of a run was like, and what came of it: what the order of a run goes by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.steps import SendFrame
from wsoracle.model.octets.http import ParsedHead, Response
from wsoracle.model.octets.vocabulary import TEXT

from ..reports.stored_record import CaseSummary
from .conversation import Conversation
from .judging_pool import MANY_ACTIONS

HEAVY: Final = 1 << 16
"""Octets of payloads from which on a case runs last and alone; so does one of many actions."""

_BUSY: Final = (429, 503)

Outcome = tuple[object, ...]
"""What came of a case, so far as it is compared when the case is asked again."""


@dataclass(frozen=True)
class Finished:
    """A case with what came of it. `unanswered`: it is a control that was not answered. `beside_others`: they may be
    why."""

    case: Case
    summary: CaseSummary
    unanswered: bool
    beside_others: bool

    @property
    def outcome(self) -> Outcome:
        return self.case.opening, self.summary.verdict, *self.summary.rule_ids


def is_heavy(case: Case) -> bool:
    """Whether a case runs last and alone, since it may make others slow."""
    return case.size >= HEAVY or len(case.actions) > MANY_ACTIONS


def asks_nothing_aloud(case: Case) -> bool:
    """False for a case that is answered with a text of ASCII that is not empty: a question for the beginning."""
    sent = next((action for action in case.actions if isinstance(action, SendFrame)), None)
    if sent is None or not sent.size or case.opening or case.control is not None:
        return True
    return sent.frame.opcode != TEXT or not sent.frame.fin or not sent.frame.payload.isascii()


def was_refused(talk: Conversation) -> bool:
    """Whether the server had no time for a connection: it said nothing, or that it is busy."""
    if talk.case.opening:
        return False
    head = talk.answer
    busy = isinstance(head, ParsedHead) and isinstance(head.head, Response) and head.head.status in _BUSY
    return busy or not talk.connection.received


def in_doubt(talk: Conversation) -> bool:
    """Whether others may be what a conversation failed by: it ended in silence, or before the server said anything."""
    return talk.silent or talk.timed_out or talk.not_run or not talk.connection.received or was_refused(talk)


def server_field(talk: Conversation) -> str:
    """The server's name for itself, in its answer."""
    head = talk.answer
    if isinstance(head, ParsedHead) and isinstance(head.head, Response):
        return " ".join(head.head.values("Server")).strip()
    return ""
