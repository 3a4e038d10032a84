"""A conversation that has come to its end, as data: all that is needed to judge and record it in another process."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, NamedTuple

from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.compression import Agreement
from wsoracle.model.octets.uri import WebSocketUri
from wsoracle.model.octets.vocabulary import Role

BARRIER: Final = b"wsoracle: are you there?"
"""The payload of the tester's own Pings."""

EntryKind = Literal[
    "sent",
    "received",
    "closed by peer",
    "reset by peer",
    "closed by us",
    "ended by us",
    "reset by us",
    "silence",
    "note",
]


class LogEntry(NamedTuple):
    """Something that happened, `at` seconds after the beginning of the connection.

    Octets may have been sent in several writes of at most `chop` octets each, with nothing else between them.
    """

    at: float
    kind: EntryKind
    octets: bytes = b""
    words: str = ""
    chop: int | None = None


class Transcript(NamedTuple):
    """A conversation as data: attributes of a :class:`~wsoracle.harness.conversation.Conversation` and of its
    connection.

    `sent_close` is the payload of the tester's Close, `sent_frames` counts its whole frames by opcode, `left` the steps
    that were not done, `unanswered` how many messages fewer came than an echo sends, and `echoes` how many of those
    came. `died`: the endpoint did. `agreed` is what was agreed on for compressed messages, None where nothing was;
    `lacks_extension`: so that the case tested nothing.
    """

    case: Case
    role: Role
    uri: WebSocketUri | None
    log: list[LogEntry]
    closed_by_peer: bool
    opened: bool
    broken_off: bool
    notes: list[str]
    sent_close: bytes | None
    first_close: Role | None
    sent_frames: Counter[int]
    left: int = 0
    unanswered: int = 0
    echoes: int = 0
    not_run: bool = False
    died: bool = False
    agreed: Agreement | None = None
    lacks_extension: bool = False

    def without_judgement(self, why: str) -> Transcript:
        """The conversation as one that is not judged, and so NOT RUN."""
        return self._replace(not_run=True, broken_off=True, notes=[*self.notes, why])


@dataclass(frozen=True, slots=True)
class RunFacts:
    """All that a record needs besides the conversation and the judgement on it.

    `number` is the place of the case in its run, from 1; `duration` in seconds; `counts` is False where the control of
    the case is known not to be answered; `facts` are shown as they are. `again` is the command that shows this case
    again, where it is not the one of its role.
    """

    agent: str
    number: int
    started: datetime
    duration: float
    url: str | None
    seed: int
    counts: bool = True
    facts: dict[str, str] = field(default_factory=dict)
    again: str = ""
