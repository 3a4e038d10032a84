"""A conversation that has come to its end, as data: all that judging and recording it need, for another process too."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from wsoracle.generators.cases.live_case import LiveCase
from wsoracle.model.octets.uri import WebSocketUri
from wsoracle.model.octets.vocabulary import Role

from .log_entry import Entry

if TYPE_CHECKING:
    from .conversation import Conversation

__all__ = ["Facts", "Finished", "finished_of"]


class Finished(NamedTuple):
    """The attributes of a :class:`Conversation` of the same names, and what happened on its link."""

    case: LiveCase
    role: Role
    uri: WebSocketUri | None
    log: list[Entry]
    closed_by_peer: bool
    opened: bool
    broken_off: bool
    notes: list[str]
    sent_close: bytes | None
    first_close: Role | None
    sent_frames: Counter[int]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a record needs besides the conversation and the judgement on it.

    `number` is the place of the case in its run, from 1; `duration` in seconds; `counts` is False where the control of
    the case is known not to be answered; `facts` are shown as they are.
    """

    agent: str
    number: int
    started: datetime
    duration: float
    url: str | None
    seed: int
    counts: bool = True
    facts: dict[str, str] = field(default_factory=dict)


def finished_of(talk: Conversation) -> Finished:
    """What is kept of a conversation."""
    return Finished(
        talk.case,
        talk.role,
        talk.uri,
        talk.link.log,
        talk.link.closed_by_peer,
        talk.opened,
        talk.broken_off,
        talk.notes,
        talk.sent_close,
        talk.first_close,
        talk.sent_frames,
    )
