"""A server that died: the cases that may have brought that about, and the words for it.

Theory of operation. A server that refuses connections after it has answered some has died, unless it listens again
soon. The cases that ran when that was noticed are suspects, and so are those that ended shortly before without a Close.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from .conversation import Conversation

MOST_DEATHS: Final = 20
"""Deaths of a server that is started again; after that the rest is not run."""

_SHORTLY: Final = 2.0
_KEPT: Final = 32

Ended = tuple[float, Conversation]


class Suspects:
    """The conversations that may have killed the server."""

    def __init__(self) -> None:
        self._running: Final[set[Conversation]] = set()
        self._ended: Final[deque[Ended]] = deque(maxlen=_KEPT)

    def begin(self, talk: Conversation) -> None:
        """A conversation begins."""
        self._running.add(talk)

    def end(self, talk: Conversation, now: float) -> None:
        """It has ended."""
        self._running.discard(talk)
        self._ended.append((now, talk))

    def at(self, now: float) -> tuple[Conversation, ...]:
        """Those at a time, the latest last: at least the last one of all."""
        lately = [talk for at, talk in self._ended if now - at < _SHORTLY and ended_abruptly(talk)]
        found = [*lately, *self._running]
        return tuple(found or [talk for _, talk in self._ended][-1:])

    def forget(self) -> None:
        """The server was started again."""
        self._ended.clear()


def ended_abruptly(talk: Conversation) -> bool:
    """Whether the server ended TCP without a Close."""
    connection = talk.connection
    return connection.reset_by_peer or (connection.closed_by_peer and connection.units.close is None)


def named(talks: Sequence[Conversation]) -> str:
    """The cases in words."""
    ids = [talk.case.id for talk in talks]
    return ids[0] if len(ids) == 1 else f"one of {', '.join(ids)}"


DIED_HERE: Final = "the server died in this case: it takes no connection any more"


def not_run(talks: Sequence[Conversation]) -> str:
    """Why a case was not run."""
    return f"not run: the server died at or after {named(talks)}: it takes no connection any more"
