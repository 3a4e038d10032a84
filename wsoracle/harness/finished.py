"""A conversation that has come to its end, as data: all that judging and recording it need, for another process too."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from wsoracle.generators.live_case import LiveCase
from wsoracle.model.uri import WebSocketUri
from wsoracle.model.vocabulary import Role

from .conversation import Conversation
from .link import Entry

__all__ = ["Finished", "finished_of"]


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
